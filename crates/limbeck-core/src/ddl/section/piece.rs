//! One change as statements, each with where it may run.

use super::drop::drop;
use super::{Mode, StepMark, Style};
use crate::ddl::{attached, create, quote, sequence, table, types, view};
use crate::diff::{Action, Change, Host};
use crate::schema::{
    Column, Constraint, ConstraintKind, Entry, Firing, Generation, Index, Kind, Name, Object, ObjectId,
};

/// A statement of a change.
#[derive(Debug, Clone)]
pub(super) struct Piece {
    pub(super) sql: String,
    pub(super) marks: Vec<StepMark>,
    pub(super) class: Class,
}

/// Where a statement runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Class {
    /// In a transaction, for a moment.
    Transaction,
    /// Outside of one.
    Alone,
    /// In a transaction, for long, under a weak lock.
    Validate,
    /// `ADD VALUE`, which ends its segment.
    AddValue,
}

/// Names for a moment.
const OLD: &str = "__old";
const NEW: &str = "__new";

/// A change's statements, in order.
pub(super) fn pieces(change: &Change, style: &Style) -> Vec<Piece> {
    let writer = Writer { change, style };
    let mut pieces = writer.pieces();
    let helper = usize::from(matches!(change.action, Action::Convert { .. }));
    if let (Some(loss), Some(piece)) = (&change.loss, pieces.get_mut(helper)) {
        piece.marks.insert(0, StepMark::Destructive(loss.clone()));
    }
    pieces
}

/// A new table with constraints inside of its parentheses.
pub(super) fn table_with(
    change: &Change,
    entry: &Entry,
    constraints: &[(&ObjectId, &Constraint)],
) -> Vec<Piece> {
    let (Object::Table(object), Some(name)) = (&entry.object, change.object.qualified()) else {
        return Vec::new();
    };
    let constraints = constraints.iter().map(|(id, it)| attached::named_constraint(&id.name, it)).collect();
    let shape = table::Shape { constraints, postponed: Vec::new() };
    let mut statements = table::create_shaped(None, &name, object, change.object.kind, &shape);
    statements.extend(create::said(&change.object, entry));
    statements.into_iter().map(plain).collect()
}

fn plain(sql: String) -> Piece {
    Piece { sql, marks: Vec::new(), class: Class::Transaction }
}

fn of_class(class: Class, sql: String) -> Piece {
    Piece { sql, marks: Vec::new(), class }
}

impl Piece {
    fn marked(mut self, mark: Option<StepMark>) -> Self {
        self.marks.extend(mark);
        self
    }

    fn blocking(self, reason: &str) -> Self {
        self.marked(Some(StepMark::Blocking(reason.to_owned())))
    }
}

struct Writer<'a> {
    change: &'a Change,
    style: &'a Style,
}

impl Writer<'_> {
    fn id(&self) -> &ObjectId {
        &self.change.object
    }

    /// The table that it is or belongs to, as SQL.
    fn table(&self) -> String {
        let own = self.id().qualified();
        self.id().of.as_ref().or(own.as_ref()).map(quote::name).unwrap_or_default()
    }

    /// Whether others may be using the table, and something can be done about it.
    fn is_online(&self) -> bool {
        self.style.mode == Mode::Online && self.change.host != Host::New
    }

    fn risk(&self) -> Option<StepMark> {
        self.change.risk.clone().map(StepMark::DependsOnData)
    }

    fn pieces(&self) -> Vec<Piece> {
        match &self.change.action {
            Action::Create(entry) => self.create(entry),
            Action::Drop(entry) => vec![self.drop(entry)],
            Action::Replace(entry) => self.replace(entry),
            Action::Swap { from, to } => self.swap(from, to),
            Action::Alter(statements) => self.alter(statements),
            Action::Annotate(statements) => statements.iter().cloned().map(plain).collect(),
            Action::Rewrite { statements, reason } => {
                let mut pieces: Vec<Piece> = statements.iter().cloned().map(plain).collect();
                let last = pieces.pop().map(|last| last.marked(self.risk()).blocking(reason));
                pieces.extend(last);
                pieces
            }
            Action::Convert { helper: [make, end], statement } => {
                let convert = plain(statement.clone()).marked(self.risk()).blocking("rewrites the table");
                vec![plain(make.clone()), convert, plain(end.clone())]
            }
            Action::Join { statement, reason } => {
                let join = plain(statement.clone()).marked(self.risk());
                vec![reason.iter().fold(join, |join, reason| join.blocking(reason))]
            }
            Action::AddValue(statement) => vec![of_class(Class::AddValue, statement.clone())],
            Action::AddColumn { column, foreign } => self.add_column(column, *foreign),
            Action::SetNotNull { column, proof } => self.set_not_null(column, proof),
            Action::AddDomainCheck(check) => {
                let name = self.id().qualified().unwrap_or_else(|| Name::new("", ""));
                let mut unchecked = check.as_ref().clone();
                unchecked.validated = false;
                match check.validated {
                    true if self.style.mode == Mode::Online => {
                        vec![plain(types::add_check(&name, &unchecked)), self.validate("DOMAIN", &check.name)]
                    }
                    _ => vec![plain(types::add_check(&name, check)).marked(self.risk())],
                }
            }
            Action::Validate { constraint } => {
                vec![
                    self.validate(
                        if self.id().kind == Kind::Domain { "DOMAIN" } else { "TABLE" },
                        constraint,
                    ),
                ]
            }
            // CONCURRENTLY would leave a check constraint on the partition that nobody asked for.
            Action::Detach { parent } => {
                vec![plain(format!("ALTER TABLE {} DETACH PARTITION {}", quote::name(parent), self.table()))]
            }
        }
    }

    fn alter(&self, statements: &[String]) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = statements.iter().cloned().map(plain).collect();
        if let Some(first) = pieces.first_mut() {
            first.marks.extend(self.risk());
        }
        pieces
    }

    fn validate(&self, kind: &str, constraint: &str) -> Piece {
        let sql = format!("ALTER {kind} {} VALIDATE CONSTRAINT {}", self.table(), quote::ident(constraint));
        let class = if self.style.mode == Mode::Online { Class::Validate } else { Class::Transaction };
        of_class(class, sql).marked(self.risk())
    }

    fn create(&self, entry: &Entry) -> Vec<Piece> {
        let mut statements = create::create(self.id(), entry).into_iter();
        let first = statements.next();
        let rest = statements.map(plain);
        let mut pieces = match &entry.object {
            Object::Index(index) => vec![self.create_index(index)],
            Object::Constraint(constraint) => self.create_constraint(constraint),
            _ => first.map(plain).into_iter().collect(),
        };
        pieces.extend(rest);
        pieces
    }

    fn create_index(&self, index: &Index) -> Piece {
        let risk = if self.change.host == Host::New { None } else { self.risk() };
        let how = match (self.is_online(), self.change.host) {
            (true, Host::Existing) => " CONCURRENTLY",
            _ => "",
        };
        let sql = attached::create_index(self.id(), index, how);
        match how {
            "" if self.change.host == Host::New => plain(sql),
            "" => plain(sql).marked(risk).blocking("nothing can be written to the table meanwhile"),
            _ => of_class(Class::Alone, sql).marked(risk),
        }
    }

    fn create_constraint(&self, constraint: &Constraint) -> Vec<Piece> {
        let whole = plain(attached::add_constraint(self.id(), constraint));
        if self.change.host == Host::New {
            return vec![whole];
        }
        if !constraint.validated || constraint.definition.ends_with(" NOT ENFORCED") {
            return vec![whole];
        }
        match self.way(constraint) {
            Way::NotValid => {
                let unchecked = Constraint { validated: false, ..constraint.clone() };
                let add = attached::add_constraint(self.id(), &unchecked);
                vec![plain(add), self.validate("TABLE", &self.id().name)]
            }
            Way::UsingIndex => {
                let name = &self.id().name;
                let add = format!("ALTER TABLE {} {}", self.table(), using_index(name, constraint, name));
                vec![self.index_of(constraint, name), plain(add)]
            }
            Way::Plain => vec![whole.marked(self.risk())],
            Way::Blocking(reason) => vec![whole.marked(self.risk()).blocking(reason)],
        }
    }

    /// How a constraint is added to a table that may be in use.
    fn way(&self, constraint: &Constraint) -> Way {
        const READS: &str = "the table is locked while its rows are read";
        if !self.is_online() {
            return Way::Plain;
        }
        let partitioned = self.change.host == Host::Partitioned;
        match constraint.kind {
            ConstraintKind::Check => Way::NotValid,
            ConstraintKind::ForeignKey if partitioned && self.style.version < 18 => Way::Blocking(READS),
            ConstraintKind::ForeignKey => Way::NotValid,
            ConstraintKind::PrimaryKey | ConstraintKind::Unique
                if !partitioned && !constraint.definition.contains(" WITHOUT OVERLAPS") =>
            {
                Way::UsingIndex
            }
            _ => Way::Blocking("the table is locked while the index is built"),
        }
    }

    fn index_of(&self, constraint: &Constraint, name: &str) -> Piece {
        let definition = constraint.index.as_deref().unwrap_or_default();
        let name = quote::ident(name);
        let sql = format!("CREATE UNIQUE INDEX CONCURRENTLY {name} ON {} {definition}", self.table());
        of_class(Class::Alone, sql).marked(self.risk())
    }

    fn drop(&self, entry: &Entry) -> Piece {
        let concurrently = self.id().kind == Kind::Index
            && self.style.mode == Mode::Online
            && self.change.host == Host::Existing
            && self.change.because.is_none();
        match concurrently {
            true => of_class(Class::Alone, drop(self.id(), entry, " CONCURRENTLY")),
            false => plain(drop(self.id(), entry, "")),
        }
    }

    fn replace(&self, entry: &Entry) -> Vec<Piece> {
        let Some(name) = self.id().qualified() else { return Vec::new() };
        match &entry.object {
            Object::View(object) => view::replace(&name, object).into_iter().take(1).map(plain).collect(),
            Object::Trigger(trigger) => {
                let mut statements =
                    vec![trigger.definition.replacen("CREATE TRIGGER", "CREATE OR REPLACE TRIGGER", 1)];
                // A replaced trigger is enabled.
                statements.extend(
                    (trigger.firing != Firing::Origin).then(|| attached::firing(self.id(), trigger.firing)),
                );
                statements.into_iter().map(plain).collect()
            }
            Object::Rule(rule) => {
                vec![plain(rule.definition.replacen("CREATE RULE", "CREATE OR REPLACE RULE", 1))]
            }
            Object::Routine(routine) => vec![plain(routine.definition.clone())],
            _ => Vec::new(),
        }
    }

    fn swap(&self, from: &Entry, to: &Entry) -> Vec<Piece> {
        let mut pieces = match (&from.object, &to.object) {
            (Object::Index(_), Object::Index(new)) => self.swap_index(from, new),
            (Object::Constraint(_), Object::Constraint(new)) => self.swap_constraint(new),
            _ => Vec::new(),
        };
        let statements = create::create(self.id(), to).into_iter().skip(1);
        pieces.extend(statements.map(plain));
        pieces
    }

    fn swap_index(&self, from: &Entry, to: &Index) -> Vec<Piece> {
        if !self.is_online() || self.change.host == Host::Partitioned {
            return vec![plain(drop(self.id(), from, "")), self.create_index(to)];
        }
        // Until the new one is ready, queries have the old one.
        let old = ObjectId { name: quote::with_suffix(&self.id().name, OLD), ..self.id().clone() };
        let rename =
            format!("ALTER INDEX {} RENAME TO {}", create::target(self.id(), None), quote::ident(&old.name));
        let drop = of_class(Class::Alone, drop(&old, from, " CONCURRENTLY"));
        vec![plain(rename), self.create_index(to), drop]
    }

    fn swap_constraint(&self, to: &Constraint) -> Vec<Piece> {
        let (table, name) = (self.table(), quote::ident(&self.id().name));
        let unchecked = Constraint { validated: false, ..to.clone() };
        let both = |add: &str| format!("ALTER TABLE {table} DROP CONSTRAINT {name}, {add}");
        let adding = |constraint: &Constraint| {
            both(&format!("ADD {}", attached::named_constraint(&self.id().name, constraint)))
        };
        match self.way(to) {
            _ if !to.validated => vec![plain(adding(to))],
            Way::NotValid => vec![plain(adding(&unchecked)), self.validate("TABLE", &self.id().name)],
            Way::UsingIndex => {
                let index = quote::with_suffix(&self.id().name, NEW);
                let add = both(&using_index(&self.id().name, to, &index));
                vec![self.index_of(to, &index), plain(add)]
            }
            Way::Plain => vec![plain(adding(to)).marked(self.risk())],
            Way::Blocking(reason) => vec![plain(adding(to)).marked(self.risk()).blocking(reason)],
        }
    }

    fn add_column(&self, column: &Column, foreign: bool) -> Vec<Piece> {
        let Some(name) = self.id().qualified() else { return Vec::new() };
        let kind = self.id().kind;
        let definition = match foreign {
            true => table::definition(&name, column, kind, false),
            false => table::column_definition(&name, column),
        };
        let add = format!("ALTER {} {} ADD COLUMN {definition}", kind.sql(), self.table());
        let rewrites = !foreign && fills_rows(column);
        let first = plain(add).marked(self.risk());
        let mut pieces = vec![if rewrites { first.blocking("rewrites the table") } else { first }];
        pieces.extend(table::column_settings(&name, column, kind).into_iter().map(plain));
        pieces.extend(column.comment.as_ref().map(|comment| {
            let column = quote::ident(&column.name);
            plain(format!("COMMENT ON COLUMN {}.{column} IS {}", quote::name(&name), quote::literal(comment)))
        }));
        pieces.extend(column.identity.iter().flat_map(sequence::identity_said).map(plain));
        pieces
    }

    fn set_not_null(&self, column: &str, proof: &str) -> Vec<Piece> {
        let kind = self.id().kind.sql();
        let (table, column, name) = (self.table(), quote::ident(column), quote::ident(proof));
        let set = format!("ALTER {kind} {table} ALTER COLUMN {column} SET NOT NULL");
        if !self.is_online() || self.id().kind != Kind::Table {
            return vec![plain(set).marked(self.risk())];
        }
        if self.style.version >= 18 {
            let add = format!("ALTER TABLE {table} ADD CONSTRAINT {name} NOT NULL {column} NOT VALID");
            return vec![plain(add), self.validate("TABLE", proof)];
        }
        let add = format!("ALTER TABLE {table} ADD CONSTRAINT {name} CHECK ({column} IS NOT NULL) NOT VALID");
        // The check spares SET NOT NULL its own look at the rows. It must be dropped after it: in one statement
        // PostgreSQL would drop it first.
        let drop = format!("ALTER TABLE {table} DROP CONSTRAINT {name}");
        vec![plain(add), self.validate("TABLE", proof), plain(set), plain(drop)]
    }
}

/// How a constraint is added.
enum Way {
    /// As it is.
    Plain,
    /// As it is, while others wait.
    Blocking(&'static str),
    /// `NOT VALID`, and validated later.
    NotValid,
    /// By an index that was built before.
    UsingIndex,
}

/// `ADD CONSTRAINT ... USING INDEX`, which renames the index to the constraint's name.
fn using_index(name: &str, constraint: &Constraint, index: &str) -> String {
    let kind = match constraint.kind {
        ConstraintKind::PrimaryKey => "PRIMARY KEY",
        _ => "UNIQUE",
    };
    let when = [" DEFERRABLE INITIALLY DEFERRED", " DEFERRABLE"];
    let when = when.into_iter().find(|when| constraint.definition.ends_with(when)).unwrap_or_default();
    format!("ADD CONSTRAINT {} {kind} USING INDEX {}{when}", quote::ident(name), quote::ident(index))
}

/// Whether a new column is written into every row. A default that is the same for all rows is not.
fn fills_rows(column: &Column) -> bool {
    let stored = column.generated.as_ref().is_some_and(|it| it.generation == Generation::Stored);
    stored || column.identity.is_some() || column.default.as_deref().is_some_and(is_volatile)
}

/// Whether an expression may have another value in each row. Functions that PostgreSQL has are known; of others that
/// is assumed.
fn is_volatile(expression: &str) -> bool {
    const STABLE: &[&str] = &[
        "now",
        "transaction_timestamp",
        "statement_timestamp",
        "current_setting",
        "jsonb_build_object",
        "json_build_object",
        "timezone",
        "date_trunc",
        "make_interval",
        "lower",
        "upper",
        "array",
        "row",
        "numeric",
        "varchar",
        "character",
        "bpchar",
        "timestamp",
        "time",
        "interval",
        "bit",
        "varying",
        "precision",
        "zone",
        "current_timestamp",
        "localtimestamp",
        "current_time",
        "localtime",
        "coalesce",
    ];
    let mut last: Option<&str> = None;
    for token in crate::sql::token::Lexer::new(expression, 0).filter(|token| !token.is_blank()) {
        let piece = &expression[token.span.clone()];
        let is_word = last.is_some_and(|word| {
            word.starts_with(|first: char| first.is_alphabetic() || first == '_' || first == '"')
        });
        if piece == "("
            && is_word
            && !last.is_some_and(|word| STABLE.contains(&word.to_ascii_lowercase().as_str()))
        {
            return true;
        }
        last = Some(piece);
    }
    false
}
