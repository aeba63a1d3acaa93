//! What became of the inputs and outputs of a Logstash file: settings of the platform, and what is not
//! carried over.

use enricher::Source;
use enricher::language::Span;
use service::config::{Place, Preset};
use service::{Printable, Secret};

use super::doors::Opened;

/// What became of all inputs and outputs of a pipeline.
#[derive(Debug, Default)]
pub struct Carried {
    /// Settings of the platform, in the order of the text.
    pub settings: Vec<Setting>,
    /// What is not carried over, in the order of the text.
    pub left: Vec<Left>,
    /// The doors that inputs have become.
    pub(super) doors: Vec<Opened>,
    /// The pipeline that is read, where it is one of a list.
    pub(super) pipeline: Option<String>,
    /// Its first output that is the search store.
    pub(super) store: Option<Spot>,
}

/// A setting that an option stands for.
#[derive(Clone, Debug)]
pub struct Setting {
    /// Its name, level by level.
    pub path: Vec<String>,
    /// Its value.
    pub value: SettingValue,
    /// Where the option stands.
    pub spot: Spot,
    /// Of what the option is, as `input tcp`.
    pub plugin: String,
    /// Settings that leave it out where the configuration gives one of them.
    pub unless: Vec<String>,
}

/// A setting's value.
#[derive(Clone, Debug)]
pub enum SettingValue {
    /// A text, also a size or a length of time.
    Text(String),
    /// Texts.
    List(Vec<String>),
    /// A number.
    Whole(i64),
    /// Yes or no.
    Flag(bool),
    /// What must not be shown.
    Secret {
        /// The secret.
        value: Secret<String>,
        /// The name of the setting that names a file with it, in the same table.
        file_setting: &'static str,
        /// A name for that file.
        file: String,
    },
}

/// Something that is not carried over.
#[derive(Clone, Debug)]
pub struct Left {
    /// Where it stands.
    pub spot: Spot,
    /// What it is, as "`threads` of input http".
    pub what: String,
    /// Why, and what to do instead.
    pub reason: String,
}

/// A place in a pipeline's files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spot {
    /// The file.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// Byte of the whole text.
    pub offset: usize,
}

impl Spot {
    /// Where a text begins.
    pub(super) fn at_start(source: &Source) -> Self {
        Self {
            file: source.name_at(0).to_owned(),
            line: source.line_of(0),
            column: source.column_of(0),
            offset: 0,
        }
    }

    /// Where a span begins.
    pub(super) fn of(source: &Source, span: Span) -> Self {
        Self {
            file: source.name_at(span.start).to_owned(),
            line: source.line_of(span.start),
            column: source.column_of(span.start),
            offset: span.start,
        }
    }
}

impl std::fmt::Display for Spot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", Printable(&self.file), self.line)
    }
}

impl Carried {
    /// Whether there was nothing to carry over.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.settings.is_empty() && self.left.is_empty()
    }

    /// The setting with this name, if an option stands for it.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Setting> {
        self.settings.iter().find(|setting| setting.name() == name)
    }

    /// The settings for the platform's configuration to lie over.
    #[must_use]
    pub fn presets(&self) -> Vec<Preset> {
        let levels = |name: &String| name.split('.').map(str::to_owned).collect();
        let preset = |setting: &Setting| Preset {
            place: Place::File {
                path: setting.spot.file.clone(),
                line: setting.spot.line,
                column: setting.spot.column,
            },
            path: setting.path.clone(),
            value: setting.value.untyped(),
            unless: setting.unless.iter().map(levels).collect(),
        };
        self.settings.iter().map(preset).collect()
    }
}

impl Setting {
    /// Its dotted name.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.join(".")
    }
}

impl SettingValue {
    /// The value as a variable of the environment would give it.
    pub(super) fn untyped(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Secret { value, .. } => value.reveal().clone(),
            Self::List(_) | Self::Whole(_) | Self::Flag(_) => self.to_toml().to_string(),
        }
    }

    /// The value in TOML; of a secret there is none to be seen.
    pub(super) fn to_toml(&self) -> toml::Value {
        match self {
            Self::Text(text) => toml::Value::from(text.as_str()),
            Self::List(texts) => {
                toml::Value::Array(texts.iter().map(|text| text.as_str().into()).collect())
            }
            Self::Whole(number) => toml::Value::from(*number),
            Self::Flag(flag) => toml::Value::from(*flag),
            Self::Secret { file, .. } => toml::Value::from(file.as_str()),
        }
    }
}
