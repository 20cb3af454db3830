//! Functions, procedures and aggregates.

use limbeck_core::schema::{Kind, Name, ObjectId, Routine, RoutineKind};
use sqlx::Row;
use sqlx::postgres::PgRow;

use super::Section;
use super::reader::{Reader, class};
use super::scope::stands_alone;

pub(super) const ROUTINES: Section = Section {
    sql: |scope| {
        let (schemas, alone) = (&scope.schemas, stands_alone(class::PROC, "p.oid"));
        format!(
            "SELECT p.oid::int8 AS oid, n.nspname::text AS schema, p.proname::text AS name, p.prokind::text AS kind, \
             oidvectortypes(p.proargtypes) AS signature, pg_get_function_arguments(p.oid) AS arguments, \
             pg_get_function_result(p.oid) AS result, l.lanname::text AS language, \
             CASE WHEN p.prokind <> 'a' THEN rtrim(pg_get_functiondef(p.oid), E' \\n') ELSE {AGGREGATE} END AS definition \
             FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace JOIN pg_language l ON l.oid = p.prolang \
             LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid WHERE {schemas} AND {alone}"
        )
    },
    read: |reader, rows| rows.iter().try_for_each(|row| read(reader, row)),
};

/// `CREATE AGGREGATE`, for which PostgreSQL has no function: what is not as it assumes, as in `pg_dump`.
const AGGREGATE: &str = "\
concat('CREATE AGGREGATE ', quote_ident(n.nspname), '.', quote_ident(p.proname), '(', \
coalesce(nullif(pg_get_function_arguments(p.oid), ''), '*'), E') (\\n    SFUNC = ', g.aggtransfn::text, \
E',\\n    STYPE = ', format_type(g.aggtranstype, NULL), \
CASE WHEN g.aggtransspace <> 0 THEN E',\\n    SSPACE = ' || g.aggtransspace END, \
CASE WHEN g.aggfinalfn <> 0 THEN E',\\n    FINALFUNC = ' || g.aggfinalfn::text END, \
CASE WHEN g.aggfinalextra THEN E',\\n    FINALFUNC_EXTRA' END, \
CASE WHEN g.aggfinalmodify <> CASE g.aggkind WHEN 'n' THEN 'r'::\"char\" ELSE 'w'::\"char\" END \
THEN E',\\n    FINALFUNC_MODIFY = ' || CASE g.aggfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' \
ELSE 'READ_WRITE' END END, \
CASE WHEN g.aggcombinefn <> 0 THEN E',\\n    COMBINEFUNC = ' || g.aggcombinefn::text END, \
CASE WHEN g.aggserialfn <> 0 THEN E',\\n    SERIALFUNC = ' || g.aggserialfn::text END, \
CASE WHEN g.aggdeserialfn <> 0 THEN E',\\n    DESERIALFUNC = ' || g.aggdeserialfn::text END, \
E',\\n    INITCOND = ' || quote_literal(g.agginitval), \
CASE WHEN g.aggmtransfn <> 0 THEN E',\\n    MSFUNC = ' || g.aggmtransfn::text || E',\\n    MINVFUNC = ' || \
g.aggminvtransfn::text || E',\\n    MSTYPE = ' || format_type(g.aggmtranstype, NULL) END, \
CASE WHEN g.aggmtransspace <> 0 THEN E',\\n    MSSPACE = ' || g.aggmtransspace END, \
CASE WHEN g.aggmfinalfn <> 0 THEN E',\\n    MFINALFUNC = ' || g.aggmfinalfn::text END, \
CASE WHEN g.aggmfinalextra THEN E',\\n    MFINALFUNC_EXTRA' END, \
CASE WHEN g.aggmtransfn <> 0 AND g.aggmfinalmodify <> CASE g.aggkind WHEN 'n' THEN 'r'::\"char\" ELSE 'w'::\"char\" END \
THEN E',\\n    MFINALFUNC_MODIFY = ' || CASE g.aggmfinalmodify WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' \
ELSE 'READ_WRITE' END END, \
E',\\n    MINITCOND = ' || quote_literal(g.aggminitval), \
(SELECT format(E',\\n    SORTOP = OPERATOR(%I.%s)', sn.nspname, s.oprname) FROM pg_operator s \
JOIN pg_namespace sn ON sn.oid = s.oprnamespace WHERE s.oid = g.aggsortop), \
CASE WHEN g.aggkind = 'h' THEN E',\\n    HYPOTHETICAL' END, \
CASE p.proparallel WHEN 's' THEN E',\\n    PARALLEL = safe' WHEN 'r' THEN E',\\n    PARALLEL = restricted' END, \
E'\\n)')";

fn read(reader: &mut Reader, row: &PgRow) -> Result<(), sqlx::Error> {
    let name = Name::new(row.try_get::<String, _>("schema")?, row.try_get::<String, _>("name")?);
    let id = ObjectId::with_arguments(Kind::Routine, &name, row.try_get::<String, _>("signature")?);
    let routine = Routine {
        kind: match row.try_get("kind")? {
            "p" => RoutineKind::Procedure,
            "a" => RoutineKind::Aggregate,
            _ => RoutineKind::Function,
        },
        arguments: row.try_get("arguments")?,
        result: row.try_get("result")?,
        definition: row.try_get("definition")?,
        language: row.try_get("language")?,
    };
    reader.add((class::PROC, row.try_get("oid")?), id, routine);
    Ok(())
}
