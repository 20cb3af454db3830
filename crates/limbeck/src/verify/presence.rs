//! CREATE and DROP of DATABASE, TABLESPACE and SUBSCRIPTION: PostgreSQL's own row comes and goes in one transaction. What
//! lies outside of it (files of a tablespace, a slot on the publisher) may remain of a crash; the statement's second run
//! then fails with PostgreSQL's word for it.

use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::{Finding, Verifier};
use crate::quote::literal;

/// A kind of object, and where it is listed.
#[derive(Debug, Clone, Copy)]
pub(super) struct Listed {
    noun: &'static str,
    catalog: &'static str,
    /// The column of its name.
    name: &'static str,
    /// What else must hold of a row.
    also: &'static str,
}

/// A database.
pub(super) const DATABASE: Listed =
    Listed { noun: "database", catalog: "pg_database", name: "datname", also: "true" };
/// A tablespace.
pub(super) const TABLESPACE: Listed =
    Listed { noun: "tablespace", catalog: "pg_tablespace", name: "spcname", also: "true" };
/// A subscription of this database.
pub(super) const SUBSCRIPTION: Listed = Listed {
    noun: "subscription",
    catalog: "pg_subscription",
    name: "subname",
    also: "subdbid = (SELECT oid FROM pg_catalog.pg_database WHERE datname = current_database())",
};

/// The verifier of a CREATE.
pub(super) fn created(listed: Listed, name: &str) -> Box<dyn Verifier> {
    Box::new(Presence { listed, name: name.to_owned(), wish: Wish::There })
}

/// The verifier of a DROP.
pub(super) fn dropped(listed: Listed, name: &str) -> Box<dyn Verifier> {
    Box::new(Presence { listed, name: name.to_owned(), wish: Wish::Gone })
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    There,
    Gone,
}

#[derive(Debug)]
struct Presence {
    listed: Listed,
    name: String,
    wish: Wish,
}

impl Presence {
    fn oid(&self) -> String {
        let Listed { catalog, name, also, .. } = self.listed;
        format!("(SELECT oid FROM pg_catalog.{catalog} WHERE {name} = {} AND {also})", literal(&self.name))
    }
}

impl Verifier for Presence {
    fn before(&self) -> String {
        format!("jsonb_build_object('oid', {})", self.oid())
    }

    fn question(&self, noted: &str) -> String {
        format!(
            "SELECT (noted.c->>'oid') IS NOT NULL AS was_there, now.oid IS NOT NULL AS is_there, \
             coalesce(now.oid = (noted.c->>'oid')::oid, false) AS is_same \
             FROM (SELECT {noted} AS c) noted, (SELECT {} AS oid) now",
            self.oid()
        )
    }

    fn answer(&self, rows: &[PgRow]) -> Result<Finding, sqlx::Error> {
        let Some(row) = rows.first() else { return Ok(Finding::Unknown) };
        let flag = |name| row.try_get::<bool, _>(name);
        let (was_there, is_there, is_same) = (flag("was_there")?, flag("is_there")?, flag("is_same")?);
        let noun = self.listed.noun;
        Ok(match self.wish {
            Wish::There if is_there && !was_there => Finding::Done { found: format!("the {noun} is there") },
            Wish::There if is_there => {
                Finding::NotDone { found: format!("the {noun} was there before the statement") }
            }
            Wish::There => Finding::NotDone { found: format!("the {noun} is not there") },
            Wish::Gone if was_there && !is_same => Finding::Done { found: format!("the {noun} is gone") },
            Wish::Gone if is_there => Finding::NotDone { found: format!("the {noun} is still there") },
            Wish::Gone => Finding::NotDone { found: format!("the {noun} was not there before") },
        })
    }
}
