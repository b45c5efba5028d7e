//! Which sockets to open: local addresses, interfaces and ports.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket},
    str::FromStr,
};

use rtc::shared::ifaces::ifaces;

use super::{PeerConfig, RtcError};

/// Something local to open a socket on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Bind {
    /// One address, loopback allowed.
    Address(IpAddr),
    /// All addresses of an interface but link-local ones.
    Interface(String),
}

impl From<IpAddr> for Bind {
    fn from(address: IpAddr) -> Self {
        Self::Address(address)
    }
}

impl From<Ipv4Addr> for Bind {
    fn from(address: Ipv4Addr) -> Self {
        Self::Address(address.into())
    }
}

impl FromStr for Bind {
    type Err = std::convert::Infallible;

    /// Whatever is no address is the name of an interface.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(text.parse().map_or_else(|_| Self::Interface(text.into()), Self::Address))
    }
}

impl fmt::Display for Bind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => address.fmt(f),
            Self::Interface(name) => name.fmt(f),
        }
    }
}

/// Returns the addresses that are to be used and no other; empty: whatever there is.
pub(super) fn bound(bind: &[Bind]) -> Result<Vec<IpAddr>, RtcError> {
    let mut addresses = Vec::new();
    for bind in bind {
        match bind {
            Bind::Address(address) => addresses.push(*address),
            Bind::Interface(name) => {
                let mut interfaces = interfaces()?;
                addresses.extend(interfaces.iter().filter(|(its, _)| its == name).map(|(_, address)| *address));
                if !interfaces.iter().any(|(its, _)| its == name) {
                    interfaces.dedup_by(|a, b| a.0 == b.0);
                    let names: Vec<String> = interfaces.into_iter().map(|(name, _)| name).collect();
                    return Err(RtcError::Interface { name: name.clone(), there: names.join(", ") });
                }
            }
        }
    }
    Ok(addresses)
}

/// Returns the sockets to open for the addresses and ports asked for.
pub(super) fn addresses(config: &PeerConfig) -> Result<Vec<SocketAddr>, RtcError> {
    let bind = match bound(&config.bind)? {
        named if !named.is_empty() => named,
        _ => anywhere(),
    };
    let mut addresses = Vec::new();
    for address in bind {
        // Opened to see whether it can be, and closed again: the library opens its own.
        match &config.ports {
            None => match UdpSocket::bind((address, 0)) {
                Ok(_) => addresses.push(SocketAddr::new(address, 0)),
                // A machine without IPv6 (or IPv4) is no reason to fail unless it was asked for.
                Err(_) if config.bind.is_empty() => {}
                Err(error) => return Err(RtcError::Socket(format!("{address}: {error}"))),
            },
            Some(ports) => match ports.clone().find(|port| UdpSocket::bind((address, *port)).is_ok()) {
                Some(port) => addresses.push(SocketAddr::new(address, port)),
                None if config.bind.is_empty() && address.is_ipv6() && !addresses.is_empty() => {}
                None => {
                    return Err(RtcError::PortInUse { address, first: *ports.start(), last: *ports.end() });
                }
            },
        }
    }
    if addresses.is_empty() {
        return Err(RtcError::Socket("neither IPv4 nor IPv6 is available".into()));
    }
    Ok(addresses)
}

/// Returns the wildcards of the families that have an address here. For a family that has none the
/// library would open the wildcard itself and name it as a candidate.
fn anywhere() -> Vec<IpAddr> {
    let both = [IpAddr::V4(Ipv4Addr::UNSPECIFIED), IpAddr::V6(Ipv6Addr::UNSPECIFIED)];
    let Ok(interfaces) = interfaces() else { return both.into() };
    let there = |wildcard: &IpAddr| {
        interfaces.iter().any(|(_, address)| address.is_ipv4() == wildcard.is_ipv4() && !address.is_loopback())
    };
    let families: Vec<IpAddr> = both.into_iter().filter(there).collect();
    // Nothing at all: without a network there may be one later.
    if families.is_empty() { both.into() } else { families }
}

/// Returns all addresses but link-local ones, each with the name of its interface.
pub(super) fn interfaces() -> Result<Vec<(String, IpAddr)>, RtcError> {
    let interfaces = ifaces().map_err(|error| RtcError::Socket(format!("the interfaces are not told: {error}")))?;
    let mut named = Vec::new();
    for interface in interfaces {
        let Some(address) = interface.addr.map(|address| address.ip()) else { continue };
        let link_local = match address {
            IpAddr::V4(address) => address.is_link_local(),
            IpAddr::V6(address) => address.is_unicast_link_local(),
        };
        if !link_local && !address.is_unspecified() && !named.contains(&(interface.name.clone(), address)) {
            named.push((interface.name, address));
        }
    }
    Ok(named)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_told_from_an_interface() {
        for (text, bind) in [
            ("192.0.2.1", Bind::from(Ipv4Addr::new(192, 0, 2, 1))),
            ("::1", Bind::Address(Ipv6Addr::LOCALHOST.into())),
            ("wlan0", Bind::Interface("wlan0".into())),
        ] {
            assert_eq!(text.parse(), Ok(bind), "{text}");
        }
    }

    #[test]
    fn an_interface_has_its_addresses() {
        let interfaces = interfaces().expect("interfaces");
        let (name, _) = interfaces.iter().find(|(_, address)| address.is_loopback()).expect("a loopback");
        let addresses = bound(&[Bind::Interface(name.clone())]).expect("addresses");
        assert!(!addresses.is_empty() && addresses.iter().all(IpAddr::is_loopback), "{addresses:?}");
        let error = bound(&[Bind::Interface("no such".into())]);
        assert!(matches!(error, Err(RtcError::Interface { there, .. }) if there.contains(name)));
    }
}
