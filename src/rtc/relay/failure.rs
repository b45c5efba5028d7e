//! Why a TURN server is of no use, in words.

use std::io;

/// Why a TURN server is of no use. Shown after the server's address and a colon.
#[derive(Debug, thiserror::Error)]
pub(super) enum RelayFailure {
    /// DNS does not know it.
    #[error("its name is not found. Check how it is written, and whether this machine is on the network.")]
    Name,
    /// No connection to it.
    #[error("no connection to it can be made ({0}). Check address and port, or try another network.")]
    Connect(io::Error),
    /// The system's or our own list of authorities cannot be used.
    #[error("certificates cannot be checked here ({0}). Name a file with the server's authority with --turn-ca.")]
    Authorities(String),
    /// Its certificate is not to be trusted.
    #[error(
        "its certificate cannot be trusted: {0}. If the server is yours, name its authority with --turn-ca; else use \
         another server."
    )]
    Certificate(String),
    /// TLS came to nothing.
    #[error("no encrypted connection to it can be made ({0}). Does this port speak TLS?")]
    Tls(String),
    /// Nothing came back.
    #[error("it does not answer. A firewall may be in the way: try turns:HOST or turn:HOST?transport=tcp.")]
    SilentDatagrams,
    /// Nothing came back on a connection.
    #[error("it takes the connection but does not answer. Is it a TURN server?")]
    SilentStream,
    /// 401 to signed requests, or 441.
    #[error("it refuses the user name or the password. Check --turn-user and the password; some expire.")]
    Credentials,
    /// 403.
    #[error("it forbids relaying ({0}). Ask whoever runs it, or use another server.")]
    Forbidden(String),
    /// 486.
    #[error("the limit for this user name is reached ({0}). End other calls through it, or wait ten minutes.")]
    Quota(String),
    /// 508.
    #[error("it has no room for another relay ({0}). Use another server, or try again later.")]
    Capacity(String),
    /// Any other error.
    #[error("it refuses to relay ({0}). Use another server.")]
    Refused(String),
    /// The relay is gone.
    #[error("the relay was lost ({0}). The address on it leads nowhere any more.")]
    Lost(String),
}

impl RelayFailure {
    /// Returns what an error response to a request for a relay means (RFC 8656, 19; RFC 8489, 14.8).
    pub(super) fn of_allocation(code: u16, reason: &str) -> Self {
        let said = said(code, reason);
        match code {
            401 | 441 => Self::Credentials,
            403 => Self::Forbidden(said),
            486 => Self::Quota(said),
            508 => Self::Capacity(said),
            _ => Self::Refused(said),
        }
    }
}

/// Returns code and reason as one may show them: the reason comes from a stranger.
pub(super) fn said(code: u16, reason: &str) -> String {
    let reason: String = reason.chars().filter(|c| !c.is_control()).take(60).collect();
    format!("{code} {reason}").trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_have_words() {
        for (code, words) in [
            (401, "password"),
            (441, "password"),
            (403, "forbids relaying (403 No)"),
            (486, "(486 No)"),
            (508, "no room"),
            (500, "refuses to relay (500 No)"),
        ] {
            let told = RelayFailure::of_allocation(code, "N\u{1b}o").to_string();
            assert!(told.contains(words), "{told}");
        }
    }
}
