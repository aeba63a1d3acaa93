//! What became of inputs and outputs, as a person reads it: a configuration in TOML, and the list of what is
//! not carried over.

use std::fmt::Write;

use service::Printable;

use super::carried::{Carried, Setting, SettingValue};

/// The table that names the pipeline.
const PIPELINE_TABLE: &str = "enricher";

impl Carried {
    /// The settings as a configuration file, with this pipeline in it.
    #[must_use]
    pub fn to_toml(&self, pipeline: &str) -> String {
        // A table stands once, and the pipeline's own is the first.
        let own = [PIPELINE_TABLE.to_owned()];
        let mut text = format!("[{PIPELINE_TABLE}]\npipeline = {}\n", toml::Value::from(pipeline));
        text.push_str(&self.lines_of(&own));
        text + &self.tables_without(&own)
    }

    /// The settings of all pipelines of a list as a configuration file.
    #[must_use]
    pub fn to_toml_of_list(&self) -> String {
        self.tables_without(&[]).trim_start_matches('\n').to_owned()
    }

    /// The settings but those of one table, each table behind an empty line.
    fn tables_without(&self, own: &[String]) -> String {
        let mut text = String::new();
        let mut tables: Vec<&[String]> = Vec::new();
        for table in self.settings.iter().filter_map(|setting| setting.table()) {
            if table != own && !tables.contains(&table) {
                tables.push(table);
            }
        }
        for table in tables {
            let keys: Vec<_> = table.iter().map(|key| quoted(key)).collect();
            text.push_str(&format!("\n[{}]\n{}", keys.join("."), self.lines_of(table)));
        }
        text
    }

    /// The settings of a table, a line each.
    fn lines_of(&self, table: &[String]) -> String {
        let settings = self.settings.iter().filter(|setting| setting.table() == Some(table));
        settings.map(Setting::to_line).collect()
    }

    /// What is not carried over, a line each.
    #[must_use]
    pub fn left_lines(&self) -> String {
        let mut text = String::new();
        for left in &self.left {
            // A text takes whatever is written to it.
            let (what, reason) = (Printable(&left.what), Printable(&left.reason));
            if writeln!(text, "  {}: {what}: {reason}", left.spot).is_err() {
                return text;
            }
        }
        text
    }
}

impl Setting {
    /// The table that it stands in.
    fn table(&self) -> Option<&[String]> {
        self.path.split_last().map(|(_, table)| table)
    }

    fn to_line(&self) -> String {
        let name = match &self.value {
            SettingValue::Secret { file_setting, .. } => (*file_setting).to_owned(),
            _ => self.path.last().map(|name| quoted(name)).unwrap_or_default(),
        };
        let what = match &self.value {
            SettingValue::Secret { .. } => "put the secret of this line into that file: ",
            _ => "",
        };
        let value = self.value.to_toml();
        format!("{name} = {value} # {what}{}, {}\n", self.spot, self.plugin)
    }

    /// The setting with its value as it may be shown.
    #[must_use]
    pub fn shown(&self) -> String {
        let value = match &self.value {
            SettingValue::Text(text) => text.clone(),
            SettingValue::Secret { .. } => "(secret)".to_owned(),
            other => other.to_toml().to_string(),
        };
        format!("{} = {value}", self.name())
    }
}

/// A key as TOML takes it.
fn quoted(key: &str) -> String {
    let is_bare = |letter: char| letter.is_ascii_alphanumeric() || "_-".contains(letter);
    if !key.is_empty() && key.chars().all(is_bare) {
        return key.to_owned();
    }
    toml::Value::from(key).to_string()
}
