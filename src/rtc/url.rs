//! Addresses of STUN and TURN servers as people write them (RFC 7064, RFC 7065).

use std::{fmt, net::Ipv6Addr, str::FromStr};

/// A STUN server, `stun:host[:port]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct StunUrl {
    pub(super) host: String,
    pub(super) port: u16,
}

/// A TURN server, `turn:host[:port][?transport=udp|tcp]` or `turns:host[:port]`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TurnUrl {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) transport: TurnTransport,
}

/// How a TURN server is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TurnTransport {
    /// Datagrams.
    Udp,
    /// A connection.
    Tcp,
    /// An encrypted connection; the server's certificate is checked.
    Tls,
}

/// Why a text is no address of a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ServerUrlError {
    /// It is not written as a STUN server is.
    #[error("'{0}' is no STUN server: write stun:HOST or stun:HOST:PORT")]
    NotStun(String),
    /// It is not written as a TURN server is.
    #[error(
        "'{0}' is no TURN server: write turn:HOST or turn:HOST:PORT, with ?transport=tcp for TCP, or turns:HOST for TLS"
    )]
    NotTurn(String),
    /// It holds a user name or a password. The text is not repeated.
    #[error(
        "A user name or password has no place in the address of a server, where others can read it: \
         give the name with --turn-user"
    )]
    Credentials,
    /// DTLS is asked for.
    #[error("'{0}' asks for TLS over UDP, which p2pcall does not speak: write it without ?transport=udp")]
    Dtls(String),
    /// An IPv6 address without brackets.
    #[error("'{0}' holds an IPv6 address: write it in brackets, for example [2001:db8::1]:3478")]
    Brackets(String),
}

impl FromStr for StunUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ServerUrlError::NotStun(text.into());
        let rest = scheme(text, "stun:").unwrap_or(text);
        let (host, port) = host_and_port(rest, text, wrong)?;
        Ok(Self { host, port: port.unwrap_or(3478) })
    }
}

impl FromStr for TurnUrl {
    type Err = ServerUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = || ServerUrlError::NotTurn(text.into());
        if text.contains('@') {
            return Err(ServerUrlError::Credentials);
        }
        let (secure, rest) = match scheme(text, "turns:") {
            Some(rest) => (true, rest),
            None => (false, scheme(text, "turn:").unwrap_or(text)),
        };
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let transport = match (secure, query) {
            (true, None | Some("transport=tcp")) => TurnTransport::Tls,
            (true, Some("transport=udp")) => return Err(ServerUrlError::Dtls(text.into())),
            (false, Some("transport=tcp")) => TurnTransport::Tcp,
            (false, None | Some("transport=udp")) => TurnTransport::Udp,
            _ => return Err(wrong()),
        };
        let (host, port) = host_and_port(rest, text, wrong)?;
        Ok(Self { host, port: port.unwrap_or(if secure { 5349 } else { 3478 }), transport })
    }
}

/// Returns what follows the scheme, which is not sensitive to case.
fn scheme<'a>(text: &'a str, scheme: &str) -> Option<&'a str> {
    let (begin, rest) = text.split_at_checked(scheme.len())?;
    begin.eq_ignore_ascii_case(scheme).then_some(rest)
}

fn host_and_port(
    rest: &str,
    text: &str,
    wrong: impl Fn() -> ServerUrlError,
) -> Result<(String, Option<u16>), ServerUrlError> {
    let (host, port) = if let Some(bracketed) = rest.strip_prefix('[') {
        let (host, after) = bracketed.split_once(']').ok_or_else(&wrong)?;
        host.parse::<Ipv6Addr>().map_err(|_| wrong())?;
        (host, if after.is_empty() { None } else { Some(after.strip_prefix(':').ok_or_else(&wrong)?) })
    } else if rest.parse::<Ipv6Addr>().is_ok() {
        return Err(ServerUrlError::Brackets(text.into()));
    } else {
        let (host, port) = rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port)));
        // A scheme that is not ours would be taken for a name: `turn` of `turn:example.org`.
        let is_name = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_');
        if host.is_empty() || !host.chars().all(is_name) {
            return Err(wrong());
        }
        (host, port)
    };
    let port = match port.map(str::parse::<u16>) {
        None => None,
        Some(Ok(port)) if port > 0 => Some(port),
        Some(_) => return Err(wrong()),
    };
    Ok((host.to_owned(), port))
}

/// Writes a host and a port so that they can be told apart again.
fn authority(f: &mut fmt::Formatter<'_>, host: &str, port: u16) -> fmt::Result {
    if host.contains(':') { write!(f, "[{host}]:{port}") } else { write!(f, "{host}:{port}") }
}

impl fmt::Display for StunUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("stun:")?;
        authority(f, &self.host, self.port)
    }
}

impl TurnUrl {
    /// Returns how the server is reached.
    pub const fn transport(&self) -> TurnTransport {
        self.transport
    }
}

impl fmt::Display for TurnUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.transport == TurnTransport::Tls { "turns:" } else { "turn:" })?;
        authority(f, &self.host, self.port)?;
        f.write_str(if self.transport == TurnTransport::Tcp { "?transport=tcp" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read() {
        for (text, read) in [
            ("stun:example.org", "stun:example.org:3478"),
            ("example.org:19302", "stun:example.org:19302"),
            ("STUN:192.0.2.1", "stun:192.0.2.1:3478"),
            ("stun:[2001:db8::1]:5", "stun:[2001:db8::1]:5"),
            ("[2001:db8::1]", "stun:[2001:db8::1]:3478"),
        ] {
            assert_eq!(text.parse::<StunUrl>().map(|url| url.to_string()).as_deref(), Ok(read), "{text}");
        }
        for (text, read) in [
            ("example.org", "turn:example.org:3478"),
            ("turn:example.org:80?transport=tcp", "turn:example.org:80?transport=tcp"),
            ("turn:example.org?transport=udp", "turn:example.org:3478"),
            ("turns:example.org", "turns:example.org:5349"),
            ("TURNS:example.org:443?transport=tcp", "turns:example.org:443"),
            ("turns:[2001:db8::1]", "turns:[2001:db8::1]:5349"),
        ] {
            let url = text.parse::<TurnUrl>();
            assert_eq!(url.as_ref().map(ToString::to_string).as_deref(), Ok(read), "{text}");
            assert_eq!(read.parse(), url, "{read}");
        }
    }

    #[test]
    fn what_is_wrong_is_said() {
        for text in
            ["", "stun:", "turn:example.org", "stuns:example.org", "stun://example.org", "a:b", "a:0", "a:70000"]
        {
            assert_eq!(text.parse::<StunUrl>(), Err(ServerUrlError::NotStun(text.into())));
        }
        for text in ["", "turn:", "stun:example.org", "turn://example.org", "turn:a?transport=sctp", "turn:[::1", "a b"]
        {
            assert_eq!(text.parse::<TurnUrl>(), Err(ServerUrlError::NotTurn(text.into())));
        }
        for (text, error) in [
            ("turn:me:secret@example.org", ServerUrlError::Credentials),
            ("turns:a?transport=udp", ServerUrlError::Dtls("turns:a?transport=udp".into())),
            ("turn:2001:db8::1", ServerUrlError::Brackets("turn:2001:db8::1".into())),
        ] {
            assert_eq!(text.parse::<TurnUrl>(), Err(error));
        }
    }
}
