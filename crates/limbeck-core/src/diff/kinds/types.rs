//! Enums, domains, composite types, extensions; and types that are made again while columns have them.

use super::{cast, column};
use crate::ddl::quote;
use crate::diff::change::Action;
use crate::diff::draft::{Draft, Fact, Role, Stage, keys};
use crate::diff::fate::{ColumnFate, Fates, is_type};
use crate::diff::holders::Holding;
use crate::diff::own_needs::EXPRESSIONS;
use crate::diff::words;
use crate::schema::{
    Attribute, Composite, Domain, DomainCheck, Entry, Enum, Extension, Kind, Name, Need, Nullability, Object,
    ObjectId,
};
use crate::sql::token::Lexer;

/// Values can be added to an enum, not removed or moved.
pub(super) fn rebuild_enum(from: &Enum, to: &Enum) -> Option<&'static str> {
    let mut rest = to.values.iter();
    let grows = from.values.iter().all(|value| rest.any(|new| new == value));
    (!grows).then_some("values are removed or moved")
}

/// PostgreSQL looks for the values of a new constraint in columns of the domain only: it refuses where they are inside
/// other values.
pub(super) fn rebuild_domain(
    fates: &Fates<'_>,
    id: &ObjectId,
    from: &Domain,
    to: &Domain,
) -> Option<&'static str> {
    if from.base != to.base || from.collation != to.collation {
        return Some("its base type changes");
    }
    let is_known = |new: &DomainCheck| !new.validated || from.checks.contains(new);
    let is_narrower = from.nullability == Nullability::Nullable && to.nullability != Nullability::Nullable
        || !to.checks.iter().all(is_known);
    (is_narrower && is_enclosed(fates, id)).then_some("columns have it inside other values")
}

/// Whether columns have values of a domain inside other values: arrays, rows, ranges.
pub(in crate::diff) fn is_enclosed(fates: &Fates<'_>, domain: &ObjectId) -> bool {
    !fates.holders_of(domain, Holding::Within).is_empty()
}

/// Attributes come and go at the end; one that a table's column has cannot get another type.
pub(super) fn rebuild_composite(
    fates: &Fates<'_>,
    id: &ObjectId,
    from: &Composite,
    to: &Composite,
) -> Option<&'static str> {
    let find = |list: &[Attribute], name: &str| list.iter().find(|it| it.name == name).cloned();
    let names = |list: &[Attribute]| list.iter().map(|it| it.name.clone()).collect::<Vec<_>>();
    if !ends_in_order(&names(&from.attributes), &names(&to.attributes)) {
        return Some("its attributes are in another order");
    }
    let retyped = from.attributes.iter().any(|old| {
        find(&to.attributes, &old.name)
            .is_some_and(|new| old.data_type != new.data_type || old.collation != new.collation)
    });
    // ALTER ATTRIBUTE has no USING.
    let needs_using = |old: &Attribute| {
        find(&to.attributes, &old.name).is_some_and(|new| {
            old.data_type != new.data_type
                && cast::using((fates.from, fates.to), "", &old.data_type, &new.data_type).is_some()
        })
    };
    let of_type = fates.offspring(id).next().is_some() && from.attributes.iter().any(needs_using);
    (retyped && !fates.holders_of(id, Holding::Anyhow).is_empty() || of_type)
        .then_some("an attribute gets another type")
}

/// Whether what goes and what comes at the end leaves the new order.
pub(super) fn ends_in_order(from: &[String], to: &[String]) -> bool {
    let kept = from.iter().filter(|name| to.contains(name));
    let added = to.iter().filter(|name| !from.contains(name));
    kept.chain(added).eq(to)
}

/// Whether a type that is made again has columns, which are led over from the old one to the new one.
pub(super) fn steps_aside(fates: &Fates<'_>, id: &ObjectId) -> bool {
    let can = matches!(id.kind, Kind::Enum | Kind::Domain | Kind::Composite | Kind::Collation);
    can && has_successor(fates, id)
        && !stands_fast(fates, id)
        && fates.users(id).iter().any(|(user, need)| match (user.kind, &need.by) {
            (Kind::Table | Kind::ForeignTable, Some(column)) => {
                !fates.goes(user)
                    && fates.column_fate(user, column) == Some(ColumnFate::Retype)
                    && fates.waits_for_room(user, column, id)
            }
            // The old one of a type that steps aside still has this one.
            (Kind::Domain | Kind::Composite, _) => steps_aside(fates, user),
            _ => false,
        })
}

/// Whether the new side has a type of the name, of whatever kind.
fn has_successor(fates: &Fates<'_>, id: &ObjectId) -> bool {
    fates.to.objects.keys().any(|other| is_type(other.kind) && other.qualified() == id.qualified())
}

/// Whether a type that is made again cannot have another name meanwhile, or has such a one beneath it or in its parts: a range
/// type's functions do not take the name along, and what a view or table needs cannot wait. The columns become texts for a
/// moment instead.
pub(super) fn stands_fast(fates: &Fates<'_>, id: &ObjectId) -> bool {
    let needs = fates.from.objects.get(id).map(|entry| &entry.needs);
    match id.kind {
        Kind::Range | Kind::View | Kind::MaterializedView | Kind::Table => fates.goes(id),
        Kind::Domain | Kind::Composite => {
            needs.into_iter().flatten().any(|need| is_type(need.on.kind) && stands_fast(fates, &need.on))
        }
        _ => false,
    }
}

/// The name that a type has while its successor takes its place.
pub(crate) fn aside(name: &str) -> String {
    quote::with_suffix(name, "__old")
}

/// Another name for the old type now, and its end when nothing has it any more.
pub(super) fn step_aside(
    fates: &Fates<'_>,
    id: &ObjectId,
    entry: &Entry,
    reason: Option<String>,
) -> Vec<Draft> {
    let Some(name) = id.qualified() else { return Vec::new() };
    let old = Name::new(name.schema.clone(), aside(&name.name));
    let (kind, shown) = (id.kind.sql(), words::object(id));
    let rename = format!("ALTER {kind} {} RENAME TO {}", quote::name(&name), quote::ident(&old.name));
    let mut rename = Draft::alter(id, rename, format!("set the old {shown} aside"))
        .role(Role::Aside)
        .stage(Stage::Clear)
        .awaits(Fact::Released(id.clone()))
        .because(reason.clone());
    rename.frees = keys(id, &entry.object);
    let drop = format!("DROP {kind} {}", quote::name(&old));
    let drop = Draft::alter(id, drop, format!("drop the old {shown}")).role(Role::Remove).because(reason);
    let mut drafts = vec![rename, drop];
    if let Object::Domain(domain) = &entry.object {
        release(fates, id, domain, &mut drafts);
    }
    drafts
}

/// Whether an expression of a domain names something that goes, for good or to be made again.
fn needs_what_goes(fates: &Fates<'_>, id: &ObjectId, expression: &str) -> bool {
    let Some(entry) = fates.from.objects.get(id) else { return false };
    let gone = |need: &&Need| need.by.is_some() && fates.goes(&need.on);
    let names: Vec<String> =
        entry.needs.iter().filter(gone).map(|need| quote::ident(&need.on.name)).collect();
    Lexer::new(expression, 0).any(|token| names.iter().any(|name| *name == expression[token.span.clone()]))
}

/// Drops those of a domain's expressions that need what goes, for a moment or with the domain; what the domain is then.
fn release(fates: &Fates<'_>, id: &ObjectId, domain: &Domain, drafts: &mut Vec<Draft>) -> Domain {
    let mut left = domain.clone();
    let Some(name) = id.qualified() else { return left };
    let (alter, shown) = (format!("ALTER DOMAIN {} ", quote::name(&name)), words::object(id));
    let reason = fates.released.get(id).or_else(|| fates.rebuilt.get(id));
    let mut say = |clause: String, words: String| {
        let draft = Draft::alter(id, alter.clone() + &clause, words).role(Role::Release).stage(Stage::Clear);
        drafts.push(draft.column(EXPRESSIONS).because(reason.cloned()).announces(Fact::Released(id.clone())));
    };
    if left.default.take_if(|default| needs_what_goes(fates, id, default)).is_some() {
        say("DROP DEFAULT".to_owned(), format!("drop default of {shown}"));
    }
    for check in left.checks.extract_if(.., |check| needs_what_goes(fates, id, &check.definition)) {
        let clause = format!("DROP CONSTRAINT {}", quote::ident(&check.name));
        say(clause, format!("drop check {} of {shown}", check.name));
    }
    left
}

pub(super) fn add_values(id: &ObjectId, from: &Enum, to: &Enum, drafts: &mut Vec<Draft>) {
    let Some(name) = id.qualified() else { return };
    let mut have = from.values.clone();
    for (at, value) in to.values.iter().enumerate() {
        if have.contains(value) {
            continue;
        }
        let before = to.values[at + 1..].iter().find(|next| have.contains(next));
        let place = match (at.checked_sub(1).map(|at| &to.values[at]), before) {
            (_, None) => String::new(),
            (Some(after), Some(_)) => format!(" AFTER {}", quote::literal(after)),
            (None, Some(before)) => format!(" BEFORE {}", quote::literal(before)),
        };
        let statement =
            format!("ALTER TYPE {} ADD VALUE {}{place}", quote::name(&name), quote::literal(value));
        let words = format!("add value {} to {}", quote::literal(value), words::object(id));
        drafts.push(Draft::new(id, Action::AddValue(statement), words).role(Role::Provide));
        have.push(value.clone());
    }
}

pub(super) fn domain(fates: &Fates<'_>, id: &ObjectId, from: &Domain, to: &Domain, drafts: &mut Vec<Draft>) {
    let Some(name) = id.qualified() else { return };
    let from = match fates.released.contains_key(id) {
        true => &release(fates, id, from, drafts),
        false => from,
    };
    let (alter, shown) = (format!("ALTER DOMAIN {} ", quote::name(&name)), words::object(id));
    let mut say = |clause: String, words: String, risk: Option<String>| {
        drafts.push(Draft::alter(id, alter.clone() + &clause, words).role(Role::Provide).risk(risk));
    };
    match (from.nullability, to.nullability) {
        (before, after) if before == after => {}
        (_, Nullability::Nullable) => say("DROP NOT NULL".to_owned(), format!("let {shown} be null"), None),
        _ => {
            let risk = format!("fails if a column of {shown} has nulls");
            say("SET NOT NULL".to_owned(), format!("set {shown} not null"), Some(risk));
        }
    }
    if from.default != to.default {
        let (clause, words) = match &to.default {
            Some(default) => {
                (format!("SET DEFAULT {default}"), format!("set default of {shown} to {default}"))
            }
            None => ("DROP DEFAULT".to_owned(), format!("drop default of {shown}")),
        };
        drafts.push(Draft::alter(id, alter + &clause, words).role(Role::Provide).column(EXPRESSIONS));
    }
    domain_checks(id, &name, (&from.checks, &to.checks), drafts);
}

fn domain_checks(
    id: &ObjectId,
    domain: &Name,
    (from, to): (&[DomainCheck], &[DomainCheck]),
    drafts: &mut Vec<Draft>,
) {
    let (alter, shown) = (format!("ALTER DOMAIN {}", quote::name(domain)), words::object(id));
    for old in from.iter().filter(|old| !stays(old, to)) {
        let statement = format!("{alter} DROP CONSTRAINT {}", quote::ident(&old.name));
        let words = format!("drop check {} of {shown}", old.name);
        drafts.push(Draft::alter(id, statement, words).stage(Stage::Clear).column(EXPRESSIONS));
    }
    for new in to {
        let risk = || format!("fails if a value of {shown} does not satisfy {}", new.name);
        match from.iter().find(|old| old.name == new.name && stays(old, to)) {
            Some(old) if old.validated == new.validated => {}
            Some(_) => {
                let words = format!("validate check {} of {shown}", new.name);
                let action = Action::Validate { constraint: new.name.clone() };
                drafts.push(Draft::new(id, action, words).risk(risk()));
            }
            None => {
                let words = format!("add check {} to {shown}", new.name);
                let action = Action::AddDomainCheck(Box::new(new.clone()));
                let draft = Draft::new(id, action, words).role(Role::Provide).column(EXPRESSIONS);
                drafts.push(draft.risk(new.validated.then(risk)));
            }
        }
    }
}

/// Whether a domain's check is there among the new ones as it is, or only validated.
fn stays(old: &DomainCheck, to: &[DomainCheck]) -> bool {
    to.iter().any(|new| {
        new.name == old.name && new.definition == old.definition && (new.validated || !old.validated)
    })
}

/// Whether a domain's check is there from before to after, with its comment.
pub(super) fn keeps_check(fates: &Fates<'_>, id: &ObjectId, from: &Domain, to: &Domain, name: &str) -> bool {
    let old = from.checks.iter().find(|old| old.name == name);
    old.is_some_and(|old| stays(old, &to.checks)) && !fates.released.contains_key(id)
}

pub(super) fn composite(
    fates: &Fates<'_>,
    id: &ObjectId,
    from: &Composite,
    to: &Composite,
    drafts: &mut Vec<Draft>,
) {
    let Some(name) = id.qualified() else { return };
    let tables = fates.tables_of(id);
    let cascade = if tables.is_empty() { "" } else { " CASCADE" };
    let alter_attribute = |attribute: &str, statement: String, words: String| {
        let draft = Draft::alter(id, statement + cascade, words).column(attribute).role(Role::Provide);
        let leaving = fates.leaving(id).into_iter();
        leaving.fold(draft.announces(Fact::Parent(id.clone())), |draft, table| {
            draft.awaits(Fact::Aside(table.clone()))
        })
    };
    let (alter, shown) = (format!("ALTER TYPE {} ", quote::name(&name)), words::object(id));
    let find = |list: &'_ [Attribute], name: &str| list.iter().find(|it| it.name == name).cloned();
    for old in from.attributes.iter().filter(|old| find(&to.attributes, &old.name).is_none()) {
        let words = format!("drop attribute {} of {shown}", old.name);
        let values = tables.iter().filter_map(|table| table.qualified());
        let values = values.map(|table| format!(" and of {}.{}", words::name(&table), old.name));
        let loss = format!("the values of attribute {} of {shown}{}", old.name, values.collect::<String>());
        let statement = format!("{alter}DROP ATTRIBUTE {}", quote::ident(&old.name));
        drafts.push(alter_attribute(&old.name, statement, words).loss(loss).role(Role::Remove));
    }
    for new in &to.attributes {
        let collate = |at: &Attribute| {
            at.collation.as_ref().map(|name| format!(" COLLATE {}", quote::name(name))).unwrap_or_default()
        };
        let attribute = quote::ident(&new.name);
        let typed = format!("{}{}", new.data_type, collate(new));
        let old = find(&from.attributes, &new.name);
        match &old {
            None => {
                let words = format!("add attribute {} ({}) to {shown}", new.name, new.data_type);
                let statement = format!("{alter}ADD ATTRIBUTE {attribute} {typed}");
                drafts.push(alter_attribute(&new.name, statement, words));
            }
            Some(old) if old.data_type != new.data_type || old.collation != new.collation => {
                let words = format!("change type of attribute {} of {shown} to {}", new.name, new.data_type);
                let statement = format!("{alter}ALTER ATTRIBUTE {attribute} TYPE {typed}");
                let draft = alter_attribute(&new.name, statement, words).role(Role::Disturb);
                drafts
                    .push(tables.iter().fold(draft, |draft, table| rewrites(fates, table, &new.name, draft)));
            }
            Some(_) => {}
        }
        if old.and_then(|old| old.comment) != new.comment {
            let statement = column::comment_on(&name, &new.name, new.comment.as_deref());
            let words = format!("change comment of attribute {} of {shown}", new.name);
            drafts.push(Draft::new(id, Action::Annotate(vec![statement]), words));
        }
    }
}

/// What an attribute's new type does to a table of the type.
fn rewrites(fates: &Fates<'_>, table: &ObjectId, column: &str, mut draft: Draft) -> Draft {
    let (Some(Object::Table(old)), Some(Object::Table(new))) = (fates.from.get(table), fates.to.get(table))
    else {
        return draft;
    };
    let (Some(before), Some(after), Some(name)) = (old.column(column), new.column(column), table.qualified())
    else {
        return draft;
    };
    let shown = format!("{}.{column}", words::name(&name));
    if let (true, Action::Alter(statements)) =
        (cast::rewrites(fates.from, before, after), &draft.change.action)
    {
        let reason = "rewrites its tables".to_owned();
        draft.change.action = Action::Rewrite { statements: statements.clone(), reason };
    }
    let loss = cast::lossy(&before.data_type, &after.data_type).map(|what| format!("{what} of {shown}"));
    draft.change.loss = draft.change.loss.or(loss);
    draft.change.risk = draft.change.risk.or(cast::risk(fates.from, before, after, &shown));
    draft
}

pub(super) fn extension(id: &ObjectId, from: &Extension, to: &Extension, drafts: &mut Vec<Draft>) {
    let alter = format!("ALTER EXTENSION {} ", quote::ident(&id.name));
    if from.schema != to.schema {
        let words = format!("move {} to schema {}", words::object(id), to.schema);
        let statement = format!("{alter}SET SCHEMA {}", quote::ident(&to.schema));
        drafts.push(Draft::alter(id, statement, words).role(Role::Provide));
    }
    if let Some(version) = to.version.as_ref().filter(|version| from.version.as_ref() != Some(version)) {
        let words = format!("update {} to {version}", words::object(id));
        let statement = format!("{alter}UPDATE TO {}", quote::literal(version));
        drafts.push(Draft::alter(id, statement, words).role(Role::Provide));
    }
}
