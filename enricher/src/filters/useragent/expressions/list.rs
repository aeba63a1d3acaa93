//! A list of expressions of which the first that matches counts. Which ones may match an agent is known from
//! the texts that they cannot do without; only those are compiled.

use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use regex_filtered::mapper::{self, Mapper};
use regex_filtered::model::Model;
use ua_parser::{device, os, user_agent};

/// One entry of a list, as the file has it.
pub(super) trait Parser: Send + 'static {
    /// What it is compiled to.
    type Extractor: Send + Sync;

    /// Length of the shortest text that says whether an expression may match, in bytes: as the library
    /// has it for entries of this kind.
    const TEXT_MIN_BYTES: usize;

    fn regex(&self) -> &str;
    fn ignores_case(&self) -> bool {
        false
    }
    fn compile(self) -> Result<Self::Extractor, String>;
}

/// Implements [`Parser`] for what `$module` calls so.
macro_rules! parser {
    ($module:ident, $text_min_bytes:literal $(, $ignores_case:expr)?) => {
        impl Parser for $module::Parser<'static> {
            type Extractor = $module::Extractor<'static>;

            const TEXT_MIN_BYTES: usize = $text_min_bytes;

            fn regex(&self) -> &str {
                &self.regex
            }

            $(fn ignores_case(&self) -> bool {
                $ignores_case(self)
            })?

            fn compile(self) -> Result<Self::Extractor, String> {
                let builder =
                    $module::Builder::new().push(self).map_err(|error| error.to_string())?;
                builder.build().map_err(|error| error.to_string())
            }
        }
    };
}

parser!(user_agent, 3);
parser!(os, 3);
parser!(device, 2, |parser: &Self| parser.regex_flag == Some(device::Flag::IgnoreCase));

/// An expression that is compiled when it is first looked at.
type Lazy<E> = LazyLock<Result<E, String>, Box<dyn FnOnce() -> Result<E, String> + Send>>;

/// The list.
pub(super) struct List<E> {
    entries: Vec<Lazy<E>>,
    /// The texts without which entries do not match.
    texts: AhoCorasick,
    mapper: Mapper,
}

impl<E: 'static> List<E> {
    /// A list of these, none of them compiled. Says what is wrong with an expression that cannot be read.
    pub(super) fn new<P: Parser<Extractor = E>>(parsers: Vec<P>) -> Result<Self, String> {
        let mut mapper = mapper::Builder::new(P::TEXT_MIN_BYTES);
        for parser in &parsers {
            let syntax = regex_syntax::ParserBuilder::new()
                .case_insensitive(parser.ignores_case())
                .build()
                .parse(parser.regex())
                .map_err(|error| error.to_string())?;
            let model = Model::new(&syntax)
                .map_err(|error| format!("the expression `{}`: {error}", parser.regex()))?;
            mapper.push(model);
        }
        let (mapper, texts) = mapper.build();
        let texts = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .build(texts)
            .map_err(|error| error.to_string())?;
        let lazy = |parser: P| -> Lazy<E> { LazyLock::new(Box::new(|| parser.compile())) };
        Ok(Self { entries: parsers.into_iter().map(lazy).collect(), texts, mapper })
    }

    /// Compiles all that is not compiled yet.
    pub(super) fn compile(&self) -> Result<(), String> {
        self.entries.iter().try_for_each(|entry| (**entry).as_ref().map(drop).map_err(Clone::clone))
    }

    /// What the first entry finds that finds anything.
    pub(super) fn find<'a, V>(
        &'a self,
        text: &'a str,
        extract: impl Fn(&'a E, &'a str) -> Option<V>,
    ) -> Option<V> {
        let seen = self.texts.find_overlapping_iter(text).map(|seen| seen.pattern().as_usize());
        let candidates = self.mapper.atom_to_re(seen);
        candidates
            .into_iter()
            .find_map(|place| extract((*self.entries[place]).as_ref().ok()?, text))
    }
}
