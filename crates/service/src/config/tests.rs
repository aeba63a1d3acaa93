//! Configurations as people write them, with the mistakes they make.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use serde::Deserialize;

use super::*;
use crate::secret::Secret;
use crate::units::{ByteSize, Span};

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Config {
    ingest_gateway: Gateway,
    bus: Bus,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Gateway {
    http: Http,
    token: Secret<String>,
    shop: String,
    tags: Vec<String>,
    weights: BTreeMap<String, u32>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Http {
    listen: SocketAddr,
    workers: u16,
    idle: Span,
    body_max: ByteSize,
    ratio: f64,
    name: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Bus {
    fsync: Fsync,
    verify: bool,
    delay_first: Span,
    delay_max: Span,
}

#[derive(Debug, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Fsync {
    Never,
    Interval { every: Span },
    Batch,
}

impl Default for Gateway {
    fn default() -> Self {
        Self {
            http: Http::default(),
            token: Secret::default(),
            shop: "default".to_owned(),
            tags: Vec::new(),
            weights: BTreeMap::new(),
        }
    }
}

impl Default for Http {
    fn default() -> Self {
        Self {
            listen: ([127, 0, 0, 1], 8080).into(),
            workers: 4,
            idle: Span::from_secs(60),
            body_max: ByteSize(1 << 20),
            ratio: 0.5,
            name: None,
        }
    }
}

impl Default for Bus {
    fn default() -> Self {
        let (delay_first, delay_max) = (Span::from_millis(100), Span::from_secs(30));
        Self { fsync: Fsync::Batch, verify: true, delay_first, delay_max }
    }
}

impl Check for Config {
    fn check(&self, findings: &mut Findings) {
        findings.within("bus", |findings| {
            if self.bus.delay_first > self.bus.delay_max {
                findings.add(&["delay_first", "delay_max"], "the first delay is the longest");
            }
        });
        findings.within("ingest_gateway.http", |findings| {
            if self.ingest_gateway.http.workers > 64 {
                findings.add(&["workers"], "there are too many");
            }
        });
    }
}

fn read(text: &str, variables: &[(&str, &str)], flags: &[Flag]) -> Result<Config, Mistakes> {
    let variables: Vec<_> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    load(Some((Path::new("millrace.toml"), text)), variables, flags)
}

fn lines(result: Result<Config, Mistakes>) -> Vec<String> {
    result.unwrap_err().to_string().lines().map(str::to_owned).collect()
}

#[test]
fn five_mistakes_of_different_kinds_are_five_lines() {
    let text = r#"# Example
[ingest_gateway]
shop = "north"
tokn = "hunter2"

[ingest_gateway.http]
workers = 70000
idle = "5 parsecs"
body_max = 1048576

[bus]
fsync = "allways"
delay_first = "1m"
delay_max = "30s"
"#;
    let shown = lines(read(text, &[], &[]));
    assert_eq!(
        shown,
        [
            "millrace.toml:4:8: ingest_gateway: there is no setting `tokn`; did you mean `token`?",
            "millrace.toml:7:11: ingest_gateway.http.workers: `70000` is not allowed here; give a \
             whole number from 0 to 65535",
            "millrace.toml:8:8: ingest_gateway.http.idle: `5 parsecs` is not a whole number with a \
             unit (ms, us, s, m, h, d), as 5s",
            "millrace.toml:9:12: ingest_gateway.http.body_max: `1048576` is not allowed here; give \
             a size with its unit in quotes, as \"64KiB\"",
            "millrace.toml:12:9: bus.fsync: `allways` is not allowed here; give one of `never`, \
             `interval`, `batch`",
            "millrace.toml:13:15: bus.delay_first: the first delay is the longest",
        ]
    );
}

#[test]
fn text_that_is_not_toml_is_reported_beside_what_could_be_read() {
    let text =
        "[bus]\nverify = yes\nfsync = \"batch\"\nfsync = \"never\"\ndelay_first = 5\n\n[bsu]\n";
    let mistakes = read(text, &[], &[]).unwrap_err();
    let at = |mistake: &Mistake| match mistake.place {
        Place::File { line, .. } => line,
        _ => 0,
    };
    let mut places: Vec<_> = mistakes.as_slice().iter().map(at).collect();
    places.dedup();
    assert_eq!(places, [2, 4, 5, 7], "{mistakes}");
}

#[test]
fn environment_wins_over_file_and_flags_over_both() {
    let text = "[ingest_gateway]\nshop = \"a\"\n[ingest_gateway.http]\nworkers = 1\nratio = 1\n";
    let variables = [
        ("MILLRACE_INGEST_GATEWAY__SHOP", "007"),
        ("MILLRACE_INGEST_GATEWAY__HTTP__WORKERS", "2"),
        ("MILLRACE_INGEST_GATEWAY__HTTP__IDLE", "5s"),
        ("MILLRACE_INGEST_GATEWAY__HTTP__NAME", "true"),
        ("MILLRACE_INGEST_GATEWAY__TAGS", "a, b,7"),
        ("MILLRACE_INGEST_GATEWAY__WEIGHTS", "{ a = 1, b = 2 }"),
        ("MILLRACE_BUS__VERIFY", "false"),
        ("MILLRACE_BUS__FSYNC", "never"),
        ("MILLRACE_TOKEN", "not a setting"),
        ("OTHER__THING", "not ours"),
    ];
    let flags = [Flag::new("--workers", "ingest_gateway.http.workers", "3")];
    let config = read(text, &variables, &flags).unwrap();
    assert_eq!(config.ingest_gateway.shop, "007", "a text stays a text");
    assert_eq!(config.ingest_gateway.http.workers, 3);
    assert_eq!(config.ingest_gateway.http.idle, Span::from_secs(5));
    assert_eq!(config.ingest_gateway.http.name.as_deref(), Some("true"));
    assert!((config.ingest_gateway.http.ratio - 1.0).abs() < f64::EPSILON);
    assert_eq!(config.ingest_gateway.tags, ["a", "b", "7"]);
    assert_eq!(config.ingest_gateway.weights["b"], 2);
    assert!(!config.bus.verify);
    assert_eq!(config.bus.fsync, Fsync::Never);
}

#[test]
fn mistakes_outside_of_the_file_name_the_variable_and_the_flag() {
    let variables = [
        ("MILLRACE_BUS__FSYNK", "batch"),
        ("MILLRACE_BUS__VERIFY", "yes"),
        ("MILLRACE_INGEST_GATEWAY__HTTP__WORKERS", "many"),
        ("MILLRACE_INGEST_GATEWAY__HTTP", "8080"),
        ("MILLRACE_INGEST_GATEWAY__WEIGHTS", "{ a = \"x\" }"),
    ];
    let flags = [Flag::new("--http", "ingest_gateway.http.listen", "localhost:80\u{1b}[2J\n")];
    let shown = lines(read("", &variables[..3], &flags));
    assert_eq!(shown.len(), 4, "{shown:#?}");
    assert!(shown[0].starts_with("MILLRACE_BUS__FSYNK: bus: there is no setting `fsynk`; did"));
    assert!(shown[1].ends_with("bus.verify: `yes` is not allowed here; give true or false"));
    assert!(shown[2].starts_with("MILLRACE_INGEST_GATEWAY__HTTP__WORKERS: ingest_gateway.http.w"));
    assert!(shown[3].starts_with("--http: ingest_gateway.http.listen: "), "{}", shown[3]);
    assert!(!shown[3].contains('\u{1b}'));

    let shown = lines(read("", &variables[3..], &[]));
    assert_eq!(shown.len(), 2, "{shown:#?}");
    assert!(shown[0].starts_with("MILLRACE_INGEST_GATEWAY__HTTP: ingest_gateway.http: `8080`"));
    assert!(shown[1].starts_with("MILLRACE_INGEST_GATEWAY__WEIGHTS: ingest_gateway.weights: "));
}

#[test]
fn items_of_lists_and_tables_of_enums_have_places() {
    let text = "[bus]\nfsync = { interval = { every = \"1\" } }\n\n[ingest_gateway]\ntags = [\n  \
                \"a\",\n  5,\n  true,\n]\n";
    let shown = lines(read(text, &[], &[]));
    assert_eq!(shown.len(), 3, "{shown:#?}");
    assert!(shown[0].starts_with("millrace.toml:2:32: bus.fsync.interval.every: "), "{}", shown[0]);
    assert!(shown[1].starts_with("millrace.toml:7:3: ingest_gateway.tags.1: `5`"), "{}", shown[1]);
    assert!(shown[2].starts_with("millrace.toml:8:3: ingest_gateway.tags.2: `t"), "{}", shown[2]);
    let good = "bus.fsync = { interval = { every = \"1s\" } }";
    let config = read(good, &[], &[]).unwrap();
    assert_eq!(config.bus.fsync, Fsync::Interval { every: Span::from_secs(1) });
}

#[test]
fn a_check_of_a_table_by_its_dotted_name_has_places() {
    let shown = lines(read("[ingest_gateway.http]\nworkers = 65\n", &[], &[]));
    assert_eq!(shown, ["millrace.toml:2:11: ingest_gateway.http.workers: there are too many"]);
}

#[test]
fn a_check_that_only_fails_for_a_refused_setting_is_not_reported() {
    let shown = lines(read("[bus]\ndelay_first = \"60s\"\ndelay_max = \"2 m in\"\n", &[], &[]));
    assert_eq!(shown.len(), 1, "{shown:#?}");
    assert!(shown[0].starts_with("millrace.toml:3:13: bus.delay_max: "));
    let variables = [("MILLRACE_BUS__DELAY_FIRST", "1h")];
    let shown = lines(read("", &variables, &[]));
    assert_eq!(
        shown,
        ["MILLRACE_BUS__DELAY_FIRST: bus.delay_first: the first delay is the longest"]
    );
}

#[test]
fn a_secret_is_never_shown() {
    let text = "[ingest_gateway]\ntoken = 123456789\n";
    let shown = lines(read(text, &[], &[]));
    assert_eq!(shown.len(), 1);
    assert!(shown[0].starts_with("millrace.toml:2:9: ingest_gateway.token: this secret"));
    assert!(!shown[0].contains("123456789"));
    let config = read("[ingest_gateway]\ntoken = \"hunter2\"\n", &[], &[]).unwrap();
    assert!(!format!("{config:?}").contains("hunter2"));
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Strict {
    #[serde(rename = "inner")]
    _inner: StrictInner,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct StrictInner {
    #[serde(rename = "a")]
    _a: u8,
    #[serde(rename = "b")]
    _b: u8,
}

impl Check for Strict {}

#[test]
fn a_setting_without_default_is_reported_once() {
    let strict = |text| {
        let read = load::<Strict>(Some((Path::new("x.toml"), text)), [], &[]);
        read.unwrap_err().to_string()
    };
    assert_eq!(strict("[inner]\na = 1\n"), "x.toml:1:2: inner: the setting `b` is missing");
    let wrong = strict("[inner]\na = 1\nb = -1\n");
    assert_eq!(wrong.lines().count(), 1, "{wrong}");
    assert!(wrong.starts_with("x.toml:3:5: inner.b: `-1`"), "{wrong}");
    assert_eq!(strict(""), "configuration: the setting `inner` is missing");
}

#[test]
fn presets_count_where_the_configuration_says_nothing() {
    let preset = |path: &str, value: &str, unless: &[&str]| Preset {
        place: Place::File { path: "shop.conf".to_owned(), line: 3, column: 9 },
        path: path.split('.').map(str::to_owned).collect(),
        value: value.to_owned(),
        unless: unless.iter().map(|path| path.split('.').map(str::to_owned).collect()).collect(),
    };
    let presets = [
        preset("ingest_gateway.http.listen", "127.0.0.1:1", &[]),
        preset("ingest_gateway.http.workers", "7", &[]),
        preset("ingest_gateway.http.name", "of a host", &["ingest_gateway.http.body_max"]),
        preset("ingest_gateway.tags", "[\"a,b\", \"c\"]", &[]),
    ];
    let load = |presets: &[Preset], file: &str, flags: &[Flag]| {
        load_over::<Config>(presets, Some((Path::new("m.toml"), file)), [], flags)
    };
    let file = "[ingest_gateway.http]\nlisten = \"127.0.0.1:2\"\nbody_max = \"2MiB\"";
    let loaded = load(&presets, file, &[]).unwrap();
    assert_eq!(loaded.taken, [false, true, false, true]);
    let gateway = loaded.value.ingest_gateway;
    assert_eq!((gateway.http.listen.port(), gateway.http.workers), (2, 7));
    assert_eq!((gateway.http.name, gateway.tags), (None, vec!["a,b".to_owned(), "c".to_owned()]));
    // A value for the whole table leaves nothing of it to presets.
    let whole = Flag::new("--http", "ingest_gateway.http", "{ workers = 1 }");
    assert_eq!(load(&presets, "", &[whole]).unwrap().taken, [false, false, false, true]);
    // What is wrong with one is said at its place.
    let wrong = [preset("ingest_gateway.http.workers", "many", &[])];
    let said = load(&wrong, "", &[]).unwrap_err().to_string();
    assert!(said.starts_with("shop.conf:3:9: ingest_gateway.http.workers: "), "{said}");
}
