//! What a downgrade would take away: the tables, columns and enum types that hold data, with how much.
//!
//! The statements of the steps say what goes ([`destroys`]), the catalog says what there is of it and what
//! hangs on it (`CASCADE`), and a bounded count says whether it holds anything. No table is read to its end,
//! and nothing is locked beyond what a `SELECT` locks.

use std::collections::{HashMap, HashSet};
use std::fmt;

use limbeck_core::problem::Place;
use limbeck_core::revision::RevisionId;
use limbeck_core::sql::destroys::{Dropped, Effect, Reach, Untold, destroys};
use limbeck_core::sql::{ObjectName, Script, Values};
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

use crate::error::Error;
use crate::execute::failure;
use crate::quote::{ident, literal, literal_or_null};
use crate::state::session::simple_query;

/// How many rows are counted one by one; of more the server's estimate is shown.
const COUNTED: u64 = 1000;

/// Everything that would be lost.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Losses {
    /// What holds data now and would go.
    pub losses: Vec<Loss>,
    /// What may destroy anything: only the server can tell.
    pub untold: Vec<UntoldLoss>,
}

impl Losses {
    /// Whether nothing would be lost, for certain.
    pub fn is_empty(&self) -> bool {
        self.losses.is_empty() && self.untold.is_empty()
    }

    /// A line for each, to be shown before somebody is asked.
    pub fn lines(&self) -> impl Iterator<Item = String> {
        self.losses.iter().map(ToString::to_string).chain(self.untold.iter().map(ToString::to_string))
    }
}

/// One thing that holds data and would go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// What it is, and what happens to it.
    pub kind: LossKind,
    /// Its name, quoted where needed, with its schema where the search path does not find it.
    pub name: String,
    /// How much it holds.
    pub amount: Amount,
    /// The revision that takes it away.
    pub revision: RevisionId,
    /// The statement that does.
    pub place: Place,
}

/// What is lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LossKind {
    /// A table goes.
    Table,
    /// A materialized view goes.
    MaterializedView,
    /// A column goes.
    Column,
    /// A column's values are converted to another type.
    ColumnType,
    /// An enum type goes, with its values.
    EnumType,
    /// A table is emptied.
    AllRows,
    /// Rows of a table are deleted: some, or all.
    Rows,
}

impl LossKind {
    /// A stable word for scripts.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::MaterializedView => "materialized view",
            Self::Column => "column",
            Self::ColumnType => "column type",
            Self::EnumType => "enum type",
            Self::AllRows => "all rows",
            Self::Rows => "rows",
        }
    }
}

/// How many rows or values there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amount {
    /// Counted.
    Exactly(u64),
    /// The server's estimate.
    About(u64),
    /// The role may not look, or could not in time.
    Unknown,
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exactly(1) => f.write_str("1 row"),
            Self::Exactly(rows) => write!(f, "{rows} rows"),
            Self::About(1) => f.write_str("about 1 row"),
            Self::About(rows) => write!(f, "about {rows} rows"),
            Self::Unknown => f.write_str("rows that could not be counted"),
        }
    }
}

/// `table users: 3 rows (a1.sql:12)`
impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { kind, name, amount, place, .. } = self;
        match kind {
            LossKind::Column => write!(f, "column {name}: a value in {amount}")?,
            LossKind::ColumnType => {
                write!(f, "column {name}: another type, in which values of {amount} may be lost")?;
            }
            LossKind::EnumType => write!(f, "enum type {name}: used in {amount}")?,
            LossKind::AllRows => write!(f, "all rows of {name}: {amount}")?,
            LossKind::Rows => write!(f, "rows of {name}: some or all of {amount}")?,
            LossKind::Table | LossKind::MaterializedView => write!(f, "{} {name}: {amount}", kind.as_str())?,
        }
        write!(f, " ({})", line_of(place))
    }
}

/// A statement of which only the server can tell what it destroys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UntoldLoss {
    /// What it is.
    pub what: Untold,
    /// Its revision.
    pub revision: RevisionId,
    /// Where it is.
    pub place: Place,
}

impl fmt::Display for UntoldLoss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot tell what {} destroys ({})", self.what, line_of(&self.place))
    }
}

/// File and line.
fn line_of(place: &Place) -> String {
    format!("{}:{}", place.source.name(), place.source.line_column(place.span.start).0)
}

/// What scripts, run in this order, would take away from a database as it is now.
///
/// # Errors
/// A failing connection, or a variable without a value.
pub(crate) async fn of_scripts<'s>(
    connection: &mut PgConnection,
    scripts: impl IntoIterator<Item = (&'s RevisionId, &'s Script)>,
    values: &Values,
) -> Result<Losses, Error> {
    let mut reader = Reader::default();
    for (revision, script) in scripts {
        reader.read(revision, script, values)?;
    }
    let Reader { wanted, untold, .. } = reader;
    let losses = if wanted.is_empty() { Vec::new() } else { look_up(connection, &wanted).await? };
    Ok(Losses { losses, untold })
}

/// Something that a statement names, as the database calls it now.
#[derive(Debug)]
struct Wanted {
    what: What,
    kind: LossKind,
    name: ObjectName,
    column: Option<String>,
    follow: Follow,
    /// Whether the search path was changed before, so that a name without a schema may be anywhere.
    anywhere: bool,
    revision: RevisionId,
    place: Place,
}

/// Which catalog knows the name.
#[derive(Debug, Clone, Copy)]
enum What {
    Relation,
    Type,
    Schema,
    Extension,
}

/// What goes along.
#[derive(Debug, Clone, Copy)]
enum Follow {
    Nothing,
    /// Partitions, and what an extension brought.
    Parts,
    /// Everything that depends on it.
    Dependents,
    /// Tables with foreign keys to it.
    References,
}

impl Follow {
    fn as_str(self) -> &'static str {
        match self {
            Self::Nothing => "nothing",
            Self::Parts => "parts",
            Self::Dependents => "dependents",
            Self::References => "references",
        }
    }
}

/// Reads scripts in order, and follows names back through renames.
#[derive(Default)]
struct Reader {
    wanted: Vec<Wanted>,
    untold: Vec<UntoldLoss>,
    /// Names as later statements use them, and as the database has them.
    renamed: HashMap<ObjectName, ObjectName>,
    renamed_columns: HashMap<(ObjectName, String), String>,
    anywhere: bool,
}

impl Reader {
    fn read(&mut self, revision: &RevisionId, script: &Script, values: &Values) -> Result<(), Error> {
        // A search path ends with its revision.
        self.anywhere = false;
        for unit in &script.units {
            for statement in &unit.statements {
                if statement.unmet(values)?.is_some() {
                    continue;
                }
                let rendered = statement.render(&unit.bind(values))?;
                for effect in destroys(&rendered.sql) {
                    self.take(effect, revision, statement.place());
                }
            }
        }
        Ok(())
    }

    fn take(&mut self, effect: Effect, revision: &RevisionId, place: Place) {
        let follow = |reach, otherwise| if reach == Reach::Cascade { Follow::Dependents } else { otherwise };
        let relation = What::Relation;
        let (what, kind, name, column, follow) = match effect {
            Effect::Drop { kind, name, reach } => {
                let (what, loss) = match kind {
                    Dropped::Table | Dropped::View => (relation, LossKind::Table),
                    Dropped::MaterializedView => (relation, LossKind::MaterializedView),
                    Dropped::Type => (What::Type, LossKind::EnumType),
                    Dropped::Schema => (What::Schema, LossKind::Table),
                    Dropped::Extension => (What::Extension, LossKind::Table),
                };
                (what, loss, name, None, follow(reach, Follow::Parts))
            }
            Effect::DropColumn { table, column, reach } => {
                (relation, LossKind::Column, table, Some(column), follow(reach, Follow::Parts))
            }
            Effect::Retype { table, column } => {
                (relation, LossKind::ColumnType, table, Some(column), Follow::Nothing)
            }
            Effect::Truncate { table, reach: Reach::Cascade } => {
                (relation, LossKind::AllRows, table, None, Follow::References)
            }
            Effect::Truncate { table, .. } => (relation, LossKind::AllRows, table, None, Follow::Nothing),
            Effect::Delete { table } => (relation, LossKind::Rows, table, None, Follow::Nothing),
            Effect::Rename { from, to } => {
                let origin = self.origin(&from);
                self.renamed.insert(to, origin);
                return;
            }
            Effect::RenameColumn { table, from, to } => {
                let (table, from) = self.column_origin(&table, from);
                self.renamed_columns.insert((table, to), from);
                return;
            }
            Effect::SearchPath => {
                self.anywhere = true;
                return;
            }
            Effect::Untold(what) => {
                self.untold.push(UntoldLoss { what, revision: revision.clone(), place });
                return;
            }
        };
        let (name, column) = match column {
            None => (self.origin(&name), None),
            Some(column) => {
                let (name, column) = self.column_origin(&name, column);
                (name, Some(column))
            }
        };
        let anywhere = self.anywhere && name.schema.is_none();
        self.wanted.push(Wanted {
            what,
            kind,
            name,
            column,
            follow,
            anywhere,
            revision: revision.clone(),
            place,
        });
    }

    fn origin(&self, name: &ObjectName) -> ObjectName {
        self.renamed.get(name).unwrap_or(name).clone()
    }

    fn column_origin(&self, table: &ObjectName, column: String) -> (ObjectName, String) {
        let key = (self.origin(table), column);
        let before = self.renamed_columns.get(&key).cloned();
        let (table, column) = key;
        (table, before.unwrap_or(column))
    }
}

/// A row of the catalog's answer.
struct Found {
    wanted: usize,
    kind: LossKind,
    oid: i64,
    /// The table of which it is a partition.
    parent: Option<i64>,
    /// The relation to count in, as `regclass` prints it, and the column whose values count.
    relation: String,
    column: Option<String>,
    /// The column as it is shown.
    quoted: Option<String>,
    /// An enum type with its values.
    shown: Option<String>,
    may_count: bool,
    estimate: u64,
}

impl Found {
    fn read(row: &PgRow, wanted: &[Wanted]) -> Result<Self, sqlx::Error> {
        let number: i32 = row.try_get("n")?;
        let index = usize::try_from(number).unwrap_or_default();
        let column: Option<String> = row.try_get("attname")?;
        let shown: Option<String> = row.try_get("shown")?;
        let is_view: bool = row.try_get("is_view")?;
        let asked = wanted.get(index).map_or(LossKind::Table, |wanted| wanted.kind);
        let kind = match (asked, &column) {
            _ if shown.is_some() => LossKind::EnumType,
            (LossKind::ColumnType | LossKind::AllRows | LossKind::Rows, _) => asked,
            (_, Some(_)) => LossKind::Column,
            (_, None) if is_view => LossKind::MaterializedView,
            (_, None) => LossKind::Table,
        };
        let estimate: f64 = row.try_get("estimate")?;
        Ok(Self {
            wanted: index,
            kind,
            oid: row.try_get("oid")?,
            parent: row.try_get("parent")?,
            relation: row.try_get("relation")?,
            column,
            quoted: row.try_get("quoted")?,
            shown,
            may_count: row.try_get("may_count")?,
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "an estimate, and bounded"
            )]
            estimate: estimate.clamp(0.0, 1e15) as u64,
        })
    }

    fn name(&self) -> String {
        match (&self.shown, &self.quoted) {
            (Some(shown), _) => shown.clone(),
            (None, Some(column)) => format!("{}.{column}", self.relation),
            (None, None) => self.relation.clone(),
        }
    }

    fn count(&self, number: usize) -> Option<String> {
        let value = self.column.as_deref().map_or_else(|| "1".to_owned(), ident);
        self.may_count.then(|| count_query(number, &self.relation, &value))
    }
}

/// Rows, and rows with a value, of at most [`COUNTED`] and one.
fn count_query(number: usize, relation: &str, value: &str) -> String {
    let limit = COUNTED + 1;
    format!(
        "SELECT {number} AS n, count(*)::int8 AS rows, count(v)::int8 AS filled FROM \
         (SELECT {value} AS v FROM {relation} LIMIT {limit}) s"
    )
}

fn amount(counted: Option<(u64, u64)>, estimate: u64) -> Amount {
    match counted {
        None if estimate == 0 => Amount::Unknown,
        None => Amount::About(estimate),
        Some((rows, filled)) if rows <= COUNTED => Amount::Exactly(filled),
        Some((_, filled)) => Amount::About(estimate.max(filled)),
    }
}

/// How much relations hold, given by name and estimate.
pub(crate) async fn amounts(connection: &mut PgConnection, relations: &[(&str, u64)]) -> Vec<Amount> {
    let parts = relations.iter().enumerate().map(|(number, (name, _))| count_query(number, name, "1"));
    let counted = count(connection, parts.collect()).await;
    let all = relations.iter().enumerate();
    all.map(|(number, (_, estimate))| amount(counted.get(&number).copied(), *estimate)).collect()
}

/// Compiling such a query takes longer than running it.
const INTERPRETED: &str = "BEGIN; SET LOCAL jit = off";

async fn look_up(connection: &mut PgConnection, wanted: &[Wanted]) -> Result<Vec<Loss>, Error> {
    let read = |error: sqlx::Error| failure::database(&error);
    let question = format!("{INTERPRETED};\n{};\nCOMMIT", catalog_query(wanted));
    let sets = match simple_query(connection, &question).await {
        Ok(sets) => sets,
        Err(error) => {
            // A lost connection has nothing to roll back, and the next question says so.
            let _ = simple_query(connection, "ROLLBACK").await;
            return Err(read(error).into());
        }
    };
    let found: Result<Vec<Found>, _> = sets.iter().flatten().map(|row| Found::read(row, wanted)).collect();
    let found = once_each(found.map_err(read)?);
    let parts = found.iter().enumerate().filter_map(|(number, found)| found.count(number));
    let counted = count(connection, parts.collect()).await;
    let mut losses = Vec::new();
    for (number, found) in found.iter().enumerate() {
        let Some(wanted) = wanted.get(found.wanted) else { continue };
        let amount = amount(counted.get(&number).copied(), found.estimate);
        if amount != Amount::Exactly(0) {
            losses.push(Loss {
                kind: found.kind,
                name: found.name(),
                amount,
                revision: wanted.revision.clone(),
                place: wanted.place.clone(),
            });
        }
    }
    Ok(losses)
}

/// Leaves out what goes with something larger: the columns of a table, the partitions of another.
fn once_each(found: Vec<Found>) -> Vec<Found> {
    let is_whole = |kind| matches!(kind, LossKind::Table | LossKind::MaterializedView);
    let gone: HashSet<i64> =
        found.iter().filter(|found| is_whole(found.kind)).map(|found| found.oid).collect();
    let emptied: HashSet<i64> =
        found.iter().filter(|found| found.kind == LossKind::AllRows).map(|found| found.oid).collect();
    let mut seen = HashSet::new();
    let is_first = |found: &Found| {
        let covered = match found.kind {
            LossKind::Table | LossKind::MaterializedView => {
                found.parent.is_some_and(|parent| gone.contains(&parent))
            }
            LossKind::EnumType => false,
            _ => gone.contains(&found.oid),
        };
        let covered = covered
            || found.kind == LossKind::AllRows
                && found.parent.is_some_and(|parent| emptied.contains(&parent));
        // An enum counts once, with the column that is told first: the fullest.
        let key = match found.kind {
            LossKind::EnumType => (found.shown.clone(), None, found.kind),
            kind => (Some(found.oid.to_string()), found.column.clone(), kind),
        };
        !covered && seen.insert(key)
    };
    let mut is_first = is_first;
    found.into_iter().filter(|found| is_first(found)).collect()
}

/// Waiting for a table that is locked is not worth it: its estimate will do. What a transaction sets ends with
/// it, also behind a pooler.
const IMPATIENTLY: &str =
    "BEGIN; SET LOCAL lock_timeout = '500ms'; SET LOCAL statement_timeout = '20s'; SET LOCAL jit = off";

/// So many tables are counted in one transaction, which locks each of them until its end.
const AT_ONCE: usize = 100;

/// Counts many at once, or where that fails (a table is locked, say) those of them that can be counted.
async fn count(connection: &mut PgConnection, parts: Vec<String>) -> HashMap<usize, (u64, u64)> {
    let mut rows = Vec::new();
    for some in parts.chunks(AT_ONCE) {
        if let Some(found) = ask_impatiently(connection, &some.join("\nUNION ALL ")).await {
            rows.extend(found);
            continue;
        }
        for part in some {
            rows.extend(ask_impatiently(connection, part).await.unwrap_or_default());
        }
    }
    rows.iter().filter_map(counted).collect()
}

async fn ask_impatiently(connection: &mut PgConnection, query: &str) -> Option<Vec<PgRow>> {
    match simple_query(connection, &format!("{IMPATIENTLY};\n{query};\nCOMMIT")).await {
        Ok(sets) => Some(sets.into_iter().flatten().collect()),
        Err(_) => {
            // A lost connection has nothing to roll back, and the next question says so.
            let _ = simple_query(connection, "ROLLBACK").await;
            None
        }
    }
}

fn counted(row: &PgRow) -> Option<(usize, (u64, u64))> {
    let number = |name| row.try_get::<i64, _>(name).map(i64::unsigned_abs).ok();
    let index: i32 = row.try_get("n").ok()?;
    Some((usize::try_from(index).ok()?, (number("rows")?, number("filled")?)))
}

/// Asks the catalog what there is of what is wanted, and what goes along.
fn catalog_query(wanted: &[Wanted]) -> String {
    let row = |(number, wanted): (usize, &Wanted)| {
        let kind = match wanted.what {
            What::Relation => "relation",
            What::Type => "type",
            What::Schema => "schema",
            What::Extension => "extension",
        };
        format!(
            "({number}, '{kind}', {}, {}, {}, '{}', {})",
            literal(&wanted.name.to_string()),
            literal(&wanted.name.name),
            literal_or_null(wanted.column.as_deref()),
            wanted.follow.as_str(),
            wanted.anywhere
        )
    };
    let rows: Vec<String> = wanted.iter().enumerate().map(row).collect();
    CATALOG_QUERY.replace("$WANTED", &rows.join(", "))
}

/// Each table is looked up by its oid (OFFSET keeps the planner from joining with all of pg_class, whose statistics may
/// be old). `pg_depend` says what goes along: 'a' and 'i' always (partitions, a type's array type), 'n' with CASCADE,
/// 'e' what belongs to an extension. A view depends through its rule, which leads back to the view.
const CATALOG_QUERY: &str = "\
WITH RECURSIVE wanted(n, kind, name, plain, attname, follow, anywhere) AS (VALUES $WANTED),
start(n, follow, classid, objid, sub) AS (
    SELECT w.n, w.follow, 'pg_class'::regclass::oid, c.oid, coalesce(a.attnum, 0)::int4 FROM wanted w
    CROSS JOIN LATERAL (SELECT to_regclass(w.name)::oid AS oid WHERE NOT w.anywhere
        UNION ALL SELECT c.oid FROM pg_catalog.pg_class c WHERE w.anywhere AND c.relname = w.plain) c
    LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attname = w.attname AND a.attnum > 0
    WHERE w.kind = 'relation' AND c.oid IS NOT NULL AND (w.attname IS NULL OR a.attnum IS NOT NULL)
    UNION ALL
    SELECT w.n, w.follow, 'pg_type'::regclass::oid, t.oid, 0 FROM wanted w
    CROSS JOIN LATERAL (SELECT to_regtype(w.name)::oid AS oid WHERE NOT w.anywhere
        UNION ALL SELECT t.oid FROM pg_catalog.pg_type t WHERE w.anywhere AND t.typname = w.plain) t
    WHERE w.kind = 'type' AND t.oid IS NOT NULL
    UNION ALL
    SELECT w.n, w.follow, 'pg_namespace'::regclass::oid, s.oid, 0 FROM wanted w
    JOIN pg_catalog.pg_namespace s ON s.nspname = w.plain WHERE w.kind = 'schema'
    UNION ALL
    SELECT w.n, w.follow, 'pg_extension'::regclass::oid, e.oid, 0 FROM wanted w
    JOIN pg_catalog.pg_extension e ON e.extname = w.plain WHERE w.kind = 'extension'
),
gone(n, follow, classid, objid, sub) AS (
    SELECT * FROM start
    UNION
    SELECT g.n, g.follow, d.classid, d.objid, d.sub FROM gone g CROSS JOIN LATERAL (
        SELECT d.classid, d.objid, d.objsubid AS sub FROM pg_catalog.pg_depend d
        WHERE g.follow IN ('parts', 'dependents') AND d.refclassid = g.classid AND d.refobjid = g.objid
        AND (g.sub = 0 OR d.refobjsubid = g.sub)
        AND (d.deptype IN ('a', 'i', 'P', 'S') OR d.deptype = 'n' AND g.follow = 'dependents'
            OR d.deptype = 'e' AND g.classid = 'pg_extension'::regclass)
        UNION ALL
        SELECT 'pg_class'::regclass, r.ev_class, 0 FROM pg_catalog.pg_rewrite r
        WHERE g.follow = 'dependents' AND g.classid = 'pg_rewrite'::regclass AND r.oid = g.objid
        UNION ALL
        SELECT 'pg_class'::regclass, k.conrelid, 0 FROM pg_catalog.pg_constraint k
        WHERE g.follow = 'references' AND k.contype = 'f' AND k.confrelid = g.objid
    ) d
),
held(n, classid, oid, attnum, shown) AS (
    SELECT n, 'r', objid, nullif(sub, 0), NULL FROM gone WHERE classid = 'pg_class'::regclass
    UNION ALL
    SELECT g.n, 'e', a.attrelid, a.attnum, format_type(t.oid, NULL) || ' (' ||
        (SELECT string_agg(l.enumlabel, ', ' ORDER BY l.enumsortorder) FROM pg_catalog.pg_enum l WHERE l.enumtypid = t.oid) || ')'
    FROM gone g JOIN pg_catalog.pg_type t ON t.oid = g.objid AND t.typtype = 'e'
    JOIN pg_catalog.pg_attribute a ON a.atttypid IN (t.oid, t.typarray) AND a.attnum > 0 AND NOT a.attisdropped
    WHERE g.classid = 'pg_type'::regclass
)
SELECT DISTINCT h.n::int4 AS n, h.shown, c.oid::int8 AS oid, c.oid::regclass::text AS relation, a.attname::text AS attname, quote_ident(a.attname) AS quoted,
    c.relkind = 'm' AS is_view,
    (SELECT i.inhparent::int8 FROM pg_catalog.pg_inherits i WHERE i.inhrelid = c.oid AND c.relispartition) AS parent,
    has_table_privilege(c.oid, 'SELECT') AND NOT row_security_active(c.oid) AND (c.relkind <> 'm' OR c.relispopulated)
        AS may_count,
    CASE WHEN c.relkind = 'p' THEN
        (SELECT coalesce(sum(greatest(p.reltuples::float8, pg_stat_get_live_tuples(p.oid)::float8, 0)), 0)
            FROM pg_partition_tree(c.oid) t JOIN pg_catalog.pg_class p ON p.oid = t.relid WHERE t.isleaf)
        ELSE greatest(c.reltuples::float8, pg_stat_get_live_tuples(c.oid)::float8, 0) END
    * CASE WHEN a.attname IS NULL THEN 1 ELSE 1 - coalesce((SELECT max(s.null_frac) FROM pg_catalog.pg_stats s
        WHERE s.schemaname = (SELECT nspname FROM pg_catalog.pg_namespace WHERE oid = c.relnamespace)
        AND s.tablename = c.relname AND s.attname = a.attname), 0) END AS estimate
FROM held h CROSS JOIN LATERAL (SELECT * FROM pg_catalog.pg_class c WHERE c.oid = h.oid OFFSET 0) c
LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum = h.attnum
WHERE c.relkind IN ('r', 'p', 'm') AND c.relpersistence <> 't' AND (c.oid >= 16384 OR c.relname = 'pg_enum')
ORDER BY n, shown NULLS FIRST, estimate DESC, relation, attname";
