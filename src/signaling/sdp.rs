//! An SDP as its lines (RFC 8866, 5): those of the session, then those of each medium.

/// A text cut into lines, whatever their ends. Nothing is checked: the WebRTC library does that.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sdp<'a> {
    pub(super) session: Lines<'a>,
    pub(super) media: Vec<Lines<'a>>,
}

impl<'a> Sdp<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        let mut sdp = Self { session: Lines(vec![]), media: vec![] };
        for line in text.lines().map(str::trim_end).filter(|line| !line.is_empty()) {
            if line.starts_with("m=") {
                sdp.media.push(Lines(vec![]));
            }
            sdp.media.last_mut().unwrap_or(&mut sdp.session).0.push(line);
        }
        sdp
    }

    /// Returns the value of an attribute where it is found first.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        std::iter::once(&self.session).chain(&self.media).find_map(|lines| lines.attribute(name))
    }
}

/// The lines of the session or of one medium.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Lines<'a>(pub(super) Vec<&'a str>);

impl<'a> Lines<'a> {
    /// Returns the value of the first `a=name:value`.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        self.attributes(name).next()
    }

    /// Returns the values of all `a=name:value`.
    pub(super) fn attributes(&self, name: &str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter_map(move |line| line.strip_prefix("a=")?.strip_prefix(name)?.strip_prefix(':'))
    }

    /// Whether there is this line.
    pub(super) fn has(&self, line: &str) -> bool {
        self.0.contains(&line)
    }

    /// Returns the words of the `m=` line: medium, port, protocol, formats.
    pub(super) fn medium(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        let line = self.0.first().and_then(|line| line.strip_prefix("m="));
        line.unwrap_or_default().split_ascii_whitespace()
    }

    /// Whether the medium is refused (RFC 3264, 6).
    pub(super) fn is_refused(&self) -> bool {
        self.medium().nth(1) == Some("0")
    }

    /// Returns which way the medium flows, seen from the side that wrote this (RFC 8866, 6.7).
    pub(super) fn direction(&self) -> Direction {
        let stated = |direction: &Direction| self.has(direction.line());
        Direction::ALL.into_iter().find(stated).unwrap_or(Direction::SendRecv)
    }
}

/// Which way a medium flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    SendRecv,
    SendOnly,
    RecvOnly,
    Inactive,
}

impl Direction {
    pub(super) const ALL: [Self; 4] = [Self::SendRecv, Self::SendOnly, Self::RecvOnly, Self::Inactive];

    pub(super) const fn line(self) -> &'static str {
        match self {
            Self::SendRecv => "a=sendrecv",
            Self::SendOnly => "a=sendonly",
            Self::RecvOnly => "a=recvonly",
            Self::Inactive => "a=inactive",
        }
    }

    pub(super) const fn without_sending(self) -> Self {
        match self {
            Self::SendRecv | Self::RecvOnly => Self::RecvOnly,
            Self::SendOnly | Self::Inactive => Self::Inactive,
        }
    }

    pub(super) const fn sends(self) -> bool {
        matches!(self, Self::SendRecv | Self::SendOnly)
    }
}
