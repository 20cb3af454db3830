//! Statistics, rules, triggers and policies.

use limbeck_core::schema::{Firing, Kind, Name, Policy, Rule, Statistics, Trigger};
use sqlx::Row;

use super::Section;
use super::reader::class;
use super::scope::no_member;

/// PostgreSQL prints the columns in the order in which the table has them, which means nothing to statistics: two
/// tables whose columns stand in another order would differ.
pub(super) const STATISTICS: Section = Section {
    sql: |scope| {
        let member = no_member(class::STATISTICS, "s.oid");
        let columns = |order: &str| {
            format!(
                "(SELECT ' ON ' || coalesce(string_agg(quote_ident(a.attname), ', ' ORDER BY a.{order}), '') FROM pg_attribute a \
                 WHERE a.attrelid = s.stxrelid AND a.attnum = ANY (s.stxkeys))"
            )
        };
        let (printed, sorted) = (columns("attnum"), columns("attname"));
        format!(
            "SELECT s.oid::int8 AS oid, s.stxrelid::int8 AS relation, n.nspname::text AS schema, s.stxname::text AS name, \
             replace(pg_get_statisticsobjdef(s.oid), {printed}, {sorted}) AS definition, \
             CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget::int4 END AS target \
             FROM pg_statistic_ext s JOIN pg_namespace n ON n.oid = s.stxnamespace WHERE {} AND {member}",
            scope.schemas
        )
    },
    read: |reader, rows| {
        for row in rows {
            let name = Name::new(row.try_get::<String, _>("schema")?, row.try_get::<String, _>("name")?);
            let id = reader.id_of(Kind::Statistics, row.try_get("relation")?, name.name.clone());
            let Some(id) = id else { continue };
            let statistics =
                Statistics { name, definition: row.try_get("definition")?, target: row.try_get("target")? };
            reader.add((class::STATISTICS, row.try_get("oid")?), id, statistics);
        }
        Ok(())
    },
};

/// The rule that makes a view is only looked up: what it needs is what the view needs.
pub(super) const RULES: Section = Section {
    sql: |scope| {
        format!(
            "SELECT r.oid::int8 AS oid, r.ev_class::int8 AS relation, r.rulename::text AS name, r.ev_enabled::text AS fires, \
             CASE WHEN r.rulename <> '_RETURN' THEN rtrim(pg_get_ruledef(r.oid), ';') END AS definition \
             FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE {}",
            scope.schemas
        )
    },
    read: |reader, rows| {
        for row in rows {
            let relation: i64 = row.try_get("relation")?;
            let address = (class::REWRITE, row.try_get("oid")?);
            match row.try_get::<Option<String>, _>("definition")? {
                Some(definition) => {
                    let Some(id) = reader.id_of(Kind::Rule, relation, row.try_get("name")?) else { continue };
                    reader.add(address, id, Rule { definition, firing: firing(row.try_get("fires")?) });
                }
                None => {
                    let view = reader.id((class::CLASS, relation)).cloned();
                    view.into_iter().for_each(|view| reader.part(address, view));
                }
            }
        }
        Ok(())
    },
};

/// Neither those of foreign keys nor a partition's share of its parent's.
pub(super) const TRIGGERS: Section = Section {
    sql: |scope| {
        format!(
            "SELECT t.oid::int8 AS oid, t.tgrelid::int8 AS relation, t.tgname::text AS name, t.tgenabled::text AS fires, \
             pg_get_triggerdef(t.oid) AS definition \
             FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE NOT t.tgisinternal AND t.tgparentid = 0 AND {} AND {}",
            scope.schemas,
            no_member(class::TRIGGER, "t.oid")
        )
    },
    read: |reader, rows| {
        for row in rows {
            let id = reader.id_of(Kind::Trigger, row.try_get("relation")?, row.try_get("name")?);
            let Some(id) = id else { continue };
            let firing = firing(row.try_get("fires")?);
            let trigger = Trigger { definition: row.try_get("definition")?, firing };
            reader.add((class::TRIGGER, row.try_get("oid")?), id, trigger);
        }
        Ok(())
    },
};

fn firing(enabled: &str) -> Firing {
    match enabled {
        "D" => Firing::Disabled,
        "R" => Firing::Replica,
        "A" => Firing::Always,
        _ => Firing::Origin,
    }
}

pub(super) const POLICIES: Section = Section {
    sql: |scope| {
        format!(
            "SELECT p.oid::int8 AS oid, p.polrelid::int8 AS relation, p.polname::text AS name, \
             p.polpermissive AS is_permissive, CASE p.polcmd WHEN 'r' THEN 'SELECT' WHEN 'a' THEN 'INSERT' \
             WHEN 'w' THEN 'UPDATE' WHEN 'd' THEN 'DELETE' ELSE 'ALL' END AS command, \
             (SELECT array_agg(r.rolname::text ORDER BY r.rolname) FROM pg_roles r WHERE r.oid = ANY (p.polroles)) AS roles, \
             pg_get_expr(p.polqual, p.polrelid) AS using, pg_get_expr(p.polwithcheck, p.polrelid) AS with_check \
             FROM pg_policy p JOIN pg_class c ON c.oid = p.polrelid JOIN pg_namespace n ON n.oid = c.relnamespace \
             WHERE {}",
            scope.schemas
        )
    },
    read: |reader, rows| {
        for row in rows {
            let id = reader.id_of(Kind::Policy, row.try_get("relation")?, row.try_get("name")?);
            let Some(id) = id else { continue };
            let roles: Option<Vec<String>> = row.try_get("roles")?;
            let policy = Policy {
                permissive: row.try_get("is_permissive")?,
                command: row.try_get("command")?,
                roles: roles.unwrap_or_default(),
                using: row.try_get("using")?,
                with_check: row.try_get("with_check")?,
            };
            reader.add((class::POLICY, row.try_get("oid")?), id, policy);
        }
        Ok(())
    },
};
