//! `tld`: takes a host name apart by the list of public suffixes: of `www.shop.co.uk` the suffix is `co.uk`.
//!
//! The list is part of the program; nothing is asked of a server. A name under no suffix of the list is left alone.

use std::sync::Arc;

use event::{Event, FieldPath};
use psl::Psl;

use crate::filter::{Applied, Environment, Filter, FilterContext, FilterPlan};
use crate::options::{Options, filter_options};

#[derive(Clone, Debug)]
struct Tld {
    source: FieldPath,
    target: FieldPath,
}

filter_options! {
    /// Takes a host name apart by the list of public suffixes.
    ///
    /// Of `www.shop.co.uk` the target gets `tld` (`co.uk`), `sld` (`shop`), `trd` (`www`), `domain`
    /// (`shop.co.uk`) and `subdomain` (`www.shop.co.uk`). The list is part of the program; nothing
    /// is asked of a server. A name under no suffix of the list is left alone.
    struct TldOptions {
        /// The field that holds the name.
        source: FieldPath = "message",
        /// The field that gets the parts.
        target: FieldPath = "tld",
    }
    example r#"tld { source => "[url][domain]" target => "[url][parts]" }"#
}

/// Checks the options.
pub(crate) fn build(
    options: &mut Options<'_>,
    _environment: &Environment,
) -> Option<Arc<dyn FilterPlan>> {
    let TldOptions { source, target } = TldOptions::read(options);
    Some(Arc::new(Tld { source, target }))
}

impl FilterPlan for Tld {
    fn instance(&self) -> Box<dyn Filter> {
        Box::new(self.clone())
    }
}

/// A host name in its parts.
#[derive(Debug, PartialEq, Eq)]
struct Parts<'n> {
    suffix: &'n str,
    /// The name right before the suffix, and what stands before that.
    second: &'n str,
    third: Option<&'n str>,
    /// What can be registered.
    domain: &'n str,
}

impl Filter for Tld {
    fn apply(&mut self, event: &mut Event, _context: &mut FilterContext<'_>) -> Applied {
        let text = event.get(&self.source).and_then(|source| event.text(source));
        let Some(name) = text.map(|text| text.trim().to_lowercase()) else {
            return Applied::NotMatched;
        };
        let name = name.strip_suffix('.').unwrap_or(&name);
        let Some(parts) = parts(name) else { return Applied::NotMatched };
        let object = event.new_object();
        for (key, value) in [
            ("tld", Some(parts.suffix)),
            ("sld", Some(parts.second)),
            ("trd", parts.third),
            ("domain", Some(parts.domain)),
            ("subdomain", parts.third.map(|_| name)),
        ] {
            let value = match value {
                Some(text) => event.new_text(text),
                None => event.new_null(),
            };
            event.attach(object, key, value);
        }
        match event.place(&self.target, object) {
            true => Applied::Matched,
            false => Applied::NotMatched,
        }
    }
}

/// `None` for what is no name below a known suffix.
fn parts(name: &str) -> Option<Parts<'_>> {
    let is_whole = !name.is_empty() && name.split('.').all(|label| !label.is_empty());
    if !is_whole || name.contains("://") {
        return None;
    }
    let suffix = psl::List.suffix(name.as_bytes()).filter(psl::Suffix::is_known)?;
    let suffix = std::str::from_utf8(suffix.as_bytes()).ok()?;
    let before = name.strip_suffix(suffix)?.strip_suffix('.')?;
    let (third, second) = match before.rsplit_once('.') {
        Some((third, second)) => (Some(third), second),
        None => (None, before),
    };
    let domain = name.get(name.len() - suffix.len() - 1 - second.len()..)?;
    Some(Parts { suffix, second, third, domain })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use crate::filter::Applied;
    use crate::filters::trial::Trial;

    fn run(options: &str, event: Value) -> Option<Value> {
        let (applied, out) = Trial::new(&format!("tld {{ {options} }}")).apply(event);
        (applied == Applied::Matched).then_some(out)
    }

    #[test]
    fn names_are_taken_apart() {
        for (name, tld, sld, trd, domain) in [
            ("google.com", "com", "google", None, "google.com"),
            ("google.co.uk", "co.uk", "google", None, "google.co.uk"),
            ("www.google.com", "com", "google", Some("www"), "google.com"),
            (" A.B.Shop.Co.JP. ", "co.jp", "shop", Some("a.b"), "shop.co.jp"),
            ("shop.example.github.io", "github.io", "example", Some("shop"), "example.github.io"),
            ("www.ck", "ck", "www", None, "www.ck"),
            ("a.b.ck", "b.ck", "a", None, "a.b.ck"),
            ("shop.xn--fiqs8s", "xn--fiqs8s", "shop", None, "shop.xn--fiqs8s"),
        ] {
            let out = run("", json!({"message": name})).unwrap();
            let subdomain = trd.map(|trd| format!("{trd}.{domain}"));
            let expected = json!({
                "tld": tld, "sld": sld, "trd": trd, "domain": domain, "subdomain": subdomain,
            });
            assert_eq!(out["tld"], expected, "{name}");
        }
        let options = r#"source => "[url][domain]" target => "[url]""#;
        let out = run(options, json!({"url": {"domain": "www.a.de"}})).unwrap();
        assert_eq!(out["url"]["domain"], "a.de");
    }

    #[test]
    fn what_is_no_name_below_a_suffix_is_left_alone() {
        let long = format!("{}.com.", "a.".repeat(100_000));
        for value in [
            json!("com"),
            json!("co.uk"),
            json!("localhost"),
            json!("shop.invalidsuffix"),
            json!(""),
            json!("."),
            json!(".com"),
            json!("a..com"),
            json!("192.168.0.1"),
            json!("http://a.com"),
            json!(7),
            json!(null),
            json!(["a.com"]),
            json!(long),
        ] {
            assert_eq!(run("", json!({"message": value})), None);
        }
        assert_eq!(run("", json!({})), None);
        assert_eq!(run(r#"target => "[message][x]""#, json!({"message": "a.com"})), None);
        assert!(Trial::refusal(r#"tld { sourse => "a" }"#).contains("did you mean `source`?"));
    }
}
