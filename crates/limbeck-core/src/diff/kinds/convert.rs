//! How the values of a column become values of its new type, where a type of the project's own is made again: what is
//! inside them, too, however deep, and fields by their names.

use super::{cast, types};
use crate::ddl::quote;
use crate::diff::fate::{Fates, is_type};
use crate::schema::{Kind, Name, Object, ObjectId, Schema};

/// What is said around a column's new type.
#[derive(Debug, Default)]
pub(super) struct Conversion {
    /// What follows USING.
    pub(super) using: Option<String>,
    /// A function that is there for the moment, since USING takes no subquery: how it is made, and how it goes.
    pub(super) helper: Option<[String; 2]>,
}

impl Conversion {
    /// By a function of the value `was`.
    fn by_function(table: &Name, column: &str, argument: &str, result: &str, body: &str) -> Self {
        let function = Name::new(table.schema.clone(), quote::with_suffix(&table.name, "__convert"));
        let (function, body) = (quote::name(&function), quote::literal(&format!("SELECT {body}")));
        let make =
            format!("CREATE FUNCTION {function}(was {argument}) RETURNS {result}\n LANGUAGE sql\n AS {body}");
        let helper = Some([make, format!("DROP FUNCTION {function}({argument})")]);
        Self { using: Some(format!("{function}({})", quote::ident(column))), helper }
    }
}

/// The conversion of a table's column from one type to another, where the old one may have been set aside.
pub(super) fn conversion(fates: &Fates<'_>, table: &Name, column: &str, [old, new]: [&str; 2]) -> Conversion {
    let values = Values { fates };
    if !values.asks(old, new) {
        return Conversion { using: values.converted(&quote::ident(column), old, new, 0), helper: None };
    }
    let body = values.converted("was", old, new, 0).unwrap_or_else(|| "was".to_owned());
    Conversion::by_function(table, column, &values.called_before(old), new, &body)
}

/// The conversion of a column whose values are texts, or JSON.
pub(super) fn from_text(fates: &Fates<'_>, table: &Name, column: &str, [old, new]: [&str; 2]) -> Conversion {
    if goes_by_names(fates, [old, new]) {
        let body = format!("it FROM json_to_record(json_build_object('it', was)) AS records(it {new})");
        return Conversion::by_function(table, column, "json", new, &body);
    }
    let text = cast::text_like(old);
    let value = format!("{}::{text}", quote::ident(column));
    Conversion { using: cast::using((fates.from, fates.to), &value, text, new), helper: None }
}

/// Whether the new type has rows in it whose fields have other names or places.
pub(super) fn goes_by_names(fates: &Fates<'_>, [old, new]: [&str; 2]) -> bool {
    old == new && Values { fates }.has_other_fields(old, new)
}

/// What is lost of values of a type that is made again, if something is: fields that rows have no more, and what does not
/// fit into a new type of others, or a domain's.
pub(super) fn lost(fates: &Fates<'_>, data_type: &str) -> Option<String> {
    let mut losses = Losses { fields: Vec::new(), others: Vec::new() };
    Values { fates }.lost([data_type, data_type], "", &mut losses);
    let fields = (!losses.fields.is_empty()).then(|| format!("the fields {}", losses.fields.join(", ")));
    let all: Vec<String> = fields.into_iter().chain(losses.others).collect();
    (!all.is_empty()).then(|| all.join(" and "))
}

struct Losses {
    fields: Vec<String>,
    others: Vec<String>,
}

/// What a value consists of, beneath domains.
enum Shape<'s> {
    /// An array of elements of a type.
    Array(String),
    Row(Vec<Field<'s>>),
    Single,
}

#[derive(Clone, Copy)]
struct Field<'s> {
    name: &'s str,
    data_type: &'s str,
}

struct Values<'f, 'a> {
    fates: &'f Fates<'a>,
}

impl<'a> Values<'_, 'a> {
    fn shapes(&self, old: &str, new: &str) -> (Shape<'a>, Shape<'a>) {
        (shape(self.fates.from, old), shape(self.fates.to, new))
    }

    /// Whether a type is made again. Rows of another type might have other fields under the same names.
    fn is_remade(&self, old: &str, new: &str) -> bool {
        let base = cast::base(self.fates.from, old);
        base == cast::base(self.fates.to, new) && self.goes(&base)
    }

    fn goes(&self, base: &str) -> bool {
        let Some(name) = cast::name(base.trim_end_matches("[]")) else { return false };
        let is_it = |id: &ObjectId| is_type(id.kind) && id.qualified().as_ref() == Some(&name);
        self.fates.from.objects.keys().any(|id| is_it(id) && self.fates.goes(id))
    }

    /// Whether rows that are made again have other fields, or fields in another order: as they are, or inside other rows or
    /// arrays.
    fn has_other_fields(&self, old: &str, new: &str) -> bool {
        match self.shapes(old, new) {
            (Shape::Array(old), Shape::Array(new)) => self.has_other_fields(&old, &new),
            (Shape::Row(before), Shape::Row(after)) => {
                self.is_remade(old, new) && !names(&before).eq(names(&after))
                    || pairs(&before, &after)
                        .any(|(old, new)| self.has_other_fields(old.data_type, new.data_type))
            }
            _ => false,
        }
    }

    /// Whether the text of a row may be none, or that of another one, of the new type.
    fn differs(&self, old: &str, new: &str) -> bool {
        match self.shapes(old, new) {
            (Shape::Array(old), Shape::Array(new)) => self.differs(&old, &new),
            (Shape::Row(before), Shape::Row(after)) if self.is_remade(old, new) => {
                !names(&before).eq(names(&after))
                    || pairs(&before, &after).any(|(old, new)| self.differs(old.data_type, new.data_type))
            }
            _ => cast::base(self.fates.from, old) != cast::base(self.fates.to, new),
        }
    }

    /// Whether the elements of an array have to be looked at one by one.
    fn asks(&self, old: &str, new: &str) -> bool {
        match self.shapes(old, new) {
            (Shape::Array(old), Shape::Array(new)) => self.has_differing_rows(&old, &new),
            (Shape::Row(_), Shape::Array(element)) => self.asks(old, &element),
            (Shape::Row(before), Shape::Row(after)) if self.is_remade(old, new) => {
                pairs(&before, &after).any(|(old, new)| self.asks(old.data_type, new.data_type))
            }
            _ => false,
        }
    }

    fn has_differing_rows(&self, old: &str, new: &str) -> bool {
        match self.shapes(old, new) {
            (Shape::Array(old), Shape::Array(new)) => self.has_differing_rows(&old, &new),
            (Shape::Row(_), Shape::Row(_)) => self.is_remade(old, new) && self.differs(old, new),
            _ => false,
        }
    }

    /// The value of the new type; `None` where PostgreSQL finds it by itself.
    fn converted(&self, value: &str, old: &str, new: &str, depth: usize) -> Option<String> {
        match self.shapes(old, new) {
            (Shape::Array(before), Shape::Array(after)) if self.has_differing_rows(&before, &after) => {
                Some(self.elements(value, [&before, &after], new, depth))
            }
            (Shape::Row(_) | Shape::Single, Shape::Array(element)) if self.is_remade(old, &element) => {
                let one = self.converted(value, old, &element, depth);
                Some(format!("ARRAY[{}]::{new}", one.as_deref().unwrap_or(value)))
            }
            (Shape::Row(before), Shape::Row(after)) if self.has_differing_rows(old, new) => {
                Some(self.fields(value, (&before, &after), new, depth))
            }
            _ => self.single(value, old, new),
        }
    }

    fn single(&self, value: &str, old: &str, new: &str) -> Option<String> {
        let schemas = (self.fates.from, self.fates.to);
        if !self.goes(&cast::base(self.fates.from, old)) {
            return cast::using(schemas, value, old, new);
        }
        // From the old type, which has been set aside, no other way than its text leads to one of the new type.
        let text = cast::text_like(old);
        cast::using(schemas, &format!("{value}::{text}"), text, new)
    }

    /// An array that a single subscript does not lead through is refused.
    fn elements(&self, value: &str, [old, new]: [&str; 2], array: &str, depth: usize) -> String {
        let index = format!("i{depth}");
        let item = format!("({value})[{index}]");
        let element = self.converted(&item, old, new, depth + 1).unwrap_or(item);
        let case = format!(
            "CASE WHEN array_ndims({value}) > 1 OR array_lower({value}, 1) <> 1 \
             THEN ('an array with bounds ' || array_dims({value}))::{array} \
             WHEN {value} IS NOT NULL THEN ARRAY(SELECT {element} \
             FROM generate_subscripts({value}, 1) AS {index} ORDER BY {index})::{array} END"
        );
        self.in_domain(case, array)
    }

    fn fields(
        &self,
        value: &str,
        (old, new): (&[Field<'_>], &[Field<'_>]),
        row: &str,
        depth: usize,
    ) -> String {
        let field = |new: &Field<'_>| {
            let Some(old) = find(old, new.name) else { return "NULL".to_owned() };
            let value = format!("({value}).{}", quote::ident(new.name));
            self.converted(&value, old.data_type, new.data_type, depth).unwrap_or(value)
        };
        let fields: Vec<String> = new.iter().map(field).collect();
        let (base, fields) = (cast::base(self.fates.to, row), fields.join(", "));
        let case = format!("CASE WHEN {value} IS DISTINCT FROM NULL THEN ROW({fields})::{base} END");
        self.in_domain(case, row)
    }

    /// To PostgreSQL, a CASE is of the type beneath a domain.
    fn in_domain(&self, case: String, data_type: &str) -> String {
        match cast::base(self.fates.to, data_type) == data_type {
            true => case,
            false => format!("({case})::{data_type}"),
        }
    }

    fn lost(&self, [old, new]: [&str; 2], path: &str, losses: &mut Losses) {
        match self.shapes(old, new) {
            (Shape::Array(old), Shape::Array(new)) => self.lost([&old, &new], path, losses),
            (Shape::Row(before), Shape::Row(after)) => {
                let is_remade = self.is_remade(old, new);
                for old in &before {
                    let path =
                        if path.is_empty() { old.name.to_owned() } else { format!("{path}.{}", old.name) };
                    match find(&after, old.name) {
                        None if is_remade => losses.fields.push(path),
                        None => {}
                        Some(new) => self.lost([old.data_type, new.data_type], &path, losses),
                    }
                }
            }
            _ => {
                let (old, new) = (cast::base(self.fates.from, old), cast::base(self.fates.to, new));
                let within = if path.is_empty() { String::new() } else { format!(" in {path}") };
                losses.others.extend(cast::lossy(&old, &new).map(|what| what + &within));
            }
        }
    }

    /// The old type's name while the new one is there.
    fn called_before(&self, data_type: &str) -> String {
        let element = data_type.trim_end_matches("[]");
        let Some(name) = cast::name(element) else { return data_type.to_owned() };
        let is_it = |id: &&ObjectId| is_type(id.kind) && id.qualified().as_ref() == Some(&name);
        let own = self.fates.from.objects.keys().find(is_it);
        if !own.is_some_and(|own| types::steps_aside(self.fates, own)) {
            return data_type.to_owned();
        }
        let aside = Name::new(name.schema.clone(), types::aside(&name.name));
        format!("{}{}", quote::name(&aside), &data_type[element.len()..])
    }
}

fn shape<'s>(schema: &'s Schema, data_type: &str) -> Shape<'s> {
    if let Some(element) = data_type.strip_suffix("[]") {
        return Shape::Array(element.to_owned());
    }
    let Some(name) = cast::name(data_type) else { return Shape::Single };
    if let Some(Object::Domain(domain)) = schema.get(&ObjectId::relation(Kind::Domain, &name)) {
        return shape(schema, &domain.base);
    }
    let mut fields =
        ROWS.into_iter().filter_map(|kind| fields(schema.get(&ObjectId::relation(kind, &name))?));
    fields.next().map_or(Shape::Single, Shape::Row)
}

/// What values of are rows.
const ROWS: [Kind; 4] = [Kind::Composite, Kind::Table, Kind::View, Kind::MaterializedView];

fn fields(object: &Object) -> Option<Vec<Field<'_>>> {
    let fields = match object {
        Object::Composite(it) => {
            it.attributes.iter().map(|it| Field { name: &it.name, data_type: &it.data_type }).collect()
        }
        Object::Table(it) => {
            it.columns.iter().map(|it| Field { name: &it.name, data_type: &it.data_type }).collect()
        }
        Object::View(it) => {
            it.columns.iter().map(|it| Field { name: &it.name, data_type: &it.data_type }).collect()
        }
        _ => return None,
    };
    Some(fields)
}

fn names<'n>(fields: &'n [Field<'_>]) -> impl Iterator<Item = &'n str> {
    fields.iter().map(|it| it.name)
}

fn find<'s>(fields: &[Field<'s>], name: &str) -> Option<Field<'s>> {
    fields.iter().find(|it| it.name == name).copied()
}

/// The fields that both have.
fn pairs<'s>(old: &[Field<'s>], new: &[Field<'s>]) -> impl Iterator<Item = (Field<'s>, Field<'s>)> {
    old.iter().filter_map(|one| Some((*one, find(new, one.name)?)))
}
