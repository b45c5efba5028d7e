//! What was found as lines for people. Each that is bad says what to do.

use std::fmt;

use serde::Serialize;

use super::{
    behaviour::Behaviour,
    class::Class,
    filtering::Filtering,
    findings::{Findings, Udp},
    mapping::Mapping,
    server::{Family, Reach, ServerFinding},
};

/// Whether something is as a call needs it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Grade {
    /// It is.
    Good,
    /// It matters little, or is not known.
    Fair,
    /// It is not: the line says what to do.
    Bad,
}

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// How it is.
    pub grade: Grade,
    /// What it is about.
    pub about: String,
    /// What was found, and what to do.
    pub words: String,
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.about, self.words)
    }
}

impl Line {
    /// Returns a line; what is bad says what to do, in sentences.
    pub fn new(grade: Grade, about: impl Into<String>, words: impl Into<String>) -> Self {
        Self { grade, about: about.into(), words: words.into() }
    }
}

impl Findings {
    /// Returns all of it; `turn` is whether a TURN server answers here: what it makes up for is not bad.
    pub fn lines(&self, turn: bool) -> Vec<Line> {
        let mut lines = vec![udp(self.udp, turn)];
        lines.extend(self.servers.iter().map(server));
        if self.class(Family::Ipv4) != Class::Blocked && self.answers(Family::Ipv4) {
            behaviour(&mut lines, &self.ipv4, "", turn);
        }
        lines.push(self.ipv6_line());
        if self.ipv6.answered {
            behaviour(&mut lines, &self.ipv6.behaviour, " (IPv6)", turn);
        }
        lines
    }

    fn answers(&self, family: Family) -> bool {
        self.servers.iter().any(|server| server.family == Some(family) && server.reach == Reach::Answered)
    }

    fn ipv6_line(&self) -> Line {
        let asked = self.servers.iter().any(|server| server.family == Some(Family::Ipv6));
        let words = match (self.ipv6.global_address, self.ipv6.answered) {
            (_, true) => "works",
            (true, false) if asked => "this machine has an address, but no STUN server answers there",
            (true, false) => "this machine has an address; no STUN server that has one was asked",
            (false, false) => "this network has none",
        };
        Line::new(if self.ipv6.answered { Grade::Good } else { Grade::Fair }, "IPv6", words)
    }
}

fn udp(udp: Udp, turn: bool) -> Line {
    let (grade, words) = match udp {
        Udp::NoAnswer | Udp::NotLetOut if turn => (Grade::Fair, "gets no answer here; your TURN server is reached"),
        Udp::Works => (Grade::Good, "gets out, and answers come in"),
        Udp::NoAnswer => (
            Grade::Bad,
            "no server answers: this network lets no UDP out, or no answers in. Try another network, or use a TURN \
             server over TLS: --turn turns:HOST --turn-user NAME.",
        ),
        Udp::NotLetOut => (
            Grade::Bad,
            "this machine lets none out. Allow p2pcall in its firewall, or use a TURN server over TLS: --turn turns:HOST \
             --turn-user NAME.",
        ),
        Udp::NoRoute => (Grade::Bad, "no way leads to the servers. Connect this machine to the internet."),
        Udp::NotResolved => (
            Grade::Bad,
            "not tried, as no server's name was found. Look whether this machine is connected to the internet, or name \
             a server by its address with --stun.",
        ),
    };
    Line::new(grade, "UDP", words)
}

fn server(found: &ServerFinding) -> Line {
    let family = match found.family {
        Some(Family::Ipv4) => " over IPv4",
        Some(Family::Ipv6) => " over IPv6",
        None => "",
    };
    let about = format!("STUN server {}{family}", found.server);
    let (grade, words) = match found.reach {
        Reach::Answered => {
            let time = found
                .round_trip_ms
                .map(|time| if time < 10.0 { format!(" in {time:.1} ms") } else { format!(" in {time:.0} ms") })
                .unwrap_or_default();
            let address = found.mapped.map(|mapped| format!(" and sees you at {mapped}")).unwrap_or_default();
            (Grade::Good, format!("answers{time}{address}"))
        }
        Reach::NotResolved => {
            (Grade::Bad, "its name is not found. Look whether it is written right, or name another with --stun.".into())
        }
        // A machine without IPv6 is no fault of the server's.
        Reach::NoRoute if found.family == Some(Family::Ipv6) => (Grade::Fair, "no way leads there from here".into()),
        Reach::NoRoute => (Grade::Bad, "no way leads there. Connect this machine to the internet.".into()),
        Reach::NotLetOut => {
            (Grade::Bad, "this machine does not let the request out. Allow p2pcall in its firewall.".into())
        }
        Reach::Refused => (Grade::Bad, "answers with an error. Name another server with --stun.".into()),
        Reach::NoAnswer => (Grade::Bad, "does not answer. If others do, name another with --stun.".into()),
    };
    Line::new(grade, about, words)
}

fn behaviour(lines: &mut Vec<Line>, behaviour: &Behaviour, family: &str, turn: bool) {
    let about = |what: &str| format!("{what}{family}");
    let (grade, words) = mapping(behaviour, turn);
    lines.push(Line::new(grade, about("NAT"), words));
    let (grade, words) = match behaviour.filtering {
        Filtering::EndpointIndependent => (Grade::Good, "anybody may send to your public address"),
        Filtering::AddressDependent => (Grade::Good, "only machines that were sent to may answer (address-dependent)"),
        Filtering::AddressAndPortDependent => {
            (Grade::Good, "only those that were sent to may answer (address- and port-dependent)")
        }
        Filtering::Unknown => (Grade::Fair, "not known: no server that answered can tell (RFC 5780)"),
    };
    lines.push(Line::new(grade, about("Filtering"), words));
    if let Some(hairpin) = behaviour.hairpin {
        let words = match hairpin {
            true => "two machines behind this NAT reach each other at their public addresses",
            false => "two machines behind this NAT reach each other at their own addresses alone",
        };
        lines.push(Line::new(Grade::Fair, about("Hairpin"), words));
    }
    if let Some(lifetime) = behaviour.lifetime {
        // While someone waits with an offer a packet leaves each ten seconds.
        const NEEDED_S: u64 = 15;
        let (least, most) = (lifetime.at_least_s, lifetime.less_than_s);
        let words = match most {
            Some(most) => format!("the NAT remembers a silent connection for {least} to {most} s"),
            None => format!("the NAT remembers a silent connection for {least} s and longer"),
        };
        let line = match most.is_some_and(|most| most <= NEEDED_S) {
            true => Line::new(
                Grade::Bad,
                about("Lifetime"),
                format!("{words}: an offer that lies for long may lead nowhere. Exchange the texts quickly."),
            ),
            false => Line::new(Grade::Good, about("Lifetime"), words),
        };
        lines.push(line);
    }
}

fn mapping(behaviour: &Behaviour, turn: bool) -> (Grade, String) {
    let (bad, turn) = match turn {
        true => (Grade::Fair, "Your TURN server reaches those whom a direct call does not."),
        false => (
            Grade::Bad,
            "For calls with most people one of you needs a TURN server: --turn turn:HOST --turn-user NAME.",
        ),
    };
    let port = match behaviour.port_preserved {
        Some(true) => ", and keeps the port's number",
        _ => "",
    };
    match behaviour.mapping {
        Mapping::None => (Grade::Good, "none: this machine has a public address".into()),
        Mapping::EndpointIndependent if behaviour.disturbed == Some(true) => (
            bad,
            format!(
                "shows everybody the same port, but another to those who sent something before they were sent to. Let \
                 the router drop what nobody asked for. {turn}"
            ),
        ),
        Mapping::EndpointIndependent => (Grade::Good, format!("shows everybody the same port{port}")),
        Mapping::AddressDependent => {
            (bad, format!("shows each address another port (symmetric, address-dependent). {turn}"))
        }
        Mapping::AddressAndPortDependent => {
            (bad, format!("shows each address and port another port (symmetric). {turn}"))
        }
        Mapping::AddressDependentOrWorse => (bad, format!("shows each server another port (symmetric). {turn}")),
        Mapping::Unknown => (
            Grade::Fair,
            "there is one; how it behaves one server cannot tell. Name another, at another address, with --stun."
                .into(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rtc::nat::{
        ask::Silence,
        findings::tests::{answered, silent},
        lifetime::Lifetime,
    };

    #[test]
    fn what_a_turn_server_makes_up_for_is_not_bad() {
        use Filtering::{AddressAndPortDependent, Unknown};
        for findings in [
            answered(Mapping::AddressAndPortDependent, AddressAndPortDependent),
            answered(Mapping::AddressDependentOrWorse, Unknown),
        ] {
            let lines = findings.lines(true);
            assert!(lines.iter().all(|line| line.grade != Grade::Bad), "{lines:?}");
            assert!(lines.iter().any(|line| line.words.contains("Your TURN server reaches")), "{lines:?}");
        }
        let blocked = silent(Silence::NoAnswer).lines(true);
        assert!(blocked.iter().any(|line| line.about == "UDP" && line.grade == Grade::Fair), "{blocked:?}");
    }

    #[test]
    fn what_is_bad_says_what_to_do() {
        let mut bare = answered(Mapping::EndpointIndependent, Filtering::AddressAndPortDependent);
        bare.ipv4.disturbed = Some(true);
        bare.ipv4.lifetime = Some(Lifetime { at_least_s: 0, less_than_s: Some(5) });
        // What was found, and how many lines are bad.
        for (findings, bad) in [
            (silent(Silence::NoAnswer), 2),
            (silent(Silence::NoRoute), 2),
            (silent(Silence::NotLetOut), 2),
            (silent(Silence::Refused(500)), 1),
            (answered(Mapping::None, Filtering::EndpointIndependent), 0),
            (answered(Mapping::EndpointIndependent, Filtering::Unknown), 0),
            (answered(Mapping::Unknown, Filtering::Unknown), 0),
            (answered(Mapping::AddressDependentOrWorse, Filtering::Unknown), 1),
            (bare, 2),
        ] {
            let lines = findings.lines(false);
            assert_eq!(lines.iter().filter(|line| line.grade == Grade::Bad).count(), bad, "{lines:?}");
            for line in lines {
                let says = [".", "with --stun", "Exchange"].iter().any(|words| line.words.contains(words));
                assert!(line.grade != Grade::Bad || (says && line.words.ends_with('.')), "{line}");
            }
        }
    }
}
