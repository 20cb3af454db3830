mod mood;

use limbeck::Table;
pub(crate) use mood::Mood;

/// Somebody.
#[derive(Table)]
#[table(name = "people", schema = "social")]
#[expect(dead_code, reason = "only names are tested")]
pub(crate) struct Person<'a> {
    #[column(primary_key, identity)]
    pub(crate) id: i64,
    #[column(name = "fullName")]
    pub(crate) name: &'a str,
    pub(crate) r#type: Option<String>,
    pub(crate) mood: Mood,
    #[column(index, references = "people", on_delete = "set null")]
    pub(crate) boss: Option<i64>,
    #[column(skip)]
    pub(crate) cache: u64,
}
