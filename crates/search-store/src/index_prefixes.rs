//! `search.index_prefixes`: to which indices beside the platform's own documents may go. Whatever an event says, no
//! other name than one that begins so reaches an engine.

use serde::{Deserialize, Serialize};
use service::config::{Check, Findings};

/// The most beginnings that are allowed.
const PREFIXES_MAX: usize = 64;

/// Beginnings of the names of indices.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct IndexPrefixes(pub Vec<String>);

impl IndexPrefixes {
    /// Whether documents may go to the index of this name.
    #[must_use]
    pub fn allow(&self, name: &str) -> bool {
        schema::is_named_index(name) && self.0.iter().any(|prefix| name.starts_with(prefix))
    }
}

impl Check for IndexPrefixes {
    fn check(&self, findings: &mut Findings) {
        if self.0.len() > PREFIXES_MAX {
            findings.add(&[], format!("at most {PREFIXES_MAX}, since each has its own templates"));
        }
        for (place, prefix) in self.0.iter().enumerate() {
            if !schema::is_named_index(prefix) {
                let message = format!(
                    "`{}` is no beginning of an index beside the platform's own: a letter or digit, then a-z, 0-9, `-`, \
                     `_` and `.`, without `{}` and `{}`",
                    prefix.escape_debug(),
                    schema::INDEX_PREFIX,
                    schema::NAMED_ALIAS
                );
                findings.add(&[], message);
            } else if schema::INDEX_PREFIX.starts_with(prefix) {
                let message = format!(
                    "`{prefix}` is also the beginning of the platform's own indices, {}*: take a longer one",
                    schema::INDEX_PREFIX
                );
                findings.add(&[], message);
            }
            let is_wider = |(other, one): &(usize, &String)| {
                *other != place && prefix.starts_with(*one) && (prefix != *one || *other < place)
            };
            if let Some((_, wider)) = self.0.iter().enumerate().find(is_wider) {
                let message = format!("`{wider}` allows all of `{prefix}` already: leave it out");
                findings.add(&[], message);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use serde::{Deserialize, Serialize};
    use service::config::{Check, Findings};

    use super::IndexPrefixes;

    #[derive(Debug, Default, Serialize, Deserialize)]
    #[serde(default)]
    struct Whole {
        index_prefixes: IndexPrefixes,
    }

    impl Check for Whole {
        fn check(&self, findings: &mut Findings) {
            findings.within("index_prefixes", |findings| self.index_prefixes.check(findings));
        }
    }

    fn load(list: &str) -> Result<IndexPrefixes, String> {
        let text = format!("index_prefixes = {list}");
        let loaded: Result<Whole, _> =
            service::config::load(Some((Path::new("m.toml"), &text)), [], &[]);
        loaded.map(|whole| whole.index_prefixes).map_err(|mistakes| mistakes.to_string())
    }

    #[test]
    fn only_names_with_an_allowed_beginning_are_allowed() {
        let prefixes = load(r#"["shop-", "audit"]"#).expect("prefixes");
        for name in ["shop-2026.12.01", "shop-", "audit", "audit-2026", "auditor"] {
            assert!(prefixes.allow(name), "{name}");
        }
        for name in ["", "shop", "shops-a", "shop-A", "shop-*", "shop-a,b", "shop-../a", "xshop-a"]
        {
            assert!(!prefixes.allow(name), "{name}");
        }
        let own = "shop-ecommerce-logs-fraud_score-2026.12.01";
        assert!(!prefixes.allow(own) && !prefixes.allow(&own["shop-".len()..]));
        // An index of the name of the alias could not be made.
        let short = IndexPrefixes(vec!["m".to_owned(), "north-".to_owned()]);
        assert!(!short.allow("millrace-documents") && !short.allow("north-millrace-documents"));
        assert!(short.allow("millrace-2026"));
        assert!(!IndexPrefixes::default().allow("shop-2026.12.01"));
    }

    #[test]
    fn mistakes_are_told_with_what_is_allowed() {
        let many: Vec<String> = (100..165).map(|number| format!("\"p{number}\"")).collect();
        let many = format!("[{}]", many.join(","));
        for (list, said) in [
            (r#"["Shop-"]"#, "is no beginning of an index"),
            (r#"["-shop"]"#, "is no beginning of an index"),
            (r#"[".shop"]"#, "is no beginning of an index"),
            (r#"["_all"]"#, "is no beginning of an index"),
            (r#"[""]"#, "is no beginning of an index"),
            (r#"["shop-*"]"#, "is no beginning of an index"),
            (r#"["a,b"]"#, "is no beginning of an index"),
            (r#"["shop\n"]"#, "is no beginning of an index"),
            (r#"["ecommerce-logs-a"]"#, "is no beginning of an index"),
            (r#"["ecommerce-"]"#, "the platform's own indices"),
            (r#"["shop-", "shop-eu-"]"#, "`shop-` allows all of `shop-eu-` already"),
            (r#"["shop-eu-", "shop-"]"#, "`shop-` allows all of `shop-eu-` already"),
            (r#"["shop-", "shop-"]"#, "`shop-` allows all of `shop-` already"),
            (many.as_str(), "at most 64"),
        ] {
            let mistakes = load(list).expect_err(list);
            assert!(mistakes.contains(said) && mistakes.contains("m.toml:1"), "{list}: {mistakes}");
        }
    }
}
