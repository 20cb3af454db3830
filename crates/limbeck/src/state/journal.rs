//! The journal: what ran, when, by whom, with which file; and how far an unfinished revision came.
//!
//! It is a table in a schema of its own. The version table's rows are the truth: an entry that they
//! contradict is void.

use std::borrow::Cow;
use std::collections::HashMap;
use std::time::Duration;

use limbeck_core::plan::Direction;
use limbeck_core::revision::{Downgrade, Revision, RevisionId};
use limbeck_core::sql::Checksum;

use super::lock;
use super::version_table::VersionTable;
use crate::quote::{ident, literal, literal_or_null, text_array};

/// The journal's format, in every row. A newer limbeck reads older rows as they were written; an older
/// one refuses rows above its own number.
///
/// Format 2 added `catalog`, `batch_rows` and `note`; a table of format 1 gets these columns before the first
/// row of format 2 is written (`Journal::widen`).
pub const FORMAT: i16 = 2;

/// How many columns the table has. One with fewer is of an older format.
pub(crate) const WIDTH: i16 = 24;

/// What an entry says was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deed {
    Upgrade,
    Downgrade,
    /// `stamp` counted the revision as applied.
    Stamp,
    /// `stamp` counted the revision as not applied.
    Unstamp,
    /// `repair` accepted the applied revision's file as it is by now.
    Repair,
}

impl Deed {
    fn as_str(self) -> &'static str {
        match self {
            Self::Upgrade => "upgrade",
            Self::Downgrade => "downgrade",
            Self::Stamp => "stamp",
            Self::Unstamp => "unstamp",
            Self::Repair => "repair",
        }
    }
}

impl From<Direction> for Deed {
    fn from(direction: Direction) -> Self {
        match direction {
            Direction::Upgrade => Self::Upgrade,
            Direction::Downgrade => Self::Downgrade,
        }
    }
}

/// The journal's table, and the version table that its entries are about.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    pub(crate) schema: String,
    pub(crate) versions: VersionTable,
    /// `limbeck <version> on <host>`, for the `client` column.
    pub(crate) client: String,
}

/// The prepared statement of [`Journal::execute_done`].
const PREPARED: &str = "limbeck_done";

/// One entry's row set: the columns that say what the revision is.
const COLUMNS: &str = "format, version_table, revision, direction, state, parents, depends_on, message, \
                       checksum, downgrade_checksum, downgrade, segments, segment, client, started_at, \
                       finished_at, version_rows";

impl Journal {
    pub(crate) fn quoted(&self) -> String {
        format!("{}.journal", ident(&self.schema))
    }

    /// The statements that create schema and table where they are missing.
    pub(crate) fn create(&self) -> [String; 3] {
        let (schema, table) = (ident(&self.schema), self.quoted());
        [
            // Runs for two version tables share the journal but not the migration lock, and IF NOT EXISTS is
            // no protection against another who creates it at this moment. Whoever may not create schemas
            // may still use one.
            format!(
                "DO $limbeck$ BEGIN\n    PERFORM pg_advisory_xact_lock({});\n    IF to_regnamespace({}) IS NULL THEN\n        CREATE SCHEMA {schema};\n    END IF;\nEND $limbeck$",
                self.setup_key(),
                literal(&schema)
            ),
            format!(
                "CREATE TABLE IF NOT EXISTS {table} (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    format smallint NOT NULL,
    version_table text NOT NULL,
    revision text NOT NULL,
    direction text NOT NULL,
    state text NOT NULL,
    parents text[] NOT NULL,
    depends_on text[] NOT NULL,
    message text NOT NULL,
    checksum text,
    downgrade_checksum text,
    downgrade text,
    segments integer NOT NULL,
    segment integer NOT NULL,
    intent text,
    committed_checksum text,
    version_rows text[],
    started_at timestamptz NOT NULL,
    finished_at timestamptz,
    database_user text NOT NULL DEFAULT session_user,
    client text NOT NULL,
    catalog text,
    batch_rows bigint,
    note text
)"
            ),
            format!(
                "CREATE UNIQUE INDEX IF NOT EXISTS journal_running ON {table} (version_table) WHERE state = 'running'"
            ),
        ]
    }

    /// The statement that adds the columns which a table of an older format lacks.
    pub(crate) fn widen(&self) -> String {
        let table = self.quoted();
        format!(
            "DO $limbeck$ BEGIN\n    IF (SELECT relnatts FROM pg_catalog.pg_class WHERE oid = {}::regclass) < {WIDTH} THEN\n        \
             ALTER TABLE {table} ADD COLUMN IF NOT EXISTS catalog text, ADD COLUMN IF NOT EXISTS batch_rows bigint, \
             ADD COLUMN IF NOT EXISTS note text;\n    END IF;\nEND $limbeck$",
            literal(&table)
        )
    }

    /// The key of the lock under which the journal is created.
    fn setup_key(&self) -> i64 {
        lock::hashed(&format!("limbeck:journal:1:{}", self.schema))
    }

    /// The entry of a revision that is done in this very transaction. Its statement also checks that
    /// the version rows are what they must be by now, and fails where somebody else changed them.
    pub(crate) fn insert_done(&self, entry: &Entry<'_>, rows: &[RevisionId]) -> String {
        self.insert_noted(entry, rows, None)
    }

    /// The same, with an operator's reason.
    pub(crate) fn insert_noted(&self, entry: &Entry<'_>, rows: &[RevisionId], note: Option<&str>) -> String {
        let (column, note) =
            note.map_or_else(Default::default, |note| (", note", format!(", {}", literal(note))));
        format!(
            "INSERT INTO {} ({COLUMNS}{column})\nSELECT {}, {}, {}, clock_timestamp(), {}{note}\nFROM {}",
            self.quoted(),
            self.values(entry, "done", entry.segments),
            literal(&self.client),
            entry.started,
            checked_rows(rows, "actual.now"),
            self.actual_rows(),
        )
    }

    /// The statements that make ready [`Journal::execute_done`] in this session: PostgreSQL then parses and plans
    /// the entry once, which is most of what an entry costs. A revision may have done away with what was ready.
    pub(crate) fn prepare_done(&self) -> [String; 2] {
        let prepare = format!(
            "PREPARE {PREPARED} (text, text, text[], text[], text, text, text, text, timestamptz, text[]) AS\nINSERT INTO {} \
             ({COLUMNS})\nSELECT {FORMAT}, {}, $1, $2, 'done', $3, $4, $5, $6, $7, $8, 1, 1, {}, $9, clock_timestamp(), {}\n\
             FROM {}",
            self.quoted(),
            literal(&self.versions.key()),
            literal(&self.client),
            checked("$10", "actual.now"),
            self.actual_rows(),
        );
        // It may be there from a try before this one.
        ["DEALLOCATE ALL".to_owned(), prepare]
    }

    /// [`Journal::insert_done`] for a revision of one segment, where it is ready.
    pub(crate) fn execute_done(&self, entry: &Entry<'_>, rows: &[RevisionId]) -> String {
        let header = entry.revision.header();
        let [checksum, downgrade_checksum, downgrade] = entry.what_was_applied();
        format!(
            "EXECUTE {PREPARED} ({}, '{}', {}, {}, {}, {checksum}, {downgrade_checksum}, {downgrade}, {}, {})",
            literal(header.id.value.as_str()),
            entry.deed.as_str(),
            text_array(header.down_revision.iter().map(|parent| parent.value.as_str())),
            text_array(entry.depends_on.iter().map(RevisionId::as_str)),
            literal(&header.message),
            entry.started,
            text_array(rows.iter().map(RevisionId::as_str)),
        )
    }

    /// The entry of a revision of several segments, before the first one commits; an entry that committed
    /// nothing begins anew. It checks that the version rows are still those of `before`.
    pub(crate) fn insert_running(&self, entry: &Entry<'_>, before: &[RevisionId]) -> String {
        format!(
            "INSERT INTO {} ({COLUMNS})\nSELECT {}, {}, {}, NULL, {}\nFROM {}\nON CONFLICT (version_table) \
             WHERE state = 'running' DO UPDATE SET segments = EXCLUDED.segments, started_at = EXCLUDED.started_at",
            self.quoted(),
            self.values(entry, "running", 0),
            literal(&self.client),
            entry.started,
            checked_rows(before, "NULL"),
            self.actual_rows(),
        )
    }

    /// Notes how many segments are committed, with their checksum.
    pub(crate) fn note_progress(&self, committed: usize, checksum: Option<&Checksum>) -> String {
        format!(
            "UPDATE {} SET segment = {committed}, intent = NULL, catalog = NULL, batch_rows = NULL, \
             committed_checksum = {} WHERE {}",
            self.quoted(),
            literal_or_null(checksum.map(ToString::to_string).as_deref()),
            self.is_running()
        )
    }

    /// Notes the statement that is about to run outside a transaction, with what the catalog says of its
    /// objects (an SQL expression of type `jsonb`).
    pub(crate) fn note_intent(&self, intent: &str, catalog: Option<&str>) -> String {
        let catalog = catalog.map_or_else(|| "NULL".to_owned(), |catalog| format!("({catalog})::text"));
        format!(
            "UPDATE {} SET intent = {}, catalog = {catalog} WHERE {}",
            self.quoted(),
            literal(intent),
            self.is_running()
        )
    }

    /// Notes that no statement's outcome is open.
    pub(crate) fn forget_intent(&self) -> String {
        format!("UPDATE {} SET intent = NULL, catalog = NULL WHERE {}", self.quoted(), self.is_running())
    }

    /// Notes what an operator says of the statement whose outcome is open. Nothing happens where another
    /// statement, or none, is open by now.
    pub(crate) fn note_verdict(&self, verdict: Verdict, note: Option<&str>) -> String {
        format!(
            "UPDATE {} SET catalog = {}, note = coalesce({}, note) WHERE {} AND intent IS NOT NULL",
            self.quoted(),
            literal(verdict.as_catalog()),
            literal_or_null(note),
            self.is_running()
        )
    }

    /// An SQL expression for what [`Journal::note_intent`] noted of the catalog, as `jsonb`.
    pub(crate) fn noted_catalog(&self) -> String {
        format!("(SELECT catalog::jsonb FROM {} WHERE {})", self.quoted(), self.is_running())
    }

    /// Notes how many rows the unfinished batch statement has touched.
    pub(crate) fn note_batch(&self, rows: u64) -> String {
        format!("UPDATE {} SET batch_rows = {rows} WHERE {}", self.quoted(), self.is_running())
    }

    /// Ends the running entry, with the file as it is by now; checks the rows as
    /// [`Journal::insert_done`] does.
    pub(crate) fn finish_running(&self, entry: &Entry<'_>, rows: &[RevisionId]) -> String {
        let [checksum, downgrade_checksum, downgrade] = entry.what_was_applied();
        format!(
            "UPDATE {} SET state = 'done', segments = {segments}, segment = {segments}, intent = NULL, \
             catalog = NULL, batch_rows = NULL, committed_checksum = NULL, checksum = {checksum}, downgrade_checksum = {downgrade_checksum}, \
             downgrade = {downgrade}, finished_at = clock_timestamp(), version_rows = {}\nFROM {}\nWHERE {}",
            self.quoted(),
            checked_rows(rows, "actual.now"),
            self.actual_rows(),
            self.is_running(),
            segments = entry.segments,
        )
    }

    /// The entries of revisions without a file that `stamp --purge` counts as not applied, made of their newest ones.
    pub(crate) fn insert_forgotten(&self, revisions: &[&str], rows: &[RevisionId]) -> String {
        format!(
            "INSERT INTO {} ({COLUMNS})\nSELECT {FORMAT}, version_table, revision, '{}', 'done', parents, depends_on, \
             message, checksum, downgrade_checksum, NULL, 0, 0, {}, now(), clock_timestamp(), {}\nFROM ({}) applied, {}\n\
             WHERE revision = ANY ({})",
            self.quoted(),
            Deed::Unstamp.as_str(),
            literal(&self.client),
            checked_rows(rows, "actual.now"),
            self.select_newest("*"),
            self.actual_rows(),
            text_array(revisions.iter().copied()),
        )
    }

    /// `stamp` sets the rows by hand: whatever was half done is no longer limbeck's to continue.
    pub(crate) fn void_running(&self) -> String {
        format!("UPDATE {} SET state = 'void' WHERE {}", self.quoted(), self.is_running())
    }

    /// The unfinished entry, if there is one, with the highest format of any entry. A table of an older format
    /// lacks columns.
    pub(crate) fn select_running(&self) -> String {
        let (table, key) = (self.quoted(), literal(&self.versions.key()));
        format!(
            "SELECT f.format, r.revision, r.direction, r.segment, r.segments, r.intent, \
             r.committed_checksum, to_jsonb(r) ->> 'catalog' AS catalog, (to_jsonb(r) ->> 'batch_rows')::int8 AS batch_rows \
             FROM (SELECT coalesce(max(format), 0::int2) AS format FROM {table}) f \
             LEFT JOIN {table} r ON r.state = 'running' AND r.version_table = {key}"
        )
    }

    /// All that was done, in no order, with what is unfinished; and whatever is of a newer format. To sort
    /// it out here costs less than to have a server do it that has just been connected to.
    pub(crate) fn select_entries(&self) -> String {
        format!(
            "SELECT format, id, state, revision, direction, checksum, downgrade_checksum, segment, segments, \
             intent, committed_checksum, CASE WHEN state = 'running' THEN to_jsonb(entry) ->> 'catalog' END AS catalog, \
             CASE WHEN state = 'running' THEN (to_jsonb(entry) ->> 'batch_rows')::int8 END AS batch_rows \
             FROM {} entry WHERE version_table = {} OR format > {FORMAT}",
            self.quoted(),
            literal(&self.versions.key())
        )
    }

    /// Per revision what a checkout that lacks its file must know.
    pub(crate) fn select_lineage(&self) -> String {
        self.select_newest("revision, parents, depends_on")
    }

    /// Every revision that is mentioned.
    pub(crate) fn select_revisions(&self) -> String {
        let key = literal(&self.versions.key());
        format!("SELECT DISTINCT revision FROM {} WHERE version_table = {key}", self.quoted())
    }

    /// The newest entries, or those of some revisions. A table of an older format has no `note`, so it is not
    /// asked for by its name.
    pub(crate) fn select_log(&self, revisions: &[&str], limit: Option<u32>) -> String {
        let only = match revisions {
            [] => String::new(),
            some => format!(" AND revision = ANY ({})", text_array(some.iter().copied())),
        };
        let limit = limit.map(|limit| format!(" LIMIT {limit}")).unwrap_or_default();
        let time = |column: &str| format!("to_char({column} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')");
        format!(
            "SELECT id, revision, message, parents, depends_on, direction, state, checksum, downgrade_checksum, \
             segment, segments, intent, version_rows, database_user, client, to_jsonb(entry) ->> 'note' AS note, format, {} AS started, \
             {} AS finished, extract(epoch FROM finished_at - started_at)::float8 AS elapsed FROM {} entry \
             WHERE version_table = {}{only} ORDER BY id DESC{limit}",
            time("started_at"),
            time("finished_at"),
            self.quoted(),
            literal(&self.versions.key()),
        )
    }

    /// Per applied revision all that is needed to undo it without its file.
    pub(crate) fn select_copies(&self) -> String {
        self.select_newest(
            "revision, parents, depends_on, message, checksum, downgrade_checksum, downgrade, database_user, client, \
             to_char(started_at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS') AS applied_at",
        )
    }

    fn select_newest(&self, columns: &str) -> String {
        format!(
            "SELECT {columns} FROM (SELECT DISTINCT ON (revision) * FROM {} WHERE state = 'done' AND \
             version_table = {} ORDER BY revision, id DESC) newest WHERE direction IN ('upgrade', 'stamp', 'repair')",
            self.quoted(),
            literal(&self.versions.key())
        )
    }

    fn is_running(&self) -> String {
        format!("state = 'running' AND version_table = {}", literal(&self.versions.key()))
    }

    fn actual_rows(&self) -> String {
        format!(
            "(SELECT coalesce(array_agg(version_num::text ORDER BY version_num COLLATE \"C\"), '{{}}') AS now FROM {}) actual",
            self.versions.quoted()
        )
    }

    fn values(&self, entry: &Entry<'_>, state: &str, segment: usize) -> String {
        let header = entry.revision.header();
        let [checksum, downgrade_checksum, downgrade] = entry.what_was_applied();
        format!(
            "{FORMAT}, {}, {}, '{}', '{state}', {}, {}, {}, {checksum}, {downgrade_checksum}, {downgrade}, {}, {segment}",
            literal(&self.versions.key()),
            literal(header.id.value.as_str()),
            entry.deed.as_str(),
            text_array(header.down_revision.iter().map(|parent| parent.value.as_str())),
            text_array(entry.depends_on.iter().map(RevisionId::as_str)),
            literal(&header.message),
            entry.segments,
        )
    }
}

/// `then`, where the rows are as they must be, or an error that [`is_rows_changed`] knows. The cast of a text that is no
/// number is the one way to fail in plain SQL; it is reached only when the rows differ.
fn checked_rows(rows: &[RevisionId], then: &str) -> String {
    checked(&text_array(rows.iter().map(RevisionId::as_str)), then)
}

fn checked(expected: &str, then: &str) -> String {
    format!(
        "CASE WHEN actual.now = {expected} THEN {then} ELSE ARRAY[('{ROWS_CHANGED}' || array_to_string(actual.now, ', '))::int4::text] END"
    )
}

const ROWS_CHANGED: &str = "limbeck: the version table holds unexpected rows: ";

/// Whether an error of PostgreSQL is the check of the version rows; if so, the rows that it found.
pub(crate) fn is_rows_changed(message: &str) -> Option<&str> {
    let at = message.find(ROWS_CHANGED)?;
    // Messages in other languages end in other quotation marks.
    Some(
        message[at + ROWS_CHANGED.len()..]
            .trim_end_matches(['"', '\'', '»', '«', '“', '”', '„', '’', '」', ' ', '\u{a0}']),
    )
}

/// What an entry is made of.
pub(crate) struct Entry<'a> {
    pub(crate) revision: &'a Revision,
    pub(crate) depends_on: Vec<RevisionId>,
    pub(crate) deed: Deed,
    pub(crate) segments: usize,
    pub(crate) started: Started,
}

impl Entry<'_> {
    /// Checksum, the downgrade's checksum, the downgrade: as SQL. An undone revision keeps only the
    /// checksums: its downgrade is history.
    fn what_was_applied(&self) -> [String; 3] {
        let checksum = literal(&self.revision.upgrade_checksum().to_string());
        let downgrade_checksum = self.revision.downgrade_checksum().map(|sum| sum.to_string());
        let downgrade = match (self.deed, self.revision.downgrade()) {
            (Deed::Upgrade | Deed::Stamp | Deed::Repair, Downgrade::Section { .. }) => copy(self.revision),
            _ => None,
        };
        [checksum, literal_or_null(downgrade_checksum.as_deref()), literal_or_null(downgrade.as_deref())]
    }
}

/// The downgrade section, with the revision's timeouts where these stand elsewhere in the file. Its checksum is the
/// section's: a timeout does not count.
fn copy(revision: &Revision) -> Option<Cow<'_, str>> {
    let section = revision.downgrade_text()?;
    let timeouts = revision.timeouts();
    let say = |name: &str, time: Option<Duration>| time.map(|time| format!(" {name}={}ms", time.as_millis()));
    let said: String =
        [say("statement", timeouts.statement), say("lock", timeouts.lock)].into_iter().flatten().collect();
    let lower = section.to_ascii_lowercase();
    let says_itself = lower.contains("limbeck") && lower.contains("timeout");
    Some(match said.is_empty() || says_itself {
        true => Cow::Borrowed(section),
        false => Cow::Owned(format!("-- limbeck:timeout{said}\n{section}")),
    })
}

/// When an entry's work began, as SQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Started {
    /// With the transaction.
    Transaction,
    /// With the message that holds the statement (one transaction for the whole run).
    Message,
}

impl std::fmt::Display for Started {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Transaction => "now()",
            Self::Message => "statement_timestamp()",
        })
    }
}

/// A revision that began and did not end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Running {
    /// The revision.
    pub revision: String,
    /// `upgrade` or `downgrade`.
    pub direction: String,
    /// How many of its segments are committed.
    pub committed: usize,
    /// Of how many.
    pub segments: usize,
    /// The statement outside a transaction that was about to run, so that its outcome is unknown.
    pub intent: Option<String>,
    /// The checksum of the segments that are committed.
    pub committed_checksum: Option<String>,
    /// What the catalog said before that statement, or the operator's word on it.
    pub catalog: Option<String>,
    /// How many rows the batch statement after these segments has touched.
    pub batch_rows: u64,
}

/// What an operator says of a statement whose outcome was open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// It took effect: the next run goes on after it.
    Done,
    /// It did not: the next run runs it again.
    NotDone,
}

impl Verdict {
    /// As the journal's `catalog` holds it, in place of what the catalog said.
    fn as_catalog(self) -> &'static str {
        match self {
            Self::Done => r#"{"resolved": "done"}"#,
            Self::NotDone => r#"{"resolved": "not done"}"#,
        }
    }
}

impl Running {
    /// The operator's word on the statement whose outcome was open.
    pub fn verdict(&self) -> Option<Verdict> {
        let catalog = self.catalog.as_deref()?;
        [Verdict::Done, Verdict::NotDone].into_iter().find(|verdict| verdict.as_catalog() == catalog)
    }

    /// Whether a statement's outcome is open that nobody but an operator can tell: `limbeck resolve`.
    pub fn needs_verdict(&self) -> bool {
        self.intent.is_some() && self.catalog.is_none()
    }
}

/// With which file a revision was applied, as its newest entry says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Noted {
    pub(crate) revision: String,
    pub(crate) checksum: Option<String>,
    pub(crate) downgrade_checksum: Option<String>,
}

/// Parents and dependencies of revisions that the journal knows as applied.
pub(crate) type Lineage = HashMap<String, Vec<String>>;
