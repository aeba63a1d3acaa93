//! How many datagrams the kernel dropped at a socket, from `/proc/net/udp`.

use std::fs;
use std::os::fd::AsFd;

/// Where the kernel counts for one socket.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Drops {
    inode: u64,
}

impl Drops {
    /// For this socket. If its inode cannot be told, nothing is ever counted.
    pub(crate) fn of(socket: &impl AsFd) -> Self {
        Self { inode: rustix::fs::fstat(socket).map_or(0, |stat| stat.st_ino) }
    }

    /// Datagrams dropped since the socket was made.
    pub(crate) fn count(self) -> u64 {
        let tables = ["/proc/self/net/udp", "/proc/self/net/udp6"];
        let texts = tables.iter().filter_map(|table| fs::read_to_string(table).ok());
        texts.filter_map(|text| drops_of(&text, self.inode)).sum()
    }
}

/// The last column of the line with this inode (`Documentation/networking/proc_net_tcp.rst` has the
/// others; `drops` follows `pointer`).
fn drops_of(table: &str, inode: u64) -> Option<u64> {
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<&str> = line.split_ascii_whitespace().collect();
        let found = columns.get(9)?.parse::<u64>() == Ok(inode);
        if found { columns.get(12)?.parse().ok() } else { None }
    })
}

#[cfg(test)]
mod tests {
    use std::net::UdpSocket;

    use super::{Drops, drops_of};

    const TABLE: &str = "\
   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops
  511: 0100007F:1388 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7001 2 0000000000000000 0
  512: 0100007F:1389 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 7002 2 0000000000000000 93
";

    #[test]
    fn the_column_of_our_socket_is_read() {
        assert_eq!(drops_of(TABLE, 7002), Some(93));
        assert_eq!(drops_of(TABLE, 7001), Some(0));
        assert_eq!(drops_of(TABLE, 1), None);
    }

    #[test]
    fn the_kernel_counts_what_a_full_buffer_drops() {
        let receiver = UdpSocket::bind("127.0.0.1:0").unwrap();
        let drops = Drops::of(&receiver);
        assert_eq!(drops.count(), 0);
        let sender = UdpSocket::bind("127.0.0.1:0").unwrap();
        let datagram = [b'x'; 1_400];
        for _ in 0..20_000 {
            sender.send_to(&datagram, receiver.local_addr().unwrap()).unwrap();
        }
        assert!(drops.count() > 0);
    }
}
