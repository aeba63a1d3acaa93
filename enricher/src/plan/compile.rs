//! From the tree of a configuration to a checked plan. Records every mistake, not only the first.

use std::sync::Arc;

use event::FieldPath;
use sha2::{Digest, Sha256};

use super::common::CommonOptions;
use super::condition::Test;
use super::slow::slow_conditions;
use super::unreachable::unreachable;
use super::{Checked, FilterUse, Plan, PlannedFilter, Reading, Step};
use crate::config::HASH_KEY_VARIABLE;
use crate::document_id::DocumentId;
use crate::filter::{EcsCompatibility, Environment};
use crate::filters::aggregate::TaskGroups;
use crate::index_text::IndexText;
use crate::input::{InputConfig, Inputs};
use crate::language::{
    Branch, Config, Diagnostic, Plugin, SectionKind, Source, Statement, Syntax, parse_parts,
};
use crate::options::Options;
use crate::registry;

/// Reads and compiles a pipeline.
///
/// # Errors
/// Every mistake that was found, in the order of the text: of the language, and of the filters that could be read.
pub fn parse_and_compile(
    source: &Source,
    syntax: Syntax,
    environment: &Environment,
) -> Result<Plan, Vec<Diagnostic>> {
    let (config, mut mistakes) = parse_parts(source, syntax);
    if mistakes.is_empty() {
        return compile_read(source, &config, syntax, environment);
    }
    mistakes.extend(compile_filters(source, &config, environment).mistakes);
    mistakes.sort_by_key(|mistake| mistake.offset);
    Err(mistakes)
}

/// Compiles the filters of a configuration that was read from `source` with the default syntax. What its
/// inputs and outputs say is for whoever runs doors and stores.
///
/// # Errors
/// Every mistake that was found, in the order of the text.
pub fn compile(
    source: &Source,
    config: &Config,
    environment: &Environment,
) -> Result<Plan, Vec<Diagnostic>> {
    compile_read(source, config, Syntax::default(), environment)
}

fn compile_filters<'s>(
    source: &'s Source,
    config: &Config,
    environment: &'s Environment,
) -> Compiler<'s> {
    let mut compiler = Compiler {
        source,
        environment,
        steps: Vec::new(),
        filters: Vec::new(),
        uses: Vec::new(),
        mistakes: Vec::new(),
        warnings: Vec::new(),
        task_groups: TaskGroups::default(),
    };
    for section in &config.sections {
        if section.kind == SectionKind::Filter {
            compiler.statements(&section.statements);
        }
    }
    compiler
}

fn compile_read(
    source: &Source,
    config: &Config,
    syntax: Syntax,
    environment: &Environment,
) -> Result<Plan, Vec<Diagnostic>> {
    let mut compiler = compile_filters(source, config, environment);
    if !compiler.mistakes.is_empty() {
        compiler.mistakes.sort_by_key(|mistake| mistake.offset);
        return Err(compiler.mistakes);
    }
    let document_id = environment.document_id.as_deref();
    let index = environment.index.as_deref();
    let reads_metadata = source.text().contains("@metadata")
        || [document_id, index].into_iter().flatten().any(|text| text.contains("@metadata"))
        || environment.inputs.values().any(InputConfig::reads_metadata);
    let inputs = Inputs::new(&environment.inputs, environment.escape_style, reads_metadata);
    // Settings were checked.
    let document_id =
        document_id.and_then(|text| DocumentId::parse(text, environment.escape_style).ok());
    let index = index.and_then(|text| IndexText::parse(text, environment.escape_style).ok());
    let Compiler { steps, filters, uses, mut warnings, .. } = compiler;
    if environment.wants_warnings {
        warnings.extend(unreachable(source, config));
        warnings.extend(slow_conditions(source, config));
        warnings.sort_by_key(|warning| warning.offset);
    }
    let file_path = match environment.ecs_compatibility {
        EcsCompatibility::Disabled => FieldPath::key("path"),
        EcsCompatibility::V1 | EcsCompatibility::V8 => FieldPath::dotted("log.file.path"),
    };
    let timed = timed(&steps, &filters);
    let hash = digest([source.text()]);
    let Syntax { support_escapes } = syntax;
    let reading = Reading { support_escapes, ecs_compatibility: environment.ecs_compatibility };
    let others = config.sections.iter().filter(|section| section.kind != SectionKind::Filter);
    let ends_hash = digest(others.map(|section| source.slice(section.whole)));
    let checked = Checked {
        steps,
        filters,
        uses,
        timed,
        reads_metadata,
        file_path,
        inputs: Arc::new(inputs),
        document_id: document_id.map(Arc::new),
        index: index.map(Arc::new),
        hash,
        reading,
        warnings,
        ends_hash,
    };
    Ok(Plan { inner: Arc::new(checked) })
}

fn timed(steps: &[Step], filters: &[PlannedFilter]) -> Vec<(usize, usize)> {
    let filter = |(at, step): (usize, &Step)| match step {
        Step::Filter(index) if filters[*index].plan.is_timed() => Some((*index, at + 1)),
        _ => None,
    };
    steps.iter().enumerate().filter_map(filter).collect()
}

fn digest<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    let mut hasher = Sha256::new();
    texts.into_iter().for_each(|text| hasher.update(text));
    hasher.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
}

struct Compiler<'s> {
    source: &'s Source,
    environment: &'s Environment,
    steps: Vec<Step>,
    filters: Vec<PlannedFilter>,
    uses: Vec<FilterUse>,
    mistakes: Vec<Diagnostic>,
    warnings: Vec<Diagnostic>,
    task_groups: TaskGroups,
}

impl Compiler<'_> {
    fn statements(&mut self, statements: &[Statement]) {
        for statement in statements {
            match statement {
                Statement::Plugin(plugin) => self.filter(plugin),
                Statement::Branch(branch) => self.branch(branch),
            }
        }
    }

    fn filter(&mut self, plugin: &Plugin) {
        let Some(entry) = registry::find(&plugin.name) else {
            self.mistakes.push(registry::explain_absence(plugin, self.source));
            return;
        };
        let variables = &self.environment.variables;
        let mut options = Options::new(plugin, self.source, variables, &mut self.mistakes)
            .in_pipeline_with(&mut self.task_groups)
            .with_fields_as(self.environment.escape_style);
        let common = CommonOptions::take(&mut options);
        let plan = (entry.build)(&mut options, self.environment);
        self.warnings.extend(options.finish());
        let Some(plan) = plan else {
            debug_assert!(!self.mistakes.is_empty(), "a filter that is refused says why");
            return;
        };
        self.steps.push(Step::Filter(self.filters.len()));
        let place = self.uses.iter().filter(|earlier| earlier.name == entry.name).count();
        self.uses.push(FilterUse {
            name: entry.name,
            origin: entry.origin,
            file: self.source.name_at(plugin.span.start).to_owned(),
            line: self.source.line_of(plugin.span.start),
            column: self.source.column_of(plugin.span.start),
            keeps_state: plan.keeps_state(),
            has_hash_key: plugin
                .attributes
                .iter()
                .any(|option| option.value.names_variable(HASH_KEY_VARIABLE)),
        });
        self.filters.push(PlannedFilter { plan, common, place });
    }

    fn branch(&mut self, branch: &Branch) {
        let mut jumps_to_end = Vec::new();
        let variables = &self.environment.variables;
        for (condition, body) in &branch.arms {
            let (source, style) = (self.source, self.environment.escape_style);
            let test = Test::compile(condition, source, variables, style, &mut self.mistakes);
            let unless = self.steps.len();
            self.steps.push(Step::Jump(0));
            self.statements(body);
            jumps_to_end.push(self.steps.len());
            self.steps.push(Step::Jump(0));
            if let Some(test) = test {
                self.steps[unless] = Step::Unless(test, self.steps.len());
            }
        }
        self.statements(&branch.otherwise);
        let end = self.steps.len();
        for jump in jumps_to_end {
            self.steps[jump] = Step::Jump(end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages of all mistakes, in the order of the text.
    fn refused(text: &str) -> Vec<String> {
        let source = Source::new("test.conf", text);
        let mistakes =
            parse_and_compile(&source, Syntax::default(), &Environment::default()).unwrap_err();
        assert!(mistakes.is_sorted_by_key(|mistake| mistake.offset));
        mistakes.into_iter().map(|mistake| mistake.message).collect()
    }

    #[test]
    fn a_mistake_of_the_language_hides_none_of_the_filters() {
        let text = r#"filter { mutate { foo=>1 } mutate { add_tag => ["a",] }
            if [a] { grok { match => { "m" => "%{NOPE}" } } drop { "x" } } }"#;
        let said = refused(text);
        assert_eq!(said.len(), 4, "{said:?}");
        for (message, part) in said.iter().zip(["foo", "`,`", "NOPE", "=>"]) {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn a_condition_that_cannot_be_read_hides_nothing_of_what_stands_under_it() {
        let said = refused(
            r#"filter { if [a] == { grok { match => { "m" => "%{NOPE}" } } }
            else if [b] { mutate { foo => 1 } } else if [c] > { mutate { bar => 1 } }
            else { grok { match => { "m" => "%{NADA}" } } } }"#,
        );
        assert_eq!(said.len(), 6, "{said:?}");
        for (message, part) in said.iter().zip(["`{`", "NOPE", "foo", "`{`", "bar", "NADA"]) {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_not_missed_behind_many_mistakes_either() {
        let many = "mutate { add_tag => x }\n".repeat(120);
        let text = format!("filter {{ {many} grok {{ match => x }} mutate {{ foo => 1 }} }}");
        let said = refused(&text);
        let (last, others) = said.split_last().unwrap();
        assert!(last.contains("foo"), "{last}");
        assert_eq!(others.len(), 100);
        for message in others {
            assert_eq!(message, "`x` is no bare word");
        }
    }
}
