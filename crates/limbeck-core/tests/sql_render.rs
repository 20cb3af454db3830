//! Variables: quoting as psql's, nothing shown that should not be, and the way back to the file's bytes.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should panic")]

use limbeck_core::Source;
use limbeck_core::sql::{Rendered, Script, UnitKind, Values, quote_literal, quote_name};

fn render(sql: &str, values: &Values) -> Rendered {
    let script = Script::parse(&Source::new("x.sql", sql)).unwrap();
    Rendered::join(script.statements().map(|statement| statement.render(values).unwrap()))
}

fn values(value: &str) -> Values {
    let mut values = Values::new();
    values.set("v", value);
    values
}

#[test]
fn quoting_is_psqls() {
    for (value, literal, name) in [
        ("plain", "'plain'", "\"plain\""),
        ("it's", "'it''s'", "\"it's\""),
        ("a\\'b", " E'a\\\\''b'", "\"a\\'b\""),
        ("\"", "'\"'", "\"\"\"\""),
        ("", "''", "\"\""),
        ("$$; -- 中", "'$$; -- 中'", "\"$$; -- 中\""),
    ] {
        assert_eq!((quote_literal(value).as_str(), quote_name(value).as_str()), (literal, name), "{value}");
    }
}

#[test]
fn values_that_cannot_be_quoted_are_refused() {
    let script = Script::parse(&Source::new("x.sql", "SELECT :'v', :\"v\"")).unwrap();
    let problem = |value: &str| format!("{:#}", script.check(&values(value)).unwrap_err());
    assert_eq!(
        problem("a\0"),
        "x.sql:1:8: the value of the variable `v` holds a NUL character, which PostgreSQL has not"
    );
    assert_eq!(problem(""), "x.sql:1:14: the value of the variable `v` is empty, and a name may not be");
}

#[test]
fn no_value_is_printed() {
    let mut values = values("hunter2");
    values.declare("unset");
    let rendered = render("SELECT :'v'", &values);
    assert!(rendered.sql.contains("hunter2"));
    let printed = format!("{values:?} {rendered:?}");
    assert!(!printed.contains("hunter2") && printed.contains("unset"), "{printed}");
}

#[test]
fn a_position_leads_back_to_the_file() {
    let sql = "-- é\nSELECT 'é', :'v', wrong1;\n\\restrict x\nUPDATE a SET b = :\"v\"\n\\unrestrict y\n , c = wrong2 ;";
    let rendered = render(sql, &values("it's longer than its name\\"));
    for word in ["SELECT", "wrong1", "UPDATE", "wrong2"] {
        let characters = rendered.sql[..rendered.sql.find(word).unwrap()].chars().count();
        let back = rendered.source_position(characters + 1);
        assert!(sql[back..].starts_with(word), "{word}: {}", &sql[back..]);
    }
    let within = rendered.sql.find("longer").unwrap();
    assert_eq!(rendered.source_offset(within), sql.find(":'v'").unwrap());
    assert_eq!(rendered.source_offset(usize::MAX), sql.len() - " ;".len());
}

#[test]
fn a_batch_binds_its_size_and_hides_it_elsewhere() {
    let sql = "-- limbeck:batch size=7\nDELETE FROM a LIMIT :'batch';\nSELECT 1;";
    let script = Script::parse(&Source::new("x.sql", sql)).unwrap();
    script.check(&Values::new()).unwrap();
    let [batch, rest] = script.units.as_slice() else { panic!("{script:?}") };
    assert!(matches!(batch.kind, UnitKind::Batches(options) if options.size == 7));
    assert_eq!(
        batch.statements[0].render(&batch.bind(&Values::new())).unwrap().sql,
        "DELETE FROM a LIMIT '7'"
    );
    assert_eq!(rest.bind(&Values::new()), Values::new());
}

#[test]
fn headlines_are_one_short_line() {
    let script =
        Script::parse(&Source::new("x.sql", "CREATE TABLE a (\n  x text -- why\n  DEFAULT :'v');")).unwrap();
    let statement = script.statements().next().unwrap();
    assert_eq!(statement.headline(80), "CREATE TABLE a ( x text DEFAULT :'v')");
    assert_eq!(statement.headline(15), "CREATE TABLE...");
}
