//! Where an input listens, and whether a door of the platform may.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::carried::SettingValue;
use super::plugin::PluginReader;

/// Who may reach a door on every address.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reach {
    /// Senders show a token.
    pub has_token: bool,
    /// Other machines may send over UDP, which can show none.
    pub is_udp_allowed: bool,
    /// Other machines may send syslog, which can show none.
    pub is_syslog_allowed: bool,
    /// Other machines may send as Beats do, which can show none.
    pub are_beats_allowed: bool,
}

/// The names of a door.
#[derive(Clone, Copy)]
pub(super) struct Door {
    /// Its table below `ingest_gateway`.
    pub(super) table: &'static str,
    /// Its settings of addresses, which all get the one of the input.
    pub(super) listens: &'static [&'static str],
    /// Its name in messages.
    pub(super) title: &'static str,
    /// The port without the option `port`.
    pub(super) port: Option<u16>,
    /// What an open door needs.
    pub(super) needed: &'static str,
}

/// Carries `host` and `port` over; false if the door is taken or the input says no port.
pub(super) fn carry(reader: &mut PluginReader<'_>, door: Door, may_be_open: bool) -> bool {
    if door.port.is_none() {
        reader.options.require("port");
    }
    let port = match reader.number_within("port", 1..=65_535) {
        Some(port) => u16::try_from(port).ok(),
        None => door.port,
    };
    let host = reader.options.text("host");
    let Some(port) = port else { return false };
    let name = format!("ingest_gateway.{}.{}", door.table, door.listens[0]);
    if let Some(other) = reader.carried.find(&name) {
        let reason = format!(
            "not carried over: there is one {} door, and {} (line {}) has it; let the senders use that \
             port, or run a second `ingest-gateway` on the same Kafka",
            door.title, other.plugin, other.spot.line
        );
        reader.note(reason);
        return false;
    }
    let wanted = address(reader, host.as_deref());
    let listen = if wanted.is_loopback() || may_be_open {
        wanted
    } else {
        let open = SocketAddr::new(wanted, port);
        let reason = format!(
            "the door listens on this machine only: other machines would reach {open}, and anyone there \
             could send; {}, and it listens there; a configuration file with the printed `{listen}` wins over \
             that: write `{listen} = \"{open}\"` there",
            door.needed,
            listen = door.listens[0],
        );
        reader.leave("host", reason);
        loopback(wanted)
    };
    let listen = SocketAddr::new(listen, port).to_string();
    for name in door.listens {
        let value = SettingValue::Text(listen.clone());
        reader.carry("port", &["ingest_gateway", door.table, name], value);
    }
    true
}

fn address(reader: &mut PluginReader<'_>, host: Option<&str>) -> IpAddr {
    // Logstash listens on every address unless it is told otherwise.
    let host = host.unwrap_or("0.0.0.0");
    if host == "localhost" {
        return Ipv4Addr::LOCALHOST.into();
    }
    host.parse().unwrap_or_else(|_| {
        let reason =
            format!("a door listens on an address, and `{host}` is none: write the address");
        reader.leave("host", reason);
        Ipv4Addr::LOCALHOST.into()
    })
}

fn loopback(like: IpAddr) -> IpAddr {
    match like {
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    }
}
