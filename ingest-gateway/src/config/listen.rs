//! Where a door listens, as a setting says it.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Where a door listens, if it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listen {
    /// The door is closed.
    Off,
    /// On this address and port, for which somebody asked; port 0 takes a free one.
    At(SocketAddr),
    /// The same, though nobody asked: the default of the doors that every platform has. No text is read as this, nor as
    /// the next one, so that an address that somebody has written is always [`Self::At`].
    Usual(SocketAddr),
    /// The same if it is to be had; where somebody else has it, the door stays closed. It is the default of the other
    /// doors that nobody asked for.
    IfFree(SocketAddr),
}

impl Listen {
    /// A port of this machine, which nobody has asked for.
    pub(super) const fn loopback(port: u16) -> Self {
        Self::Usual(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
    }

    /// A port of this machine, if nobody else has it.
    pub(super) const fn loopback_if_free(port: u16) -> Self {
        Self::IfFree(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port))
    }

    /// The address, unless the door is closed.
    #[must_use]
    pub fn address(self) -> Option<SocketAddr> {
        match self {
            Self::Off => None,
            Self::At(address) | Self::Usual(address) | Self::IfFree(address) => Some(address),
        }
    }

    /// Whether somebody has written the address.
    #[must_use]
    pub fn is_asked_for(self) -> bool {
        matches!(self, Self::At(_))
    }

    /// Whether somebody has written this, be it `off`.
    pub(super) fn is_said(self) -> bool {
        !matches!(self, Self::Usual(_) | Self::IfFree(_))
    }

    /// Whether the door stays closed where its address is not free, because nobody asked for it.
    #[must_use]
    pub fn gives_way(self) -> bool {
        matches!(self, Self::IfFree(_))
    }

    pub(super) fn is_reachable(self) -> bool {
        self.address().is_some_and(|address| !address.ip().to_canonical().is_loopback())
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "off" {
            return Ok(Self::Off);
        }
        text.parse().map(Self::At).map_err(|_| {
            format!(
                "`{text}` is not an address with a port, as 127.0.0.1:5000 or [::1]:5000, nor `off`"
            )
        })
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
            Self::At(address) | Self::Usual(address) | Self::IfFree(address) => address.fmt(f),
        }
    }
}

impl Serialize for Listen {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Listen {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(de::Error::custom)
    }
}
