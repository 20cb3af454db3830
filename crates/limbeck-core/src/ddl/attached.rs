//! What belongs to a table or view: constraints, indexes, statistics, rules, triggers, policies.

use super::{quote, text};
use crate::schema::{
    Constraint, ConstraintKind, Firing, Index, Name, ObjectId, Policy, Rule, Statistics, Trigger,
};

/// The relation that something belongs to, as SQL.
fn relation(id: &ObjectId) -> String {
    id.of.as_ref().map_or_else(String::new, quote::name)
}

pub(super) fn index(id: &ObjectId, index: &Index) -> Vec<String> {
    let mut statements = vec![create_index(id, index, "")];
    let own = id.of.as_ref().map(|relation| Name::new(relation.schema.clone(), id.name.clone()));
    let own = own.as_ref().map_or_else(String::new, quote::name);
    for (position, target) in &index.statistics {
        statements.push(format!("ALTER INDEX {own} ALTER COLUMN {position} SET STATISTICS {target}"));
    }
    statements
}

/// `CREATE INDEX`; `how` is put after the word INDEX: ` CONCURRENTLY`, or nothing.
pub fn create_index(id: &ObjectId, index: &Index, how: &str) -> String {
    let unique = if index.unique { "UNIQUE " } else { "" };
    let only = if index.only { "ONLY " } else { "" };
    format!(
        "CREATE {unique}INDEX{how} {} ON {only}{} {}",
        quote::ident(&id.name),
        relation(id),
        index.definition
    )
}

/// `ALTER TABLE ... ADD CONSTRAINT`, `NOT VALID` where the constraint is not known to hold.
pub fn add_constraint(id: &ObjectId, constraint: &Constraint) -> String {
    format!("ALTER TABLE {} ADD {}", relation(id), named_constraint(&id.name, constraint))
}

/// `CONSTRAINT name ...`, complete.
pub(super) fn named_constraint(name: &str, constraint: &Constraint) -> String {
    let not_enforced = constraint.definition.ends_with(" NOT ENFORCED");
    let not_valid = if constraint.validated || not_enforced { "" } else { " NOT VALID" };
    format!("CONSTRAINT {} {}{not_valid}", quote::ident(name), definition(constraint))
}

/// With its index's storage parameters, which `pg_get_constraintdef` leaves out of keys. They stand before the words
/// on when it is checked.
fn definition(constraint: &Constraint) -> String {
    let Constraint { kind, definition, index, .. } = constraint;
    let (_, with, _) = text::split_off_with(index.as_deref().unwrap_or_default());
    if with.is_empty() || !matches!(kind, ConstraintKind::PrimaryKey | ConstraintKind::Unique) {
        return definition.clone();
    }
    let when = [" DEFERRABLE INITIALLY DEFERRED", " DEFERRABLE"];
    let when = when.into_iter().find(|when| definition.ends_with(when)).unwrap_or_default();
    let what = definition.strip_suffix(when).unwrap_or(definition);
    format!("{what} {with}{when}")
}

pub(super) fn statistics(statistics: &Statistics) -> Vec<String> {
    let target = statistics
        .target
        .map(|target| format!("ALTER STATISTICS {} SET STATISTICS {target}", quote::name(&statistics.name)));
    [Some(statistics.definition.clone()), target].into_iter().flatten().collect()
}

pub(super) fn rule(id: &ObjectId, rule: &Rule) -> Vec<String> {
    let fires = (rule.firing != Firing::Origin).then(|| firing(id, rule.firing));
    [Some(rule.definition.clone()), fires].into_iter().flatten().collect()
}

pub(super) fn trigger(id: &ObjectId, trigger: &Trigger) -> Vec<String> {
    let fires = (trigger.firing != Firing::Origin).then(|| firing(id, trigger.firing));
    [Some(trigger.definition.clone()), fires].into_iter().flatten().collect()
}

/// When a trigger or rule fires: `ALTER TABLE ... ENABLE REPLICA TRIGGER ...`.
pub fn firing(id: &ObjectId, firing: Firing) -> String {
    let how = match firing {
        Firing::Origin => "ENABLE",
        Firing::Disabled => "DISABLE",
        Firing::Replica => "ENABLE REPLICA",
        Firing::Always => "ENABLE ALWAYS",
    };
    format!("ALTER TABLE {} {how} {} {}", relation(id), id.kind.sql(), quote::ident(&id.name))
}

/// `CREATE POLICY`.
pub fn create_policy(id: &ObjectId, policy: &Policy) -> String {
    let Policy { permissive, command, roles, using, with_check } = policy;
    let mut create = format!("CREATE POLICY {} ON {}", quote::ident(&id.name), relation(id));
    if !permissive {
        create.push_str(" AS RESTRICTIVE");
    }
    if command != "ALL" {
        create.push_str(&format!(" FOR {command}"));
    }
    if !roles.is_empty() {
        create.push_str(&format!(" TO {}", quote::idents(roles.iter().map(String::as_str))));
    }
    if let Some(using) = using {
        create.push_str(&format!(" USING ({using})"));
    }
    if let Some(check) = with_check {
        create.push_str(&format!(" WITH CHECK ({check})"));
    }
    create
}
