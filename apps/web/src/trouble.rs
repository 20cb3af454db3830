//! What keeps the page from being shown, in words, each with its way out.

use axum::http::StatusCode;

use crate::answer::Problem;
use crate::text::clip;

/// Why the adapter's state is not known.
#[derive(Debug, Clone)]
pub(crate) enum Trouble {
    /// This program has no admin key.
    NoKey,
    /// The adapter has another one.
    WrongKey(Problem),
    /// The adapter has none.
    AdminOff(Problem),
    /// No connection.
    Unreachable(String),
    /// A connection, and no answer in time.
    Silent,
    /// The adapter says that it cannot.
    Failing { status: StatusCode, problem: Problem },
    /// Something that the adapter would not say.
    Garbage(String),
}

impl Trouble {
    /// Names what a request failed of.
    pub(crate) fn of(error: reqwest::Error) -> Self {
        match error {
            error if error.is_connect() && error.is_timeout() => {
                Self::Unreachable("no connection came about in time".to_owned())
            }
            error if error.is_timeout() => Self::Silent,
            error => Self::Unreachable(cause(&error)),
        }
    }

    /// 502: nothing sensible came from the adapter. 503: it works, and something must be put in order first.
    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Unreachable(_) | Self::Silent | Self::Garbage(_) => StatusCode::BAD_GATEWAY,
            Self::NoKey | Self::WrongKey(_) | Self::AdminOff(_) | Self::Failing { .. } => {
                StatusCode::SERVICE_UNAVAILABLE
            }
        }
    }

    /// The state in one sentence.
    pub(crate) fn sentence(&self) -> &'static str {
        match self {
            Self::NoKey => "This page has no admin key, so the adapter tells it nothing.",
            Self::WrongKey(_) => "The adapter refuses this page’s admin key.",
            Self::AdminOff(_) => "The adapter’s admin API is off.",
            Self::Unreachable(_) => "The adapter cannot be reached.",
            Self::Silent => "The adapter does not answer in time.",
            Self::Failing { .. } => "The adapter cannot say how the migrations stand.",
            Self::Garbage(_) => "What answers is not the adapter, or not one that this page understands.",
        }
    }

    /// What was seen.
    pub(crate) fn seen(&self) -> String {
        match self {
            Self::NoKey => "ADMIN_API_KEY is not set for this program.".to_owned(),
            Self::WrongKey(problem) | Self::AdminOff(problem) => words(problem),
            Self::Unreachable(why) => format!("{}.", clip(why)),
            Self::Silent => "A connection was made, and no answer came within eight seconds.".to_owned(),
            Self::Failing { status, problem } => format!("It answered {status}. {}", words(problem)),
            Self::Garbage(what) => format!("Instead of an answer there was: {}.", clip(what)),
        }
    }

    /// What to do about it.
    pub(crate) fn way_out(&self) -> &'static str {
        match self {
            Self::NoKey => "Set ADMIN_API_KEY to the adapter’s, and start this program again.",
            Self::WrongKey(_) => {
                "ADMIN_API_KEY must be the same for the adapter and for this program; start the one again that was changed."
            }
            Self::AdminOff(_) => {
                "Set ADMIN_API_KEY for the adapter, the same as here, and start the adapter again."
            }
            Self::Unreachable(_) => {
                "Is the adapter running, and is ADAPTER_URL its address? The adapter starts to listen only when its \
                 migrations are done: a long or failed one is in its log."
            }
            Self::Silent => "The adapter’s log says what it waits for; often that is the database.",
            Self::Failing { .. } => {
                "Most often the database is down or cannot be reached from the adapter: the parts below and the \
                 adapter’s log say more."
            }
            Self::Garbage(_) => {
                "Is ADAPTER_URL the adapter’s address, and is the adapter of the same release as this page?"
            }
        }
    }
}

/// What the adapter itself says.
fn words(problem: &Problem) -> String {
    let Problem { title, detail, correlation_id, .. } = problem;
    let said = match (title.trim(), detail.trim()) {
        ("", "") => "It gave no reason".to_owned(),
        (title, "") => format!("It says: {}", clip(title)),
        ("", detail) => format!("It says: {}", clip(detail)),
        (title, detail) => format!("It says: {}: {}", clip(title), clip(detail)),
    };
    let end = if said.ends_with(['.', '!', '?', '…']) { "" } else { "." };
    match correlation_id.trim() {
        "" => format!("{said}{end}"),
        id => format!("{said}{end} Its log has more under {}.", clip(id)),
    }
}

/// The innermost reason, without the address.
pub(crate) fn cause(error: &(dyn std::error::Error + 'static)) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
