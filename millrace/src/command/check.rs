//! `millrace check`: every mistake of pipelines and every warning, each with line, column, caret and way out, and the
//! settings that their inputs and outputs stand for.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use enricher::pipeline_text::listed_ids;
use enricher::registry::Origin;
use enricher::{Config, EnricherError, EscapeStyle, FilterUse, PipelineText, Plan, moved_fields};
use service::config::{Mistake, load_over};

use super::{Failure, counted, escape_control, print, say};
use crate::cli::CheckArguments;
use crate::config::PlatformConfig;
use crate::logstash_settings::{
    self, Carried, Listed, Reach, SettingValue, as_argument, carry_over_all, several,
};
use crate::settings;

/// A look at pipelines, and what it found in them.
#[derive(Debug)]
struct Check {
    /// Whether standard output takes the settings alone, and everything else is said on standard error.
    only_settings: bool,
    mistakes: u64,
    warnings: u64,
}

pub(super) fn run(arguments: &CheckArguments) -> Result<(), Failure> {
    if arguments.settings && arguments.files.len() > 1 {
        return Err(one_at_a_time(&arguments.files));
    }
    let mut check = Check { only_settings: arguments.settings, mistakes: 0, warnings: 0 };
    for path in &arguments.files {
        if let Some(listed) = several(path).map_err(usage)? {
            check.look_at_list(path, listed)?;
            continue;
        }
        let pipeline = alone(path)?;
        match PipelineText::read(&pipeline) {
            Ok(text) => check.look_at(&pipeline, &text)?,
            Err(error) if arguments.files.len() == 1 => return Err(usage(error)),
            // The others are still looked at.
            Err(error) => check.tell_mistakes(&[error])?,
        }
    }
    match check {
        Check { mistakes: 0, warnings: 0, .. } => Ok(()),
        Check { mistakes: 0, .. } if !arguments.strict => Ok(()),
        Check { mistakes: 0, warnings, .. } => Err(Failure::usage(counted(warnings, "warning"))),
        Check { mistakes, .. } => Err(Failure::usage(counted(mistakes, "mistake"))),
    }
}

fn usage(error: EnricherError) -> Failure {
    Failure::usage(error.to_string())
}

/// What names the one pipeline of a path, also where it is that of a list.
fn alone(path: &Path) -> Result<PathBuf, Failure> {
    let id = listed_ids(path).map_err(usage)?.and_then(|ids| ids.into_iter().next());
    Ok(id.map_or_else(|| path.to_owned(), |id| PathBuf::from(format!("{}#{id}", path.display()))))
}

fn one_at_a_time(pipelines: &[PathBuf]) -> Failure {
    let names: Vec<_> =
        pipelines.iter().map(|path| as_argument(&path.display().to_string())).collect();
    Failure::usage(format!(
        "--settings prints the settings of one pipeline or list, and these are {}: name one of {}",
        pipelines.len(),
        names.join(", ")
    ))
}

impl Check {
    /// Prints what the pipeline holds, or what is wrong with it.
    fn look_at(&mut self, path: &Path, text: &PipelineText) -> Result<(), Failure> {
        let config = Config::default();
        let plan = enricher::check(text, &config);
        let carried = logstash_settings::carry_over(text, &config, Reach::default());
        let refused = carried.as_ref().map(refused).unwrap_or_default();
        let (plan, carried) = match (plan, carried) {
            (Ok(plan), Ok(carried)) if refused.is_empty() => (plan, carried),
            (plan, carried) => {
                let mistakes = logstash_settings::all_mistakes(plan.err(), carried.err());
                self.tell_mistakes(&mistakes)?;
                return self.tell_mistakes(&refused);
            }
        };
        let toml = carried.to_toml(&path.display().to_string());
        if !self.only_settings {
            write(&(summary(path, text, &plan) + &moved_names(None, &plan, &carried)))?;
        }
        self.print_settings(path, &carried, &toml)?;
        self.tell_warnings(&plan)
    }

    /// The same for all pipelines of a list, whose settings are printed together.
    fn look_at_list(&mut self, list: &Path, listed: Vec<(String, PathBuf)>) -> Result<(), Failure> {
        let before = self.mistakes;
        let mut read = Vec::with_capacity(listed.len());
        for (id, path) in listed {
            match PipelineText::read(&path) {
                Ok(text) => read.push(Listed { id, path, text }),
                // The others are still looked at.
                Err(error) => self.tell_mistakes(&[error])?,
            }
        }
        let config = Config::default();
        let (carried, mistakes) = carry_over_all(&read, &config, Reach::default());
        for (Listed { id, path, text }, of_ends) in read.iter().zip(mistakes) {
            match enricher::check(text, &config) {
                Ok(plan) if of_ends.is_empty() => {
                    if !self.only_settings {
                        let moved = moved_names(Some(id), &plan, &carried);
                        write(&(summary(path, text, &plan) + &moved))?;
                    }
                    self.tell_warnings(&plan)?;
                }
                plan => {
                    let all = logstash_settings::all_mistakes(plan.err(), Some(of_ends));
                    self.tell_mistakes(&all)?;
                }
            }
        }
        if self.mistakes == before {
            self.tell_mistakes(&refused(&carried))?;
        }
        if self.mistakes > before {
            return Ok(());
        }
        self.print_settings(list, &carried, &carried.to_toml_of_list())
    }

    /// Prints what inputs and outputs stand for.
    fn print_settings(&self, path: &Path, carried: &Carried, toml: &str) -> Result<(), Failure> {
        let told = if self.only_settings {
            settings_file(carried, toml)
        } else {
            ends(path, carried, toml)
        };
        write(&told)
    }

    fn tell_warnings(&mut self, plan: &Plan) -> Result<(), Failure> {
        self.warnings += plan.warnings().len() as u64;
        self.tell(plan.warnings())
    }

    fn tell_mistakes(&mut self, mistakes: &[impl Display]) -> Result<(), Failure> {
        self.mistakes += mistakes.len() as u64;
        self.tell(mistakes)
    }

    fn tell(&self, lines: &[impl Display]) -> Result<(), Failure> {
        if self.only_settings {
            lines.iter().for_each(|line| say(&line.to_string()));
            return Ok(());
        }
        print(|out| lines.iter().try_for_each(|line| writeln!(out, "{line}")))
    }
}

/// What `up` would refuse of the settings that inputs and outputs stand for.
fn refused(carried: &Carried) -> Vec<Mistake> {
    let presets = carried.presets();
    match load_over::<PlatformConfig>(&presets, None, [], &[]) {
        Err(mistakes) => mistakes.as_slice().to_vec(),
        Ok(loaded) => {
            let shared = settings::shared_addresses(&loaded.value);
            shared.iter().map(|shared| shared.mistake(&presets)).collect()
        }
    }
}

fn write(text: &str) -> Result<(), Failure> {
    print(|out| out.write_all(text.as_bytes()))
}

/// What is to be known of the filters and the files of a pipeline.
fn summary(path: &Path, text: &PipelineText, plan: &Plan) -> String {
    let mut lines = vec![first_line(path, plan)];
    lines.extend(plan.filters().iter().flat_map(|filter| remarks(text, filter)));
    if !text.not_read.is_empty() {
        let names: Vec<_> = text.not_read.iter().map(|path| path.display().to_string()).collect();
        let names = names.join(", ");
        lines.push(format!("  not read: {names}; of a folder the files *.conf are"));
    }
    for (key, reason) in text.listed.iter().flat_map(|listed| &listed.left) {
        lines.push(format!("  `{key}` is not carried over: {reason}"));
    }
    lines.iter().map(|line| escape_control(line) + "\n").collect()
}

/// Of the texts that name documents and indices those that name fields which are elsewhere behind a `schema`.
fn moved_names(id: Option<&str>, plan: &Plan, carried: &Carried) -> String {
    if plan.filters().iter().all(|filter| filter.name != "schema") {
        return String::new();
    }
    let around = match id {
        None => vec!["enricher"],
        Some(id) => vec!["enricher", "pipelines", id],
    };
    let mut lines = String::new();
    for setting in &carried.settings {
        let Some((name, path)) = setting.path.split_last() else { continue };
        let SettingValue::Text(text) = &setting.value else { continue };
        let is_name = matches!(name.as_str(), "document_id" | "index");
        if !is_name || path != around.as_slice() {
            continue;
        }
        let moved = moved_fields(text, EscapeStyle::None);
        if !moved.is_empty() {
            let line = format!(
                "  `{name}` is read behind the last filter, and `schema` gives {} another name: copy it to a field of \
                 `[@metadata]` in front of `schema`, and name that",
                moved.join(", ")
            );
            lines += &(escape_control(&line) + "\n");
        }
    }
    lines
}

/// What inputs and outputs stand for, if there are any.
fn ends(path: &Path, carried: &Carried, toml: &str) -> String {
    let mut ends = String::new();
    if !carried.is_empty() {
        let up = format!("millrace up --pipeline {}", as_argument(&path.display().to_string()));
        let up = escape_control(&up);
        ends.push_str(&format!(
            "\nFrom its inputs and outputs `{up}` takes these settings; as a configuration file:\n\n{toml}"
        ));
    }
    if !carried.left.is_empty() {
        ends.push_str(&format!("\nNot carried over:\n\n{}", carried.left_lines()));
    }
    ends
}

fn first_line(path: &Path, plan: &Plan) -> String {
    let filters = counted(plan.filters().len() as u64, "filter");
    let warnings = match plan.warnings().len() as u64 {
        0 => String::new(),
        count => format!(", {}", counted(count, "warning")),
    };
    format!("{}: {filters}, no mistakes{warnings}", path.display())
}

/// What is to be known of a filter.
fn remarks(text: &PipelineText, filter: &FilterUse) -> Vec<String> {
    let FilterUse { file, line, name, .. } = filter;
    let place = match text.source.files_count() {
        2.. => format!("{file}:{line}"),
        _ => format!("line {line}"),
    };
    let mut remarks = Vec::new();
    if filter.origin == Origin::Millrace {
        remarks.push(format!("  {place}: {name} is Millrace's own, Logstash has none"));
    }
    if filter.keeps_state {
        remarks.push(format!(
            "  {place}: {name} remembers events, each partition for itself: those of one key have to come into one \
             (docs/pipelines.md, \"Filters that remember\")"
        ));
    }
    remarks
}

/// The settings alone, for a file.
fn settings_file(carried: &Carried, toml: &str) -> String {
    let mut file = toml.to_owned();
    if !carried.left.is_empty() {
        file.push_str("\n# Not carried over:\n");
        file.extend(carried.left_lines().lines().map(|line| format!("#{line}\n")));
    }
    file
}
