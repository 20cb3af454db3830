//! Sessions that hold a statement up in one of its phases.

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::process::Child;

use super::bed::{Bed, execute};
use super::proxy::Proxy;

/// A phase: what another session does to hold it, and how the catalog shows it.
pub(crate) struct Phase {
    pub(crate) name: &'static str,
    /// Said in a transaction that stays open.
    pub(crate) hold: &'static str,
    /// A query for a boolean.
    pub(crate) is_reached: String,
}

impl Phase {
    pub(crate) fn new(name: &'static str, hold: &'static str, is_reached: &str) -> Self {
        Self { name, hold, is_reached: is_reached.to_owned() }
    }

    /// One in which the server waits until other transactions end. It notes whose end it waits for before it
    /// waits; who comes later belongs to the next phase.
    pub(crate) fn of_waiting(name: &'static str, hold: &'static str, is_so: &str) -> Self {
        let waits = "EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'virtualxid' \
                     AND application_name LIKE 'limbeck %')";
        Self { name, hold, is_reached: format!("SELECT {waits} AND EXISTS ({is_so})") }
    }

    /// A phase that the server itself names.
    pub(crate) fn of_progress(name: &'static str, hold: &'static str) -> Self {
        let is_so = format!(
            "SELECT FROM pg_stat_progress_create_index WHERE phase = '{name}' AND datname = current_database()"
        );
        Self::of_waiting(name, hold, &is_so)
    }
}

/// A run that is held up, by whom.
pub(crate) struct Held {
    pub(crate) limbeck: Child,
    holder: PgConnection,
}

impl Held {
    /// Begins a run, and leads it into the last of these phases: each next one's holder is there before the
    /// one's before it goes. A wait inside the server is for those who were there when it began.
    pub(crate) async fn begin(bed: &mut Bed, proxy: &Proxy, phases: &[Phase]) -> Self {
        let (first, others) = phases.split_first().unwrap();
        let mut holder = hold(bed, first).await;
        let limbeck = bed.begin(proxy);
        bed.until(&first.is_reached).await;
        for phase in others {
            let next = hold(bed, phase).await;
            holder.close().await.unwrap();
            holder = next;
            bed.until(&phase.is_reached).await;
        }
        Self { limbeck, holder }
    }

    /// Lets the statement go on; the result is limbeck, under way or dead.
    pub(crate) async fn release(self) -> Child {
        // After a crash of the server it has gone already.
        let _ = self.holder.close().await;
        self.limbeck
    }
}

async fn hold(bed: &Bed, phase: &Phase) -> PgConnection {
    let mut connection = bed.session().await;
    execute(&mut connection, phase.hold).await;
    connection
}
