//! Values of the database's enumerations, as clients write them.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, Visitor};
use utoipa::openapi::schema::{ObjectBuilder, SchemaType, Type};
use utoipa::openapi::{RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use crate::models::{ActionStatus, ActionType};

/// A value, by its name in the database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Named<E>(pub(crate) E);

/// The type of an action.
pub(crate) type TypeName = Named<ActionType>;

/// The status of an action.
pub(crate) type StatusName = Named<ActionStatus>;

struct Names<E>(PhantomData<E>);

impl<E: limbeck::Enum> Visitor<'_> for Names<E> {
    type Value = Named<E>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "one of {}", E::VALUES.join(", "))
    }

    fn visit_str<R: Error>(self, text: &str) -> Result<Named<E>, R> {
        E::from_value(text)
            .map(Named)
            .ok_or_else(|| R::invalid_value(serde::de::Unexpected::Str(text), &self))
    }
}

impl<'de, E: limbeck::Enum> Deserialize<'de> for Named<E> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Names(PhantomData))
    }
}

impl<E: limbeck::Enum> PartialSchema for Named<E> {
    fn schema() -> RefOr<Schema> {
        let values = E::VALUES.iter().copied();
        ObjectBuilder::new().schema_type(SchemaType::Type(Type::String)).enum_values(Some(values)).into()
    }
}

impl<E: limbeck::Enum> ToSchema for Named<E> {
    fn name() -> Cow<'static, str> {
        Cow::Borrowed(E::TYPE)
    }
}

#[cfg(test)]
mod tests {
    use super::Named;
    use crate::models::ActionStatus;

    #[test]
    fn a_name_that_is_none_is_told_which_there_are() {
        let read = serde_json::from_str::<Named<ActionStatus>>;
        assert_eq!(read("\"retry\"").expect("it is one"), Named(ActionStatus::Retry));
        for bad in ["\"Retry\"", "1", "null"] {
            let why = read(bad).expect_err(bad).to_string();
            assert!(why.contains("one of pending, success, failure, timeout, retry"), "{why}");
        }
    }
}
