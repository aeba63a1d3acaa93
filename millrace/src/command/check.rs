//! `millrace check`: every mistake of pipelines and every warning, each with line, column, caret and way out, and the
//! settings that their inputs and outputs stand for.

use std::fmt::Display;
use std::path::{Path, PathBuf};

use enricher::pipeline_text::listed_ids;
use enricher::registry::Origin;
use enricher::{Config, FilterUse, PipelineText, Plan};
use service::config::{Mistake, load_over};

use super::{Failure, counted, escape_control, print, say};
use crate::cli::CheckArguments;
use crate::config::PlatformConfig;
use crate::logstash_settings::{self, Carried, Reach, as_argument};
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
    let pipelines: Result<Vec<_>, _> = arguments.files.iter().map(|path| pipelines(path)).collect();
    let pipelines = pipelines?.concat();
    if arguments.settings && pipelines.len() > 1 {
        return Err(one_at_a_time(&pipelines));
    }
    let mut check = Check { only_settings: arguments.settings, mistakes: 0, warnings: 0 };
    for pipeline in &pipelines {
        match PipelineText::read(pipeline) {
            Ok(text) => check.look_at(pipeline, &text)?,
            Err(error) if pipelines.len() == 1 => return Err(Failure::usage(error.to_string())),
            // The others are still looked at.
            Err(error) => {
                check.mistakes += 1;
                check.tell(&[error])?;
            }
        }
    }
    match check {
        Check { mistakes: 0, warnings: 0, .. } => Ok(()),
        Check { mistakes: 0, .. } if !arguments.strict => Ok(()),
        Check { mistakes: 0, warnings, .. } => Err(Failure::usage(counted(warnings, "warning"))),
        Check { mistakes, .. } => Err(Failure::usage(counted(mistakes, "mistake"))),
    }
}

/// The pipelines that a path names: all of a list.
fn pipelines(path: &Path) -> Result<Vec<PathBuf>, Failure> {
    let ids = listed_ids(path).map_err(|error| Failure::usage(error.to_string()))?;
    let named = |id: String| PathBuf::from(format!("{}#{id}", path.display()));
    Ok(ids.map_or_else(|| vec![path.to_owned()], |ids| ids.into_iter().map(named).collect()))
}

fn one_at_a_time(pipelines: &[PathBuf]) -> Failure {
    let names: Vec<_> =
        pipelines.iter().map(|path| as_argument(&path.display().to_string())).collect();
    Failure::usage(format!(
        "--settings prints the settings of one pipeline, and these are {}: name one of {}",
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
                self.mistakes += (mistakes.len() + refused.len()) as u64;
                self.tell(&mistakes)?;
                return self.tell(&refused);
            }
        };
        self.warnings += plan.warnings().len() as u64;
        let told = if self.only_settings {
            settings_file(path, &carried)
        } else {
            report(path, text, &plan, &carried)
        };
        print(|out| out.write_all(told.as_bytes()))?;
        self.tell(plan.warnings())
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

fn report(path: &Path, text: &PipelineText, plan: &Plan, carried: &Carried) -> String {
    let mut lines = vec![summary(path, plan)];
    lines.extend(plan.filters().iter().flat_map(|filter| remarks(text, filter)));
    if !text.not_read.is_empty() {
        let names: Vec<_> = text.not_read.iter().map(|path| path.display().to_string()).collect();
        let names = names.join(", ");
        lines.push(format!("  not read: {names}; of a folder the files *.conf are"));
    }
    for (key, reason) in text.listed.iter().flat_map(|listed| &listed.left) {
        lines.push(format!("  `{key}` is not carried over: {reason}"));
    }
    let mut report: String = lines.iter().map(|line| escape_control(line) + "\n").collect();
    if !carried.is_empty() {
        let pipeline = path.display().to_string();
        let up = format!("millrace up --pipeline {}", as_argument(&pipeline));
        let up = escape_control(&up);
        report.push_str(&format!(
            "\nFrom its inputs and outputs `{up}` takes these settings; as a configuration file:\n\n{}",
            carried.to_toml(&pipeline)
        ));
    }
    if !carried.left.is_empty() {
        report.push_str(&format!("\nNot carried over:\n\n{}", carried.left_lines()));
    }
    report
}

fn summary(path: &Path, plan: &Plan) -> String {
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
fn settings_file(path: &Path, carried: &Carried) -> String {
    let mut file = carried.to_toml(&path.display().to_string());
    if !carried.left.is_empty() {
        file.push_str("\n# Not carried over:\n");
        file.extend(carried.left_lines().lines().map(|line| format!("#{line}\n")));
    }
    file
}
