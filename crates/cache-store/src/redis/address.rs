//! Where the cache is: one server, a set that sentinels watch, or a cluster. Credentials come with
//! the URL or with the settings, and are shown nowhere.

use std::fmt;

use service::Secret;
use service::percent::decode;

use super::RedisConfig;
use crate::CacheError;

const FORM: &str = "the URL is not of the form redis://user:password@host:6379/0, \
    redis+sentinel://host:26379,host2:26379/master/0 or redis+cluster://host:6379,host2:6379 \
    (with TLS: rediss; in a user and a password, what is neither letter nor digit is written as %40 \
    is for @)";
const SERVER_PORT: u16 = 6379;
const SENTINEL_PORT: u16 = 26379;

/// What stands at the address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// One server.
    Server,
    /// Sentinels that know where the master of this name is.
    Sentinel {
        /// The name they watch it under.
        master: String,
    },
    /// Nodes of a cluster.
    Cluster,
}

/// An address with all that is needed to connect to it.
#[derive(Clone, Debug)]
pub(super) struct Address {
    pub(super) kind: Kind,
    pub(super) tls: bool,
    /// Names or numbers, with ports.
    pub(super) hosts: Vec<(String, u16)>,
    pub(super) database: i64,
    pub(super) user: Option<String>,
    pub(super) password: Option<Secret<String>>,
    pub(super) sentinel_password: Option<Secret<String>>,
    /// PEM.
    pub(super) ca_certificates: Option<Vec<u8>>,
}

/// The URL as it may be shown.
impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.tls { "rediss" } else { "redis" })?;
        f.write_str(match self.kind {
            Kind::Server => "",
            Kind::Sentinel { .. } => "+sentinel",
            Kind::Cluster => "+cluster",
        })?;
        for (place, (host, port)) in self.hosts.iter().enumerate() {
            f.write_str(if place == 0 { "://" } else { "," })?;
            match host.contains(':') {
                true => write!(f, "[{host}]:{port}")?,
                false => write!(f, "{host}:{port}")?,
            }
        }
        match &self.kind {
            Kind::Sentinel { master } => write!(f, "/{master}"),
            _ => Ok(()),
        }
    }
}

impl Address {
    /// Reads a URL and adds the credentials of the settings.
    pub(super) fn parse(url: &str, config: &RedisConfig) -> Result<Self, CacheError> {
        let mut address = parse_url(url)
            .map_err(|reason| CacheError(format!("its address cannot be used: {reason}")))?;
        let wrong = |reason: String| CacheError(format!("{address} cannot be used: {reason}"));
        let given = Secret::given(config.password.as_ref(), config.password_file.as_deref())
            .map_err(|error| wrong(format!("password_file: {error}")))?;
        let from_url = address.user.is_some() || address.password.is_some();
        if from_url && (given.is_some() || config.user.is_some()) {
            let text = "both the URL and the settings have credentials: leave one out";
            return Err(wrong(text.to_owned()));
        }
        if config.sentinel_password_file.is_some() && !matches!(address.kind, Kind::Sentinel { .. })
        {
            let text = "`sentinel_password_file` is given, but the URL names no sentinels";
            return Err(wrong(text.to_owned()));
        }
        let sentinel_password = Secret::given(None, config.sentinel_password_file.as_deref())
            .map_err(|error| wrong(format!("sentinel_password_file: {error}")))?;
        let ca_certificates = match &config.ca_file {
            Some(path) => Some(std::fs::read(path).map_err(|error| {
                wrong(format!("its certificates {} cannot be read: {error}", path.display()))
            })?),
            None => None,
        };
        if ca_certificates.is_some() && !address.tls {
            return Err(wrong("`ca_file` is given, but the URL is without TLS".to_owned()));
        }
        if !from_url {
            address.user.clone_from(&config.user);
            address.password = given;
        }
        Ok(Self { sentinel_password, ca_certificates, ..address })
    }
}

fn parse_url(url: &str) -> Result<Address, String> {
    let form = || FORM.to_owned();
    let (scheme, rest) = url.split_once("://").ok_or_else(form)?;
    let (protocol, kind) = scheme.split_once('+').unwrap_or((scheme, ""));
    let tls = match protocol {
        "redis" => false,
        "rediss" => true,
        _ => return Err(form()),
    };
    if rest.contains(['?', '#']) {
        return Err(format!("{FORM}; it has no options behind `?`"));
    }
    let (credentials, place) = match rest.rsplit_once('@') {
        Some((credentials, place)) => (Some(credentials), place),
        None => (None, rest),
    };
    let (hosts, path) = place.split_once('/').unwrap_or((place, ""));
    let (kind, database, port) = match kind {
        "" => (Kind::Server, path, SERVER_PORT),
        "cluster" => (Kind::Cluster, path, SERVER_PORT),
        "sentinel" => {
            let (master, database) = path.split_once('/').unwrap_or((path, ""));
            let master = decode(master).filter(|master| !master.is_empty());
            let master = master.ok_or("the name of the master is missing: …host:26379/master")?;
            (Kind::Sentinel { master }, database, SENTINEL_PORT)
        }
        _ => return Err(form()),
    };
    let hosts: Option<Vec<_>> = hosts.split(',').map(|host| host_and_port(host, port)).collect();
    let hosts = hosts.ok_or_else(form)?;
    if kind == Kind::Server && hosts.len() > 1 {
        return Err("several hosts want redis+cluster:// or redis+sentinel://".to_owned());
    }
    let database = match database {
        "" => 0,
        number => number.parse::<u16>().map_err(|_| form())?.into(),
    };
    if kind == Kind::Cluster && database != 0 {
        return Err("a cluster has database 0 only".to_owned());
    }
    let (user, password) = match credentials {
        None => (None, None),
        Some(credentials) => user_and_password(credentials).ok_or_else(form)?,
    };
    let (sentinel_password, ca_certificates) = (None, None);
    Ok(Address { kind, tls, hosts, database, user, password, sentinel_password, ca_certificates })
}

type Credentials = (Option<String>, Option<Secret<String>>);

/// `user:password` or `:password`.
fn user_and_password(text: &str) -> Option<Credentials> {
    let (user, password) = text.split_once(':')?;
    if password.contains([':', '/', '@']) {
        return None;
    }
    let (user, password) = (decode(user)?, decode(password)?);
    Some(((!user.is_empty()).then_some(user), Some(Secret::new(password))))
}

fn host_and_port(text: &str, default_port: u16) -> Option<(String, u16)> {
    let (host, port) = match text.strip_prefix('[') {
        Some(text) => text.split_once(']')?,
        None => text.split_at(text.find(':').unwrap_or(text.len())),
    };
    let port = match port {
        "" => default_port,
        port => port.strip_prefix(':')?.parse().ok()?,
    };
    (!host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Address, CacheError> {
        Address::parse(url, &RedisConfig::default())
    }

    fn host(name: &str, port: u16) -> (String, u16) {
        (name.to_owned(), port)
    }

    #[test]
    fn each_kind_of_address_is_read() {
        let one = parse("redis://ada:p%40ss@cache/3").unwrap();
        assert_eq!((one.kind.clone(), one.tls, one.database), (Kind::Server, false, 3));
        assert_eq!(one.hosts, [host("cache", 6379)]);
        assert_eq!(one.user.as_deref(), Some("ada"));
        assert_eq!(one.password.as_ref().unwrap().reveal(), "p@ss");
        assert_eq!(one.to_string(), "redis://cache:6379");

        let set = parse("rediss+sentinel://:pw@a:1,[::1]:2,c/main/1").unwrap();
        assert_eq!(set.kind, Kind::Sentinel { master: "main".to_owned() });
        assert_eq!((set.tls, set.database, set.user.clone()), (true, 1, None));
        assert_eq!(set.hosts, [host("a", 1), host("::1", 2), host("c", 26379)]);
        assert_eq!(set.to_string(), "rediss+sentinel://a:1,[::1]:2,c:26379/main");

        let cluster = parse("redis+cluster://a:1,b").unwrap();
        assert_eq!((cluster.kind, cluster.hosts.len()), (Kind::Cluster, 2));
    }

    #[test]
    fn what_cannot_be_read_is_refused_and_shows_no_secret() {
        for url in [
            "http://ada:hunter2@cache",
            "redis:ada:hunter2@cache",
            "redis://ada:hun/hunter2@cache",
            "redis://ada:hunter2%@cache",
            "redis://ada:hunter2@cache/x",
            "redis://ada:hunter2@cache:99999",
            "redis://ada:hunter2@",
            "redis://ada:hunter2@a,b",
            "redis://ada:hunter2@a?protocol=3",
            "redis+sentinel://ada:hunter2@a",
            "redis+cluster://ada:hunter2@a/1",
            "redis+unix://ada:hunter2@a/1",
        ] {
            let error = parse(url).unwrap_err().to_string();
            assert!(!error.contains("hunter2") && !error.contains("ada"), "{url}: {error}");
        }
        let shown = format!("{:?}", parse("redis://ada:hunter2@cache").unwrap());
        assert!(!shown.contains("hunter2"), "{shown}");
    }

    fn folder_with_password() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), "p@ss\r\n").unwrap();
        folder
    }

    #[test]
    fn credentials_come_from_one_place() {
        let folder = folder_with_password();
        let password_file = folder.path().join("password");
        let config = RedisConfig { password_file: Some(password_file), ..RedisConfig::default() };
        let address = Address::parse("redis://cache", &config).unwrap();
        assert_eq!(address.password.unwrap().reveal(), "p@ss");
        let error = Address::parse("redis://:x@cache", &config).unwrap_err().to_string();
        assert!(error.contains("redis://cache:6379") && error.contains("leave one out"), "{error}");
        drop(folder);
        let error = Address::parse("redis://cache", &config).unwrap_err().to_string();
        assert!(error.contains("password_file"), "{error}");
        let password = folder_with_password();
        let sentinel_password_file = Some(password.path().join("password"));
        let config = RedisConfig { sentinel_password_file, ..RedisConfig::default() };
        let set = Address::parse("redis+sentinel://a/main", &config).unwrap();
        assert_eq!(set.sentinel_password.unwrap().reveal(), "p@ss");
        for url in ["redis://cache", "redis+cluster://a,b"] {
            let error = Address::parse(url, &config).unwrap_err().to_string();
            assert!(error.contains("names no sentinels"), "{error}");
        }
        let config = RedisConfig { ca_file: Some("/nowhere".into()), ..RedisConfig::default() };
        let error = Address::parse("rediss://cache", &config).unwrap_err().to_string();
        assert!(error.contains("/nowhere"), "{error}");
    }
}
