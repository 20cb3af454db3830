//! Grants, as differences.

use std::collections::{BTreeMap, BTreeSet};

use super::{create, quote};
use crate::schema::{Entry, Grant, Identity, IdentitySequence, Kind, Object, ObjectId, Schema};

/// The statements that give a new object these grants.
pub(super) fn initial(id: &ObjectId, grants: &BTreeSet<Grant>) -> Vec<String> {
    if id.kind != Kind::Schema || id.name != "public" {
        return changed(id, &id.default_grants(), grants);
    }
    // The schema `public` is there in every new database. Whether PUBLIC may create in it depends on the server's
    // version (until 14 it may), so that is always said.
    let (usage, create) = (Grant::to_public("USAGE"), Grant::to_public("CREATE"));
    let from = if grants.contains(&create) { [usage].into() } else { [usage, create].into() };
    changed(id, &from, grants)
}

/// What the statements that make an object, made by whoever migrates, leave to be done about its grants where there are
/// default privileges: they are said as if there were none.
pub fn despite_defaults(schema: &Schema, id: &ObjectId, entry: &Entry) -> Vec<String> {
    let mut statements = settled(schema, id, &entry.grants);
    if let Object::Table(table) = &entry.object {
        let of_identity = |identity| identity_despite_defaults(schema, identity);
        statements.extend(table.identities().flat_map(of_identity));
    }
    statements
}

/// The same for the sequence of an identity column.
pub fn identity_despite_defaults(schema: &Schema, identity: &Identity) -> Vec<String> {
    let Some(IdentitySequence { name, grants, .. }) = &identity.sequence else { return Vec::new() };
    settled(schema, &ObjectId::relation(Kind::Sequence, name), grants)
}

fn settled(schema: &Schema, id: &ObjectId, wanted: &BTreeSet<Grant>) -> Vec<String> {
    let usual = id.default_grants();
    let mut given = schema.given(id.kind, id.schema.as_deref());
    if given == usual {
        return Vec::new();
    }
    given.retain(|grant| wanted.contains(grant) || !usual.contains(grant));
    given.extend(wanted.difference(&usual).cloned());
    changed(id, &given, wanted)
}

/// The statements that turn one set of an object's grants into another; of default privileges, what they grant.
pub fn changed(id: &ObjectId, from: &BTreeSet<Grant>, to: &BTreeSet<Grant>) -> Vec<String> {
    let key = |grant: &Grant| (grant.grantee.clone(), grant.privilege.clone(), grant.column.clone());
    let kept: BTreeSet<_> = to.iter().map(key).collect();
    let mut statements = Vec::new();
    let (gone, weaker): (Vec<&Grant>, Vec<&Grant>) =
        from.difference(to).partition(|grant| !kept.contains(&key(grant)));
    let weaker: Vec<&Grant> = weaker.into_iter().filter(|grant| grant.grantable).collect();
    let to_role =
        |grantee: &Option<String>| grantee.as_deref().map_or_else(|| "PUBLIC".to_owned(), quote::ident);
    let (head, on) = match id.kind {
        Kind::DefaultPrivileges => (default_privileges(id), format!("ON {}", id.name)),
        kind => (String::new(), format!("ON {} {}", granted(kind), create::target(id, None))),
    };
    for ((grantee, _), privileges) in groups(gone) {
        statements.push(format!("{head}REVOKE {privileges} {on} FROM {}", to_role(&grantee)));
    }
    for ((grantee, _), privileges) in groups(weaker) {
        statements
            .push(format!("{head}REVOKE GRANT OPTION FOR {privileges} {on} FROM {}", to_role(&grantee)));
    }
    for ((grantee, grantable), privileges) in groups(to.difference(from).collect()) {
        let option = if grantable { " WITH GRANT OPTION" } else { "" };
        statements.push(format!("{head}GRANT {privileges} {on} TO {}{option}", to_role(&grantee)));
    }
    statements
}

/// `ALTER DEFAULT PRIVILEGES FOR ROLE anna IN SCHEMA app `.
fn default_privileges(id: &ObjectId) -> String {
    let mut head = "ALTER DEFAULT PRIVILEGES ".to_owned();
    if !id.arguments.is_empty() {
        head.push_str(&format!("FOR ROLE {} ", quote::ident(&id.arguments)));
    }
    if let Some(schema) = &id.schema {
        head.push_str(&format!("IN SCHEMA {} ", quote::ident(schema)));
    }
    head
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
