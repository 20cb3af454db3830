//! Triggers, rules, policies and statistics.

use crate::ddl::{self, quote};
use crate::diff::change::Action;
use crate::diff::draft::{Draft, Role};
use crate::diff::words;
use crate::schema::{Entry, Firing, ObjectId, Policy, Rule, Statistics, Trigger};

/// `CREATE OR REPLACE TRIGGER` came with PostgreSQL 14, and does not take constraint triggers.
pub(super) fn rebuild_trigger(from: &Trigger, to: &Trigger, version: u32) -> Option<&'static str> {
    let plain = |trigger: &Trigger| trigger.definition.starts_with("CREATE TRIGGER ");
    let replaceable = version >= 14 && plain(from) && plain(to);
    (from.definition != to.definition && !replaceable).then_some("its definition changes")
}

/// What `ALTER POLICY` cannot do: another command, or no expression where there was one.
pub(super) fn rebuild_policy(from: &Policy, to: &Policy) -> Option<&'static str> {
    if from.permissive != to.permissive || from.command != to.command {
        return Some("it becomes one for something else");
    }
    let loses = (from.using.is_some() && to.using.is_none())
        || (from.with_check.is_some() && to.with_check.is_none());
    loses.then_some("it loses an expression")
}

pub(super) fn policy(id: &ObjectId, from: &Policy, to: &Policy, drafts: &mut Vec<Draft>) {
    let mut clauses = Vec::new();
    if from.roles != to.roles {
        clauses.push(match to.roles.is_empty() {
            true => "TO PUBLIC".to_owned(),
            false => format!("TO {}", quote::idents(to.roles.iter().map(String::as_str))),
        });
    }
    if from.using != to.using {
        clauses.extend(to.using.as_ref().map(|using| format!("USING ({using})")));
    }
    if from.with_check != to.with_check {
        clauses.extend(to.with_check.as_ref().map(|check| format!("WITH CHECK ({check})")));
    }
    if !clauses.is_empty() {
        let statement = format!("ALTER POLICY {} {}", ddl::target(id, None), clauses.join(" "));
        drafts.push(Draft::alter(id, statement, format!("change {}", words::object(id))));
    }
}

pub(super) fn trigger(id: &ObjectId, from: &Trigger, to: &Trigger, entry: &Entry, drafts: &mut Vec<Draft>) {
    let replaced = from.definition != to.definition;
    if replaced {
        drafts.push(super::replace(id, entry));
    }
    fires(id, from.firing, to.firing, replaced, drafts);
}

pub(super) fn rule(id: &ObjectId, from: &Rule, to: &Rule, entry: &Entry, drafts: &mut Vec<Draft>) {
    let replaced = from.definition != to.definition;
    if replaced {
        drafts.push(super::replace(id, entry));
    }
    // Unlike a trigger, a replaced rule fires as it did.
    fires(id, from.firing, to.firing, false, drafts);
}

/// Replacing a trigger says when it fires, too.
fn fires(id: &ObjectId, from: Firing, to: Firing, replaced: bool, drafts: &mut Vec<Draft>) {
    if from == to || replaced {
        return;
    }
    let how = match to {
        Firing::Origin => "enable",
        Firing::Disabled => "disable",
        Firing::Replica => "enable for replication",
        Firing::Always => "always enable",
    };
    drafts.push(
        Draft::alter(id, ddl::firing(id, to), format!("{how} {}", words::object(id))).role(Role::Adjust),
    );
}

pub(super) fn statistics(id: &ObjectId, from: &Statistics, to: &Statistics, drafts: &mut Vec<Draft>) {
    if from.target != to.target {
        let target = to.target.unwrap_or(-1);
        let statement = format!("ALTER STATISTICS {} SET STATISTICS {target}", quote::name(&to.name));
        let words = format!("set target of {} to {target}", words::object(id));
        drafts.push(Draft::new(id, Action::Alter(vec![statement]), words));
    }
}
