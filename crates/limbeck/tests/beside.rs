//! What models ask for, worked out beside a schema that they are compared with, is what a server makes of all of it.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use limbeck::autogenerate::{Settings, Wanted, Workshop};
use limbeck::core::Source;
use limbeck::core::model::{self, ModelOptions, Shared};
use limbeck::core::schema::{Kind, Object, Schema, Selection};

const MODELS: &str = r#"
#[derive(Enum)]
#[enum_type(name = "state", rename_all = "snake_case")]
enum State { New, Done }

/// Of RUN.
#[derive(Table)]
#[table(
    name = "orders",
    index("created_at desc", where = "state <> 'done'"),
    index("lower(title)"),
    index(customer_id, created_at),
    unique(customer_id, title),
    check(name = "orders_number_positive", expr = "number > 0"),
    row_level_security,
    policy(name = "own", using = "title = current_user"),
)]
struct Order {
    #[column(primary_key, identity = "always")]
    id: i64,
    #[column(references = "customers(id)", on_delete = "cascade")]
    customer_id: i32,
    #[column(default = "1")]
    number: i32,
    #[column(default = "'new'")]
    state: State,
    #[column(sql_type = "varchar(50)", default = "'it''s'")]
    title: String,
    /// Whatever.
    #[column(default = "'{}'")]
    payload: serde_json::Value,
    #[column(default = "now()")]
    created_at: chrono::DateTime<chrono::Utc>,
    #[column(default = "-1")]
    rank: i64,
}

#[derive(Table)]
#[table(name = "customers", replica_identity = "customers_code_key", unique(name = "customers_code_key", code))]
struct Customer {
    #[column(primary_key)]
    id: i32,
    #[column(default = "upper('a')")]
    code: String,
    #[column(generated = "id * 2")]
    twice: Option<i32>,
}

#[derive(Table)]
#[table(name = "far", schema = "other", foreign_key(a, b, references = "public.orders(customer_id, title)"))]
struct Far {
    #[column(primary_key)]
    id: uuid::Uuid,
    a: Option<i32>,
    #[column(sql_type = "varchar(50)")]
    b: Option<String>,
}
"#;

/// What a developer may do to them: one text for another.
const EDITS: &[(&str, &str)] = &[
    ("RUN", "RUN"),
    ("enum State { New, Done }", "enum State { New, Open, Done }"),
    ("number: i32", "number: i64"),
    ("'it''s'", "'it was'"),
    ("default = \"1\"", "default = \"2\""),
    ("number > 0", "number >= 0"),
    ("customers_code_key", "customers_code_unique"),
    ("    unique(customer_id, title),\n", "    unique(name = \"by_name\", customer_id, title),\n"),
    ("on_delete = \"cascade\"", "on_delete = \"restrict\""),
    ("/// Whatever.", "/// Something."),
    ("schema = \"other\"", "schema = \"another\""),
    ("index(customer_id, created_at)", "index(created_at, customer_id)"),
    ("identity = \"always\"", "identity = \"by default\""),
    ("    rank: i64,", "    rank: i64,\n    more: Option<bool>,"),
    ("twice: Option<i32>", "twice: Option<i64>"),
];

#[tokio::test]
async fn nothing_is_different_beside_another_schema() {
    let mut workshop = Workshop::new(Settings::default());
    // Nothing that was worked out before is known of this one.
    let run = format!("run {:016x}", fastrand::u64(..));
    let before = MODELS.replace("RUN", &run);
    let current = workshop.wanted(&wanted(&before)).await.unwrap().schema;
    for (from, to) in EDITS {
        let text = before.replace(&from.replace("RUN", &run), &to.replace("RUN", &run));
        let after = wanted(&text);
        let whole = workshop.wanted(&after).await.unwrap().schema;
        let beside = workshop.wanted_beside(&after, &current).await.unwrap().schema;
        assert_eq!(sorted(beside), sorted(whole), "{to}");
    }
    workshop.close().await.unwrap();
}

/// What a server has printed needs none again; what is typed in another way does.
#[tokio::test]
async fn what_is_printed_so_is_shared() {
    let mut workshop = Workshop::new(Settings::default());
    let models = wanted(MODELS);
    let current = workshop.wanted(&models).await.unwrap().schema;
    workshop.close().await.unwrap();
    let Shared { taken, .. } = Shared::of(&models.models.schema, &current);
    let missing = models.models.schema.objects.keys().filter(|id| !taken.objects.contains_key(id));
    let missing: Vec<String> = missing.map(ToString::to_string).collect();
    // `upper('a')` and `-1` are printed with casts: so both tables, and all that is of them or refers to them.
    let expected = models.models.schema.objects.keys().filter(|id| match id.kind {
        Kind::Schema | Kind::Enum => false,
        Kind::Table => id.name != "far",
        Kind::Constraint => id.name != "far_pkey",
        _ => true,
    });
    assert_eq!(missing, expected.map(ToString::to_string).collect::<Vec<_>>());
    let plain = MODELS.replace("upper('a')", "a").replace("default = \"-1\"", "default = \"7\"");
    let plain = wanted(
        &plain
            .replace("    #[column(default = \"a\")]\n", "")
            .replace("    #[column(generated = \"id * 2\")]\n", ""),
    );
    let mut workshop = Workshop::new(Settings::default());
    let current = workshop.wanted(&plain).await.unwrap().schema;
    workshop.close().await.unwrap();
    let Shared { taken, .. } = Shared::of(&plain.models.schema, &current);
    let missing = plain.models.schema.objects.keys().filter(|id| !taken.objects.contains_key(id));
    let missing: Vec<String> = missing.map(ToString::to_string).collect();
    assert_eq!(
        missing,
        [
            "index orders_created_at_idx of public.orders",
            "index orders_lower_idx of public.orders",
            "constraint orders_number_positive of public.orders",
            "policy own of public.orders",
        ]
    );
}

fn wanted(text: &str) -> Wanted {
    let models = model::read(&[Source::new("models.rs", text)], &ModelOptions::default()).unwrap();
    Wanted { models, files: Vec::new(), selection: Selection::default() }
}

/// The order of columns is not compared.
fn sorted(mut schema: Schema) -> Schema {
    for entry in schema.objects.values_mut() {
        if let Object::Table(table) = &mut entry.object {
            table.columns.sort_by(|a, b| a.name.cmp(&b.name));
        }
    }
    schema
}
