//! What kind of statement it is, as far as running it depends on that.
//!
//! Decided on the first words, as psql's `command_no_begin` does, and not on a whole grammar: PostgreSQL
//! is the judge of syntax, and a newer server's syntax must not be misjudged here. Which statements
//! PostgreSQL refuses in a transaction block is its `PreventInTransactionBlock`, tried out on 15.

use super::name::{ObjectName, fold, unquote, unquote_text};
use super::token::{Lexer, Token, TokenKind};

/// A statement's kind. A name is `None` where it cannot be told (a variable, `U&"..."`).
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum StatementKind {
    /// Anything that runs in a transaction and needs no care.
    Ordinary,
    /// `CREATE INDEX CONCURRENTLY`.
    CreateIndexConcurrently {
        /// The index, if the statement names it; it is in its table's schema.
        index: Option<String>,
        /// The table.
        table: Option<ObjectName>,
        /// Whether an existing index, even an invalid one, counts as done.
        existing: Existing,
        /// Whether it says UNIQUE.
        unique: bool,
        /// What follows the table's name, as it is written: `USING gin (tags) WHERE live`.
        definition: String,
    },
    /// `DROP INDEX CONCURRENTLY`, which takes one index.
    DropIndexConcurrently {
        /// The index.
        index: Option<ObjectName>,
    },
    /// `REINDEX ... CONCURRENTLY`.
    ReindexConcurrently {
        /// What is rebuilt.
        scope: ReindexScope,
        /// Its name; a database may go without one.
        name: Option<ObjectName>,
    },
    /// Work on what is there, which runs in a transaction and may be done twice: `ANALYZE`, `CLUSTER` and
    /// `REINDEX` of one table, `REFRESH MATERIALIZED VIEW`. On a partitioned table PostgreSQL wants some of them
    /// outside a transaction, which the text does not show.
    Upkeep,
    /// `REINDEX SCHEMA`, `DATABASE` or `SYSTEM` without CONCURRENTLY: a transaction per table.
    ReindexMany,
    /// `ALTER TYPE ... ADD VALUE`: it runs in a transaction, but the value cannot be used in that one.
    AlterTypeAddValue {
        /// The enum.
        type_name: Option<ObjectName>,
        /// The new value.
        value: Option<String>,
        /// Whether an existing value counts as done.
        existing: Existing,
    },
    /// `ALTER TABLE ... DETACH PARTITION ... CONCURRENTLY`.
    DetachConcurrently {
        /// The partitioned table.
        table: Option<ObjectName>,
        /// The partition.
        partition: Option<ObjectName>,
    },
    /// `ALTER TABLE ... DETACH PARTITION ... FINALIZE`, which runs in a transaction.
    DetachFinalize {
        /// The partitioned table.
        table: Option<ObjectName>,
        /// The partition.
        partition: Option<ObjectName>,
    },
    /// `ALTER TABLE ... VALIDATE CONSTRAINT ...` and nothing else; it runs in a transaction.
    ValidateConstraint {
        /// The table.
        table: Option<ObjectName>,
        /// The constraint.
        constraint: Option<String>,
    },
    /// `VACUUM`.
    Vacuum,
    /// `CLUSTER` without a table.
    ClusterAll,
    /// `ALTER SYSTEM`.
    AlterSystem,
    /// `CREATE DATABASE`.
    CreateDatabase {
        /// The database.
        name: Option<String>,
    },
    /// `DROP DATABASE`.
    DropDatabase {
        /// The database.
        name: Option<String>,
    },
    /// `ALTER DATABASE ... SET TABLESPACE`.
    AlterDatabaseTablespace,
    /// `CREATE TABLESPACE`.
    CreateTablespace {
        /// The tablespace.
        name: Option<String>,
    },
    /// `DROP TABLESPACE`.
    DropTablespace {
        /// The tablespace.
        name: Option<String>,
    },
    /// `CREATE SUBSCRIPTION` that makes a slot on the publisher.
    CreateSubscription {
        /// The subscription.
        name: Option<String>,
    },
    /// `ALTER SUBSCRIPTION` that asks the publisher.
    AlterSubscription,
    /// `DROP SUBSCRIPTION`, which usually drops a slot on the publisher.
    DropSubscription {
        /// The subscription.
        name: Option<String>,
    },
}

/// `IF NOT EXISTS`, or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Existing {
    /// What is there already is an error.
    Fails,
    /// `IF NOT EXISTS`: it is left as it is.
    IsKept,
}

/// What `REINDEX` rebuilds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ReindexScope {
    /// One index.
    Index,
    /// All of a table's indexes.
    Table,
    /// All of a schema's.
    Schema,
    /// All of the database's, system catalogs left out.
    Database,
    /// Those of the system catalogs.
    System,
}

/// Where a kind of statement runs when no directive says anything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Setting {
    /// In its segment's transaction.
    Transaction,
    /// In its segment's transaction, which ends after it.
    EndOfTransaction,
    /// Outside a transaction: PostgreSQL refuses it inside.
    Autocommit,
}

impl StatementKind {
    /// Where it runs when no directive says anything else.
    pub fn setting(&self) -> Setting {
        match self {
            Self::Ordinary | Self::Upkeep | Self::DetachFinalize { .. } | Self::ValidateConstraint { .. } => {
                Setting::Transaction
            }
            Self::AlterTypeAddValue { .. } => Setting::EndOfTransaction,
            _ => Setting::Autocommit,
        }
    }
}

/// The kind of one statement, given as text (after variables were filled in, say).
pub fn classify(sql: &str) -> StatementKind {
    let tokens: Vec<Token> = Lexer::new(sql, 0).filter(|token| !token.is_blank()).collect();
    classify_tokens(sql, &tokens)
}

/// The kind of the statement that consists of `tokens`.
pub(super) fn classify_tokens(text: &str, tokens: &[Token]) -> StatementKind {
    let mut words = Words::new(text, tokens);
    words.kind().unwrap_or(StatementKind::Ordinary)
}

/// A statement's tokens, read from the left.
pub(super) struct Words<'a> {
    text: &'a str,
    rest: &'a [Token],
}

impl<'a> Words<'a> {
    /// All of them.
    pub(super) fn new(text: &'a str, tokens: &'a [Token]) -> Self {
        Self { text, rest: tokens }
    }

    pub(super) fn first(&self) -> Option<(TokenKind, &'a str)> {
        self.rest.first().map(|token| (token.kind, &self.text[token.span.clone()]))
    }

    pub(super) fn skip(&mut self) {
        self.rest = self.rest.get(1..).unwrap_or_default();
    }

    /// Whether nothing is left but semicolons.
    fn is_done(&self) -> bool {
        self.first().is_none_or(|(_, token)| token == ";")
    }

    /// What is left, as it is written.
    fn remainder(&self) -> &'a str {
        let last = self.rest.iter().rev().find(|token| &self.text[token.span.clone()] != ";");
        match (self.rest.first(), last) {
            (Some(first), Some(last)) if first.span.start < last.span.end => {
                &self.text[first.span.start..last.span.end]
            }
            _ => "",
        }
    }

    /// Takes this unquoted word or punctuation, if it is next.
    pub(super) fn eat(&mut self, word: &str) -> Option<()> {
        let (kind, next) = self.first()?;
        let bare = matches!(kind, TokenKind::Word | TokenKind::Punctuation | TokenKind::Operator);
        (bare && next.eq_ignore_ascii_case(word)).then(|| self.skip())
    }

    /// Takes all of these words or none.
    pub(super) fn eat_all(&mut self, words: &[&str]) -> Option<()> {
        let before = self.rest;
        let all = words.iter().try_for_each(|word| self.eat(word));
        if all.is_none() {
            self.rest = before;
        }
        all
    }

    /// Takes a word from a list of pairs and gives what it stands for.
    pub(super) fn eat_one_of<T: Clone>(&mut self, words: &[(&str, T)]) -> Option<T> {
        words.iter().find_map(|(word, meaning)| self.eat(word).map(|()| meaning.clone()))
    }

    /// Takes one name's part, quoted or not. The inner `None`: a name is there and cannot be told.
    pub(super) fn part(&mut self) -> Option<Option<String>> {
        let (kind, next) = self.first()?;
        let part = match kind {
            TokenKind::Word => Some(fold(next)),
            TokenKind::QuotedName => unquote(next),
            TokenKind::NameVariable => None,
            _ => return None,
        };
        self.skip();
        Some(part)
    }

    /// Takes a name with its schema. Without a name it takes nothing.
    pub(super) fn name(&mut self) -> Option<ObjectName> {
        let (mut schema, mut name) = (None, self.part()?);
        let mut known = name.is_some();
        while self.eat(".").is_some() {
            schema = name;
            name = self.part()?;
            known &= name.is_some();
        }
        if known { name.map(|name| ObjectName { schema, name }) } else { None }
    }

    fn text_constant(&mut self) -> Option<String> {
        let (kind, next) = self.first()?;
        self.skip();
        if kind == TokenKind::Text { unquote_text(next) } else { None }
    }

    fn existing(&mut self) -> Existing {
        self.eat_all(&["if", "not", "exists"]).map_or(Existing::Fails, |()| Existing::IsKept)
    }

    fn kind(&mut self) -> Option<StatementKind> {
        match self.first()?.1.to_ascii_lowercase().as_str() {
            "create" => self.create(),
            "alter" => self.alter(),
            "drop" => self.drop_object(),
            "reindex" => self.reindex(),
            "vacuum" => self.eat("vacuum").map(|()| StatementKind::Vacuum),
            "cluster" => self.cluster(),
            "analyze" | "analyse" => Some(StatementKind::Upkeep),
            "refresh" => self.eat_all(&["refresh", "materialized"]).map(|()| StatementKind::Upkeep),
            _ => None,
        }
    }

    fn create(&mut self) -> Option<StatementKind> {
        self.eat("create")?;
        if self.eat("database").is_some() {
            return Some(StatementKind::CreateDatabase { name: self.part().flatten() });
        }
        if self.eat("tablespace").is_some() {
            return Some(StatementKind::CreateTablespace { name: self.part().flatten() });
        }
        if self.eat("subscription").is_some() {
            let alone = !self.option_is_off(&["connect", "create_slot"]);
            return alone.then(|| StatementKind::CreateSubscription { name: self.part().flatten() });
        }
        let unique = self.eat("unique").is_some();
        self.eat_all(&["index", "concurrently"])?;
        let existing = self.existing();
        let index = if self.eat("on").is_some() { None } else { self.index_name() };
        self.eat("only");
        let table = self.name();
        let definition = self.remainder().to_owned();
        Some(StatementKind::CreateIndexConcurrently { index, table, existing, unique, definition })
    }

    fn index_name(&mut self) -> Option<String> {
        let index = self.part().flatten();
        self.eat("on");
        index
    }

    fn drop_object(&mut self) -> Option<StatementKind> {
        self.eat("drop")?;
        if self.eat_all(&["index", "concurrently"]).is_some() {
            self.eat_all(&["if", "exists"]);
            return Some(StatementKind::DropIndexConcurrently { index: self.name() });
        }
        if self.eat("database").is_some() {
            self.eat_all(&["if", "exists"]);
            return Some(StatementKind::DropDatabase { name: self.part().flatten() });
        }
        let is_tablespace = self.eat_one_of(&[("tablespace", true), ("subscription", false)])?;
        self.eat_all(&["if", "exists"]);
        let name = self.part().flatten();
        Some(match is_tablespace {
            true => StatementKind::DropTablespace { name },
            false => StatementKind::DropSubscription { name },
        })
    }

    fn reindex(&mut self) -> Option<StatementKind> {
        self.eat("reindex")?;
        let optional = self.parenthesised().is_some_and(|options| is_on(self.text, options, "concurrently"));
        let scope = self.eat_one_of(&[
            ("index", ReindexScope::Index),
            ("table", ReindexScope::Table),
            ("schema", ReindexScope::Schema),
            ("database", ReindexScope::Database),
            ("system", ReindexScope::System),
        ])?;
        if self.eat("concurrently").is_some() || optional {
            return Some(StatementKind::ReindexConcurrently { scope, name: self.name() });
        }
        Some(match scope {
            ReindexScope::Index | ReindexScope::Table => StatementKind::Upkeep,
            ReindexScope::Schema | ReindexScope::Database | ReindexScope::System => {
                StatementKind::ReindexMany
            }
        })
    }

    fn cluster(&mut self) -> Option<StatementKind> {
        self.eat("cluster")?;
        self.parenthesised();
        self.eat("verbose");
        Some(if self.is_done() { StatementKind::ClusterAll } else { StatementKind::Upkeep })
    }

    fn alter(&mut self) -> Option<StatementKind> {
        self.eat("alter")?;
        let kinds = [
            ("table", Alter::Table),
            ("type", Alter::Type),
            ("system", Alter::System),
            ("database", Alter::Database),
            ("subscription", Alter::Subscription),
        ];
        match self.eat_one_of(&kinds)? {
            Alter::System => Some(StatementKind::AlterSystem),
            Alter::Table => self.alter_table(),
            Alter::Type => self.alter_type(),
            Alter::Subscription => self.alter_subscription(),
            Alter::Database => {
                self.part()?;
                self.eat_all(&["set", "tablespace"]).map(|()| StatementKind::AlterDatabaseTablespace)
            }
        }
    }

    fn alter_type(&mut self) -> Option<StatementKind> {
        let type_name = self.name();
        self.eat_all(&["add", "value"])?;
        let existing = self.existing();
        Some(StatementKind::AlterTypeAddValue { type_name, value: self.text_constant(), existing })
    }

    fn alter_table(&mut self) -> Option<StatementKind> {
        self.eat_all(&["if", "exists"]);
        self.eat("only");
        let table = self.name();
        self.eat("*");
        if self.eat_all(&["validate", "constraint"]).is_some() {
            let constraint = self.part()?;
            return self.is_done().then_some(StatementKind::ValidateConstraint { table, constraint });
        }
        self.eat_all(&["detach", "partition"])?;
        let partition = self.name();
        if self.eat("finalize").is_some() {
            return Some(StatementKind::DetachFinalize { table, partition });
        }
        self.eat("concurrently").map(|()| StatementKind::DetachConcurrently { table, partition })
    }

    fn alter_subscription(&mut self) -> Option<StatementKind> {
        self.part()?;
        let asks = if self.eat_all(&["set", "("]).is_some() {
            self.rest.iter().any(|token| {
                let word = &self.text[token.span.clone()];
                ["failover", "two_phase"].iter().any(|option| word.eq_ignore_ascii_case(option))
            })
        } else if self.eat("refresh").is_some() {
            true
        } else {
            self.eat_one_of(&[("set", ()), ("add", ()), ("drop", ())])?;
            self.eat("publication")?;
            !self.option_is_off(&["refresh"])
        };
        asks.then_some(StatementKind::AlterSubscription)
    }

    /// Whether the last parenthesised group says that one of these options is off.
    fn option_is_off(&self, options: &[&str]) -> bool {
        let Some(open) = self.rest.iter().rposition(|token| &self.text[token.span.clone()] == "(") else {
            return false;
        };
        let group = &self.rest[open..];
        options.iter().any(|option| says(self.text, group, option) == Some(Switch::Off))
    }

    /// Takes a parenthesised group, if one is next.
    fn parenthesised(&mut self) -> Option<&'a [Token]> {
        let before = self.rest;
        self.eat("(")?;
        let close = self.rest.iter().position(|token| &self.text[token.span.clone()] == ")")?;
        self.rest = &self.rest[close + 1..];
        Some(&before[..=close + 1])
    }
}

#[derive(Clone, Copy)]
enum Alter {
    Table,
    Type,
    System,
    Database,
    Subscription,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Switch {
    On,
    Off,
}

fn is_on(text: &str, group: &[Token], option: &str) -> bool {
    says(text, group, option) == Some(Switch::On)
}

/// What a group of options says about `option`: `(x)`, `(x on)`, `(x = false)`, `(x 'off')`.
fn says(text: &str, group: &[Token], option: &str) -> Option<Switch> {
    let word = |token: &Token| text[token.span.clone()].trim_matches('\'').to_ascii_lowercase();
    let at = group.iter().position(|token| word(token) == option)?;
    let value = group[at + 1..].iter().map(word).find(|word| word != "=").unwrap_or_default();
    let off = matches!(value.as_str(), "false" | "off" | "0" | "no");
    Some(if off { Switch::Off } else { Switch::On })
}
