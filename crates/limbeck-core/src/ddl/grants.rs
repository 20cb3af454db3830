//! Grants, as differences.

use std::collections::{BTreeMap, BTreeSet};

use super::{create, quote};
use crate::schema::{Grant, Kind, ObjectId};

/// The statements that give a new object these grants.
pub(super) fn initial(id: &ObjectId, grants: &BTreeSet<Grant>) -> Vec<String> {
    if id.kind != Kind::Schema || id.name != "public" {
        return changed(id, &Grant::defaults(id.kind), grants);
    }
    // The schema `public` is there in every new database. Whether PUBLIC may create in it depends on the server's
    // version (until 14 it may), so that is always said.
    let (usage, create) = (Grant::to_public("USAGE"), Grant::to_public("CREATE"));
    let from = if grants.contains(&create) { [usage].into() } else { [usage, create].into() };
    changed(id, &from, grants)
}

/// The statements that turn one set of an object's grants into another.
pub fn changed(id: &ObjectId, from: &BTreeSet<Grant>, to: &BTreeSet<Grant>) -> Vec<String> {
    let key = |grant: &Grant| (grant.grantee.clone(), grant.privilege.clone(), grant.column.clone());
    let kept: BTreeSet<_> = to.iter().map(key).collect();
    let mut statements = Vec::new();
    let (gone, weaker): (Vec<&Grant>, Vec<&Grant>) =
        from.difference(to).partition(|grant| !kept.contains(&key(grant)));
    let weaker: Vec<&Grant> = weaker.into_iter().filter(|grant| grant.grantable).collect();
    let to_role =
        |grantee: &Option<String>| grantee.as_deref().map_or_else(|| "PUBLIC".to_owned(), quote::ident);
    let on = format!("ON {} {}", granted(id.kind), create::target(id, None));
    for ((grantee, _), privileges) in groups(gone) {
        statements.push(format!("REVOKE {privileges} {on} FROM {}", to_role(&grantee)));
    }
    for ((grantee, _), privileges) in groups(weaker) {
        statements.push(format!("REVOKE GRANT OPTION FOR {privileges} {on} FROM {}", to_role(&grantee)));
    }
    for ((grantee, grantable), privileges) in groups(to.difference(from).collect()) {
        let option = if grantable { " WITH GRANT OPTION" } else { "" };
        statements.push(format!("GRANT {privileges} {on} TO {}{option}", to_role(&grantee)));
    }
    statements
}

/// The columns of each privilege; `None` is the whole object.
type Privileges<'a> = BTreeMap<&'a str, Vec<Option<&'a str>>>;

/// The privileges of each role as one text: `SELECT, UPDATE (a, b)`.
fn groups(grants: Vec<&Grant>) -> Vec<((Option<String>, bool), String)> {
    let mut roles: BTreeMap<(Option<String>, bool), Privileges<'_>> = BTreeMap::new();
    for grant in grants {
        let role = roles.entry((grant.grantee.clone(), grant.grantable)).or_default();
        role.entry(&grant.privilege).or_default().push(grant.column.as_deref());
    }
    roles.into_iter().map(|(role, privileges)| (role, privileges_text(&privileges))).collect()
}

fn privileges_text(privileges: &Privileges<'_>) -> String {
    let mut texts = Vec::new();
    for (privilege, columns) in privileges {
        if columns.contains(&None) {
            texts.push((*privilege).to_owned());
        }
        let columns: Vec<&str> = columns.iter().copied().flatten().collect();
        if !columns.is_empty() {
            texts.push(format!("{privilege} ({})", quote::idents(columns)));
        }
    }
    texts.join(", ")
}

/// What `GRANT ... ON` calls a kind.
pub fn granted(kind: Kind) -> &'static str {
    match kind {
        Kind::Table | Kind::ForeignTable | Kind::View | Kind::MaterializedView => "TABLE",
        Kind::Server => "FOREIGN SERVER",
        kind => kind.sql(),
    }
}
