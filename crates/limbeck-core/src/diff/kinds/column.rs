//! Columns of tables that stay.

use std::collections::BTreeMap;

use super::annotate::verb;
use super::convert::{self, Conversion};
use super::{cast, sequence, types};
use crate::ddl::{self, quote};
use crate::diff::change::Action;
use crate::diff::draft::{Draft, Fact, Key, Role, Stage};
use crate::diff::fate::{ColumnFate, Fates};
use crate::diff::holders::Holding;
use crate::diff::words;
use crate::schema::{
    Column, Generation, Identity, IdentityKind, Kind, Name, Need, Nullability, Object, ObjectId, Sequence,
    Table,
};

/// What has to happen to a column that cannot merely be altered, and why.
pub(crate) fn fate(from: &Column, to: &Column, version: u32) -> Option<(ColumnFate, String)> {
    let retyped = from.data_type != to.data_type || from.collation != to.collation;
    match (&from.generated, &to.generated) {
        (None, Some(_)) => return Some((ColumnFate::Recreate, "it becomes a generated column".into())),
        (Some(old), None) if old.generation == Generation::Virtual => {
            return Some((ColumnFate::Recreate, "a virtual column cannot become an ordinary one".into()));
        }
        (Some(old), Some(new)) if old != new => {
            let in_place = version >= 17 && old.generation == new.generation && !retyped;
            if !in_place {
                return Some((ColumnFate::Recreate, "its expression changes".into()));
            }
        }
        _ => {}
    }
    retyped.then(|| (ColumnFate::Retype, "it gets another type".into()))
}

/// A table's column, for the generators here.
pub(super) struct Place<'a> {
    pub(super) fates: &'a Fates<'a>,
    pub(super) id: &'a ObjectId,
    pub(super) name: &'a Name,
}

impl Place<'_> {
    /// `ALTER TABLE name `.
    pub(super) fn alter(&self) -> String {
        format!("ALTER {} {} ", self.id.kind.sql(), quote::name(self.name))
    }

    /// `ALTER TABLE ONLY name `: its children stay as they are.
    fn alter_only(&self) -> String {
        format!("ALTER {} ONLY {} ", self.id.kind.sql(), quote::name(self.name))
    }

    fn alter_column(&self, column: &str) -> String {
        format!("{}ALTER COLUMN {} ", self.alter(), quote::ident(column))
    }

    fn words(&self, column: &str) -> String {
        format!("{}.{column}", words::name(self.name))
    }

    fn not_null(&self, column: &str) -> Fact {
        Fact::NotNull(self.id.clone(), column.to_owned())
    }

    fn may_be_null(&self, column: &str) -> Fact {
        Fact::MayBeNull(self.id.clone(), column.to_owned())
    }

    fn no_default(&self, column: &str) -> Fact {
        Fact::NoDefault(self.id.clone(), column.to_owned())
    }

    fn draft(&self, column: &str, action: Action, words: String) -> Draft {
        self.bare(column, action, words).announces(Fact::Parent(self.id.clone()))
    }

    /// A change that children which leave do not take part in.
    fn bare(&self, column: &str, action: Action, words: String) -> Draft {
        let draft = Draft::new(self.id, action, words).column(column).role(Role::Tweak);
        let leaving = self.fates.leaving(self.id).into_iter().chain([self.id]);
        leaving.fold(draft, |draft, child| draft.awaits(Fact::Aside(child.clone())))
    }

    fn set(&self, column: &str, clause: &str, words: String) -> Draft {
        self.draft(column, Action::Alter(vec![self.alter_column(column) + clause]), words)
    }
}

/// `ADD COLUMN`. With a default or an identity PostgreSQL refuses it where rows of the table are stored elsewhere, with an
/// identity also where the table has children: then the rows get their values afterwards, and those elsewhere have NULL.
pub(super) fn add(place: &Place<'_>, column: &Column) -> Vec<Draft> {
    let Some((statement, words)) = values_afterwards(place, column) else {
        let add = add_as_it_is(place, column).announces(place.not_null(&column.name));
        return [add].into_iter().chain(settle(place, column)).collect();
    };
    let bare = Column { default: None, identity: None, nullability: Nullability::Nullable, ..column.clone() };
    let filled = Fact::Filled(place.id.clone(), column.name.clone());
    let action = Action::Rewrite { statements: vec![statement], reason: "writes all rows".into() };
    let fill = place.draft(&column.name, action, words).role(Role::Adjust).announces(filled.clone());
    let (mut settings, mut restrictions) = (vec![fill], Vec::new());
    default(place, &bare, column, &mut settings);
    match column.identity {
        // Until it is one, nobody can insert a row without a value: all at once.
        Some(_) => restrictions.push(not_null_at_once(place, &column.name)),
        None => nullability(place, &bare, column, &mut restrictions),
    }
    identity(place, &bare, column, &mut restrictions);
    settings.extend(restrictions.into_iter().map(|draft| draft.awaits(filled.clone())));
    let later = settings.into_iter().map(|draft| draft.awaits(columns(place.id)));
    [add_as_it_is(place, &bare)].into_iter().chain(later).collect()
}

/// What gives a new column its values where it is added without them, and that in words.
fn values_afterwards(place: &Place<'_>, column: &Column) -> Option<(String, String)> {
    let is_held = !place.fates.holders_of(place.id, Holding::Anyhow).is_empty();
    let (table, name, shown) =
        (quote::name(place.name), quote::ident(&column.name), place.words(&column.name));
    if let Some(value) = column.default.as_ref().filter(|_| is_held) {
        let statement = format!("UPDATE {table} SET {name} = {value}");
        return Some((statement, format!("set {shown} to {value} in all rows")));
    }
    let own = column.identity.as_ref().filter(|_| is_held || has_others(place))?.sequence.as_ref()?;
    let Sequence { start, increment, .. } = own.settings;
    let statement = format!(
        "UPDATE {table} AS r SET {name} = f.value\n    FROM (SELECT tableoid, ctid, {start} + {increment} * (row_number() \
         OVER () - 1) FROM {table} WHERE {name} IS NULL) AS f (relation, at, value)\n    WHERE r.tableoid = f.relation \
         AND r.ctid = f.at"
    );
    Some((statement, format!("number {shown} in all rows")))
}

/// Whether a table has children, which are no identities with it.
fn has_others(place: &Place<'_>) -> bool {
    let is_partitioned =
        matches!(place.fates.to.get(place.id), Some(Object::Table(Table { partition_by: Some(_), .. })));
    let is_one_with_them = is_partitioned && place.fates.version >= 17;
    !is_one_with_them && !place.fates.children(place.id).is_empty()
}

fn add_as_it_is(place: &Place<'_>, column: &Column) -> Draft {
    let filled = column.default.is_some() || column.identity.is_some() || column.generated.is_some();
    let risky = column.nullability == Nullability::NotNull && !filled && place.id.kind == Kind::Table;
    let words = format!("add column {} ({})", place.words(&column.name), column.data_type);
    let foreign = place.id.kind == Kind::ForeignTable;
    let action = Action::AddColumn { column: Box::new(column.clone()), foreign };
    let mut draft = place.draft(&column.name, action, words).role(Role::Provide).announces(columns(place.id));
    // A child's own column becomes one with it.
    for child in place.fates.descendants(place.id) {
        draft = draft.awaits(Fact::Ready(child.clone(), Some(column.name.clone())));
    }
    draft.takes.push(Key::Column(place.id.clone(), column.name.clone()));
    draft.risk(
        risky.then(|| format!("fails if {} has rows: the column has no default", words::name(place.name))),
    )
}

/// What default privileges leave to be done about the sequence of a new identity column.
fn settle(place: &Place<'_>, column: &Column) -> Option<Draft> {
    let statements = ddl::identity_despite_defaults(place.fates.from, column.identity.as_ref()?);
    let words = format!("settle privileges of the sequence of {}", place.words(&column.name));
    (!statements.is_empty())
        .then(|| Draft::new(place.id, Action::Annotate(statements), words).column(&column.name))
}

/// `DROP COLUMN`, for good or to be added again.
pub(super) fn drop(place: &Place<'_>, column: &Column, to: Option<&Column>) -> Draft {
    let shown = place.words(&column.name);
    let computed = column.generated.is_some() && to.is_none_or(|to| to.generated.is_some());
    let loss = match (computed, to.and_then(|to| to.generated.as_ref())) {
        (true, _) if to.is_some() => None,
        (true, _) => Some(format!("the computed column {shown}")),
        (false, _) => Some(format!("the values of {shown}{}", and_of_children(place, &column.name))),
    };
    let alter = match place.fates.drops_only(place.id, &column.name) {
        true => place.alter_only(),
        false => place.alter(),
    };
    let statement = format!("{alter}DROP COLUMN {}", quote::ident(&column.name));
    let mut draft = place
        .bare(&column.name, Action::Alter(vec![statement]), format!("drop column {shown}"))
        .role(Role::Remove)
        .stage(if to.is_some() { Stage::Clear } else { Stage::Part })
        .loss(loss)
        .announces(Fact::Gone(place.id.clone(), Some(column.name.clone())))
        .announces(Fact::Cleared(place.id.clone()))
        .awaits(Fact::RowsBack(place.id.clone()));
    for table in place.fates.rows_in(place.id, Some(&column.name)) {
        draft = draft.announces(Fact::RowsAside(table.clone()));
    }
    draft.change.farewell = to.is_none();
    draft.frees.push(Key::Column(place.id.clone(), column.name.clone()));
    draft
}

/// The tables that inherit and lose the column's values, too. Those of partitions are the partitioned table's.
fn and_of_children(place: &Place<'_>, column: &str) -> String {
    let children = place.fates.followers(place.id, column).into_iter();
    let children = children.filter(|child| !place.fates.goes(child) && !is_partition(place.fates, child));
    let names = children.filter_map(|child| Some(words::name(&child.qualified()?)));
    names.map(|name| format!(" and of {name}.{column}")).collect()
}

fn is_partition(fates: &Fates<'_>, table: &ObjectId) -> bool {
    matches!(fates.from.get(table), Some(Object::Table(Table { partition_of: Some(_), .. })))
}

/// A change of a column that is not, or no longer, its parents' affair.
pub(super) fn apart(place: &Place<'_>, draft: Draft) -> Draft {
    let Some(column) = draft.column.clone() else { return draft };
    let gone = |parent: &ObjectId| Fact::Gone(parent.clone(), Some(column.clone()));
    let parents = place.fates.ancestors(place.id);
    let draft = parents.into_iter().fold(draft, |draft, parent| draft.awaits(gone(parent)));
    draft.announces(Fact::Ready(place.id.clone(), Some(column)))
}

/// A column that both sides have and that no parent changes.
pub(super) fn on_its_own(place: &Place<'_>, from: &Column, to: &Column, drafts: &mut Vec<Draft>) {
    let mut found = Vec::new();
    if place.fates.column_fate(place.id, &to.name) == Some(ColumnFate::Recreate) {
        found.push(drop(place, from, Some(to)));
        found.extend(add(place, to));
    } else {
        in_place(place, from, to, &mut found);
    }
    drafts.extend(found.into_iter().map(|draft| apart(place, draft)));
}

/// A column that both sides have and that parents change: what they leave to be done.
pub(super) fn below(place: &Place<'_>, from: &Column, to: &Column, drafts: &mut Vec<Draft>) {
    if place.fates.drops_own(place.id, &to.name) {
        drafts.push(apart(place, drop(place, from, Some(to))));
    }
    if place.fates.adds_own(place.id, &to.name) {
        drafts.extend(add(place, to).into_iter().map(|draft| apart(place, draft)));
        return;
    }
    // A default that the parent has not would have to be cast.
    let retyped = place.fates.column_fate(place.id, &to.name) == Some(ColumnFate::Retype);
    if retyped && from.default.is_some() && place.fates.has_own_default(place.id, from) {
        drafts.push(release_default(place, from));
    }
    let mut left = after_parents(place.fates, place.id, from);
    // From 18 on a child may have a NOT NULL of its own, as of a primary key, that the parent's does not take along.
    let is_made_again = place.fates.column_fate(place.id, &to.name) == Some(ColumnFate::Recreate);
    let may_outlast = !is_made_again && !is_partition(place.fates, place.id);
    if place.fates.version >= 18 && may_outlast && to.nullability == Nullability::Nullable {
        left.nullability = from.nullability;
    }
    departures(place, &left, to, drafts);
}

fn release_default(place: &Place<'_>, column: &Column) -> Draft {
    let words = format!("drop default of {}", place.words(&column.name));
    let draft = place.set(&column.name, "DROP DEFAULT", words).announces(place.no_default(&column.name));
    draft.role(Role::Release).stage(Stage::Clear)
}

/// Whether a column's default calls something that goes.
fn calls_what_goes(place: &Place<'_>, column: &Column) -> bool {
    let calls = |need: &Need| {
        matches!(need.on.kind, Kind::Routine | Kind::Operator)
            && need.by.as_ref() == Some(&column.name)
            && place.fates.goes(&need.on)
    };
    let entry = place.fates.from.objects.get(place.id);
    column.default.is_some() && entry.is_some_and(|entry| entry.needs.iter().any(calls))
}

/// A column that comes through a parent.
pub(super) fn beneath(place: &Place<'_>, to: &Column, drafts: &mut Vec<Draft>) {
    departures(place, &born(place.fates, place.id, to), to, drafts);
}

/// A column of a new table: what `CREATE TABLE` gives it from its parent although it has none.
pub(super) fn without(place: &Place<'_>, parents: &Column, column: &Column, drafts: &mut Vec<Draft>) {
    if column.generated.is_some() {
        return;
    }
    let made = Column {
        default: column.default.clone().or(parents.default.clone()),
        storage: column.storage.clone().or(parents.storage.clone()),
        compression: column.compression.clone().or(parents.compression.clone()),
        ..column.clone()
    };
    let mut found = Vec::new();
    default(place, &made, column, &mut found);
    storage(place, &made, column, &mut found);
    drafts.extend(found.into_iter().map(|draft| draft.awaits(Fact::Made(place.id.clone()))));
}

/// Where a column departs from what its parents make of it.
fn departures(place: &Place<'_>, from: &Column, to: &Column, drafts: &mut Vec<Draft>) {
    let mut found = Vec::new();
    default(place, from, to, &mut found);
    identity(place, from, to, &mut found);
    storage(place, from, to, &mut found);
    nullability(place, from, to, &mut found);
    settings(place, from, to, &mut found);
    comment(place, from, to, &mut found);
    let parents = place.fates.ancestors(place.id);
    let wait = |draft: Draft| match draft.role {
        Role::Release => draft,
        _ => parents.iter().fold(draft, |draft, parent| draft.awaits(Fact::Parent((*parent).clone()))),
    };
    drafts.extend(found.into_iter().map(wait));
}

/// A column that both sides have.
fn in_place(place: &Place<'_>, from: &Column, to: &Column, drafts: &mut Vec<Draft>) {
    let retyped = place.fates.column_fate(place.id, &to.name) == Some(ColumnFate::Retype);
    if retyped {
        drafts.extend(loosen(place, from, to));
        drafts.extend(calls_what_goes(place, from).then(|| release_default(place, from)));
        drafts.push(retype(place, from, to));
        identity(place, &after_retype(from, to), to, drafts);
    } else {
        default(place, from, to, drafts);
        identity(place, from, to, drafts);
        storage(place, from, to, drafts);
    }
    expression(place, from, to, drafts);
    nullability(place, from, to, drafts);
    settings(place, from, to, drafts);
    comment(place, from, to, drafts);
}

/// As a text, a row has as many fields as the table then has columns: new ones come before, and old ones go after it.
fn columns(table: &ObjectId) -> Fact {
    Fact::Columns(table.clone())
}

/// Whether a column's values are texts for a moment.
pub(in crate::diff) fn is_loosened(fates: &Fates<'_>, table: &ObjectId, column: &str) -> bool {
    let stands_fast = |on: &&ObjectId| types::stands_fast(fates, on);
    !fates.rows_in(table, Some(column)).is_empty() || fates.remade(table, column).iter().any(stands_fast)
}

/// A column of a type that cannot be set aside is text meanwhile, and so is one of rows whose columns get other types. JSON
/// knows the names of fields that others take the places of.
fn loosen(place: &Place<'_>, from: &Column, to: &Column) -> Option<Draft> {
    if !is_loosened(place.fates, place.id, &to.name) {
        return None;
    }
    let column = quote::ident(&to.name);
    let (text, using) = match convert::goes_by_names(place.fates, [&from.data_type, &to.data_type]) {
        true => ("json", format!("to_json({column})")),
        false => {
            (cast::text_like(&from.data_type), format!("{column}::{}", cast::text_like(&from.data_type)))
        }
    };
    let alter = format!("ALTER COLUMN {column} ");
    let statement = format!("{}{alter}DROP DEFAULT, {alter}TYPE {text} USING {using}", place.alter());
    let action = Action::Rewrite { statements: vec![statement], reason: "rewrites the table".into() };
    let words = format!("make {} a text for a moment", place.words(&to.name));
    let draft = place.draft(&to.name, action, words).role(Role::Loosen).stage(Stage::Clear);
    let of_rows = |draft: Draft, table: &ObjectId| {
        draft.awaits(columns(table)).announces(Fact::RowsAside(table.clone()))
    };
    let rows = place.fates.rows_in(place.id, Some(&to.name)).into_iter();
    Some(rows.fold(draft.awaits(Fact::RowsAside(place.id.clone())), of_rows))
}

/// The identity's sequence follows the column's type.
fn after_retype(from: &Column, to: &Column) -> Column {
    let mut column = from.clone();
    let narrowed = narrowed(from, to);
    if let Some(Identity { sequence: Some(own), .. }) = &mut column.identity {
        own.settings = match narrowed {
            Some((_, new)) => Sequence { persistence: own.settings.persistence, ..new.clone() },
            None => sequence::retyped(&own.settings, &to.data_type),
        };
    }
    column
}

/// What the identity's sequence has to be told first where its bounds are none of the new type's, and what it is then.
fn narrowed<'c>(from: &Column, to: &'c Column) -> Option<(Vec<String>, &'c Sequence)> {
    let (old, new) = (from.identity.as_ref()?.sequence.as_ref()?, to.identity.as_ref()?.sequence.as_ref()?);
    Some((sequence::settings_before(&old.settings, &new.settings)?, &new.settings))
}

fn retype(place: &Place<'_>, from: &Column, to: &Column) -> Draft {
    let same_name = from.data_type == to.data_type && from.collation == to.collation;
    // A collation that is made again leaves the values alone.
    let remade_type = same_name && to.data_type.contains('.');
    let Conversion { using, helper } = conversion(place, from, to, same_name);
    let statement = place.alter() + &retype_clauses(from, to, using).join(",\n    ");
    let shown = place.words(&to.name);
    let words = match same_name {
        true => format!("rebuild column {shown}"),
        false => format!("change type of {shown} from {} to {}", typed(from), typed(to)),
    };
    let foreign = place.id.kind == Kind::ForeignTable;
    let before = narrowed(from, to).map(|(settings, _)| {
        let settings: Vec<String> = settings.iter().map(|setting| format!("SET {setting}")).collect();
        place.alter_column(&to.name) + &settings.join(" ")
    });
    let rewrites = (cast::rewrites(place.fates.from, from, to) || remade_type) && !foreign;
    let statements = |statement| before.into_iter().chain([statement]).collect();
    let action = match (helper, rewrites) {
        (Some(helper), _) => Action::Convert { helper, statement },
        (None, true) => {
            Action::Rewrite { statements: statements(statement), reason: "rewrites the table".into() }
        }
        (None, false) => Action::Alter(statements(statement)),
    };
    let risk = match foreign {
        true => None,
        false if remade_type => {
            Some(format!("fails if a value of {shown} is none of the new {}", to.data_type))
        }
        false => cast::risk(place.fates.from, from, to, &shown),
    };
    let loss = match remade_type {
        true => convert::lost(place.fates, &to.data_type),
        false => cast::lossy(&from.data_type, &to.data_type),
    };
    let remade = place.fates.columns.get(&(place.id, &to.name)).map(|(_, reason)| reason.clone());
    let mut draft = place
        .draft(&to.name, action, words)
        .role(Role::Disturb)
        .loss(loss.map(|what| format!("{what} of {shown}")))
        .risk(risk)
        .because(remade.filter(|_| same_name));
    if from.default.is_some() {
        draft = draft.announces(place.no_default(&to.name));
    } else if from.identity.is_some() && to.default.is_some() {
        draft = draft.awaits(place.no_default(&to.name));
    }
    for table in place.fates.rows_in(place.id, Some(&to.name)) {
        draft = draft.awaits(Fact::RowType(table.clone())).announces(Fact::RowsBack(table.clone()));
    }
    for table in place.fates.descendants(place.id).into_iter().chain([place.id]) {
        draft = draft
            .awaits(Fact::NoDefault(table.clone(), to.name.clone()))
            .awaits(Fact::RowsAside(table.clone()))
            .announces(Fact::RowType(table.clone()));
    }
    draft
}

/// How the old values become new ones.
fn conversion(place: &Place<'_>, from: &Column, to: &Column, same_name: bool) -> Conversion {
    let is_same_type = same_name && !to.data_type.contains('.');
    if to.generated.is_some() || place.id.kind != Kind::Table || is_same_type {
        return Conversion::default();
    }
    let types = [from.data_type.as_str(), to.data_type.as_str()];
    match is_loosened(place.fates, place.id, &to.name) {
        true => convert::from_text(place.fates, place.name, &to.name, types),
        false => convert::conversion(place.fates, place.name, &to.name, types),
    }
}

/// The clauses of one `ALTER TABLE`: PostgreSQL runs the first before the second before the rest.
fn retype_clauses(from: &Column, to: &Column, using: Option<String>) -> Vec<String> {
    let column = quote::ident(&to.name);
    let collate =
        to.collation.as_ref().map(|name| format!(" COLLATE {}", quote::name(name))).unwrap_or_default();
    let using = using.map(|using| format!(" USING {using}")).unwrap_or_default();
    let mut clauses = Vec::new();
    if from.default.is_some() {
        clauses.push(format!("ALTER COLUMN {column} DROP DEFAULT"));
    }
    clauses.push(format!("ALTER COLUMN {column} TYPE {}{collate}{using}", to.data_type));
    clauses.extend(to.default.as_ref().map(|default| format!("ALTER COLUMN {column} SET DEFAULT {default}")));
    clauses.extend(to.storage.as_ref().map(|storage| format!("ALTER COLUMN {column} SET STORAGE {storage}")));
    clauses
        .extend(to.compression.as_ref().map(|name| format!("ALTER COLUMN {column} SET COMPRESSION {name}")));
    clauses
}

fn typed(column: &Column) -> String {
    match &column.collation {
        Some(collation) => format!("{} collate {}", column.data_type, collation.name),
        None => column.data_type.clone(),
    }
}

fn default(place: &Place<'_>, from: &Column, to: &Column, drafts: &mut Vec<Draft>) {
    let reset = place.fates.column_fate(place.id, &to.name) == Some(ColumnFate::ResetDefault);
    if from.default == to.default && !reset {
        return;
    }
    let shown = place.words(&to.name);
    if from.default.is_some() && (to.default.is_none() || reset) {
        let words = format!("drop default of {shown}");
        let draft = place
            .set(&to.name, "DROP DEFAULT", words)
            .announces(place.no_default(&to.name))
            .role(Role::Adjust);
        drafts.push(if reset { draft.role(Role::Release).stage(Stage::Clear) } else { draft });
    }
    let Some(default) = &to.default else { return };
    let words = match &from.default {
        Some(old) if !reset => format!("change default of {shown} from {old} to {default}"),
        _ => format!("set default of {shown} to {default}"),
    };
    let clause = format!("SET DEFAULT {default}");
    let mut draft = place.set(&to.name, &clause, words).role(Role::Adjust).awaits(place.no_default(&to.name));
    if let (Some(sequence), Action::Alter(statements)) =
        (new_sequence(place, &to.name), &mut draft.change.action)
    {
        statements.insert(0, continue_after(&quote::name(&sequence), place.name, &to.name));
    }
    drafts.push(draft);
}

/// The sequence made by this plan that a default takes its values from.
fn new_sequence(place: &Place<'_>, column: &str) -> Option<Name> {
    let entry = place.fates.to.objects.get(place.id)?;
    let need = entry.needs.iter().find(|need| {
        need.by.as_deref() == Some(column) && need.on.kind == Kind::Sequence && place.fates.comes(&need.on)
    })?;
    need.on.qualified()
}

/// Sets a new sequence behind the values that the column has, so that it does not give one of them again.
fn continue_after(sequence: &str, table: &Name, column: &str) -> String {
    let (column, table) = (quote::ident(column), quote::name(table));
    let sequence = quote::literal(sequence);
    format!(
        "SELECT pg_catalog.setval({sequence}, coalesce(max({column}), 1), max({column}) IS NOT NULL) FROM {table}"
    )
}

fn identity(place: &Place<'_>, from: &Column, to: &Column, drafts: &mut Vec<Draft>) {
    let shown = place.words(&to.name);
    match (&from.identity, &to.identity) {
        (None, Some(identity)) => {
            let clause = ddl::identity_clause(place.name, &to.name, identity);
            let mut statements = vec![format!("{}ADD {clause}", place.alter_column(&to.name))];
            if let Some(own) = identity.sequence.as_ref().filter(|own| own.settings.increment > 0) {
                statements.push(continue_after(&quote::name(&own.name), place.name, &to.name));
            }
            statements.extend(ddl::identity_said(identity));
            statements.extend(ddl::identity_despite_defaults(place.fates.from, identity));
            let words = format!("make {shown} an identity column");
            // The values of partitions that come count as well.
            let mut draft = place
                .bare(&to.name, Action::Alter(statements), words)
                .awaits(Fact::Partitions(place.id.clone()));
            draft.takes.extend(identity.sequence.as_ref().map(|own| Key::Relation(own.name.clone())));
            drafts.push(draft.awaits(place.not_null(&to.name)).awaits(place.no_default(&to.name)));
        }
        (Some(identity), None) => {
            let words = format!("make {shown} an ordinary column");
            let mut draft = place.set(&to.name, "DROP IDENTITY", words);
            draft.frees.extend(identity.sequence.as_ref().map(|own| Key::Relation(own.name.clone())));
            let (nullable, free) = (place.may_be_null(&to.name), place.no_default(&to.name));
            drafts.push(draft.announces(nullable).announces(free));
        }
        (Some(old), Some(new)) if old != new => {
            drafts.extend(change_identity(place, &to.name, old, new));
            drafts.extend(annotate_identity(place, &to.name, old, new));
        }
        _ => {}
    }
}

fn change_identity(place: &Place<'_>, column: &str, from: &Identity, to: &Identity) -> Option<Draft> {
    let mut clauses = Vec::new();
    if from.kind != to.kind {
        clauses.push(match to.kind {
            IdentityKind::Always => "SET GENERATED ALWAYS".to_owned(),
            IdentityKind::ByDefault => "SET GENERATED BY DEFAULT".to_owned(),
        });
    }
    let mut statements = Vec::new();
    if let (Some(old), Some(new)) = (&from.sequence, &to.sequence) {
        let settings = sequence::settings(&old.settings, &new.settings);
        clauses.extend(settings.iter().map(|setting| format!("SET {setting}")));
        if old.settings.persistence != new.settings.persistence {
            let kind = sequence::persistence(new.settings.persistence);
            statements.push(format!("ALTER SEQUENCE {} SET {kind}", quote::name(&new.name)));
        }
    }
    if !clauses.is_empty() {
        statements.insert(0, place.alter_column(column) + &clauses.join(" "));
    }
    let words = format!("change identity of {}", place.words(column));
    (!statements.is_empty()).then(|| place.draft(column, Action::Alter(statements), words))
}

/// Comment and privileges of the sequence.
fn annotate_identity(place: &Place<'_>, column: &str, from: &Identity, to: &Identity) -> Option<Draft> {
    let (old, new) = (from.sequence.as_ref()?, to.sequence.as_ref()?);
    let statements = ddl::identity_changes(old, new);
    let what = match (old.comment != new.comment, old.grants != new.grants) {
        (true, true) => "comment and privileges",
        (true, false) => "comment",
        (false, _) => "privileges",
    };
    let words = format!("change {what} of the sequence of {}", place.words(column));
    (!statements.is_empty()).then(|| Draft::new(place.id, Action::Annotate(statements), words).column(column))
}

fn expression(place: &Place<'_>, from: &Column, to: &Column, drafts: &mut Vec<Draft>) {
    let shown = place.words(&to.name);
    match (&from.generated, &to.generated) {
        (Some(_), None) => {
            let words = format!("make {shown} an ordinary column");
            let draft = place.set(&to.name, "DROP EXPRESSION", words).role(Role::Release);
            drafts.push(draft.announces(place.no_default(&to.name)));
        }
        (Some(old), Some(new)) if old != new => {
            let statement = format!("{}SET EXPRESSION AS ({})", place.alter_column(&to.name), new.expression);
            let words = format!("change expression of {shown} to {}", new.expression);
            let action = match new.generation {
                Generation::Stored => {
                    Action::Rewrite { statements: vec![statement], reason: "rewrites the table".into() }
                }
                Generation::Virtual => Action::Alter(vec![statement]),
            };
            drafts.push(place.draft(&to.name, action, words).role(Role::Disturb));
        }
        _ => {}
    }
}

fn nullability(place: &Place<'_>, from: &Column, to: &Column, drafts: &mut Vec<Draft>) {
    let (column, shown) = (&to.name, place.words(&to.name));
    match (from.nullability, to.nullability) {
        (before, after) if before == after => {}
        // It is validated, as a constraint that is there already.
        (Nullability::NotValid, Nullability::NotNull) => {
            drafts.push(not_null_at_once(place, column).risk(format!("fails if {shown} has nulls")));
        }
        (_, Nullability::NotNull) => {
            let action = Action::SetNotNull { column: column.clone(), proof: proof(place, column) };
            drafts.push(
                place
                    .draft(column, action, format!("set {shown} not null"))
                    .announces(place.not_null(column))
                    .risk((place.id.kind == Kind::Table).then(|| format!("fails if {shown} has nulls"))),
            );
        }
        (before, after) => {
            if before != Nullability::Nullable {
                let draft = place.set(column, "DROP NOT NULL", format!("let {shown} be null"));
                drafts.push(draft.awaits(place.may_be_null(column)));
            }
            if after == Nullability::NotValid {
                let name = quote::ident(&proof(place, column));
                let clause = format!("ADD CONSTRAINT {name} NOT NULL {} NOT VALID", quote::ident(column));
                let action = Action::Alter(vec![place.alter() + &clause]);
                drafts.push(place.draft(column, action, format!("set {shown} not null for new rows")));
            }
        }
    }
}

/// `SET NOT NULL`, which reads the table.
fn not_null_at_once(place: &Place<'_>, column: &str) -> Draft {
    let statements = vec![format!("{}SET NOT NULL", place.alter_column(column))];
    let action = Action::Rewrite { statements, reason: "reads the table".into() };
    let words = format!("set {} not null", place.words(column));
    place.draft(column, action, words).announces(place.not_null(column))
}

/// A name for a constraint, as PostgreSQL 18 would choose it, that no other constraint of the table has.
fn proof(place: &Place<'_>, column: &str) -> String {
    let taken = |name: &str| {
        let id = ObjectId::of(Kind::Constraint, place.name, name);
        place.fates.from.objects.contains_key(&id) || place.fates.to.objects.contains_key(&id)
    };
    quote::free(&format!("{}_{column}", place.name.name), "_not_null", taken)
}

fn storage(place: &Place<'_>, from: &Column, to: &Column, drafts: &mut Vec<Draft>) {
    let (column, shown) = (&to.name, place.words(&to.name));
    if from.storage != to.storage {
        let storage = match &to.storage {
            Some(storage) => storage.as_str(),
            None if place.fates.version >= 16 => "DEFAULT",
            None => cast::usual_storage(&to.data_type),
        };
        let words = format!("set storage of {shown} to {}", storage.to_lowercase());
        drafts.push(place.set(column, &format!("SET STORAGE {storage}"), words));
    }
    if from.compression != to.compression {
        let compression = to.compression.as_deref().unwrap_or("DEFAULT");
        let words = format!("set compression of {shown} to {}", compression.to_lowercase());
        drafts.push(place.set(column, &format!("SET COMPRESSION {compression}"), words));
    }
}

fn settings(place: &Place<'_>, from: &Column, to: &Column, drafts: &mut Vec<Draft>) {
    let (column, shown) = (&to.name, place.words(&to.name));
    if from.statistics != to.statistics {
        let words = format!(
            "{} statistics target of {shown}",
            verb(from.statistics.is_some(), to.statistics.is_some())
        );
        drafts.push(place.set(column, &format!("SET STATISTICS {}", to.statistics.unwrap_or(-1)), words));
    }
    if from.options == to.options {
        return;
    }
    let clauses = match place.id.kind {
        Kind::ForeignTable => vec![foreign_options(&from.options, &to.options)],
        _ => parameters(&from.options, &to.options),
    };
    let clauses: Vec<String> =
        clauses.iter().map(|clause| format!("ALTER COLUMN {} {clause}", quote::ident(column))).collect();
    let action = Action::Alter(vec![place.alter() + &clauses.join(", ")]);
    drafts.push(place.draft(column, action, format!("change options of {shown}")));
}

/// `SET (...)` and `RESET (...)`.
pub(super) fn parameters(from: &BTreeMap<String, String>, to: &BTreeMap<String, String>) -> Vec<String> {
    let set: BTreeMap<String, String> = to
        .iter()
        .filter(|(name, value)| from.get(*name) != Some(value))
        .map(|(n, v)| (n.clone(), v.clone()))
        .collect();
    let reset: Vec<String> =
        from.keys().filter(|name| !to.contains_key(*name)).map(|name| ddl::parameter_name(name)).collect();
    let mut clauses = Vec::new();
    if !set.is_empty() {
        clauses.push(format!("SET ({})", ddl::parameters(&set)));
    }
    if !reset.is_empty() {
        clauses.push(format!("RESET ({})", reset.join(", ")));
    }
    clauses
}

/// `OPTIONS (ADD ..., SET ..., DROP ...)`.
fn foreign_options(from: &BTreeMap<String, String>, to: &BTreeMap<String, String>) -> String {
    let mut options = Vec::new();
    for (name, value) in to {
        let how = match from.get(name) {
            None => "ADD",
            Some(old) if old != value => "SET",
            Some(_) => continue,
        };
        options.push(format!("{how} {} {}", quote::ident(name), quote::literal(value)));
    }
    options.extend(
        from.keys().filter(|name| !to.contains_key(*name)).map(|name| format!("DROP {}", quote::ident(name))),
    );
    format!("OPTIONS ({})", options.join(", "))
}

fn comment(place: &Place<'_>, from: &Column, to: &Column, drafts: &mut Vec<Draft>) {
    if from.comment != to.comment {
        let what = verb(from.comment.is_some(), to.comment.is_some());
        let statement = comment_on(place.name, &to.name, to.comment.as_deref());
        let words = format!("{what} comment of {}", place.words(&to.name));
        drafts.push(place.draft(&to.name, Action::Annotate(vec![statement]), words));
    }
}

/// `COMMENT ON COLUMN`.
pub(super) fn comment_on(relation: &Name, column: &str, comment: Option<&str>) -> String {
    let comment = comment.map_or_else(|| "NULL".to_owned(), quote::literal);
    format!("COMMENT ON COLUMN {}.{} IS {comment}", quote::name(relation), quote::ident(column))
}

/// A child's column after the changes of its parents that reach it by themselves.
fn after_parents(fates: &Fates<'_>, child: &ObjectId, from: &Column) -> Column {
    let (mut column, identities) = (from.clone(), Identities::of(fates, child));
    for parent in fates.ancestors(child) {
        let (Some(Object::Table(old)), Some(Object::Table(new))) =
            (fates.from.get(parent), fates.to.get(parent))
        else {
            continue;
        };
        let (Some(before), Some(after)) = (old.column(&from.name), new.column(&from.name)) else { continue };
        match fates.column_fate(parent, &from.name).filter(|_| !fates.is_passed_on(parent, &from.name)) {
            Some(ColumnFate::Recreate) => column = added(after, identities),
            Some(ColumnFate::Retype) => {
                column.default.clone_from(&after.default);
                column.storage.clone_from(&after.storage);
                column.compression = None;
                follow(&mut column, before, after, identities);
            }
            Some(ColumnFate::ResetDefault) => {
                column.default.clone_from(&after.default);
                follow(&mut column, before, after, identities);
            }
            None if fates.is_passed_on(parent, &from.name) => {
                follow(&mut column, &after_parents(fates, parent, before), after, identities);
            }
            None => follow(&mut column, before, after, identities),
        }
    }
    column
}

/// What an identity column of a parent is to its child.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Identities {
    /// An identity column too, since PostgreSQL 17 in partitions.
    Shared,
    /// An ordinary one.
    Apart,
}

impl Identities {
    fn of(fates: &Fates<'_>, child: &ObjectId) -> Self {
        match fates.version >= 17 && is_partition(fates, child) {
            true => Self::Shared,
            false => Self::Apart,
        }
    }
}

/// What a parent's column changes into, a child's does.
fn follow(column: &mut Column, before: &Column, after: &Column, identities: Identities) {
    if before.default != after.default {
        column.default.clone_from(&after.default);
    }
    if before.nullability != after.nullability {
        column.nullability = after.nullability;
    }
    if before.storage != after.storage {
        column.storage.clone_from(&after.storage);
    }
    if before.statistics != after.statistics {
        column.statistics = after.statistics;
    }
    if before.identity != after.identity && identities == Identities::Shared {
        column.identity.clone_from(&after.identity);
    }
}

/// A child's column as its parent's `ADD COLUMN` leaves it.
fn added(parents: &Column, identities: Identities) -> Column {
    Column {
        storage: None,
        compression: None,
        statistics: None,
        options: BTreeMap::new(),
        comment: None,
        identity: parents.identity.clone().filter(|_| identities == Identities::Shared),
        ..parents.clone()
    }
}

/// A column as it comes through a parent; the parent's own departures reach it, too.
fn born(fates: &Fates<'_>, child: &ObjectId, to: &Column) -> Column {
    let parent = fates.giver(child, &to.name);
    let Some(Object::Table(table)) = parent.and_then(|parent| fates.to.get(parent)) else {
        return Column::new(&to.name, &to.data_type);
    };
    let Some((parent, column)) = parent.zip(table.column(&to.name)) else { return to.clone() };
    let mut born = added(column, Identities::of(fates, child));
    if fates.is_passed_on(parent, &to.name) {
        born.storage.clone_from(&column.storage);
        born.statistics = column.statistics;
    }
    born
}
