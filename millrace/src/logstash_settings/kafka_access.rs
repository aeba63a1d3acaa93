//! How a plugin signs in to Kafka: TLS and SASL.

use std::ops::Range;

use service::Secret;

use super::carried::SettingValue;
use super::plugin::{PluginReader, Reasons};

/// What the options say.
#[derive(Debug, Default)]
pub(super) struct Access {
    /// Whether connections are encrypted.
    pub(super) is_tls: bool,
    mechanism: Option<&'static str>,
    user: Option<String>,
    password: Option<String>,
    authorities: Option<String>,
}

/// All options of it.
pub(super) const OPTIONS: [&str; 23] = [
    "jaas_path",
    "kerberos_config",
    "sasl_client_callback_handler_class",
    "sasl_jaas_config",
    "sasl_kerberos_service_name",
    "sasl_login_callback_handler_class",
    "sasl_login_connect_timeout_ms",
    "sasl_login_read_timeout_ms",
    "sasl_login_retry_backoff_max_ms",
    "sasl_login_retry_backoff_ms",
    "sasl_mechanism",
    "sasl_oauthbearer_scope_claim_name",
    "sasl_oauthbearer_token_endpoint_url",
    "security_protocol",
    "ssl_endpoint_identification_algorithm",
    "ssl_key_password",
    "ssl_keystore_location",
    "ssl_keystore_password",
    "ssl_keystore_type",
    "ssl_truststore_location",
    "ssl_truststore_password",
    "ssl_truststore_type",
    "ssl",
];

/// Where the configuration names a bus of its own, nothing of this one counts.
const UNLESS_URL: &[&str] = &["bus.url"];
/// Where the configuration names a bus of its own, or how to sign in, no password of this one is used.
const UNLESS: &[&str] = &[
    "bus.url",
    "bus.kafka.sasl.mechanism",
    "bus.kafka.sasl.user",
    "bus.kafka.sasl.password",
    "bus.kafka.sasl.password_file",
    "bus.kafka.sasl.token_file",
];

const KERBEROS: &str = "there is no Kerberos; sign in with PLAIN, SCRAM or a token";
const TOKEN: &str = "a token comes from a file that somebody renews: `bus.kafka.sasl.token_file`";
const KEYSTORE: &str = "a client's certificate and key are files in PEM: `bus.kafka.client_cert_file` and \
                        `bus.kafka.client_key_file`";
const REASONS: Reasons = &[
    (KERBEROS, &["jaas_path", "kerberos_config", "sasl_kerberos_service_name"]),
    (
        TOKEN,
        &[
            "sasl_client_callback_handler_class",
            "sasl_login_callback_handler_class",
            "sasl_login_connect_timeout_ms",
            "sasl_login_read_timeout_ms",
            "sasl_login_retry_backoff_max_ms",
            "sasl_login_retry_backoff_ms",
            "sasl_oauthbearer_scope_claim_name",
            "sasl_oauthbearer_token_endpoint_url",
        ],
    ),
    (
        KEYSTORE,
        &[
            "ssl_key_password",
            "ssl_keystore_location",
            "ssl_keystore_password",
            "ssl_keystore_type",
        ],
    ),
    (
        "the broker's name is always compared with its certificate",
        &["ssl_endpoint_identification_algorithm"],
    ),
    ("a file in PEM needs no password", &["ssl_truststore_password"]),
];

/// Reads the options.
pub(super) fn read(reader: &mut PluginReader<'_>) -> Access {
    const PROTOCOLS: [&str; 4] = ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"];
    let protocol = reader.options.choice("security_protocol", &PROTOCOLS).unwrap_or("PLAINTEXT");
    let is_old_ssl = reader.options.flag("ssl", false);
    let mut access =
        Access { is_tls: protocol.ends_with("SSL") || is_old_ssl, ..Access::default() };
    let mechanism = reader.options.text("sasl_mechanism");
    let jaas = reader.options.text("sasl_jaas_config");
    if protocol.starts_with("SASL") {
        read_sasl(reader, &mut access, mechanism.as_deref().unwrap_or("GSSAPI"), jaas.as_deref());
    } else {
        let given = [("sasl_mechanism", mechanism), ("sasl_jaas_config", jaas)];
        for (name, _) in given.iter().filter(|(_, value)| value.is_some()) {
            reader.leave(name, "without `security_protocol` of SASL it does nothing");
        }
    }
    let kind = reader.options.choice("ssl_truststore_type", &["jks", "PKCS12", "PEM"]);
    if let Some(path) = reader.options.text("ssl_truststore_location") {
        if kind == Some("PEM") {
            access.authorities = Some(path);
        } else {
            let reason = "authorities are a file in PEM (`keytool -exportcert -rfc` writes one): \
                          `bus.kafka.ca_file`; without it those of the system count";
            reader.leave("ssl_truststore_location", reason);
        }
    }
    reader.leave_given(REASONS);
    access
}

fn read_sasl(
    reader: &mut PluginReader<'_>,
    access: &mut Access,
    mechanism: &str,
    jaas: Option<&str>,
) {
    const WITH_PASSWORD: [&str; 3] = ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
    let Some(known) = WITH_PASSWORD.into_iter().find(|known| *known == mechanism) else {
        let reason = if mechanism == "OAUTHBEARER" { TOKEN } else { KERBEROS };
        return reader.leave("sasl_mechanism", reason);
    };
    let (user, password) = match jaas {
        Some(jaas) => (jaas_value(jaas, "username"), jaas_value(jaas, "password")),
        None => (None, None),
    };
    if let (Some(user), Some(password)) = (user, password) {
        if user.contains('\\') || password.contains('\\') {
            let message =
                "a backslash in the user or password of `sasl_jaas_config` is not understood";
            let way_out = "remove `sasl_jaas_config`, and set `bus.kafka.sasl.mechanism`, \
                           `bus.kafka.sasl.user` and `bus.kafka.sasl.password_file`";
            return reader.options.refuse("sasl_jaas_config", message, way_out);
        }
        access.mechanism = Some(known);
        access.user = Some(user);
        access.password = Some(password);
    } else {
        let reason = "there is no `username=\"...\" password=\"...\"` in `sasl_jaas_config`; set \
                      `bus.kafka.sasl.mechanism`, `bus.kafka.sasl.user` and `bus.kafka.sasl.password_file`";
        reader.leave("sasl_mechanism", reason);
    }
}

/// A value of a JAAS line: `name="value"` or `name='value'`.
fn jaas_value(jaas: &str, name: &str) -> Option<String> {
    let Range { start, .. } =
        jaas.match_indices(name).map(|(at, _)| at..at + name.len()).find(|found| {
            let is_whole = jaas[..found.start].ends_with([' ', '\t', '\n', ';']);
            is_whole && jaas[found.end..].trim_start().starts_with('=')
        })?;
    let after = jaas[start + name.len()..].trim_start().strip_prefix('=')?.trim_start();
    let quote = after.chars().next().filter(|quote| matches!(quote, '"' | '\''))?;
    let (value, _) = after[1..].split_once(quote)?;
    Some(value.to_owned())
}

/// What it stands for: `take` is given each option, the setting's name, its value, and the settings that leave
/// it out.
pub(super) fn settings(
    access: &Access,
    mut take: impl FnMut(&'static str, &[&str], SettingValue, &'static [&'static str]),
) {
    let text = |text: &str| SettingValue::Text(text.to_owned());
    if let Some(path) = &access.authorities {
        let name = ["bus", "kafka", "ca_file"];
        take("ssl_truststore_location", &name, text(path), UNLESS_URL);
    }
    let (Some(mechanism), Some(user), Some(password)) =
        (access.mechanism, &access.user, &access.password)
    else {
        return;
    };
    let path = |name: &'static str| ["bus", "kafka", "sasl", name];
    take("sasl_mechanism", &path("mechanism"), text(mechanism), UNLESS);
    take("sasl_jaas_config", &path("user"), text(user), UNLESS);
    let password = SettingValue::Secret {
        value: Secret::new(password.clone()),
        file_setting: "password_file",
        file: "kafka-password".to_owned(),
    };
    take("sasl_jaas_config", &path("password"), password, UNLESS);
}

#[cfg(test)]
mod tests {
    use super::jaas_value;

    #[test]
    fn a_line_of_jaas_holds_user_and_password() {
        let line = "org.x.PlainLoginModule required username='ada' password = \"pa ss;\";";
        assert_eq!(jaas_value(line, "username").as_deref(), Some("ada"));
        assert_eq!(jaas_value(line, "password").as_deref(), Some("pa ss;"));
        assert_eq!(jaas_value("a required mypassword='x';", "password"), None);
        assert_eq!(jaas_value("a required password=x;", "password"), None);
    }
}
