//! Where an input listens, and whether a door of the platform may.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use super::carried::SettingValue;
use super::doors::Door;
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

/// A kind of doors that listen.
#[derive(Clone, Copy)]
pub(super) struct Kind {
    /// Its table below `ingest_gateway`.
    pub(super) table: &'static str,
    /// Its settings of addresses, which all get the one of the input.
    pub(super) listens: &'static [&'static str],
    /// The port without the option `port`.
    pub(super) port: Option<u16>,
    /// What an open door needs.
    pub(super) needed: &'static str,
    /// The setting of a door's own table that lets it be open, where one says so.
    pub(super) permission: Option<&'static str>,
}

/// Carries `host` and `port` over, to the next door of the kind; to none if the input says no port, or that of another.
pub(super) fn carry(reader: &mut PluginReader<'_>, kind: Kind, may_be_open: bool) -> Option<Door> {
    if kind.port.is_none() {
        reader.options.require("port");
    }
    let port = match reader.number_within("port", 1..=65_535) {
        Some(port) => u16::try_from(port).ok(),
        None => kind.port,
    };
    let host = reader.options.text("host");
    let port = port?;
    let door = Door::next(reader.carried, kind.table);
    let wanted = address(reader, host.as_deref());
    let is_let = wanted.is_loopback() || may_be_open;
    let listen = SocketAddr::new(if is_let { wanted } else { loopback(wanted) }, port).to_string();
    if is_taken(reader, &door, kind.listens[0], &listen) {
        return None;
    }
    if !is_let {
        let open = SocketAddr::new(wanted, port);
        let reason = format!(
            "the door listens on this machine only: other machines would reach {open}, and anyone there \
             could send; {}, and it listens there; a configuration file with the printed `{listen}` wins over \
             that: write `{listen} = \"{open}\"` there",
            kind.needed,
            listen = kind.listens[0],
        );
        reader.leave("host", reason);
    }
    for name in kind.listens {
        let value = SettingValue::Text(listen.clone());
        reader.carry("port", &door.path(&[*name]), value);
    }
    let is_open = is_let && !wanted.is_loopback();
    if let Some(permission) = kind.permission.filter(|_| is_open && door.is_further()) {
        // The configuration said it of the first door, whose table is not this one's.
        reader.carry("port", &door.path(&[permission]), SettingValue::Flag(true));
    }
    reader.carried.open(door.clone());
    Some(door)
}

/// Whether an input before this one has become a door of the same kind at the same place, which is then said.
pub(super) fn is_taken(
    reader: &mut PluginReader<'_>,
    door: &Door,
    setting: &str,
    place: &str,
) -> bool {
    let earlier = reader.carried.settings.iter().find(|earlier| {
        door.is_of_kind(&earlier.path, setting) && earlier.value.untyped() == place
    });
    let Some(earlier) = earlier else { return false };
    let reason = format!(
        "not carried over: {} ({}) is at {place} already; give this one another place",
        earlier.plugin,
        reader.place_of(&earlier.spot)
    );
    reader.note(reason);
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
