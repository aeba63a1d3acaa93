//! Makes connections: to a server, to the master that sentinels name at that moment, to a cluster.

use std::time::Duration;

use redis::cluster::{ClusterClient, ClusterClientBuilder};
use redis::sentinel::{SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, ConnectionAddr, ConnectionInfo, IntoConnectionInfo,
    RedisConnectionInfo, RedisResult, TlsCertificates, TlsMode,
};
use service::Secret;

use super::RedisConfig;
use super::address::{Address, Kind};
use super::connection::Connection;

/// How many calls may wait to be written to a connection.
const CALLS_WAITING: usize = 1024;

/// What is connected to.
enum Target {
    Server(Box<Client>),
    Sentinel { master: String },
    Cluster(Box<ClusterClient>),
}

/// Makes connections to an address.
pub(super) struct Connector {
    address: Address,
    target: Target,
    call_timeout: Duration,
    connect_timeout: Duration,
}

impl Connector {
    pub(super) fn new(address: Address, config: &RedisConfig) -> RedisResult<Self> {
        let (call_timeout, connect_timeout) = (config.call_timeout.0, config.connect_timeout.0);
        let target = match &address.kind {
            Kind::Server => Target::Server(Box::new(client(&address)?)),
            Kind::Sentinel { master } => Target::Sentinel { master: master.clone() },
            Kind::Cluster => Target::Cluster(Box::new(cluster(&address, config)?)),
        };
        let connector = Self { address, target, call_timeout, connect_timeout };
        if let Target::Sentinel { master } = &connector.target {
            // What is wrong with the settings is said now.
            drop(connector.sentinels(master)?.build()?);
        }
        Ok(connector)
    }

    pub(super) async fn connect(&self) -> RedisResult<Connection> {
        let settings = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(self.connect_timeout))
            .set_response_timeout(Some(self.call_timeout))
            .set_pipeline_buffer_size(CALLS_WAITING);
        match &self.target {
            Target::Server(client) => {
                let connection = client.get_multiplexed_async_connection_with_config(&settings);
                connection.await.map(Connection::One)
            }
            Target::Sentinel { master } => {
                let mut client = self.sentinels(master)?.build()?;
                let connection = client.get_async_connection_with_config(&settings);
                connection.await.map(Connection::One)
            }
            Target::Cluster(client) => client.get_async_connection().await.map(Connection::Cluster),
        }
    }

    fn sentinels(&self, master: &str) -> RedisResult<SentinelClientBuilder> {
        let Address { tls, user, password, sentinel_password, .. } = &self.address;
        let addresses = self.address.hosts.iter().map(|host| place(host, *tls));
        let mut builder =
            SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)?
                .set_client_to_redis_db(self.address.database);
        if *tls {
            builder = builder
                .set_client_to_redis_tls_mode(TlsMode::Secure)
                .set_client_to_sentinel_tls_mode(TlsMode::Secure);
            if let Some(certificates) = certificates(&self.address) {
                builder = builder
                    .set_client_to_redis_certificates(certificates.clone())
                    .set_client_to_sentinel_certificates(certificates);
            }
        }
        if let Some(user) = user {
            builder = builder.set_client_to_redis_username(user);
        }
        if let Some(password) = password {
            builder = builder.set_client_to_redis_password(password.reveal());
        }
        if let Some(password) = sentinel_password {
            builder = builder.set_client_to_sentinel_password(password.reveal());
        }
        Ok(builder)
    }
}

fn place((host, port): &(String, u16), tls: bool) -> ConnectionAddr {
    match tls {
        false => ConnectionAddr::Tcp(host.clone(), *port),
        true => ConnectionAddr::TcpTls {
            host: host.clone(),
            port: *port,
            insecure: false,
            tls_params: None,
        },
    }
}

fn certificates(address: &Address) -> Option<TlsCertificates> {
    let root_cert = address.ca_certificates.clone()?;
    Some(TlsCertificates { client_tls: None, root_cert: Some(root_cert) })
}

/// Each host of an address with our credentials.
fn nodes(address: &Address) -> RedisResult<Vec<ConnectionInfo>> {
    let mut settings = RedisConnectionInfo::default().set_db(address.database);
    if let Some(user) = &address.user {
        settings = settings.set_username(user);
    }
    if let Some(password) = address.password.as_ref().map(Secret::reveal) {
        settings = settings.set_password(password);
    }
    let node = |host| {
        let node = place(host, address.tls).into_connection_info()?;
        Ok(node.set_redis_settings(settings.clone()))
    };
    address.hosts.iter().map(node).collect()
}

fn client(address: &Address) -> RedisResult<Client> {
    let mut nodes = nodes(address)?;
    let node = nodes.swap_remove(0);
    match certificates(address) {
        None => Client::open(node),
        Some(certificates) => Client::build_with_tls(node, certificates),
    }
}

fn cluster(address: &Address, config: &RedisConfig) -> RedisResult<ClusterClient> {
    let builder = ClusterClientBuilder::new(nodes(address)?)
        .connection_timeout(config.connect_timeout.0)
        .response_timeout(config.call_timeout.0)
        .overall_response_timeout(Some(config.call_timeout.0));
    match certificates(address) {
        None => builder.build(),
        Some(certificates) => builder.certs(certificates).build(),
    }
}
