//! What an input says of TLS: the table `tls` of its door.

use crate::logstash_settings::carried::SettingValue;
use crate::logstash_settings::doors::Door;
use crate::logstash_settings::plugin::{PluginReader, Reasons};

/// Why suites are not carried over.
pub(super) const SUITES: &str = "the suites are those of rustls, which has no weak ones";
const UNUSED: &str = "without `ssl_enabled` it does nothing";

/// The names that an input has for TLS. Where there are two, the second is an old one.
#[derive(Clone, Copy)]
pub(super) struct Tls {
    /// Options that switch it on.
    pub(super) switches: &'static [&'static str],
    pub(super) certificates: &'static [&'static str],
    pub(super) authorities: &'static [&'static str],
    /// What Logstash asks senders for unless it is told otherwise.
    pub(super) client_certificates: Option<&'static str>,
    /// Options that are not carried over, with the reason.
    pub(super) others: Reasons,
}

/// The names that most inputs have.
pub(super) const USUAL: Tls = Tls {
    switches: &["ssl_enabled", "ssl"],
    certificates: &["ssl_certificate"],
    authorities: &["ssl_certificate_authorities"],
    client_certificates: None,
    others: &[],
};

const KEY: &str = "ssl_key";
const PASSWORD: &str = "ssl_key_passphrase";
const ASKS: &str = "ssl_client_authentication";
const VERSIONS: &str = "ssl_supported_protocols";

/// What becomes of it.
pub(super) struct Carried {
    /// Option, setting, value.
    settings: Vec<(&'static str, &'static str, String)>,
    knows_senders: bool,
}

/// All its options.
pub(super) fn names(tls: Tls) -> Vec<&'static str> {
    let mut names = vec![KEY, PASSWORD, ASKS, VERSIONS];
    names.extend(tls.switches.iter().chain(tls.certificates).chain(tls.authorities).copied());
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
    // All are read, so that none is unknown.
    let switches = tls.switches.iter().copied();
    let is_on = switches.fold(false, |is_on, name| reader.options.flag(name, false) | is_on);
    let mut carried = Carried { settings: Vec::new(), knows_senders: false };
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
    let certificate = one_of(reader, tls.certificates, "the certificate", |reader, name| {
        reader.options.text(name)
    });
    let key = reader.options.text(KEY);
    let (Some((option, certificate)), Some(key)) = (certificate, key) else {
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
    carried.settings.push((option, "certificate_file", certificate));
    carried.settings.push((KEY, "key_file", key));
    if let Err(reason) = senders(reader, tls, &mut carried) {
        return whole(reader, reason);
    }
    versions(reader, &mut carried);
    reader.leave_given(tls.others);
    Some(carried)
}

/// The value of the option that is given of several that say the same, with its name. All are read, so that
/// none is unknown; one alone may be given.
fn one_of<'a, T>(
    reader: &mut PluginReader<'a>,
    names: &[&'static str],
    what: &str,
    read: impl Fn(&mut PluginReader<'a>, &'static str) -> Option<T>,
) -> Option<(&'static str, T)> {
    let mut given: Option<(&'static str, T)> = None;
    for name in names.iter().copied() {
        let Some(value) = read(reader, name) else { continue };
        let before = given.as_ref().map(|(before, _)| *before);
        match before {
            None => given = Some((name, value)),
            Some(before) => {
                let message = format!("`{before}` and `{name}` both name {what}");
                reader.options.refuse(name, message, "write one of them");
            }
        }
    }
    given
}

/// Which versions are spoken.
fn versions(reader: &mut PluginReader<'_>, carried: &mut Carried) {
    let given = reader.options.texts(VERSIONS).unwrap_or_default();
    let mut versions: Vec<&str> = given.iter().map(String::as_str).collect();
    versions.sort_unstable();
    versions.dedup();
    match &versions[..] {
        [] | ["TLSv1.2", "TLSv1.3"] => {}
        ["TLSv1.3"] => carried.settings.push((VERSIONS, "version_min", "1.3".to_owned())),
        _ => reader.leave(VERSIONS, "a door speaks 1.2 and 1.3, or 1.3 alone"),
    }
}

/// Whether senders show certificates.
fn senders(
    reader: &mut PluginReader<'_>,
    tls: Tls,
    carried: &mut Carried,
) -> Result<(), &'static str> {
    let given = reader.options.choice(ASKS, &["none", "optional", "required"]);
    let authorities = one_of(reader, tls.authorities, "the authorities", |reader, name| {
        reader.options.texts(name)
    });
    let asks = given.or(tls.client_certificates).unwrap_or("none");
    match (asks, authorities.as_ref().map(|(option, files)| (*option, &files[..]))) {
        ("none", None) => Ok(()),
        ("none", Some((option, _))) => {
            reader.leave(option, "nobody is asked for a certificate");
            Ok(())
        }
        (asks, Some((option, [file]))) => {
            carried.settings.push((option, "client_ca_file", file.clone()));
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
    pub(super) fn carry(self, reader: &mut PluginReader<'_>, door: &Door) {
        for (option, name, value) in self.settings {
            reader.carry(option, &door.path(&["tls", name]), SettingValue::Text(value));
        }
    }
}
