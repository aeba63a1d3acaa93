//! The vectors that are known to fail, each with its reason: `ID: REASON` a line. One that fails and does not stand there
//! is a step back; one that stands there and passes is to be struck.

use std::collections::BTreeMap;

/// Failures that are known, by id, and what was found of them.
#[derive(Debug, Default)]
pub(crate) struct Known {
    reasons: BTreeMap<String, String>,
    wrong: Vec<String>,
}

impl Known {
    /// Reads the list; blank lines and those that begin with `#` say nothing.
    pub(crate) fn read(text: &str) -> Result<Self, String> {
        let mut reasons = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let (id, reason) = line.split_once(": ").ok_or_else(|| format!("no reason: {line}"))?;
            if reasons.insert(id.to_owned(), reason.to_owned()).is_some() {
                return Err(format!("stands twice: {id}"));
            }
        }
        Ok(Self { reasons, wrong: Vec::new() })
    }

    /// Notes what became of a vector.
    pub(crate) fn note(&mut self, id: &str, failed: bool) {
        match (failed, self.reasons.contains_key(id)) {
            (true, false) => self.wrong.push(format!("fails and is not known to: {id}")),
            (false, true) => self.wrong.push(format!("is known to fail and passes: {id}")),
            _ => {}
        }
    }

    /// What is not as the list says.
    pub(crate) fn wrong(&self) -> &[String] {
        &self.wrong
    }
}
