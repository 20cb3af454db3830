//! Sequences, identity columns included.

use super::{grants, quote};
use crate::schema::{Identity, IdentityKind, IdentitySequence, Kind, Name, ObjectId, Persistence, Sequence};

pub(super) fn create(name: &Name, sequence: &Sequence) -> String {
    let unlogged = match sequence.persistence {
        Persistence::Permanent => "",
        Persistence::Unlogged => "UNLOGGED ",
    };
    let mut create = format!("CREATE {unlogged}SEQUENCE {}", quote::name(name));
    if sequence.data_type != "bigint" {
        create.push_str(&format!(" AS {}", sequence.data_type));
    }
    for option in sequence_options(sequence) {
        create.push(' ');
        create.push_str(&option);
    }
    create
}

/// `ALTER SEQUENCE ... OWNED BY`.
pub(super) fn owned_by(name: &Name, sequence: &Sequence) -> Option<String> {
    let (table, column) = sequence.owned_by.as_ref()?;
    Some(format!(
        "ALTER SEQUENCE {} OWNED BY {}.{}",
        quote::name(name),
        quote::name(table),
        quote::ident(column)
    ))
}

/// The options of a sequence that are not what PostgreSQL assumes for its type and direction, each as in
/// `CREATE SEQUENCE`: `START WITH 5`. Type, owner and persistence are not among them.
pub fn sequence_options(sequence: &Sequence) -> Vec<String> {
    let Sequence { start, increment, min, max, cache, cycle, .. } = *sequence;
    let (least, greatest) = bounds(&sequence.data_type);
    let (usual_min, usual_max) = if increment < 0 { (least, -1) } else { (1, greatest) };
    let usual_start = if increment < 0 { max } else { min };
    let options = [
        (start != usual_start).then(|| format!("START WITH {start}")),
        (increment != 1).then(|| format!("INCREMENT BY {increment}")),
        (min != usual_min).then(|| format!("MINVALUE {min}")),
        (max != usual_max).then(|| format!("MAXVALUE {max}")),
        (cache != 1).then(|| format!("CACHE {cache}")),
        cycle.then(|| "CYCLE".to_owned()),
    ];
    options.into_iter().flatten().collect()
}

/// The bounds of the types that a sequence may have.
fn bounds(data_type: &str) -> (i64, i64) {
    match data_type {
        "smallint" => (i16::MIN.into(), i16::MAX.into()),
        "integer" => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN, i64::MAX),
    }
}

/// `GENERATED ... AS IDENTITY`, with what is not as PostgreSQL would choose it for this column.
pub fn identity_clause(table: &Name, column: &str, identity: &Identity) -> String {
    let kind = match identity.kind {
        IdentityKind::Always => "ALWAYS",
        IdentityKind::ByDefault => "BY DEFAULT",
    };
    let mut options = Vec::new();
    if let Some(IdentitySequence { name, settings, .. }) = &identity.sequence {
        let usual = Name::new(table.schema.clone(), format!("{}_{column}_seq", table.name));
        if *name != usual {
            options.push(format!("SEQUENCE NAME {}", quote::name(name)));
        }
        options.extend(sequence_options(settings));
    }
    let options = if options.is_empty() { String::new() } else { format!(" ({})", options.join(" ")) };
    format!("GENERATED {kind} AS IDENTITY{options}")
}

/// What the sequence of a new identity column is given afterwards: its comment and grants.
pub fn identity_said(identity: &Identity) -> Vec<String> {
    let bare =
        |sequence: &IdentitySequence| IdentitySequence::new(sequence.name.clone(), sequence.settings.clone());
    identity.sequence.as_ref().map(|sequence| identity_changes(&bare(sequence), sequence)).unwrap_or_default()
}

/// The statements that give the sequence of an identity column another comment and other grants.
pub fn identity_changes(from: &IdentitySequence, to: &IdentitySequence) -> Vec<String> {
    let comment = (from.comment != to.comment).then(|| {
        let text = to.comment.as_deref().map_or_else(|| "NULL".to_owned(), quote::literal);
        format!("COMMENT ON SEQUENCE {} IS {text}", quote::name(&to.name))
    });
    let id = ObjectId::relation(Kind::Sequence, &to.name);
    comment.into_iter().chain(grants::changed(&id, &from.grants, &to.grants)).collect()
}
