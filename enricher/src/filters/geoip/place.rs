//! What a record says, in either of two layouts: MaxMind's nested one (`country` is a map) and the flat
//! one of ip-location-db (`country_code` is a string). The record's own keys tell them apart.

use std::borrow::Cow;

use event::Fragment;
use maxminddb::LookupResult;
use serde_json::{Map, Value, json};

use super::field::{Field, Selection};

/// Digits after the point of a flat layout's coordinates: they are 32-bit floats, exact to a metre.
const FLAT_PRECISION: f64 = 1e5;

/// A member of the target as JSON.
#[derive(Clone, Debug)]
pub(super) struct Member {
    /// Number of the member.
    pub(super) target: usize,
    pub(super) value: Fragment,
}

/// Reads a record; a record that cannot be read says nothing.
pub(super) fn read(
    record: &LookupResult<'_, Cow<'static, [u8]>>,
    selection: &Selection,
) -> Vec<Member> {
    let Ok(Some(record)) = record.decode::<Value>() else {
        return Vec::new();
    };
    write(&record, selection)
}

fn write(record: &Value, selection: &Selection) -> Vec<Member> {
    let mut target = Map::new();
    for (field, value) in fields(record, selection.is_ecs) {
        if selection.wants(field) {
            insert(&mut target, selection.path(field), value);
        }
    }
    let members = selection.members();
    let numbered = target.into_iter().filter_map(|(name, value)| {
        let target = members.iter().position(|member| *member == name)?;
        let value = Fragment::constant(value.to_string().as_bytes())?;
        Some(Member { target, value })
    });
    numbered.collect()
}

fn insert(object: &mut Map<String, Value>, path: &[&str], value: Value) {
    match path {
        [] => {}
        [last] => {
            object.insert((*last).to_owned(), value);
        }
        [first, rest @ ..] => {
            let inner = object.entry((*first).to_owned()).or_insert_with(|| json!({}));
            if let Value::Object(inner) = inner {
                insert(inner, rest, value);
            }
        }
    }
}

/// The fields that a record has.
fn fields(record: &Value, is_ecs: bool) -> Vec<(Field, Value)> {
    let mut fields = if record["country_code"].is_string() || record["city"].is_string() {
        flat(record)
    } else {
        nested(record, is_ecs)
    };
    fields.extend([
        (Field::AutonomousSystemNumber, record["autonomous_system_number"].clone()),
        (Field::AutonomousSystemOrganization, record["autonomous_system_organization"].clone()),
        (Field::Isp, record["isp"].clone()),
        (Field::Organization, record["organization"].clone()),
        (Field::Domain, record["domain"].clone()),
    ]);
    fields.retain(|(_, value)| !value.is_null() && value.as_str() != Some(""));
    fields
}

fn nested(record: &Value, is_ecs: bool) -> Vec<(Field, Value)> {
    let english = |of: &Value| of["names"]["en"].clone();
    let country = &record["country"]["iso_code"];
    let region = &record["subdivisions"][0];
    let location = &record["location"];
    // ECS writes `GB-ENG` where the database and old events have `ENG`.
    let region_code = match (country.as_str(), region["iso_code"].as_str()) {
        (Some(country), Some(region)) if is_ecs => Value::from(format!("{country}-{region}")),
        _ => region["iso_code"].clone(),
    };
    let mut fields = vec![
        (Field::CityName, english(&record["city"])),
        (Field::ContinentCode, record["continent"]["code"].clone()),
        (Field::ContinentName, english(&record["continent"])),
        (Field::CountryCode2, country.clone()),
        (Field::CountryCode3, country.clone()),
        (Field::CountryName, english(&record["country"])),
        (Field::DmaCode, location["metro_code"].clone()),
        (Field::PostalCode, record["postal"]["code"].clone()),
        (Field::RegionCode, region_code),
        (Field::RegionName, english(region)),
        (Field::Timezone, location["time_zone"].clone()),
    ];
    fields.extend(coordinates(location["latitude"].as_f64(), location["longitude"].as_f64()));
    fields
}

fn flat(record: &Value) -> Vec<(Field, Value)> {
    let mut fields = vec![
        (Field::CityName, record["city"].clone()),
        (Field::CountryCode2, record["country_code"].clone()),
        (Field::CountryCode3, record["country_code"].clone()),
        (Field::PostalCode, record["postcode"].clone()),
        (Field::RegionName, record["state1"].clone()),
        (Field::Timezone, record["timezone"].clone()),
    ];
    let rounded = |name: &str| {
        record[name].as_f64().map(|degrees| (degrees * FLAT_PRECISION).round() / FLAT_PRECISION)
    };
    fields.extend(coordinates(rounded("latitude"), rounded("longitude")));
    fields
}

fn coordinates(latitude: Option<f64>, longitude: Option<f64>) -> Vec<(Field, Value)> {
    let (Some(latitude), Some(longitude)) = (latitude, longitude) else {
        return Vec::new();
    };
    vec![
        (Field::Location, json!({"lat": latitude, "lon": longitude})),
        (Field::Latitude, json!(latitude)),
        (Field::Longitude, json!(longitude)),
    ]
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::write;
    use crate::filter::EcsCompatibility;
    use crate::filters::geoip::field::Selection;

    /// What a record becomes within the target.
    fn target(record: &Value, ecs: EcsCompatibility) -> Value {
        let selection = Selection::new(ecs, None);
        let members = selection.members();
        let fragments = write(record, &selection).into_iter().map(|fragment| {
            (
                members[fragment.target].to_owned(),
                serde_json::from_slice(fragment.value.json()).unwrap(),
            )
        });
        Value::Object(fragments.collect())
    }

    fn london() -> Value {
        json!({
            "city": {"names": {"en": "London", "fr": "Londres"}},
            "continent": {"code": "EU", "names": {"en": "Europe"}},
            "country": {"iso_code": "GB", "names": {"en": "United Kingdom"}},
            "location": {"latitude": 51.5142, "longitude": -0.0931, "time_zone": "Europe/London", "metro_code": 7},
            "postal": {"code": "EC1"},
            "subdivisions": [{"iso_code": "ENG", "names": {"en": "England"}}],
            "autonomous_system_number": 64496,
            "autonomous_system_organization": "Example Ltd",
        })
    }

    #[test]
    fn reads_the_nested_layout() {
        assert_eq!(
            target(&london(), EcsCompatibility::V8),
            json!({
                "geo": {
                    "city_name": "London",
                    "continent_code": "EU",
                    "continent_name": "Europe",
                    "country_iso_code": "GB",
                    "country_name": "United Kingdom",
                    "postal_code": "EC1",
                    "region_iso_code": "GB-ENG",
                    "region_name": "England",
                    "timezone": "Europe/London",
                    "location": {"lat": 51.5142, "lon": -0.0931},
                },
                "mmdb": {"dma_code": 7},
                "as": {"number": 64496, "organization": {"name": "Example Ltd"}},
            })
        );
        let old = target(&london(), EcsCompatibility::Disabled);
        assert_eq!((&old["country_code2"], &old["region_code"]), (&json!("GB"), &json!("ENG")));
        assert_eq!((&old["asn"], &old["longitude"]), (&json!(64496), &json!(-0.0931)));
    }

    #[test]
    fn reads_the_flat_layout() {
        let record = json!({
            "city": "London",
            "country_code": "GB",
            "state1": "England",
            "postcode": "",
            "timezone": "Europe/London",
            "latitude": f64::from(51.5143_f32),
            "longitude": f64::from(-0.0931_f32),
        });
        assert_eq!(
            target(&record, EcsCompatibility::V8),
            json!({"geo": {
                "city_name": "London",
                "country_iso_code": "GB",
                "region_name": "England",
                "timezone": "Europe/London",
                "location": {"lat": 51.5143, "lon": -0.0931},
            }})
        );
    }

    #[test]
    fn a_record_of_another_kind_says_nothing() {
        for record in [json!("text"), json!({}), json!([1]), json!({"country": 3, "location": []})]
        {
            assert_eq!(target(&record, EcsCompatibility::V8), json!({}), "{record}");
        }
    }
}
