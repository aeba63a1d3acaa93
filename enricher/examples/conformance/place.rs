//! Vectors that hold for databases of places which they do not carry: they are judged by databases of tests. Addresses
//! become one that these know, and what is expected of a place counts by its type alone, since its values change with
//! the database's release.

use std::net::IpAddr;

use serde_json::{Value, json};

use crate::Data;

/// A database by the name that vectors give it, and an address that the database of tests knows all of.
const CITY: (&str, &str) = ("GeoLite2-City.mmdb", "216.160.83.56");
const SYSTEM: (&str, &str) = ("GeoLite2-ASN.mmdb", "1.0.0.1");

/// The vector as it holds for a database of tests, if it wants one and that is named.
pub(crate) fn on_test_database(vector: &Value, data: &Data) -> Option<Value> {
    let ((name, known), path) = [(CITY, &data.geoip), (SYSTEM, &data.systems)]
        .into_iter()
        .find(|((name, _), _)| vector["requires"] == json!([name]))?;
    let config =
        vector["config"].as_str()?.replace(&format!("{{{{FILES}}}}/{name}"), path.as_ref()?);
    let mut vector = vector.clone();
    vector["config"] = Value::from(config);
    vector["requires"] = Value::Null;
    replace_addresses(&mut vector["input"], known);
    for assert in vector["expect"]["asserts"].as_array_mut().into_iter().flatten() {
        replace_addresses(&mut assert["value"], known);
        if assert["op"] == "eq" && assert["value"] != known {
            judge_by_type(assert);
        }
    }
    Some(vector)
}

/// Puts the known address in the place of each that a place may be known of.
fn replace_addresses(value: &mut Value, known: &str) {
    match value {
        Value::String(text)
            if text.parse::<IpAddr>().is_ok_and(|address| !address.is_loopback()) =>
        {
            *text = known.to_owned();
        }
        Value::Array(elements) => elements.iter_mut().for_each(|one| replace_addresses(one, known)),
        Value::Object(members) => {
            members.values_mut().for_each(|one| replace_addresses(one, known))
        }
        _ => {}
    }
}

/// Lets an assertion of a value ask for its type. What is whole, as an empty object, stays.
fn judge_by_type(assert: &mut Value) {
    let name = match &assert["value"] {
        Value::String(_) => "string",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "integer",
        _ => return,
    };
    assert["op"] = Value::from("type");
    assert["value"] = Value::from(name);
}
