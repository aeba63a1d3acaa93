//! How the search store is reached: who signs in, and which certificates count.

use service::Secret;

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::plugin::PluginReader;

use super::hosts;

/// Where the configuration names a store of its own, no password of this one is sent to it.
pub(super) const UNLESS_URL: &[&str] = &["search.url"];
/// And where it says how to sign in, that is enough.
const UNLESS_ACCESS: &[&str] = &[
    "search.url",
    "search.elasticsearch.user",
    "search.elasticsearch.password",
    "search.elasticsearch.password_file",
    "search.elasticsearch.api_key",
    "search.elasticsearch.api_key_file",
    "search.elasticsearch.bearer_token",
    "search.elasticsearch.bearer_token_file",
];

/// A value with the option that gave it.
type Named = (&'static str, String);

/// What the options say.
pub(super) struct Access {
    user: Option<(Named, Named)>,
    api_key: Option<String>,
    authorities: Option<Named>,
    certificate: Option<(Named, Named)>,
}

impl Access {
    /// Asks for all of the options; `in_address` are a user and a password that stand in an address.
    pub(super) fn read(
        reader: &mut PluginReader<'_>,
        in_address: Option<(String, String)>,
    ) -> Self {
        let user = user(reader);
        let cloud = cloud_auth(reader);
        let api_key = reader.options.text("api_key").map(|key| hosts::api_key(&key));
        refuse_two_ways(reader);
        let mut user = user.or(cloud);
        if let Some((name, password)) = in_address {
            let in_address = (("hosts", name), ("hosts", password));
            let is_same = |(name, password): &(Named, Named)| {
                (&name.1, &password.1) == (&in_address.0.1, &in_address.1.1)
            };
            if user.is_none() && api_key.is_none() {
                user = Some(in_address);
            } else if !user.as_ref().is_some_and(is_same) {
                let reason = "a user in an address does not count beside another way to sign in";
                reader.leave("hosts", reason);
            }
        }
        let authorities = authorities(reader);
        Self { user, api_key, authorities, certificate: certificate(reader) }
    }

    /// What it stands for: `take` is given each option, the setting's name, its value, and the settings that
    /// leave it out.
    pub(super) fn settings(
        &self,
        mut take: impl FnMut(&'static str, &[&str], SettingValue, &'static [&'static str]),
    ) {
        let path = |name: &'static str| ["search", "elasticsearch", name];
        let text = |text: &str| SettingValue::Text(text.to_owned());
        let secret = |value: &str, file_setting, file: &str| SettingValue::Secret {
            value: Secret::new(value.to_owned()),
            file_setting,
            file: file.to_owned(),
        };
        if let Some((user, password)) = &self.user {
            take(user.0, &path("user"), text(&user.1), UNLESS_ACCESS);
            let value = secret(&password.1, "password_file", "elasticsearch-password");
            take(password.0, &path("password"), value, UNLESS_ACCESS);
        }
        if let Some(key) = &self.api_key {
            let key = secret(key, "api_key_file", "elasticsearch-api-key");
            take("api_key", &path("api_key"), key, UNLESS_ACCESS);
        }
        if let Some(file) = &self.authorities {
            take(file.0, &path("ca_file"), text(&file.1), UNLESS_URL);
        }
        if let Some((certificate, key)) = &self.certificate {
            take(certificate.0, &path("client_cert_file"), text(&certificate.1), UNLESS_URL);
            take(key.0, &path("client_key_file"), text(&key.1), UNLESS_URL);
        }
    }
}

fn user(reader: &mut PluginReader<'_>) -> Option<(Named, Named)> {
    let user = reader.options.text("user");
    let password = reader.options.text("password");
    match (user, password) {
        (Some(user), Some(password)) => Some((("user", user), ("password", password))),
        (Some(_), None) => {
            reader.leave("user", "a user signs in with a password: write `password` too");
            None
        }
        (None, Some(_)) => {
            reader.leave("password", "a password is that of a user: write `user` too");
            None
        }
        (None, None) => None,
    }
}

fn cloud_auth(reader: &mut PluginReader<'_>) -> Option<(Named, Named)> {
    let both = reader.options.text("cloud_auth")?;
    let Some((user, password)) = both.split_once(':') else {
        let way_out = "write `cloud_auth => \"USER:PASSWORD\"`";
        reader.options.refuse("cloud_auth", "`cloud_auth` cannot be read", way_out);
        return None;
    };
    Some((("cloud_auth", user.to_owned()), ("cloud_auth", password.to_owned())))
}

/// Logstash too takes one way to sign in.
fn refuse_two_ways(reader: &mut PluginReader<'_>) {
    let has_user = reader.options.has("user") || reader.options.has("password");
    let mut ways = Vec::new();
    ways.extend(has_user.then_some("user"));
    ways.extend(["cloud_auth", "api_key"].into_iter().filter(|way| reader.options.has(way)));
    if let [one, other, ..] = ways[..] {
        let message = format!("`{one}` and `{other}` both say who signs in");
        reader.options.refuse(other, message, "write one of them");
    }
}

fn authorities(reader: &mut PluginReader<'_>) -> Option<Named> {
    let old = reader.options.text("cacert").map(|path| ("cacert", path));
    let files = reader.options.texts("ssl_certificate_authorities").unwrap_or_default();
    if old.is_some() && !files.is_empty() {
        let message = "`cacert` and `ssl_certificate_authorities` both name authorities";
        reader.options.refuse("cacert", message, "write one of them");
    }
    if files.len() > 1 {
        let reason = "the first counts: `search.elasticsearch.ca_file` is one file, which may hold several \
                      certificates";
        reader.leave("ssl_certificate_authorities", reason);
    }
    files.into_iter().next().map(|path| ("ssl_certificate_authorities", path)).or(old)
}

fn certificate(reader: &mut PluginReader<'_>) -> Option<(Named, Named)> {
    let names = match reader.options.plugin() {
        "opensearch" => ["tls_certificate", "tls_key"],
        _ => ["ssl_certificate", "ssl_key"],
    };
    let given = names.map(|name| reader.options.text(name).map(|path| (name, path)));
    match given {
        [Some(certificate), Some(key)] => Some((certificate, key)),
        [Some((given, _)), None] => refuse_half(reader, given, names[1]),
        [None, Some((given, _))] => refuse_half(reader, given, names[0]),
        [None, None] => None,
    }
}

fn refuse_half(
    reader: &mut PluginReader<'_>,
    given: &str,
    missing: &str,
) -> Option<(Named, Named)> {
    let message = format!("`{given}` does nothing without `{missing}`");
    reader.options.refuse(given, message, format!("add `{missing} => \"...\"`, a file in PEM"));
    None
}
