//! An action from its request to the end of its log entry: two transactions, with the provider's call in between, when
//! no connection is held.

use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use limbeck::Enum as _;
use serde_json::value::{RawValue, to_raw_value};
use uuid::Uuid;

use super::provider::{Call, ECHO, Echo, Provider};
use super::run::{self, Limits, Progress};
use super::store::{self, Beginning, Entry};
use crate::auth::TenantAuth;
use crate::db::Transaction;
use crate::idempotency::{Ticket, finish};
use crate::models::ActionStatus;
use crate::options::Environment;
use crate::problem::{Kind, Problem};
use crate::state::App;

/// What an action leaves of the time limit of its request, to write down its end.
const MARGIN: Duration = Duration::from_secs(1);

/// How often its end is written while the database is away, and the pause after each try.
const TRIES: u32 = 5;
const PAUSE: Duration = Duration::from_millis(500);

/// What comes of a request for an action.
pub(crate) enum Outcome {
    /// The answer. Whether the action went well is in its body; or it is one of an earlier request.
    Answer(Response),
    /// It cannot be carried out.
    Refused(Problem),
}

/// What the first transaction finds.
enum Begun {
    Now(Provider, DateTime<Utc>),
    Not(Outcome),
}

/// Carries an action out. This goes on when the client hangs up: run it as a task.
///
/// # Errors
///
/// 503 without a database.
pub(crate) async fn carry_out(
    app: &App,
    who: &TenantAuth,
    new: Beginning,
    ticket: Option<&Ticket>,
) -> Result<Outcome, Problem> {
    let (provider, at) = match begin(app, who, &new, ticket).await? {
        Begun::Now(provider, at) => (provider, at),
        Begun::Not(outcome) => return Ok(outcome),
    };
    let call = Call {
        action_id: new.id,
        action_type: new.action_type.value(),
        payload: &new.payload,
        metadata: new.metadata.as_deref(),
    };
    let mut noting = Noting { app, who, id: new.id };
    let ended = run::run(&provider, &app.providers, &call, limits(app), &mut noting).await;
    let entry = store::ended(new, at, ended);
    let body = to_raw_value(&entry).map_err(unforeseen)?;
    end(app, who, &entry, &body, ticket).await?;
    Ok(Outcome::Answer(created(&body)))
}

fn limits(app: &App) -> Limits {
    let options = &app.options.actions;
    let total = app.options.request_timeout;
    Limits {
        attempts: options.provider_attempts,
        attempt: options.provider_timeout,
        total: total.saturating_sub(MARGIN).max(total / 2),
    }
}

fn created(body: &RawValue) -> Response {
    (StatusCode::CREATED, [(header::CONTENT_TYPE, "application/json")], body.get().to_owned()).into_response()
}

/// The provider, the key and the entry, in one transaction.
async fn begin(
    app: &App,
    who: &TenantAuth,
    new: &Beginning,
    ticket: Option<&Ticket>,
) -> Result<Begun, Problem> {
    app.db
        .tenant(who, |mut transaction| async move {
            let begun = match choose(app, new, &mut transaction).await? {
                Ok(provider) => begin_with(provider, new, ticket, &mut transaction).await?,
                Err(why) => Begun::Not(Outcome::Refused(Problem::field("provider", why))),
            };
            transaction.commit(begun).await
        })
        .await
}

/// The tenant's provider, or why there is none. For `echo` in development nobody needs to look.
async fn choose(
    app: &App,
    new: &Beginning,
    transaction: &mut Transaction,
) -> sqlx::Result<Result<Provider, String>> {
    let echo = match app.options.environment {
        Environment::Development => Echo::Always,
        Environment::Production => Echo::Configured,
    };
    let config = match (new.provider == ECHO, echo) {
        (true, Echo::Always) => None,
        _ => store::provider_config(transaction, new.tenant, &new.provider).await?,
    };
    Ok(Provider::choose(&new.provider, config.as_ref(), echo))
}

async fn begin_with(
    provider: Provider,
    new: &Beginning,
    ticket: Option<&Ticket>,
    transaction: &mut Transaction,
) -> Result<Begun, Problem> {
    let Some(ticket) = ticket else {
        return Ok(Begun::Now(provider, store::begin(transaction, new).await?));
    };
    Ok(match store::begin_with_key(transaction, new, ticket).await?.mine() {
        Ok(at) => Begun::Now(provider, at),
        Err(answer) => Begun::Not(Outcome::Answer(answer)),
    })
}

/// Writes the end down. What has been done at the provider must not be lost because the database is away for a moment.
async fn end(
    app: &App,
    who: &TenantAuth,
    entry: &Entry,
    body: &RawValue,
    ticket: Option<&Ticket>,
) -> Result<(), Problem> {
    let mut tried = 1;
    loop {
        match write_end(app, who, entry, body, ticket).await {
            Ok(()) => return Ok(()),
            Err(why) if tried < TRIES && why.status() == StatusCode::SERVICE_UNAVAILABLE => {
                tokio::time::sleep(PAUSE).await;
                tried += 1;
            }
            Err(why) => {
                let (action, status, cause) = (entry.id.to_string(), &entry.status, why.cause());
                tracing::error!(action, status, cause, "the end of an action could not be written down");
                return Err(why);
            }
        }
    }
}

/// The end of the entry and the answer of the key, in one transaction.
async fn write_end(
    app: &App,
    who: &TenantAuth,
    entry: &Entry,
    body: &RawValue,
    ticket: Option<&Ticket>,
) -> Result<(), Problem> {
    let kept = ticket.map(|ticket| store::Kept {
        ticket: ticket.id,
        status: i32::from(StatusCode::CREATED.as_u16()),
        body,
        ttl: app.options.actions.idempotency_ttl,
    });
    let kept = kept.as_ref();
    finish(app, who, |mut transaction| async move {
        match kept {
            Some(kept) => store::end_with_key(&mut transaction, entry, kept).await?,
            None => store::end(&mut transaction, entry).await?,
        }
        transaction.commit(()).await
    })
    .await
}

/// Lets those who look at the log see where an action stands.
struct Noting<'a> {
    app: &'a App,
    who: &'a TenantAuth,
    id: Uuid,
}

impl Progress for Noting<'_> {
    /// The action goes on if this fails: its end is what matters.
    async fn note(&mut self, status: ActionStatus, why: &str) {
        let id = self.id;
        let noted = finish(self.app, self.who, |mut transaction| async move {
            store::note(&mut transaction, id, status, why).await?;
            transaction.commit(()).await
        });
        if let Err(problem) = noted.await {
            tracing::debug!(cause = problem.cause(), "where an action stands was not noted");
        }
    }
}

/// What no request can cause.
pub(crate) fn unforeseen(why: impl ToString) -> Problem {
    Problem::new(Kind::Internal, "the action ended in an unforeseen way; the service's log has the reason")
        .because(why)
}
