//! Sequences.

use crate::ddl::quote;
use crate::diff::change::Action;
use crate::diff::draft::{Draft, Role};
use crate::diff::words;
use crate::schema::{ObjectId, Persistence, Sequence};

pub(super) fn in_place(id: &ObjectId, from: &Sequence, to: &Sequence, drafts: &mut Vec<Draft>) {
    let Some(name) = id.qualified() else { return };
    let name = quote::name(&name);
    let settings = settings(from, to);
    if !settings.is_empty() {
        let statement = format!("ALTER SEQUENCE {name} {}", settings.join(" "));
        let words = format!("alter {}: {}", words::object(id), settings.join(", ").to_lowercase());
        drafts.push(Draft::alter(id, statement, words).role(Role::Provide));
    }
    if from.persistence != to.persistence {
        let kind = persistence(to.persistence);
        let words = format!("make {} {}", words::object(id), kind.to_lowercase());
        drafts.push(Draft::alter(id, format!("ALTER SEQUENCE {name} SET {kind}"), words));
    }
    if from.owned_by != to.owned_by {
        let owner = match &to.owned_by {
            Some((table, column)) => format!("{}.{}", quote::name(table), quote::ident(column)),
            None => "NONE".to_owned(),
        };
        let words = match &to.owned_by {
            Some((table, column)) => format!("let {}.{column} own {}", words::name(table), words::object(id)),
            None => format!("let nothing own {}", words::object(id)),
        };
        let action = Action::Annotate(vec![format!("ALTER SEQUENCE {name} OWNED BY {owner}")]);
        drafts.push(Draft::new(id, action, words));
    }
}

/// `LOGGED` or `UNLOGGED`.
pub(super) fn persistence(persistence: Persistence) -> &'static str {
    match persistence {
        Persistence::Permanent => "LOGGED",
        Persistence::Unlogged => "UNLOGGED",
    }
}

/// What `ALTER SEQUENCE` has to say; a new type moves bounds that are the old type's own.
pub(super) fn settings(from: &Sequence, to: &Sequence) -> Vec<String> {
    let (mut settings, mut from) = (Vec::new(), from.clone());
    if from.data_type != to.data_type {
        settings.push(format!("AS {}", to.data_type));
        from = retyped(&from, &to.data_type);
    }
    let mut say = |differs: bool, text: String| {
        if differs {
            settings.push(text);
        }
    };
    say(from.increment != to.increment, format!("INCREMENT BY {}", to.increment));
    say(from.min != to.min, format!("MINVALUE {}", to.min));
    say(from.max != to.max, format!("MAXVALUE {}", to.max));
    say(from.start != to.start, format!("START WITH {}", to.start));
    // The position would be out of bounds; any other stays.
    let is_apart = from.max < to.min || to.max < from.min;
    say(is_apart, "RESTART".to_owned());
    say(from.cache != to.cache, format!("CACHE {}", to.cache));
    say(from.cycle != to.cycle, if to.cycle { "CYCLE".into() } else { "NO CYCLE".into() });
    settings
}

/// A sequence after `AS type`: PostgreSQL moves a bound that is the old type's to the new type's.
pub(super) fn retyped(sequence: &Sequence, data_type: &str) -> Sequence {
    let ((old_least, old_greatest), (least, greatest)) = (bounds(&sequence.data_type), bounds(data_type));
    let mut sequence = Sequence { data_type: data_type.to_owned(), ..sequence.clone() };
    if sequence.max == old_greatest {
        sequence.max = greatest;
    }
    if sequence.min == old_least {
        sequence.min = least;
    }
    sequence
}

/// What has to be said before `AS type`, where the old bounds are none of the new type's.
pub(super) fn settings_before(from: &Sequence, to: &Sequence) -> Option<Vec<String>> {
    let (least, greatest) = bounds(&to.data_type);
    let after = retyped(from, &to.data_type);
    let fits = after.min >= least && after.max <= greatest;
    let same_type = Sequence { data_type: from.data_type.clone(), ..to.clone() };
    (!fits).then(|| settings(from, &same_type))
}

fn bounds(data_type: &str) -> (i64, i64) {
    match data_type {
        "smallint" => (i16::MIN.into(), i16::MAX.into()),
        "integer" => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN, i64::MAX),
    }
}
