//! The command line of these benches: which themes, how long, and how many connections.

use std::time::Duration;

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Arguments {
    /// Names of themes; all of them if it is empty.
    pub themes: Vec<String>,
    /// How long a theme is measured.
    pub time: Duration,
    /// Connections, where a theme lets it be said.
    pub connections: Option<usize>,
    /// Whether it is only to be seen that the bench works.
    pub is_test: bool,
}

impl Arguments {
    /// Reads `[--seconds N] [--connections N] [THEME...]`.
    ///
    /// # Panics
    /// Something else was written, or a theme is not one of these.
    #[must_use]
    pub fn read(known: &[&str]) -> Self {
        let mut arguments = std::env::args().skip(1);
        let mut read = Self {
            themes: Vec::new(),
            time: Duration::from_secs(8),
            connections: None,
            is_test: false,
        };
        while let Some(argument) = arguments.next() {
            let mut number = || -> f64 {
                let number = arguments.next().and_then(|text| text.parse().ok());
                number.unwrap_or_else(|| panic!("{argument} needs a number"))
            };
            match argument.as_str() {
                // What cargo says to every bench.
                "--bench" => {}
                "--test" => read.is_test = true,
                "--seconds" => read.time = Duration::from_secs_f64(number()),
                "--connections" => read.connections = Some(number() as usize),
                theme if known.contains(&theme) => read.themes.push(theme.to_owned()),
                other => panic!(
                    "`{other}` is no theme: write [--seconds N] [--connections N] and some of {}",
                    known.join(", ")
                ),
            }
        }
        if read.is_test {
            read.time = Duration::from_millis(200);
        }
        read
    }

    /// Whether a theme is asked for.
    #[must_use]
    pub fn wants(&self, theme: &str) -> bool {
        self.themes.is_empty() || self.themes.iter().any(|asked| asked == theme)
    }
}
