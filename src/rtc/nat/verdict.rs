//! With whom a direct call will work, in one sentence.

use serde::Serialize;

use super::{
    class::{Class, Way},
    findings::{Findings, Udp},
    server::Family,
};

/// What is to be expected of calls from here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// What the network is over IPv4.
    pub class: Class,
    /// What it is over IPv6; `None` if no server answers there.
    pub class_ipv6: Option<Class>,
    /// Whether a TURN server answers here.
    pub turn: bool,
    /// Networks of the other side, over IPv4, that a direct call will work with.
    pub direct: Vec<Class>,
    /// Those that the TURN server is needed for.
    pub relay: Vec<Class>,
    /// Those that no call will work with, unless the other side has a TURN server.
    pub impossible: Vec<Class>,
    /// The same in words for people.
    pub sentence: String,
}

impl Verdict {
    /// Judges from what was found; `turn` is whether a TURN server answers here.
    pub fn of(findings: &Findings, turn: bool) -> Self {
        let class = findings.class(Family::Ipv4);
        let class_ipv6 = findings.ipv6.answered.then(|| findings.class(Family::Ipv6));
        let all = |wanted| Class::KNOWN.into_iter().filter(|there| class.way(*there, turn) == Some(wanted)).collect();
        let mut sentence = match (class, findings.udp) {
            (Class::Unknown, udp) => unknown(udp).to_owned(),
            (known, _) => words(known, turn).to_owned(),
        };
        if class_ipv6.is_some_and(keeps_its_port) && !keeps_its_port(class) {
            sentence.push_str(" Directly it will work with people who have IPv6, as you do.");
        }
        Self {
            class,
            class_ipv6,
            turn,
            direct: all(Way::Direct),
            relay: all(Way::Relay),
            impossible: all(Way::Impossible),
            sentence,
        }
    }
}

impl Class {
    /// Returns what to tell someone who is about to offer from such a network: nothing, unless most calls will fail.
    pub const fn warning(self, turn: bool) -> Option<&'static str> {
        match self {
            _ if turn => None,
            Self::Symmetric => Some(
                "Your network gives each connection another public port (symmetric NAT): a call will reach few people \
                 directly. To reach all, use a TURN server: --turn turn:HOST --turn-user NAME.",
            ),
            Self::Blocked => Some(
                "Your network lets no UDP out: no call will work beyond it. Try another network, or use a TURN server \
                 over TLS: --turn turns:HOST --turn-user NAME.",
            ),
            _ => None,
        }
    }
}

const fn keeps_its_port(class: Class) -> bool {
    matches!(class, Class::Open | Class::FullCone | Class::Restricted | Class::PortRestricted)
}

const fn words(class: Class, turn: bool) -> &'static str {
    match (class, turn) {
        (Class::Open | Class::FullCone | Class::Restricted, _) => {
            "A direct call will work with anyone but people whose network lets no UDP out: those need a TURN server of \
             their own, over TCP or TLS."
        }
        (Class::PortRestricted, false) => {
            "A direct call will work with anyone but people behind a symmetric NAT (some mobile networks and offices) \
             and people whose network lets no UDP out: for the former one of you needs a TURN server (--turn turn:HOST \
             --turn-user NAME), the latter need one themselves, over TCP or TLS."
        }
        (Class::PortRestricted, true) => {
            "A direct call will work with anyone but people behind a symmetric NAT (some mobile networks and offices), \
             whom your TURN server reaches, and people whose network lets no UDP out: those need a TURN server \
             themselves, over TCP or TLS."
        }
        (Class::Symmetric, false) => {
            "A direct call will work with no one but people whose network lets strangers in, as few do: for anyone else one of you needs a TURN server (--turn turn:HOST --turn-user NAME)."
        }
        (Class::Symmetric, true) => {
            "A direct call will work with no one but people whose network lets strangers in; your TURN server reaches \
             anyone else but people whose network lets no UDP out: those need one themselves, over TCP or TLS."
        }
        (Class::Blocked, false) => {
            "A direct call will work with no one beyond your own network, as it lets no UDP out: try another network, \
             or use a TURN server over TCP or TLS (--turn turns:HOST --turn-user NAME)."
        }
        (Class::Blocked, true) => {
            "A direct call will work with no one beyond your own network, as it lets no UDP out; your TURN server \
             reaches anyone but people whose network lets no UDP out, either: those need one themselves, over TCP or TLS."
        }
        (Class::Unknown, _) => unknown(Udp::Works),
    }
}

const fn unknown(udp: Udp) -> &'static str {
    match udp {
        Udp::NotResolved => {
            "With whom a direct call will work cannot be told, as no STUN server's name was found: look whether this \
             machine is connected to the internet, and whether the names given with --stun are right."
        }
        Udp::NoRoute => {
            "A direct call will work with no one beyond your own network, as no way leads out of it: connect this \
             machine to the internet."
        }
        Udp::Works | Udp::NoAnswer | Udp::NotLetOut => {
            "With whom a direct call will work cannot be told from the STUN servers that answered: name another one, \
             at another address, with --stun."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtc::nat::{
        ask::Silence,
        filtering::Filtering,
        findings::tests::{answered, silent},
        mapping::Mapping,
        server::ServerFinding,
    };

    #[test]
    fn one_sentence_says_with_whom_it_works() {
        let home = answered(Mapping::EndpointIndependent, Filtering::AddressAndPortDependent);
        let office = answered(Mapping::AddressAndPortDependent, Filtering::AddressAndPortDependent);
        let open = answered(Mapping::None, Filtering::EndpointIndependent);
        let one_server = answered(Mapping::Unknown, Filtering::Unknown);
        for (findings, turn, direct, relay, impossible, words) in [
            (&open, false, 5, 0, 1, "anyone but people whose network lets no UDP out"),
            (&home, false, 4, 0, 2, "one of you needs a TURN server"),
            (&home, true, 4, 1, 1, "whom your TURN server reaches"),
            (&office, false, 3, 0, 3, "no one but people whose network lets strangers in"),
            (&office, true, 3, 2, 1, "your TURN server reaches"),
            (&silent(Silence::NoAnswer), false, 0, 0, 6, "lets no UDP out"),
            (&silent(Silence::NoAnswer), true, 0, 5, 1, "your TURN server reaches"),
            (&silent(Silence::NoRoute), false, 0, 0, 1, "connect this machine"),
            (&one_server, false, 0, 0, 1, "name another one"),
        ] {
            let verdict = Verdict::of(findings, turn);
            let numbers = (verdict.direct.len(), verdict.relay.len(), verdict.impossible.len());
            assert_eq!(numbers, (direct, relay, impossible), "{verdict:?}");
            assert!(verdict.sentence.contains(words) && verdict.sentence.ends_with('.'), "{}", verdict.sentence);
            assert_eq!(verdict.sentence.matches(". ").count(), 0, "one sentence: {}", verdict.sentence);
        }
    }

    #[test]
    fn ipv6_is_a_way_round_a_symmetric_nat() {
        let mut office = answered(Mapping::AddressAndPortDependent, Filtering::AddressAndPortDependent);
        let mut server: ServerFinding = office.servers[0].clone();
        server.family = Some(Family::Ipv6);
        office.servers.push(server);
        office.ipv6.answered = true;
        office.ipv6.behaviour.mapping = Mapping::None;
        let verdict = Verdict::of(&office, false);
        assert_eq!((verdict.class, verdict.class_ipv6), (Class::Symmetric, Some(Class::PortRestricted)));
        assert!(verdict.sentence.ends_with("people who have IPv6, as you do."), "{}", verdict.sentence);
    }

    #[test]
    fn only_those_are_warned_whom_most_calls_will_fail() {
        for class in Class::KNOWN {
            let warned = matches!(class, Class::Symmetric | Class::Blocked);
            assert_eq!(class.warning(false).is_some(), warned, "{class:?}");
            assert_eq!(class.warning(true), None);
        }
    }
}
