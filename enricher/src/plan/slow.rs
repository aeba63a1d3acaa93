//! Patterns of conditions that no engine of linear time runs, for `millrace check`. Those of filters are named by the
//! filters.

use crate::language::{
    Branch, Condition, ConditionKind, Config, Diagnostic, SectionKind, Source, Statement,
};
use crate::ruby_pattern::slow_pattern;

/// Warnings of the conditions between filters.
pub(super) fn slow_conditions(source: &Source, config: &Config) -> Vec<Diagnostic> {
    let mut warnings = Vec::new();
    for section in config.sections.iter().filter(|section| section.kind == SectionKind::Filter) {
        statements(source, &section.statements, &mut warnings);
    }
    warnings
}

fn statements(source: &Source, statements_of_one: &[Statement], warnings: &mut Vec<Diagnostic>) {
    for statement in statements_of_one {
        let Statement::Branch(Branch { arms, otherwise }) = statement else { continue };
        for (asked, body) in arms {
            condition(source, asked, warnings);
            statements(source, body, warnings);
        }
        statements(source, otherwise, warnings);
    }
}

fn condition(source: &Source, asked: &Condition, warnings: &mut Vec<Diagnostic>) {
    match &asked.kind {
        ConditionKind::And(terms) | ConditionKind::Or(terms) => {
            terms.iter().for_each(|term| condition(source, term, warnings));
        }
        ConditionKind::Xor(left, right) | ConditionKind::Nand(left, right) => {
            condition(source, left, warnings);
            condition(source, right, warnings);
        }
        ConditionKind::Not(inner) => condition(source, inner, warnings),
        ConditionKind::Matches(_, pattern, span) => {
            warnings.extend(slow_pattern(source, *span, pattern));
        }
        ConditionKind::Truth(_) | ConditionKind::Compare(..) | ConditionKind::In(..) => {}
    }
}

#[cfg(test)]
mod tests {
    use crate::filter::Environment;
    use crate::language::{Source, Syntax};
    use crate::plan::parse_and_compile;

    #[test]
    fn a_slow_pattern_of_a_condition_is_named_at_its_look_around() {
        let text =
            "filter {\n  if [a] == 1 {\n    if [b] or !([c] !~ /^(?!ab)x/) { drop { } }\n  }\n}";
        let source = Source::new("test.conf", text);
        let environment = Environment { wants_warnings: true, ..Environment::default() };
        let plan = parse_and_compile(&source, Syntax::default(), &environment);
        let plan = plan.expect("a good pipeline");
        let [said] = plan.warnings() else { panic!("{:?}", plan.warnings()) };
        assert_eq!((said.line, said.column), (3, 26));
        assert!(said.message.contains("`^(?!ab)x` can be slow"), "{}", said.message);
        assert!(!said.way_out.is_empty());
    }
}
