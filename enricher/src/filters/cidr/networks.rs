//! Networks as they are written, and whether an address lies in one.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use ipnet::{IpNet, Ipv4Net};

/// Size of a file of networks in bytes.
pub(super) const FILE_MAX_BYTES: u64 = 16 << 20;

/// `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `fe80::/64`, or one address. Bits behind the prefix mean nothing.
pub(super) fn parse_network(text: &str) -> Option<IpNet> {
    let text = text.trim();
    let Some((address, prefix)) = text.split_once('/') else {
        return text.parse::<IpAddr>().ok().map(IpNet::from);
    };
    let address: IpAddr = address.parse().ok()?;
    let network = match (address, prefix.parse::<Ipv4Addr>()) {
        (IpAddr::V4(address), Ok(mask)) => Ipv4Net::with_netmask(address, mask).ok()?.into(),
        _ => IpNet::new(address, prefix.parse().ok()?).ok()?,
    };
    Some(network.trunc())
}

/// Whether an address lies in one of the networks; what is none does not.
pub(super) fn contains(networks: &[IpNet], address: &str) -> bool {
    let address = || address.parse::<IpAddr>().ok();
    !networks.is_empty()
        && address().is_some_and(|address| networks.iter().any(|one| one.contains(&address)))
}

/// The networks of a file. What is no network is stepped over and told, unless nothing else is there.
///
/// # Errors
/// Why there are none, in words.
pub(super) fn read_file(path: &Path, separator: &str) -> Result<Vec<IpNet>, String> {
    let shown = path.display();
    let failed = |error: std::io::Error| format!("cannot read the networks in {shown}: {error}");
    let text = std::fs::read_to_string(path).map_err(failed)?;
    let entries = text.split(separator).filter(|entry| !entry.trim().is_empty());
    let mut networks = Vec::new();
    for entry in entries {
        match parse_network(entry) {
            Some(network) => networks.push(network),
            None => tracing::warn!(file = %shown, entry = entry.trim(), "this is no network"),
        }
    }
    if networks.is_empty() { Err(format!("there is no network in {shown}")) } else { Ok(networks) }
}
