//! This machine's side: its sockets, and the addresses that packets leave from.

use std::{
    io,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use tokio::net::UdpSocket;

/// Opens a socket on any free port.
pub(super) async fn open(bind: IpAddr) -> io::Result<UdpSocket> {
    UdpSocket::bind((bind, 0)).await
}

/// Returns the address that packets from `bind` to `to` leave from. Sends nothing.
pub(super) async fn leaves_from(bind: IpAddr, to: SocketAddr) -> Option<IpAddr> {
    let socket = open(bind).await.ok()?;
    // Connecting a UDP socket sends nothing: the system only looks up the way.
    socket.connect(to).await.ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}

/// Whether packets to the internet leave from a global IPv6 address (RFC 4291, 2.4; all there are begin with 001).
pub(super) async fn has_global_ipv6(bind: IpAddr) -> bool {
    // An address for documentation, never reached.
    const ANYWHERE: Ipv6Addr = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
    match leaves_from(bind, (ANYWHERE, 9).into()).await {
        Some(IpAddr::V6(address)) => is_global(address),
        _ => false,
    }
}

const fn is_global(address: Ipv6Addr) -> bool {
    address.segments()[0] & 0xe000 == 0x2000
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    #[test]
    fn global_addresses_are_known() {
        for (text, expected) in [("2001:db8::1", true), ("fd99::1", false), ("fe80::1", false), ("::1", false)] {
            assert_eq!(is_global(text.parse().expect("an address")), expected, "{text}");
        }
    }

    #[tokio::test]
    async fn the_way_to_this_machine_begins_here() {
        let to = SocketAddr::from((Ipv4Addr::LOCALHOST, 9));
        assert_eq!(leaves_from(Ipv4Addr::UNSPECIFIED.into(), to).await, Some(to.ip()));
    }
}
