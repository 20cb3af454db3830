//! The derive macros, as an application uses them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

/// The models are a module of this program, and at the same time what `models!` reads.
#[path = "data/models/mod.rs"]
mod models;

use limbeck::core::schema::{Kind, Name, ObjectId};
use limbeck::{EmbeddedModels, Enum, Table};
use models::{Mood, Person};

static MODELS: EmbeddedModels = limbeck::models!("tests/data/models", ix = "ix_%(column_0_label)s");

#[test]
fn a_struct_knows_its_names() {
    assert_eq!((Person::TABLE, Person::SCHEMA), ("people", Some("social")));
    assert_eq!(Person::COLUMNS.r#type, "type");
    assert_eq!(Person::COLUMNS.name, "fullName");
    assert_eq!(Person::COLUMN_NAMES, ["id", "fullName", "type", "mood", "boss"]);
    let person = Person { id: 1, name: "Ada", r#type: None, mood: Mood::VeryHappy, boss: None, cache: 2 };
    assert_eq!(person.mood.value(), "very-happy");
    assert_eq!(person.cache, 2);
}

#[test]
fn an_enum_knows_its_values() {
    assert_eq!((Mood::TYPE, Mood::SCHEMA), ("mood", None));
    assert_eq!(Mood::VALUES, ["very-happy", "sad"]);
    assert_eq!(Mood::from_value("sad"), Some(Mood::Sad));
    assert_eq!(Mood::from_value("Sad"), None);
}

#[test]
fn the_schema_is_compiled_in() {
    let schema = MODELS.schema().unwrap();
    let people = Name::new("social", "people");
    let columns: Vec<_> = schema.table(&people).unwrap().columns.iter().map(|c| c.name.as_str()).collect();
    assert_eq!(columns, Person::COLUMN_NAMES);
    let belongings: Vec<_> = schema.belongings(&people).map(|(id, _)| id.name.as_str()).collect();
    assert_eq!(belongings, ["ix_people_boss", "people_boss_fkey", "people_pkey"]);
    assert!(schema.get(&ObjectId::relation(Kind::Enum, &Name::new("public", "mood"))).is_some());
}
