//! Addresses that are this person's own: shown in full only when asked for.

use std::{
    fmt,
    net::{IpAddr, SocketAddr},
};

use serde::{Serialize, Serializer};

/// A public address. What is written of it, in a log or in JSON, tells the network and hides the rest, until
/// [`PublicAddress::show`] is called. Two of them can be compared all the same.
#[derive(Clone, Copy)]
pub struct PublicAddress {
    address: SocketAddr,
    shown: bool,
}

impl PublicAddress {
    pub(super) const fn new(address: SocketAddr) -> Self {
        Self { address, shown: false }
    }

    /// Returns the address.
    pub const fn reveal(self) -> SocketAddr {
        self.address
    }

    /// From now on it is written in full.
    pub const fn show(&mut self) {
        self.shown = true;
    }
}

impl PartialEq for PublicAddress {
    fn eq(&self, other: &Self) -> bool {
        self.address == other.address
    }
}

impl Eq for PublicAddress {}

impl fmt::Display for PublicAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let port = self.address.port();
        match self.address.ip() {
            _ if self.shown => self.address.fmt(f),
            IpAddr::V4(address) => {
                let [first, second, ..] = address.octets();
                write!(f, "{first}.{second}.x.x:{port}")
            }
            IpAddr::V6(address) => {
                let [first, second, ..] = address.segments();
                write!(f, "[{first:x}:{second:x}:x]:{port}")
            }
        }
    }
}

impl fmt::Debug for PublicAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for PublicAddress {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtc::nat::message::tests::read;

    #[test]
    fn the_rest_is_hidden_until_it_is_asked_for() {
        for (text, hidden) in [("192.0.2.1:4000", "192.0.x.x:4000"), ("[2001:db8:1:2::3]:4000", "[2001:db8:x]:4000")] {
            let mut address = PublicAddress::new(read(text));
            assert_eq!((address.to_string().as_str(), format!("{address:?}").as_str()), (hidden, hidden));
            address.show();
            assert_eq!(address.to_string(), text);
            assert_eq!(address, PublicAddress::new(address.reveal()));
        }
    }
}
