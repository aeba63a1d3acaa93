//! What the door's table has for all inputs of files, and each input `file` for itself: whether files are followed, how
//! often they are looked at, how many are held open, and for how long they are known.
//!
//! The first input is the door's own. What it says must not become what the others say, so they get what is usual.

use std::time::Duration;

use ingest_gateway::FileConfig;
use service::Span;

use super::{TABLE, UNLESS};
use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::plugin::PluginReader;

/// How files are read where nobody says it.
const FOLLOWED: &str = "tail";
/// How they are where each is read once.
const READ_ONCE: &str = "read";
/// How often Logstash looks at files where nobody says it.
const STAT_INTERVAL: Duration = Duration::from_secs(1);
const SECOND: f64 = 1.0;
const DAY: f64 = 86_400.0;
/// No time is longer, which is thirty years.
const SECONDS_MAX: f64 = 1e9;

/// A setting of the door's table that inputs may have for themselves.
struct Shared {
    name: &'static str,
    /// The option that it is.
    option: &'static str,
    /// Its value where nobody says it.
    usual: fn(&FileConfig) -> SettingValue,
    /// What leaves that value out, since the configuration says another one for all inputs.
    unless: &'static [&'static str],
}

macro_rules! shared {
    ($name:literal, $option:literal, $usual:expr) => {
        Shared {
            name: $name,
            option: $option,
            usual: $usual,
            unless: &[
                "ingest_gateway.file.paths",
                "ingest_gateway.file.inputs",
                concat!("ingest_gateway.file.", $name),
            ],
        }
    };
}

const SHARED: [Shared; 6] = [
    shared!("mode", "mode", |_: &FileConfig| text(FOLLOWED)),
    shared!("poll_interval", "stat_interval", |door: &FileConfig| time(door.poll_interval.0)),
    shared!("scan_interval", "discover_interval", |door: &FileConfig| time(door.scan_interval.0)),
    shared!("close_after", "close_older", |door: &FileConfig| time(door.close_after.0)),
    shared!("open_files_max", "max_open_files", |door: &FileConfig| {
        SettingValue::Whole(i64::from(door.open_files_max))
    }),
    shared!("forget_after", "sincedb_clean_after", |door: &FileConfig| time(door.forget_after.0)),
];

/// What an input says of these settings.
pub(super) struct Own {
    said: Vec<Said>,
}

struct Said {
    option: &'static str,
    setting: &'static str,
    value: SettingValue,
}

impl Own {
    /// Reads the options; what is wrong with them is said.
    pub(super) fn read(reader: &mut PluginReader<'_>) -> Self {
        let mode = reader.options.choice("mode", &[FOLLOWED, READ_ONCE]);
        let poll = some_time(reader, "stat_interval", SECOND);
        let scan = scan_interval(reader, poll);
        let close = given_time(reader, "close_older", SECOND);
        let open = open_files_max(reader);
        let forget = some_time(reader, "sincedb_clean_after", DAY);
        let said = [
            mode.map(|mode| ("mode", "mode", text(mode))),
            poll.map(|poll| ("stat_interval", "poll_interval", time(poll))),
            scan.map(|(option, scan)| (option, "scan_interval", time(scan))),
            close.map(|close| ("close_older", "close_after", time(close))),
            open.map(|open| ("max_open_files", "open_files_max", SettingValue::Whole(open))),
            forget.map(|forget| ("sincedb_clean_after", "forget_after", time(forget))),
        ];
        let said = said.into_iter().flatten();
        Self {
            said: said.map(|(option, setting, value)| Said { option, setting, value }).collect(),
        }
    }

    /// Whether each of its files is read once.
    pub(super) fn reads_once(&self) -> bool {
        self.said_of("mode").is_some_and(|said| said.value.untyped() == READ_ONCE)
    }

    /// Lets it stand for settings in the table of the input.
    pub(super) fn carry(&self, reader: &mut PluginReader<'_>, table: &[&str]) {
        let is_first = table == TABLE;
        for shared in &SHARED {
            let path = [table, &[shared.name]].concat();
            if let Some(said) = self.said_of(shared.name) {
                reader.carry_unless(said.option, &path, said.value.clone(), UNLESS);
                continue;
            }
            let of_door = format!("{}.{}", TABLE.join("."), shared.name);
            let usual = (shared.usual)(&FileConfig::default());
            let of_first = reader.carried.find(&of_door);
            if !is_first && of_first.is_some_and(|first| first.value.untyped() != usual.untyped()) {
                reader.carry_unless(shared.option, &path, usual, shared.unless);
            }
        }
    }

    fn said_of(&self, setting: &str) -> Option<&Said> {
        self.said.iter().find(|said| said.setting == setting)
    }
}

/// How often folders are looked at, and which option says it: a multiple of how often files are.
fn scan_interval(
    reader: &mut PluginReader<'_>,
    poll: Option<Duration>,
) -> Option<(&'static str, Duration)> {
    let Some(times) = reader.options.number("discover_interval") else {
        // A look at folders is one at their files too, so there are not more of these than of those.
        let usual = FileConfig::default().scan_interval.0;
        return poll.filter(|poll| *poll > usual).map(|poll| ("stat_interval", poll));
    };
    let scan = of_seconds(poll.unwrap_or(STAT_INTERVAL).as_secs_f64() * times);
    let scan = scan.filter(|scan| !scan.is_zero());
    if scan.is_none() {
        reader.leave("discover_interval", "there is no such time between two looks");
    }
    scan.map(|scan| ("discover_interval", scan))
}

fn open_files_max(reader: &mut PluginReader<'_>) -> Option<i64> {
    let files = reader.options.integer("max_open_files")?;
    if (1..=i64::from(u32::MAX)).contains(&files) {
        return Some(files);
    }
    let reason = "some are held open, and not without limit: that of the door counts, \
                  `ingest_gateway.file.open_files_max`";
    reader.leave("max_open_files", reason);
    None
}

/// An option that is a length of time and must not be nothing here.
fn some_time(reader: &mut PluginReader<'_>, option: &'static str, bare_s: f64) -> Option<Duration> {
    let time = given_time(reader, option, bare_s)?;
    if time.is_zero() {
        reader.leave(option, "it must be more than nothing here");
        return None;
    }
    Some(time)
}

/// An option that is a length of time; a number without a unit counts so many seconds.
fn given_time(
    reader: &mut PluginReader<'_>,
    option: &'static str,
    bare_s: f64,
) -> Option<Duration> {
    let written = reader.options.text(option)?;
    let time = read_time(&written, bare_s);
    if time.is_none() {
        let way_out = "write a number and a unit, as \"250 ms\", \"5 seconds\" or \"2 days\"";
        reader.options.refuse(option, format!("`{option}` cannot be `{written}`"), way_out);
    }
    time
}

fn read_time(written: &str, bare_s: f64) -> Option<Duration> {
    let written = written.trim();
    let is_of_unit = |letter: char| !letter.is_ascii_digit() && letter != '.';
    let (number, unit) = match written.find(is_of_unit) {
        Some(end) => written.split_at(end),
        None => (written, ""),
    };
    let unit_s = match unit.trim_start() {
        "" => bare_s,
        "us" | "usec" | "usecs" => 1e-6,
        "ms" | "msec" | "msecs" => 1e-3,
        "s" | "sec" | "secs" | "second" | "seconds" => SECOND,
        "m" | "min" | "mins" | "minute" | "minutes" => 60.0,
        "h" | "hour" | "hours" => 3_600.0,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => 7.0 * DAY,
        _ => return None,
    };
    of_seconds(number.parse::<f64>().ok()? * unit_s)
}

/// A length of time as settings take it, in whole microseconds.
fn of_seconds(seconds: f64) -> Option<Duration> {
    let time = Duration::try_from_secs_f64(seconds).ok().filter(|_| seconds <= SECONDS_MAX)?;
    u64::try_from(time.as_micros()).ok().map(Duration::from_micros)
}

fn text(word: &str) -> SettingValue {
    SettingValue::Text(word.to_owned())
}

fn time(time: Duration) -> SettingValue {
    SettingValue::Text(Span(time).to_string())
}
