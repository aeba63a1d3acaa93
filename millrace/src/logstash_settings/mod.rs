//! The inputs and outputs of a Logstash file as settings of the platform: which ports, topics and stores
//! they name, and what of them is not carried over.
//!
//! Pure: reads no file and opens nothing. Every option of a plugin that is known becomes a setting, is named
//! as not carried over with its reason, or is a mistake; none is passed over in silence.

mod carried;
mod codec;
mod doors;
mod inputs;
mod kafka_access;
mod known;
mod listed;
mod listen;
mod outputs;
mod plugin;
mod report;
mod taken;

use std::collections::BTreeMap;

use enricher::PipelineText;
use enricher::config::HASH_KEY_VARIABLE;
use enricher::language::{
    Branch, Config, Diagnostic, Plugin, Section, SectionKind, Source, Statement, parse,
};
use service::suggest::nearest;

pub use carried::{Carried, Left, Setting, SettingValue, Spot};
pub use listed::{Listed, carry_over_all, several};
pub use listen::Reach;
pub use taken::{Taken, as_argument};

use known::KnownPlugins;
use plugin::{PluginReader, Surroundings};

/// Reads the inputs and outputs of a pipeline.
///
/// # Errors
/// Every mistake in them, in the order of the text. What is wrong with the filters is not looked at.
pub fn carry_over(
    text: &PipelineText,
    config: &enricher::Config,
    reach: Reach,
) -> Result<Carried, Vec<Diagnostic>> {
    let variables = variables_of(config);
    let tree = parse(&text.source, text.syntax(config))?;
    let ecs = text.ecs_compatibility(config);
    of_tree(&tree, Surroundings { source: &text.source, variables: &variables, reach, ecs })
}

/// The variables that inputs and outputs may name.
fn variables_of(config: &enricher::Config) -> BTreeMap<String, String> {
    let is_key_set = std::env::var(HASH_KEY_VARIABLE).is_ok();
    variables(config.environment("").variables, is_key_set)
}

/// The variables that inputs and outputs may name, out of those of filters. The installation's own key, which
/// stands for its variable where that is not set, is for filters alone.
fn variables(
    mut of_filters: BTreeMap<String, String>,
    is_key_set: bool,
) -> BTreeMap<String, String> {
    if !is_key_set {
        of_filters.remove(HASH_KEY_VARIABLE);
    }
    of_filters
}

/// The mistakes of filters and those of inputs and outputs in the order of the text. What is no configuration
/// at all is told by both, and once here.
#[must_use]
pub fn all_mistakes(
    of_filters: Option<Vec<Diagnostic>>,
    of_ends: Option<Vec<Diagnostic>>,
) -> Vec<Diagnostic> {
    let mut all = of_filters.unwrap_or_default();
    for mistake in of_ends.unwrap_or_default() {
        if !all.contains(&mistake) {
            all.push(mistake);
        }
    }
    all.sort_by_key(|mistake| mistake.offset);
    all
}

fn of_tree(tree: &Config, surroundings: Surroundings<'_>) -> Result<Carried, Vec<Diagnostic>> {
    let mut carried = Carried::default();
    let mistakes = read_tree(tree, surroundings, &mut carried);
    if mistakes.is_empty() { Ok(carried) } else { Err(mistakes) }
}

/// Reads the inputs and outputs of a pipeline behind those that were read before. Gives its mistakes, in the order of the
/// text.
fn read_tree(
    tree: &Config,
    surroundings: Surroundings<'_>,
    carried: &mut Carried,
) -> Vec<Diagnostic> {
    let left_before = carried.left.len();
    let mut walk = Walk { surroundings, carried, mistakes: Vec::new() };
    for section in tree.sections.iter().filter(|section| section.kind != SectionKind::Filter) {
        walk.section(section);
    }
    let Walk { carried, mut mistakes, .. } = walk;
    carried.left[left_before..].sort_by_key(|left| left.spot.offset);
    mistakes.sort_by_key(|mistake| mistake.offset);
    mistakes
}

struct Walk<'a> {
    surroundings: Surroundings<'a>,
    carried: &'a mut Carried,
    mistakes: Vec<Diagnostic>,
}

impl Walk<'_> {
    fn section(&mut self, section: &Section) {
        for statement in &section.statements {
            match statement {
                Statement::Plugin(plugin) => self.plugin(section.kind, plugin),
                Statement::Branch(branch) => self.branch(section.kind, branch),
            }
        }
    }

    fn branch(&mut self, kind: SectionKind, branch: &Branch) {
        let source = self.surroundings.source;
        let bodies = branch.arms.iter().map(|(_, body)| body).chain([&branch.otherwise]);
        for statement in bodies.flatten() {
            match statement {
                Statement::Branch(inner) => self.branch(kind, inner),
                Statement::Plugin(plugin) if kind == SectionKind::Input => {
                    let message = "an input stands under no condition, since there is no event yet";
                    let way_out = "write the input alone, and the condition in the filter section";
                    self.mistakes.push(source.mistake(plugin.span, message, way_out));
                }
                Statement::Plugin(plugin) => {
                    if outputs::is_store(&plugin.name) {
                        self.carried.left.push(condition_of(plugin, source));
                    }
                    self.plugin(kind, plugin);
                }
            }
        }
    }

    fn plugin(&mut self, kind: SectionKind, plugin: &Plugin) {
        let known = known_of(kind);
        if !known.has(&plugin.name) {
            self.mistakes.push(unknown(kind, plugin, self.surroundings.source));
            return;
        }
        let Self { surroundings, carried, mistakes } = self;
        let mut reader = PluginReader::new(plugin, kind, *surroundings, carried, mistakes);
        known.read(&mut reader);
        reader.finish();
    }
}

fn known_of(kind: SectionKind) -> KnownPlugins {
    if kind == SectionKind::Input { inputs::KNOWN } else { outputs::KNOWN }
}

fn condition_of(plugin: &Plugin, source: &Source) -> Left {
    let reason = "every event that is left at the end of the filters is indexed; `drop { }` there what shall \
                  not be";
    Left {
        spot: Spot::of(source, plugin.span),
        what: format!("the condition of output {}", plugin.name),
        reason: reason.to_owned(),
    }
}

fn unknown(kind: SectionKind, plugin: &Plugin, source: &Source) -> Diagnostic {
    let way_out = match nearest(&plugin.name, known_of(kind).names()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("docs/pipelines.md says which {}s there are", kind.as_str()),
    };
    let message = format!("there is no {} `{}`", kind.as_str(), plugin.name);
    source.mistake(plugin.span, message, way_out)
}

#[cfg(test)]
mod tests;
