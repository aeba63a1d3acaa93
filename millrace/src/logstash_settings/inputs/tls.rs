//! What an input says of TLS: the table `tls` of its door.

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::plugin::{PluginReader, Reasons};

/// Why suites are not carried over.
pub(super) const SUITES: &str = "the suites are those of rustls, which has no weak ones";
const UNUSED: &str = "without `ssl_enabled` it does nothing";

/// The names that an input has for TLS. Where there are two, the second is an old one or the same.
#[derive(Clone, Copy)]
pub(super) struct Tls {
    /// The door's table below `ingest_gateway`.
    pub(super) table: &'static str,
    /// Options that switch it on.
    pub(super) switches: [&'static str; 2],
    pub(super) certificates: [&'static str; 2],
    pub(super) authorities: [&'static str; 2],
    /// What Logstash asks senders for unless it is told otherwise.
    pub(super) client_certificates: Option<&'static str>,
    /// Options that are not carried over, with the reason.
    pub(super) others: Reasons,
}

const KEY: &str = "ssl_key";
const PASSWORD: &str = "ssl_key_passphrase";
const ASKS: &str = "ssl_client_authentication";
const VERSIONS: &str = "ssl_supported_protocols";

/// What becomes of it.
pub(super) struct Carried {
    table: &'static str,
    /// Option, setting, value.
    settings: Vec<(&'static str, &'static str, String)>,
    knows_senders: bool,
}

/// All its options.
pub(super) fn names(tls: Tls) -> Vec<&'static str> {
    let mut names = vec![KEY, PASSWORD, ASKS, VERSIONS];
    names.extend(tls.switches.into_iter().chain(tls.certificates).chain(tls.authorities));
    names.extend(tls.others.iter().flat_map(|(_, names)| names.iter().copied()));
    names
}

/// Reads the options. `None` if the input cannot be carried over with them, which is then said; `known` are
/// its other options.
pub(super) fn read(
    reader: &mut PluginReader<'_>,
    tls: Tls,
    known: &[&[&'static str]],
) -> Option<Carried> {
    // Both are read, so that neither is unknown.
    let [one, other] = tls.switches;
    let is_on = reader.options.flag(one, false) | reader.options.flag(other, false);
    let mut carried = Carried { table: tls.table, settings: Vec::new(), knows_senders: false };
    if !is_on {
        for name in names(tls).into_iter().filter(|name| !tls.switches.contains(name)) {
            if reader.options.value(name).is_some() {
                reader.leave(name, UNUSED);
            }
        }
        return Some(carried);
    }
    let own = names(tls);
    let whole = |reader: &mut PluginReader<'_>, reason: &str| {
        let mut all = known.to_vec();
        all.push(&own);
        reader.leave_whole(reason, &all);
        None
    };
    let certificate = first(reader, tls.certificates);
    let key = reader.options.text(KEY);
    let (Some(certificate), Some(key)) = (certificate, key) else {
        return whole(
            reader,
            "a door's certificate and key are two files of PEM: name them by `ssl_certificate` and `ssl_key`",
        );
    };
    if reader.options.has(PASSWORD) {
        return whole(
            reader,
            "a door reads a key without a password: write it with `openssl pkey`",
        );
    }
    carried.settings.push((tls.certificates[0], "certificate_file", certificate));
    carried.settings.push((KEY, "key_file", key));
    if let Err(reason) = senders(reader, tls, &mut carried) {
        return whole(reader, reason);
    }
    let versions = reader.options.texts(VERSIONS).unwrap_or_default();
    if versions == ["TLSv1.3"] {
        carried.settings.push((VERSIONS, "version_min", "1.3".to_owned()));
    }
    reader.leave_given(tls.others);
    Some(carried)
}

fn first(reader: &mut PluginReader<'_>, names: [&'static str; 2]) -> Option<String> {
    names.into_iter().find_map(|name| reader.options.text(name))
}

/// Whether senders show certificates.
fn senders(
    reader: &mut PluginReader<'_>,
    tls: Tls,
    carried: &mut Carried,
) -> Result<(), &'static str> {
    let given = reader.options.choice(ASKS, &["none", "optional", "required"]);
    let authorities = tls.authorities.into_iter().find_map(|name| reader.options.texts(name));
    let asks = given.or(tls.client_certificates).unwrap_or("none");
    match (asks, authorities.as_deref()) {
        ("none", None) => Ok(()),
        ("none", Some(_)) => {
            reader.leave(tls.authorities[0], "nobody is asked for a certificate");
            Ok(())
        }
        (asks, Some([file])) => {
            carried.settings.push((tls.authorities[0], "client_ca_file", file.clone()));
            carried.settings.push((ASKS, "client_certificates", asks.to_owned()));
            carried.knows_senders = asks == "required";
            Ok(())
        }
        (_, Some(_)) => {
            Err("a door reads the authorities of senders out of one file: put them into one")
        }
        (_, None) if given.is_some() => Err(
            "whose certificates are good? Name the file of the authorities by `ssl_certificate_authorities`",
        ),
        (_, None) => {
            let reason = "no authorities are named whose certificates are good, so that senders are not asked for \
                          one; name them by `ssl_certificate_authorities`";
            reader.leave(ASKS, reason);
            Ok(())
        }
    }
}

impl Carried {
    /// Whether only senders come in that show a certificate.
    pub(super) fn knows_senders(&self) -> bool {
        self.knows_senders
    }

    /// Lets it stand for the settings of the door.
    pub(super) fn carry(self, reader: &mut PluginReader<'_>) {
        for (option, name, value) in self.settings {
            let path = ["ingest_gateway", self.table, "tls", name];
            reader.carry(option, &path, SettingValue::Text(value));
        }
    }
}
