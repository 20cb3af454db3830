//! How objects are dropped.

use crate::ddl::{create, quote};
use crate::schema::{Entry, Kind, Object, ObjectId, RoutineKind};

/// The statement that drops an object; `how` follows the kind: ` CONCURRENTLY`, or nothing.
pub(super) fn drop(id: &ObjectId, entry: &Entry, how: &str) -> String {
    let target = create::target(id, Some(&entry.object));
    match (&entry.object, &id.of) {
        (Object::Opaque(opaque), _) => opaque.drop.clone(),
        (Object::Constraint(_), Some(table)) => {
            format!("ALTER TABLE {} DROP CONSTRAINT {}", quote::name(table), quote::ident(&id.name))
        }
        (Object::Routine(routine), _) => {
            let kind = match routine.kind {
                RoutineKind::Function => "FUNCTION",
                RoutineKind::Procedure => "PROCEDURE",
                RoutineKind::Aggregate if id.arguments.is_empty() => {
                    // An aggregate without arguments is written with a star.
                    return format!("DROP AGGREGATE {}", target.replace("()", "(*)"));
                }
                RoutineKind::Aggregate => "AGGREGATE",
            };
            format!("DROP {kind} {target}")
        }
        _ if id.kind == Kind::Index => format!("DROP INDEX{how} {target}"),
        _ => format!("DROP {} {target}", id.kind.sql()),
    }
}
