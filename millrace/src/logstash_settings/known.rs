//! The inputs or outputs of Logstash that are known: those that are carried over, and those that nothing
//! stands for, each with what to use instead.

use super::plugin::PluginReader;

/// Reads one input or output.
pub(super) type Read = fn(&mut PluginReader<'_>);

/// A plugin that nothing stands for: its name, all its options, and what to use instead.
pub(super) type Absent = (&'static str, &'static [&'static [&'static str]], &'static str);

/// All inputs, or all outputs.
pub(super) struct KnownPlugins {
    /// Those that are carried over.
    pub(super) carried: &'static [(&'static str, Read)],
    /// The options that every one has.
    pub(super) every: &'static [&'static str],
    /// Those that nothing stands for and whose options are known.
    pub(super) absent: &'static [Absent],
    /// Those of which only the name is known.
    pub(super) others: &'static [&'static str],
    /// What to use instead of one of these, by its name.
    pub(super) instead_of_other: fn(&str) -> String,
}

impl KnownPlugins {
    /// Their names.
    pub(super) fn names(&self) -> impl Iterator<Item = &'static str> {
        let carried = self.carried.iter().map(|(name, _)| *name);
        let absent = self.absent.iter().map(|(name, ..)| *name);
        carried.chain(absent).chain(self.others.iter().copied())
    }

    /// Whether there is one of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.names().any(|known| known == name)
    }

    /// Reads one of them.
    pub(super) fn read(&self, reader: &mut PluginReader<'_>) {
        let name = reader.options.plugin().to_owned();
        if let Some((_, read)) = self.carried.iter().find(|(known, _)| *known == name) {
            return read(reader);
        }
        match self.absent.iter().find(|(known, ..)| *known == name) {
            Some((_, options, reason)) => {
                let mut known = vec![self.every];
                known.extend_from_slice(options);
                reader.leave_whole(reason, &known);
            }
            None => reader.leave_unknown(&(self.instead_of_other)(&name)),
        }
    }
}
