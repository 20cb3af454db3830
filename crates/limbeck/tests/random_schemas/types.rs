//! Schemas, types, sequences and functions: what tables may need.

use super::dice::{Nature, Sketch, Type};

pub(crate) fn make(sketch: &mut Sketch) {
    if sketch.dice("schema app").likely(80) {
        sketch.say("CREATE SCHEMA app");
        sketch.schemas.push("app");
    }
    plain(sketch);
    (0..2).for_each(|number| enumeration(sketch, number));
    (0..2).for_each(|number| domain(sketch, number));
    (0..2).for_each(|number| composite(sketch, number));
    range(sketch);
    (0..3).for_each(|number| sequence(sketch, number));
    collation(sketch);
    functions(sketch);
}

fn plain(sketch: &mut Sketch) {
    let types = [
        ("integer", "7", Nature::Number),
        ("bigint", "7", Nature::Number),
        ("smallint", "7", Nature::Number),
        ("numeric(10,2)", "1.50", Nature::Number),
        ("numeric", "2", Nature::Number),
        ("double precision", "0.5", Nature::Number),
        ("text", "'x'", Nature::Text),
        ("character varying(20)", "'x'", Nature::Text),
        ("character varying", "'it''s'", Nature::Text),
        ("character(3)", "'abc'", Nature::Text),
        ("boolean", "true", Nature::Ordered),
        ("date", "CURRENT_DATE", Nature::Ordered),
        ("timestamp with time zone", "now()", Nature::Ordered),
        ("timestamp(3) without time zone", "now()", Nature::Ordered),
        ("uuid", "gen_random_uuid()", Nature::Ordered),
        ("interval", "'1 day'", Nature::Ordered),
        ("bytea", "'\\x00'", Nature::Ordered),
        ("jsonb", "'{}'", Nature::Ordered),
        ("json", "'[]'", Nature::Other),
        ("inet", "'10.0.0.1'", Nature::Ordered),
        ("integer[]", "'{}'", Nature::Array),
        ("text[]", "'{a,b}'", Nature::Array),
        ("int4range", "'[1,3)'", Nature::Range),
        ("point", "'(1,2)'", Nature::Other),
    ];
    let known = |(name, default, nature): (&str, &str, Nature)| Type {
        name: name.into(),
        default: default.into(),
        nature,
    };
    sketch.types.extend(types.map(known));
}

fn enumeration(sketch: &mut Sketch, number: usize) {
    let own = format!("e{number}");
    let mut dice = sketch.dice(&own);
    if dice.likely(20) {
        return;
    }
    let values = dice.some(&["a", "b", "c", "d", "it''s"]);
    let name = sketch.name(&own);
    sketch.say(format!("CREATE TYPE {name} AS ENUM ('{}')", values.join("', '")));
    sketch.comment(&format!("TYPE {name}"));
    let default = format!("'{}'", values[0]);
    sketch.types.push(Type { name: format!("{name}[]"), default: "'{}'".into(), nature: Nature::Other });
    sketch.types.push(Type { name, default, nature: Nature::Ordered });
}

/// The type beneath, a default, and checks.
const DOMAINS: &[(&str, &str, &[&str])] = &[
    ("text", "'x'", &["VALUE <> ''", "length(VALUE) < 50"]),
    ("character varying(40)", "'x'", &["VALUE IS NOT NULL"]),
    ("integer", "7", &["VALUE > 0", "VALUE < 1000"]),
    ("numeric(12,3)", "7", &["VALUE >= 0"]),
];

fn domain(sketch: &mut Sketch, number: usize) {
    let own = format!("d{number}");
    let mut dice = sketch.dice(&own);
    if dice.likely(20) {
        return;
    }
    let (base, default, checks) = *dice.one(DOMAINS);
    let name = sketch.name(&own);
    let mut text = format!("CREATE DOMAIN {name} AS {base}");
    text += &dice.maybe(30, format!(" DEFAULT {default}"));
    text += &dice.maybe(20, " NOT NULL");
    for (at, check) in checks.iter().enumerate() {
        text += &dice.maybe(50, format!(" CONSTRAINT {own}_{at} CHECK ({check})"));
    }
    sketch.say(text);
    sketch.types.push(Type { name, default: default.into(), nature: Nature::Ordered });
}

fn composite(sketch: &mut Sketch, number: usize) {
    let own = format!("c{number}");
    let mut dice = sketch.dice(&own);
    if dice.likely(30) {
        return;
    }
    let parts = ["x integer", "y text", "z numeric(5,1)", "w boolean"].map(String::from);
    let mut attributes = dice.some(&parts);
    if let Some(other) = sketch.types.iter().find(|it| it.nature == Nature::Ordered && it.name.contains(".e"))
        && dice.likely(40)
    {
        attributes.push(format!("v {}", other.name));
    }
    let name = sketch.name(&own);
    sketch.say(format!("CREATE TYPE {name} AS ({})", attributes.join(", ")));
    sketch.types.push(Type { name, default: "NULL".into(), nature: Nature::Other });
}

fn range(sketch: &mut Sketch) {
    let mut dice = sketch.dice("r0");
    if dice.likely(40) {
        let (name, subtype) = (sketch.name("r0"), *dice.one(&["text", "double precision", "time"]));
        sketch.say(format!("CREATE TYPE {name} AS RANGE (subtype = {subtype})"));
        sketch.types.push(Type { name, default: "'empty'".into(), nature: Nature::Range });
    }
}

fn sequence(sketch: &mut Sketch, number: usize) {
    let own = format!("s{number}");
    let mut dice = sketch.dice(&own);
    if dice.likely(30) {
        return;
    }
    let name = sketch.name(&own);
    let of = dice.maybe(30, " AS integer");
    let by = *sketch.dice(&format!("step of {own}")).one(&[1, 2, 10]);
    let step = dice.maybe(40, format!(" INCREMENT BY {by}"));
    let rest =
        [dice.maybe(20, " CYCLE"), dice.maybe(20, " CACHE 10"), dice.maybe(20, " MAXVALUE 30000")].concat();
    sketch.say(format!("CREATE SEQUENCE {name}{of}{step}{rest}"));
    sketch.sequences.push(name);
}

fn collation(sketch: &mut Sketch) {
    let mut dice = sketch.dice("co0");
    if dice.likely(50) {
        let (name, locale) = (sketch.name("co0"), *dice.one(&["C", "POSIX"]));
        sketch.say(format!("CREATE COLLATION {name} (locale = '{locale}')"));
        let name = format!("text COLLATE {name}");
        sketch.types.push(Type { name, default: "'x'".into(), nature: Nature::Other });
    }
}

/// Functions that nothing needs but triggers, defaults and checks.
fn functions(sketch: &mut Sketch) {
    let mut dice = sketch.dice("f0");
    let name = sketch.name("f0");
    let result = *dice.one(&["integer", "bigint"]);
    let argument = *dice.one(&["a integer", "b integer", "a integer DEFAULT 3"]);
    let body = *dice.one(&["SELECT 1", "SELECT 2"]);
    let how = *dice.one(&["IMMUTABLE", "STABLE", "VOLATILE STRICT"]);
    sketch.say(format!("CREATE FUNCTION {name}({argument}) RETURNS {result} LANGUAGE sql {how} AS '{body}'"));
    if dice.likely(20) {
        sketch.say(format!("REVOKE EXECUTE ON FUNCTION {name}(integer) FROM PUBLIC"));
    }
    sketch.comment(&format!("FUNCTION {name}(integer)"));
    let name = sketch.name("fired");
    let note = *sketch.dice("fired").one(&["NULL;", "NEW := NEW;"]);
    sketch.say(format!(
        "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN {note} RETURN NEW; END$$"
    ));
    let mut dice = sketch.dice("pr0");
    if dice.likely(50) {
        let (name, arguments) = (sketch.name("pr0"), *dice.one(&["", "a integer", "INOUT a text"]));
        sketch.say(format!("CREATE PROCEDURE {name}({arguments}) LANGUAGE plpgsql AS $$BEGIN NULL; END$$"));
    }
    let mut dice = sketch.dice("ag0");
    if dice.likely(40) {
        let (name, start) = (sketch.name("ag0"), *dice.one(&["0", "1"]));
        sketch.say(format!(
            "CREATE AGGREGATE {name}(integer) (SFUNC = int4pl, STYPE = integer, INITCOND = '{start}')"
        ));
    }
}
