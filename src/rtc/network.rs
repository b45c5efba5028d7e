//! Whether the addresses that a description names are still this machine's.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};

use super::address::interfaces;

/// What became of the network since a description was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetworkChange {
    /// Nothing that matters.
    None,
    /// There is no network at the moment.
    Gone,
    /// There is another network.
    Changed,
}

/// The addresses of this machine that a description was made with.
#[derive(Clone, Debug)]
pub(super) struct Network {
    addresses: Vec<IpAddr>,
    /// Which addresses to use was chosen by the person: others do not matter.
    chosen: bool,
}

impl Network {
    /// Takes the addresses of the host candidates in a description of ours.
    pub(super) fn of(sdp: &str, chosen: bool) -> Self {
        let candidates = sdp.lines().filter_map(|line| line.strip_prefix("a=candidate:"));
        let hosts = candidates.filter(|candidate| candidate.contains(" typ host"));
        let addresses = hosts.filter_map(|host| host.split_ascii_whitespace().nth(4)?.parse().ok()).collect();
        Self { addresses, chosen }
    }

    /// Compares with what there is now. Sends nothing.
    pub(super) fn change(&self) -> NetworkChange {
        let Ok(interfaces) = interfaces() else { return NetworkChange::None };
        let present: Vec<IpAddr> = interfaces.into_iter().map(|(_, address)| address).collect();
        self.judge(&present, route(Ipv4Addr::UNSPECIFIED.into(), ANYWHERE_V4))
    }

    /// `present` are all addresses there are, `used` is the one that IPv4 leaves from.
    fn judge(&self, present: &[IpAddr], used: Option<IpAddr>) -> NetworkChange {
        let lost = self.addresses.iter().any(|address| !present.contains(address));
        let moved = !self.chosen && used.is_some_and(|used| !self.addresses.contains(&used));
        let any = present.iter().any(|address| !address.is_loopback());
        match (lost, any) {
            _ if self.addresses.is_empty() => NetworkChange::None,
            _ if moved => NetworkChange::Changed,
            (false, _) => NetworkChange::None,
            // Without the addresses that were chosen there is nothing to begin with.
            (true, true) if !self.chosen => NetworkChange::Changed,
            (true, _) => NetworkChange::Gone,
        }
    }
}

/// Addresses for documentation, never reached: only the way there is asked for.
const ANYWHERE_V4: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
const ANYWHERE_V6: IpAddr = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

/// Returns whether IPv4 and IPv6 lead anywhere from here.
pub(super) fn routes() -> [bool; 2] {
    [
        route(Ipv4Addr::UNSPECIFIED.into(), ANYWHERE_V4).is_some(),
        route(Ipv6Addr::UNSPECIFIED.into(), ANYWHERE_V6).is_some(),
    ]
}

/// Returns the address that packets to `to` leave from.
fn route(from: IpAddr, to: IpAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind((from, 0)).ok()?;
    // Connecting a UDP socket sends nothing: the system only looks up the way.
    socket.connect(SocketAddr::new(to, 9)).ok()?;
    socket.local_addr().ok().map(|local| local.ip())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_are_compared() {
        use NetworkChange::{Changed, Gone, None as Same};
        let ip = |last| IpAddr::V4(Ipv4Addr::new(192, 0, 2, last));
        for (had, chosen, present, used, expected) in [
            (&[1][..], false, &[1][..], Some(1), Same),
            (&[1], false, &[1], None, Same),
            (&[1], false, &[], None, Gone),
            (&[1], false, &[2], None, Changed),
            (&[1], false, &[2], Some(2), Changed),
            (&[1, 2], false, &[2], Some(2), Changed),
            (&[1], false, &[1, 2], Some(2), Changed),
            (&[1], true, &[1, 2], Some(2), Same),
            (&[1], true, &[2], Some(2), Gone),
            (&[], false, &[2], Some(2), Same),
        ] {
            let lines: Vec<String> =
                had.iter().map(|last| format!("a=candidate:1 1 udp 1 192.0.2.{last} 9 typ host\r\n")).collect();
            let sdp = format!("v=0\r\na=candidate:9 1 udp 1 198.51.100.1 9 typ srflx\r\n{}", lines.concat());
            let network = Network::of(&sdp, chosen);
            let present: Vec<IpAddr> = present.iter().map(|last| ip(*last)).collect();
            let change = network.judge(&present, used.map(ip));
            assert_eq!(change, expected, "{had:?} {chosen} {present:?} {used:?}");
        }
    }
}
