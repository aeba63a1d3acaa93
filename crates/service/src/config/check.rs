//! Checks that settings cannot make alone: one that depends on another, a value that is only wrong
//! for this process.

use crate::units::Span;

/// A configuration that knows what goes together. Settings' own forms are checked before.
pub trait Check {
    /// Adds what is wrong to the findings.
    fn check(&self, _findings: &mut Findings) {}
}

/// What a check has found so far.
#[derive(Debug, Default)]
pub struct Findings {
    table: Vec<String>,
    found: Vec<Finding>,
}

/// A setting with what is wrong with it.
#[derive(Debug)]
pub(super) struct Finding {
    pub(super) path: Vec<String>,
    related: Vec<Vec<String>>,
    pub(super) message: String,
}

impl Findings {
    /// Runs the check of a table within this one, or of one further within by its dotted name.
    pub fn within(&mut self, table: &str, check: impl FnOnce(&mut Self)) {
        let outer = self.table.len();
        self.table.extend(table.split('.').map(str::to_owned));
        check(self);
        self.table.truncate(outer);
    }

    /// Runs the check of a table within this one whose name is the operator's own, and may hold dots.
    pub fn within_key(&mut self, key: &str, check: impl FnOnce(&mut Self)) {
        self.table.push(key.to_owned());
        check(self);
        self.table.pop();
    }

    /// Notes a mistake. `settings` are the names, within this table, of those that do not go
    /// together; it is reported where the first stands, and not at all if another mistake has
    /// been found in any of them.
    pub fn add(&mut self, settings: &[&str], message: impl Into<String>) {
        let absolute = |name: &&str| {
            let names = name.split('.').map(str::to_owned);
            self.table.iter().cloned().chain(names).collect::<Vec<_>>()
        };
        let related: Vec<_> = settings.iter().map(absolute).collect();
        let path = related.first().unwrap_or(&self.table).clone();
        self.found.push(Finding { path, related, message: message.into() });
    }

    /// Notes it as a mistake when two settings that say the same are both given.
    pub fn not_both(&mut self, settings: [&str; 2], are_given: [bool; 2]) {
        if are_given == [true, true] {
            let [one, other] = settings;
            self.add(&settings, format!("give one of `{one}` and `{other}`, not both"));
        }
    }

    /// Notes it as a mistake when a time is shorter than can be meant.
    pub fn at_least_a_millisecond(&mut self, times: &[(&str, Span)]) {
        for (setting, time) in times {
            if *time < Span::from_millis(1) {
                self.add(&[setting], "must be 1ms or more");
            }
        }
    }

    /// The findings that no setting's removal has caused.
    pub(super) fn without(self, removed: &[Vec<String>]) -> Vec<Finding> {
        let caused = |finding: &Finding| {
            removed.iter().any(|path| finding.related.iter().any(|name| name.starts_with(path)))
        };
        self.found.into_iter().filter(|finding| !caused(finding)).collect()
    }
}
