//! A JSON Schema node with the place where it stands, so that a mistake can be named.

use serde_json::{Map, Value};

use crate::error::SchemaError;

/// A node of a schema file.
#[derive(Clone, Debug)]
pub(crate) struct Node<'a> {
    pub(crate) file: &'a str,
    pub(crate) place: String,
    pub(crate) value: &'a Value,
}

impl<'a> Node<'a> {
    pub(crate) fn root(file: &'a str, value: &'a Value) -> Self {
        Self { file, place: "the root".to_owned(), value }
    }

    pub(crate) fn mistake(&self, message: impl Into<String>) -> SchemaError {
        SchemaError::Form {
            file: self.file.to_owned(),
            place: self.place.clone(),
            message: message.into(),
        }
    }

    fn inner(&self, name: &str, value: &'a Value) -> Self {
        let place = if self.place == "the root" {
            name.to_owned()
        } else {
            format!("{}.{name}", self.place)
        };
        Self { file: self.file, place, value }
    }

    /// The properties, in the order of the file; none where there are none.
    pub(crate) fn properties(&self) -> Result<Vec<(&'a str, Self)>, SchemaError> {
        let Some(properties) = self.value.get("properties") else {
            return Ok(Vec::new());
        };
        let properties =
            properties.as_object().ok_or_else(|| self.mistake("`properties` must be an object"))?;
        Ok(properties
            .iter()
            .map(|(name, value)| (name.as_str(), self.inner(name, value)))
            .collect())
    }

    /// What an array holds.
    pub(crate) fn items(&self) -> Option<Self> {
        self.value.get("items").map(|value| Self { value, ..self.clone() })
    }

    /// `x-millrace`; an empty map where there is none.
    pub(crate) fn extension(&self) -> Result<Option<&'a Map<String, Value>>, SchemaError> {
        match self.value.get("x-millrace") {
            None => Ok(None),
            Some(Value::Object(map)) => Ok(Some(map)),
            Some(_) => Err(self.mistake("`x-millrace` must be an object")),
        }
    }

    /// A string that may be there.
    pub(crate) fn text(&self, name: &str) -> Option<&'a str> {
        self.value.get(name).and_then(Value::as_str)
    }

    pub(crate) fn has_type(&self, name: &str) -> bool {
        self.text("type") == Some(name)
    }
}

/// Reads a file.
pub(crate) fn parse(file: &str, text: &str) -> Result<Value, SchemaError> {
    serde_json::from_str(text)
        .map_err(|error| SchemaError::NotJson { file: file.to_owned(), message: error.to_string() })
}

/// The strings of an array that may be there; none where it is not.
pub(crate) fn texts<'a>(
    node: &Node<'_>,
    map: &'a Map<String, Value>,
    name: &str,
) -> Result<Vec<&'a str>, SchemaError> {
    let mistake = || node.mistake(format!("`{name}` must be an array of strings"));
    let Some(value) = map.get(name) else {
        return Ok(Vec::new());
    };
    let array = value.as_array().ok_or_else(mistake)?;
    array.iter().map(|text| text.as_str().ok_or_else(mistake)).collect()
}
