//! What stands on tables: views, triggers, rules, policies, statistics.

use super::dice::{Made, Nature, Relation, Sketch};

pub(crate) fn make(sketch: &mut Sketch) {
    let tables = sketch.relations.clone();
    for table in &tables {
        trigger(sketch, table);
        rule(sketch, table);
        policy(sketch, table);
        statistics(sketch, table);
    }
    (0..3).for_each(|number| view(sketch, number));
    materialized(sketch);
    standard_function(sketch);
}

fn trigger(sketch: &mut Sketch, table: &Relation) {
    let mut dice = sketch.dice(&format!("trigger of {}", table.own()));
    if !dice.likely(35) {
        return;
    }
    let when = *dice.one(&["BEFORE INSERT", "AFTER UPDATE", "BEFORE INSERT OR DELETE"]);
    let of = match (when, table.columns.first()) {
        ("AFTER UPDATE", Some(column)) => dice.maybe(50, format!(" OF {}", column.name)),
        _ => String::new(),
    };
    let condition =
        if when.contains("DELETE") { String::new() } else { dice.maybe(30, "WHEN (NEW.id > 0) ") };
    let function = sketch.name("fired");
    sketch.say(format!(
        "CREATE TRIGGER tr {when}{of} ON {} FOR EACH ROW {condition}EXECUTE FUNCTION {function}()",
        table.name
    ));
    if dice.likely(20) {
        sketch.say(format!("ALTER TABLE {} DISABLE TRIGGER tr", table.name));
    }
}

fn rule(sketch: &mut Sketch, table: &Relation) {
    let mut dice = sketch.dice(&format!("rule of {}", table.own()));
    if dice.likely(15) {
        let than = *dice.one(&["0", "1"]);
        sketch.say(format!(
            "CREATE RULE ru AS ON INSERT TO {} WHERE NEW.id < {than} DO INSTEAD NOTHING",
            table.name
        ));
    }
}

fn policy(sketch: &mut Sketch, table: &Relation) {
    let mut dice = sketch.dice(&format!("policy of {}", table.own()));
    if !dice.likely(30) {
        return;
    }
    let how = *dice.one(&["", " AS RESTRICTIVE"]);
    let what = match table.of_nature(Nature::Number) {
        Some(column) if dice.likely(60) => format!("{} > 0", column.name),
        _ => (*dice.one(&["id > 0", "id < 9"])).to_owned(),
    };
    let clauses = dice.one(&["USING ({})", "FOR SELECT USING ({})", "FOR INSERT WITH CHECK ({})"]);
    sketch.say(format!("CREATE POLICY po ON {}{how} {}", table.name, clauses.replace("{}", &what)));
    if dice.likely(70) {
        sketch.say(format!("ALTER TABLE {} ENABLE ROW LEVEL SECURITY", table.name));
    }
}

fn statistics(sketch: &mut Sketch, table: &Relation) {
    let mut dice = sketch.dice(&format!("statistics of {}", table.own()));
    let is_ordered = |column: &&Made| matches!(column.of.nature, Nature::Number | Nature::Text);
    let columns: Vec<&str> =
        table.columns.iter().filter(is_ordered).map(|column| column.name.as_str()).collect();
    if columns.len() >= 2 && dice.likely(40) {
        let kinds = *dice.one(&["", " (ndistinct)", " (dependencies, mcv)"]);
        let name = sketch.name(&format!("{}_st", table.own()));
        sketch.say(format!("CREATE STATISTICS {name}{kinds} ON {} FROM {}", columns.join(", "), table.name));
    }
}

/// On tables, and on views before it.
fn view(sketch: &mut Sketch, number: usize) {
    let own = format!("v{number}");
    let mut dice = sketch.dice(&own);
    let from = sketch.relations.clone();
    if from.is_empty() || dice.likely(25) {
        return;
    }
    let of = sketch.dice(&format!("what {own} is of")).one(&from).clone();
    let columns: Vec<Made> = if of.columns.is_empty() { Vec::new() } else { dice.some(&of.columns) };
    let mut items = vec!["x.id".to_owned()];
    items.extend(columns.iter().map(|column| format!("x.{}", column.name)));
    let condition = match of.of_nature(Nature::Number) {
        Some(column) => dice.maybe(40, format!(" WHERE x.{} > 0", column.name)),
        None => String::new(),
    };
    let (name, options) = (sketch.name(&own), dice.maybe(15, " WITH (security_barrier = true)"));
    sketch.say(format!(
        "CREATE VIEW {name}{options} AS SELECT {} FROM {} x{condition}",
        items.join(", "),
        of.name
    ));
    sketch.comment(&format!("VIEW {name}"));
    sketch.relations.push(Relation { name, columns, key: None });
}

fn materialized(sketch: &mut Sketch) {
    let mut dice = sketch.dice("m0");
    let from = sketch.relations.clone();
    if from.is_empty() || dice.likely(50) {
        return;
    }
    let of = sketch.dice("what m0 is of").one(&from).clone();
    let name = sketch.name("m0");
    let what = *dice.one(&["id", "id, count(*) AS many"]);
    let group = if what.contains("count") { " GROUP BY id" } else { "" };
    sketch.say(format!("CREATE MATERIALIZED VIEW {name} AS SELECT {what} FROM {}{group}", of.name));
    if dice.likely(50) {
        sketch.say(format!("CREATE INDEX m0_i ON {name} (id)"));
    }
}

/// A function whose body PostgreSQL reads when it is made, and which then needs what is in it.
fn standard_function(sketch: &mut Sketch) {
    let mut dice = sketch.dice("f1");
    let from = sketch.relations.clone();
    if from.is_empty() || sketch.version < 14 || dice.likely(60) {
        return;
    }
    let of = sketch.dice("what f1 is of").one(&from).name.clone();
    let name = sketch.name("f1");
    let body = *dice.one(&["RETURN (SELECT count(*) FROM {})", "BEGIN ATOMIC SELECT count(id) FROM {}; END"]);
    sketch.say(format!("CREATE FUNCTION {name}() RETURNS bigint LANGUAGE sql {}", body.replace("{}", &of)));
}
