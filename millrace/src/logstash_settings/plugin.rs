//! One input or output as it is read: each of its options becomes a setting, is named as not carried over,
//! or is a mistake.

use std::collections::BTreeMap;

use enricher::language::{Diagnostic, Plugin, SectionKind, Span, Value, ValueKind};
use enricher::options::Options;
use enricher::{EcsCompatibility, Source};

use super::Reach;
use super::carried::{Carried, Left, Setting, SettingValue, Spot};

/// Options that share a reason why they are not carried over.
pub(super) type Reasons = &'static [(&'static str, &'static [&'static str])];

/// Options of Java's stores of keys and certificates, which several plugins have.
pub(super) const JAVA_STORES: [&str; 8] = [
    "keystore",
    "keystore_password",
    "ssl_keystore_password",
    "ssl_keystore_path",
    "ssl_keystore_type",
    "ssl_truststore_password",
    "ssl_truststore_path",
    "ssl_truststore_type",
];

/// What a plugin is read with.
#[derive(Clone, Copy)]
pub(super) struct Surroundings<'a> {
    pub(super) source: &'a Source,
    pub(super) variables: &'a BTreeMap<String, String>,
    pub(super) reach: Reach,
    /// Which field names plugins use by default.
    pub(super) ecs: EcsCompatibility,
}

/// An input or output, and what becomes of it.
pub(super) struct PluginReader<'a> {
    pub(super) options: Options<'a>,
    pub(super) carried: &'a mut Carried,
    pub(super) reach: Reach,
    ecs: EcsCompatibility,
    /// The same for this plugin, once it was read.
    own_ecs: Option<EcsCompatibility>,
    source: &'a Source,
    plugin: &'a Plugin,
    section: SectionKind,
    are_options_known: bool,
}

impl<'a> PluginReader<'a> {
    pub(super) fn new(
        plugin: &'a Plugin,
        section: SectionKind,
        surroundings: Surroundings<'a>,
        carried: &'a mut Carried,
        mistakes: &'a mut Vec<Diagnostic>,
    ) -> Self {
        let Surroundings { source, variables, reach, ecs } = surroundings;
        let options = Options::new(plugin, source, variables, mistakes);
        Self {
            options,
            carried,
            reach,
            ecs,
            own_ecs: None,
            source,
            plugin,
            section,
            are_options_known: true,
        }
    }

    /// What it is, as `input tcp`.
    pub(super) fn title(&self) -> String {
        format!("{} {}", self.section.as_str(), self.plugin.name)
    }

    fn option_title(&self, option: &str) -> String {
        format!("`{option}` of {}", self.title())
    }

    /// Where an option's value stands, or the plugin where it is not given.
    fn spot(&self, option: &str) -> Spot {
        Spot::of(self.source, self.options.span(option))
    }

    /// Where something earlier stands, for whoever reads about this plugin.
    pub(super) fn place_of(&self, earlier: &Spot) -> String {
        let is_here = earlier.file == self.source.name_at(self.plugin.span.start);
        if is_here { format!("line {}", earlier.line) } else { earlier.to_string() }
    }

    /// Where the plugin itself stands.
    pub(super) fn own_spot(&self) -> Spot {
        Spot::of(self.source, self.plugin.span)
    }

    /// Lets an option stand for a setting, which counts unless the configuration gives it.
    pub(super) fn carry(&mut self, option: &str, path: &[&str], value: SettingValue) {
        self.carry_unless(option, path, value, &[]);
    }

    /// Lets an option stand for a setting of the pipeline that is read, and of no other one.
    pub(super) fn carry_of_pipeline(&mut self, option: &str, setting: &str, value: SettingValue) {
        let path = self.carried.pipeline_path(setting);
        let path: Vec<_> = path.iter().map(String::as_str).collect();
        self.carry(option, &path, value);
    }

    /// What an earlier option stands for in a setting of the pipeline that is read.
    pub(super) fn carried_of_pipeline(&self, setting: &str) -> Option<String> {
        let path = self.carried.pipeline_path(setting).join(".");
        self.carried.find(&path).map(|known| known.value.untyped())
    }

    /// Lets an option stand for a setting, which counts unless the configuration gives it or one of these.
    pub(super) fn carry_unless(
        &mut self,
        option: &str,
        path: &[&str],
        value: SettingValue,
        unless: &[&str],
    ) {
        let path = path.iter().map(|level| (*level).to_owned()).collect();
        let (spot, plugin) = (self.spot(option), self.title());
        let unless = unless.iter().map(|name| (*name).to_owned()).collect();
        self.carried.settings.push(Setting { path, value, spot, plugin, unless });
    }

    /// Says that an option is not carried over, whether it is given or only has its default.
    pub(super) fn leave(&mut self, option: &str, reason: impl Into<String>) {
        let (what, spot) = (self.option_title(option), self.spot(option));
        self.carried.left.push(Left { spot, what, reason: reason.into() });
    }

    /// Says of an option that names a variable that it is not carried over, since it would be printed.
    pub(super) fn leave_variable(&mut self, option: &str, way_out: &str) {
        self.leave(option, format!("the value of a variable is never printed: {way_out}"));
    }

    /// Says of a setting that an earlier plugin has the say over that it is not carried over, unless that one
    /// says the same.
    pub(super) fn leave_differing(
        &mut self,
        option: &str,
        path: &[&str],
        value: &SettingValue,
        reason: &str,
    ) {
        let earlier = self.carried.find(&path.join("."));
        let is_same = earlier.is_some_and(|known| known.value.untyped() == value.untyped());
        let (what, spot) = (self.option_title(option), self.spot(option));
        let is_said = self.carried.left.iter().any(|left| left.what == what && left.spot == spot);
        if !is_same && !is_said {
            self.leave(option, reason);
        }
    }

    /// Says something of the plugin as a whole.
    pub(super) fn note(&mut self, reason: impl Into<String>) {
        let spot = self.own_spot();
        self.carried.left.push(Left { spot, what: self.title(), reason: reason.into() });
    }

    /// Those of these options that are given are not carried over.
    pub(super) fn leave_given(&mut self, reasons: Reasons) {
        for (reason, names) in reasons {
            for name in *names {
                if self.options.value(name).is_some() {
                    self.leave(name, *reason);
                }
            }
        }
    }

    /// The plugin as a whole is not carried over; these are all the options that it may have.
    pub(super) fn leave_whole(&mut self, reason: &str, known: &[&[&'static str]]) {
        for name in known.iter().copied().flatten() {
            // Only whether it is known matters.
            self.options.value(name);
        }
        self.note_whole(reason);
    }

    /// The same for a plugin whose options nobody here knows.
    pub(super) fn leave_unknown(&mut self, reason: &str) {
        self.are_options_known = false;
        self.note_whole(reason);
    }

    fn note_whole(&mut self, reason: &str) {
        let given: Vec<_> =
            self.plugin.attributes.iter().map(|given| format!("`{}`", given.name)).collect();
        let with =
            if given.is_empty() { String::new() } else { format!(" (with {})", given.join(", ")) };
        self.note(format!("not carried over{with}: {reason}"));
    }

    /// An option's value as it is written, and where; a list of one is that one.
    pub(super) fn given(&mut self, name: &'static str) -> Option<(Value, Span)> {
        let value = self.options.value(name)?;
        let span = value.span;
        Some((value.single().cloned().unwrap_or(value), span))
    }

    /// An option's value with its variables as they are written: what is printed must not show what stands
    /// in them. Does not mark it as read.
    pub(super) fn written(&self, name: &str) -> Option<Value> {
        let mut options = self.plugin.options().into_iter();
        options.find(|option| option.name == name).map(|option| option.value)
    }

    /// Whether an option names a variable, whose value must not be shown.
    pub(super) fn has_variables(&self, name: &str) -> bool {
        self.written(name).is_some_and(|value| names_variable(&value))
    }

    /// Whether field names are those of ECS where the plugin does not say it.
    pub(super) fn is_ecs_by_default(&self) -> bool {
        self.ecs != EcsCompatibility::Disabled
    }

    /// Whether field names are those of ECS.
    pub(super) fn is_ecs(&mut self) -> bool {
        let mode = self.own_ecs.unwrap_or_else(|| self.read_mode());
        // A mistake in it is told once.
        self.own_ecs = Some(mode);
        mode != EcsCompatibility::Disabled
    }

    fn read_mode(&mut self) -> EcsCompatibility {
        let words = EcsCompatibility::WORDS.map(|(word, _)| word);
        let given = self.options.choice("ecs_compatibility", &words);
        given.and_then(EcsCompatibility::of_word).unwrap_or(self.ecs)
    }

    /// A number of these bounds.
    pub(super) fn number_within(
        &mut self,
        name: &'static str,
        bounds: std::ops::RangeInclusive<i64>,
    ) -> Option<i64> {
        let number = self.options.integer(name)?;
        if bounds.contains(&number) {
            return Some(number);
        }
        let (least, most) = bounds.into_inner();
        let message = format!("`{name}` cannot be {number}");
        self.options.refuse(name, message, format!("it is {least} to {most}"));
        None
    }

    /// Refuses the options that nobody asked for.
    pub(super) fn finish(self) {
        if self.are_options_known {
            self.options.finish();
        }
    }
}

fn names_variable(value: &Value) -> bool {
    match &value.kind {
        ValueKind::Text(text) => text.contains("${"),
        ValueKind::Array(elements) => elements.iter().any(names_variable),
        ValueKind::Hash(pairs) => {
            pairs.iter().any(|(key, value)| key.text.contains("${") || names_variable(value))
        }
        ValueKind::Number(_) | ValueKind::Plugin(_) => false,
    }
}
