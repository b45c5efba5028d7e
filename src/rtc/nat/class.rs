//! What a network is to those who call through it, and who reaches whom.

use serde::Serialize;

use super::{behaviour::Behaviour, filtering::Filtering, mapping::Mapping};

/// A kind of network, by the old names (RFC 3489, 5), which say what matters for a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// On the internet itself: no NAT, and whoever sends gets in.
    Open,
    /// One public port for all, and whoever sends to it gets in.
    FullCone,
    /// One public port for all, and only addresses that were sent to get in; or a firewall of that kind.
    Restricted,
    /// One public port for all, and only addresses and ports that were sent to get in; or a firewall of that kind.
    PortRestricted,
    /// Another public port for each destination.
    Symmetric,
    /// No UDP at all.
    Blocked,
    /// Not known.
    Unknown,
}

/// How a call between two networks goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Way {
    /// From one to the other.
    Direct,
    /// Over the TURN server that is there.
    Relay,
    /// Not without a TURN server, or not without another one.
    Impossible,
}

impl Class {
    /// All that a network may turn out to be.
    pub const KNOWN: [Self; 6] =
        [Self::Open, Self::FullCone, Self::Restricted, Self::PortRestricted, Self::Symmetric, Self::Blocked];

    /// Judges a NAT by its behaviour. What is not known of its filtering is taken for the worst: most are so.
    pub fn of(behaviour: &Behaviour) -> Self {
        let Behaviour { mapping, filtering, disturbed, .. } = *behaviour;
        match (mapping.depends(), filtering) {
            (None, _) => Self::Unknown,
            (Some(true), _) => Self::Symmetric,
            // The others send at the same time, and are then given another port.
            (Some(false), _) if disturbed == Some(true) => Self::Symmetric,
            (Some(false), Filtering::EndpointIndependent) if mapping == Mapping::None => Self::Open,
            (Some(false), Filtering::EndpointIndependent) => Self::FullCone,
            (Some(false), Filtering::AddressDependent) => Self::Restricted,
            (Some(false), Filtering::AddressAndPortDependent | Filtering::Unknown) => Self::PortRestricted,
        }
    }

    /// Returns how a call between this network and another one goes by ICE (RFC 8445); `None` if that is not known.
    /// `turn` is whether a TURN server answers this side; the other side has none.
    pub const fn way(self, other: Self, turn: bool) -> Option<Way> {
        match (self.is_direct(other), other) {
            (None, _) => None,
            (Some(true), _) => Some(Way::Direct),
            // The relay itself is reached by UDP.
            (Some(false), Self::Blocked) => Some(Way::Impossible),
            (Some(false), _) if turn => Some(Way::Relay),
            (Some(false), _) => Some(Way::Impossible),
        }
    }

    /// Whether a direct path is found.
    ///
    /// Each side sends to the address that a STUN server saw of the other. Two that keep their port meet. A symmetric
    /// one arrives from a port that the other was not told: it gets in, and is answered, where only the address
    /// counts. Two symmetric ones never send to where the other is.
    const fn is_direct(self, other: Self) -> Option<bool> {
        match (self, other) {
            (Self::Blocked, _) | (_, Self::Blocked) => Some(false),
            (Self::Unknown, _) | (_, Self::Unknown) => None,
            (Self::Symmetric, other) | (other, Self::Symmetric) => {
                Some(matches!(other, Self::Open | Self::FullCone | Self::Restricted))
            }
            _ => Some(true),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Class::{Blocked, FullCone, Open, PortRestricted, Restricted, Symmetric, Unknown};

    #[test]
    fn each_pair_goes_its_way_whoever_offers() {
        for (one, other, direct) in [
            (Open, Symmetric, Some(true)),
            (FullCone, Symmetric, Some(true)),
            (Restricted, Symmetric, Some(true)),
            (PortRestricted, Symmetric, Some(false)),
            (Symmetric, Symmetric, Some(false)),
            (PortRestricted, PortRestricted, Some(true)),
            (Open, Blocked, Some(false)),
            (Unknown, Blocked, Some(false)),
            (Unknown, Open, None),
        ] {
            assert_eq!(one.is_direct(other), direct, "{one:?} {other:?}");
            assert_eq!(other.is_direct(one), direct, "{other:?} {one:?}");
        }
    }

    #[test]
    fn a_relay_helps_all_but_those_who_cannot_reach_it() {
        for (here, there, turn, way) in [
            (PortRestricted, PortRestricted, false, Way::Direct),
            (PortRestricted, PortRestricted, true, Way::Direct),
            (PortRestricted, Symmetric, false, Way::Impossible),
            (PortRestricted, Symmetric, true, Way::Relay),
            (Symmetric, Symmetric, true, Way::Relay),
            (Blocked, Symmetric, true, Way::Relay),
            (Blocked, Open, false, Way::Impossible),
            (Open, Blocked, true, Way::Impossible),
        ] {
            assert_eq!(here.way(there, turn), Some(way), "{here:?} {there:?} {turn}");
        }
    }

    #[test]
    fn behaviour_makes_the_class() {
        use Filtering::{AddressAndPortDependent, AddressDependent, EndpointIndependent, Unknown as NotKnown};
        for (mapping, filtering, disturbed, expected) in [
            (Mapping::None, EndpointIndependent, Some(false), Open),
            (Mapping::None, AddressAndPortDependent, Some(false), PortRestricted),
            (Mapping::EndpointIndependent, EndpointIndependent, None, FullCone),
            (Mapping::EndpointIndependent, AddressDependent, None, Restricted),
            (Mapping::EndpointIndependent, AddressAndPortDependent, Some(false), PortRestricted),
            (Mapping::EndpointIndependent, NotKnown, None, PortRestricted),
            (Mapping::EndpointIndependent, AddressAndPortDependent, Some(true), Symmetric),
            (Mapping::AddressDependent, AddressDependent, None, Symmetric),
            (Mapping::AddressAndPortDependent, AddressAndPortDependent, None, Symmetric),
            (Mapping::AddressDependentOrWorse, NotKnown, None, Symmetric),
            (Mapping::Unknown, NotKnown, None, Unknown),
        ] {
            let behaviour = Behaviour { mapping, filtering, disturbed, ..Behaviour::UNKNOWN };
            assert_eq!(Class::of(&behaviour), expected, "{behaviour:?}");
        }
    }
}
