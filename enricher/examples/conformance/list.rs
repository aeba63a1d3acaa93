//! Lists of agents and of addresses, each with what a filter should find: a name in a list is not looked for where
//! no filter gives it (brand and model of a device), and a version is compared as a whole.

use enricher::{EcsCompatibility, Environment, Source, language::Syntax, plan};
use serde_json::{Value, json};

use crate::Data;
use crate::vector::{Judgement, NOW, single};

/// A list's filter, and how one of its cases is judged.
pub(crate) struct List {
    plan: plan::Plan,
    judge: fn(&Value, &Value) -> Result<(), String>,
    input: fn(&Value) -> Value,
}

impl List {
    /// The list of this name, if it is known and its data are there.
    pub(crate) fn new(name: &str, data: &Data) -> Result<Self, String> {
        let given = |path: &Option<String>, flag: &str| {
            path.clone().ok_or_else(|| format!("name its data with {flag}"))
        };
        type Judge = fn(&Value, &Value) -> Result<(), String>;
        type Input = fn(&Value) -> Value;
        let (filter, judge, input): (_, Judge, Input) = match name {
            "useragent" => {
                let path = given(&data.regexes, "--regexes FILE")?;
                let filter = format!(
                    r#"useragent {{ source => "ua" target => "found" regexes => "{path}" }}"#
                );
                (filter, agent, |case| json!({"ua": case["ua"]}))
            }
            "geoip" => {
                let path = given(&data.geoip, "--geoip FILE")?;
                let filter =
                    format!(r#"geoip {{ source => "ip" target => "found" database => "{path}" }}"#);
                (filter, place, |case| json!({"ip": case["ip"]}))
            }
            _ => return Err("no list that is known here".to_owned()),
        };
        let source = Source::new("list.conf", format!("filter {{ {filter} }}"));
        let ecs_compatibility = match name {
            "geoip" => EcsCompatibility::V8,
            _ => EcsCompatibility::Disabled,
        };
        let environment = Environment { ecs_compatibility, ..Environment::default() };
        let plan = plan::parse_and_compile(&source, Syntax::default(), &environment)
            .map_err(|mistakes| format!("refused: {}", mistakes[0]))?;
        Ok(Self { plan, judge, input })
    }

    /// Judges every case, in order.
    pub(crate) fn judge<'a>(&'a self, cases: &'a [Value]) -> impl Iterator<Item = Judgement> {
        let mut program = self.plan.instance();
        cases.iter().map(move |case| {
            let judged = single(&mut program, &(self.input)(case), NOW).and_then(|out| {
                (self.judge)(case, &out).map_err(|why| format!("{why}\n  got {out}"))
            });
            judged.into()
        })
    }
}

/// Whether this was found; what a case does not name is not looked at.
fn same(case: &Value, name: &str, found: &Value) -> Result<(), String> {
    match case.get(name) {
        Some(expected) if expected != found => Err(format!("{name} is not {expected} but {found}")),
        _ => Ok(()),
    }
}

fn agent(case: &Value, out: &Value) -> Result<(), String> {
    let found = &out["found"];
    same(case, "family", &found["name"])?;
    same(case, "os_family", &found["os_name"])?;
    same(case, "device_family", &found["device"])?;
    for prefix in ["", "os_"] {
        for part in ["major", "minor", "patch"] {
            let name = format!("{prefix}{part}");
            same(case, &name, &found[&name])?;
        }
    }
    Ok(())
}

/// The fields of ECS, and of a place's point each half of it within what 32 bits hold.
fn place(case: &Value, out: &Value) -> Result<(), String> {
    const CLOSE: f64 = 1e-4;
    let expected = &case["expect"];
    let geo = &out["found"]["geo"];
    if case["invalid"] == true && !out["tags"].is_array() {
        return Err("is not tagged".to_owned());
    }
    if expected.is_null() {
        return if geo.is_null() { Ok(()) } else { Err("has a place".to_owned()) };
    }
    for name in [
        "continent_code",
        "country_iso_code",
        "country_name",
        "continent_name",
        "region_iso_code",
        "region_name",
        "city_name",
        "postal_code",
        "timezone",
    ] {
        same(expected, name, &geo[name])?;
    }
    for half in ["lat", "lon"] {
        let (expected, found) = (&expected["location"][half], &geo["location"][half]);
        let is_close = match (expected.as_f64(), found.as_f64()) {
            (Some(expected), Some(found)) => (expected - found).abs() < CLOSE,
            (None, _) => true,
            (Some(_), None) => false,
        };
        if !is_close {
            return Err(format!("{half} is not {expected} but {found}"));
        }
    }
    Ok(())
}
