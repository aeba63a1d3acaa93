//! What of a pipeline's inputs and outputs counts in a process, for the one who starts it.

use std::path::Path;

use super::carried::Carried;

/// Which settings a process takes from its pipeline.
#[derive(Debug)]
pub struct Taken {
    /// The pipeline as it was named.
    pub pipeline: String,
    /// Settings with their values.
    pub settings: Vec<String>,
    /// Settings that the configuration gives otherwise.
    pub overruled: Vec<String>,
    /// How many things are not carried over.
    pub left_count: usize,
    /// What else is to be known of the pipelines.
    pub notes: Vec<String>,
}

impl Taken {
    /// Of what was carried over, `taken` says which counts; `None` if there was nothing.
    #[must_use]
    pub fn new(pipeline: &Path, carried: &Carried, taken: &[bool]) -> Option<Self> {
        if carried.is_empty() {
            return None;
        }
        let (counting, overruled): (Vec<_>, Vec<_>) =
            carried.settings.iter().zip(taken).partition(|(_, taken)| **taken);
        Some(Self {
            pipeline: pipeline.display().to_string(),
            settings: counting.iter().map(|(setting, _)| setting.shown()).collect(),
            overruled: overruled.iter().map(|(setting, _)| setting.name()).collect(),
            left_count: carried.left.len(),
            notes: Vec::new(),
        })
    }

    /// One line each.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let mut lines = self.settings.clone();
        if !self.overruled.is_empty() {
            lines.push(format!("the configuration says otherwise: {}", self.overruled.join(", ")));
        }
        lines.extend(self.notes.iter().cloned());
        let pipeline = as_argument(&self.pipeline);
        match self.left_count {
            0 => {}
            1 => lines.push(format!("1 thing is not carried over: millrace check {pipeline}")),
            count => lines
                .push(format!("{count} things are not carried over: millrace check {pipeline}")),
        }
        lines
    }
}

/// A path as a shell takes it: in quotes where something in it means more than itself, as `*` does.
#[must_use]
pub fn as_argument(path: &str) -> String {
    let is_plain = |letter: char| letter.is_alphanumeric() || "_-./:=@%+,#".contains(letter);
    if !path.is_empty() && !path.starts_with('#') && path.chars().all(is_plain) {
        return path.to_owned();
    }
    format!("'{}'", path.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::as_argument;

    #[test]
    fn a_path_that_means_more_to_a_shell_stands_in_quotes() {
        for (path, argument) in [
            ("conf.d/my.conf", "conf.d/my.conf"),
            ("pipelines.yml#shop", "pipelines.yml#shop"),
            ("conf.d/*.conf", "'conf.d/*.conf'"),
            ("my shop.conf", "'my shop.conf'"),
            ("it's", r"'it'\''s'"),
            ("#shop", "'#shop'"),
            ("", "''"),
        ] {
            assert_eq!(as_argument(path), argument);
        }
    }
}
