//! What differs from one p2pcall description to the next, and the text around it.

use std::{
    fmt::Write,
    net::{IpAddr, Ipv4Addr, Ipv6Addr},
};

use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};

use super::damaged;
use crate::{
    media::{Description, DescriptionKind},
    signaling::{
        BlobError, ShortId, Stamp,
        sdp::{Direction, Lines, Sdp},
        travel::{PREAMBLE, ssrc_line},
    },
};

/// Sound, pictures and messages, as p2pcall offers and answers them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Profile {
    kind: DescriptionKind,
    audio: Direction,
    video: Direction,
    /// Whether the picture's medium comes before the sound's.
    video_first: bool,
    /// Whether pictures may be VP8, too.
    vp8: bool,
    /// Whether pictures are repaired.
    repair: bool,
    /// Whether sound may come with copies, and without silence.
    redundant_audio: bool,
    stamp: Stamp,
    fingerprint: [u8; 32],
    ufrag: [u8; 3],
    password: [u8; 16],
    candidates: Vec<Candidate>,
}

/// An address at which the side may be reached (RFC 8445, 5.1.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Candidate {
    kind: &'static CandidateKind,
    address: IpAddr,
    port: u16,
}

/// A kind of candidate, and the priority that those of it have.
#[derive(Debug, PartialEq, Eq)]
struct CandidateKind {
    name: &'static str,
    priority: u32,
}

/// In the order of their numbers.
const KINDS: [CandidateKind; 3] = [
    CandidateKind { name: "host", priority: 2_130_706_431 },
    CandidateKind { name: "srflx", priority: 1_694_498_815 },
    CandidateKind { name: "relay", priority: 16_777_215 },
];

const EXTENSION: &str = "a=extmap:1 http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01";

const AUDIO: &str = "a=rtpmap:96 opus/48000/2\na=fmtp:96 useinbandfec=1\na=rtcp-fb:96 transport-cc";

const REDUNDANT_AUDIO: &str = "a=rtpmap:96 opus/48000/2\na=fmtp:96 useinbandfec=1;usedtx=1;stereo=1\n\
                               a=rtcp-fb:96 transport-cc\na=rtpmap:63 red/48000/2\na=fmtp:63 96/96";

const VIDEO: &str = "a=rtpmap:97 H264/90000\na=fmtp:97 packetization-mode=1;profile-level-id=42e01f\n\
                     a=rtcp-fb:97 nack\na=rtcp-fb:97 nack pli\na=rtcp-fb:97 transport-cc";

const VP8: &str = "a=rtpmap:100 VP8/90000\na=rtcp-fb:100 nack\na=rtcp-fb:100 nack pli\na=rtcp-fb:100 transport-cc";

const REPAIR: &str = "a=rtpmap:99 flexfec-03/90000";

/// The bits of the byte about media: two for each direction, then these.
const VIDEO_FIRST: u8 = 1 << 4;
const REPAIRED: u8 = 1 << 5;
const REDUNDANT: u8 = 1 << 6;
const WITH_VP8: u8 = 1 << 7;

/// A bit of the byte before a candidate, above the two for its kind.
const IPV6: u8 = 1 << 2;

/// In place of the short id: the answer does not tell which offer it belongs to.
const UNKNOWN_OFFER: u32 = u32::MAX;

impl Profile {
    /// Reads what differs. Where the rest is not as in the profile, what is rendered from it differs, too.
    pub(super) fn of(description: &Description) -> Option<Self> {
        let sdp = Sdp::new(&description.sdp);
        let [first, second, _] = sdp.media.as_slice() else {
            return None;
        };
        let video_first = first.medium().next() == Some("video");
        let (audio, video) = if video_first { (second, first) } else { (first, second) };
        let stamp = Stamp::of(description).ok()??;
        let answers_fit = description.kind == DescriptionKind::Answer || stamp.answers().is_none();
        let fingerprint = sdp.session.attribute("fingerprint")?.strip_prefix("sha-256 ")?;
        Some(Self {
            kind: description.kind,
            audio: audio.direction(),
            video: video.direction(),
            video_first,
            vp8: video.medium().any(|word| word == "100"),
            repair: video.0.contains(&REPAIR),
            redundant_audio: audio.medium().any(|word| word == "63"),
            stamp: (stamp.minutes() < 1 << 24 && answers_fit).then_some(stamp)?,
            fingerprint: fingerprint_bytes(fingerprint)?,
            ufrag: ice_bytes(&sdp.session, "ice-ufrag")?,
            password: ice_bytes(&sdp.session, "ice-pwd")?,
            candidates: first.attributes("candidate").map(Candidate::of).collect::<Option<_>>()?,
        })
    }

    /// Returns the description.
    pub(super) fn render(&self) -> Description {
        let mut sdp = PREAMBLE.to_owned();
        let fingerprint: Vec<String> = self.fingerprint.iter().map(|byte| format!("{byte:02X}")).collect();
        let (setup, first_ssrc) = match self.kind {
            DescriptionKind::Offer => ("actpass", 2),
            DescriptionKind::Answer => ("active", 4),
        };
        let mut line = |text: &str| {
            sdp.push_str(text);
            sdp.push('\n');
        };
        line("a=group:BUNDLE 0 1 2");
        line(&format!("a=fingerprint:sha-256 {}", fingerprint.join(":")));
        line(&format!("a=ice-ufrag:{}", STANDARD_NO_PAD.encode(self.ufrag)));
        line(&format!("a=ice-pwd:{}", STANDARD_NO_PAD.encode(self.password)));
        line(EXTENSION);
        let (formats, codecs) = if self.redundant_audio { ("96 63", REDUNDANT_AUDIO) } else { ("96", AUDIO) };
        let audio = (format!("m=audio 9 UDP/TLS/RTP/SAVPF {formats}"), self.audio, vec![codecs], first_ssrc);
        let (mut formats, mut codecs) = ("97".to_owned(), vec![VIDEO]);
        for (there, format, lines) in [(self.vp8, " 100", VP8), (self.repair, " 99", REPAIR)] {
            if there {
                formats.push_str(format);
                codecs.push(lines);
            }
        }
        let video = (format!("m=video 9 UDP/TLS/RTP/SAVPF {formats}"), self.video, codecs, first_ssrc + 1);
        let media = if self.video_first { [video, audio] } else { [audio, video] };
        for (mid, (medium, direction, codecs, ssrc)) in media.into_iter().enumerate() {
            line(&medium);
            line(&format!("a=mid:{mid}"));
            line(&format!("a=setup:{setup}"));
            line(direction.line());
            line("a=rtcp-mux");
            codecs.into_iter().for_each(&mut line);
            if direction.sends() {
                line(&ssrc_line(ssrc, &mid.to_string()));
            }
            if mid == 0 {
                self.candidate_lines().iter().for_each(|candidate| line(candidate));
            }
        }
        line("m=application 9 UDP/DTLS/SCTP webrtc-datachannel");
        line("a=mid:2");
        line(&format!("a=setup:{setup}"));
        line("a=sctp-port:5000");
        line("a=max-message-size:65536");
        Description { kind: self.kind, sdp: self.stamp.apply(&sdp) }
    }

    /// Returns the lines of the candidates. Those of one kind and address have one foundation.
    fn candidate_lines(&self) -> Vec<String> {
        let mut bases: Vec<(&CandidateKind, IpAddr)> = Vec::new();
        let mut lines = Vec::new();
        for Candidate { kind, address, port } in &self.candidates {
            let known = bases.iter().position(|base| *base == (kind, *address));
            let foundation = known.unwrap_or_else(|| {
                bases.push((kind, *address));
                bases.len() - 1
            });
            let CandidateKind { name, priority } = kind;
            let mut line = format!("a=candidate:{} 1 udp {priority} {address} {port} typ {name}", foundation + 1);
            if *name != "host" {
                let blank = if address.is_ipv6() { "::" } else { "0.0.0.0" };
                write!(line, " raddr {blank} rport 9").expect("a string takes everything");
            }
            lines.push(line);
        }
        lines
    }

    pub(super) fn to_bytes(&self) -> Vec<u8> {
        let number = |direction| Direction::ALL.iter().position(|known| *known == direction).unwrap_or_default() as u8;
        let first = if self.video_first { VIDEO_FIRST } else { 0 };
        let repair = if self.repair { REPAIRED } else { 0 };
        let redundant = if self.redundant_audio { REDUNDANT } else { 0 };
        let vp8 = if self.vp8 { WITH_VP8 } else { 0 };
        let mut bytes = vec![number(self.audio) | number(self.video) << 2 | first | repair | redundant | vp8];
        bytes.extend(&self.stamp.minutes().to_be_bytes()[1..]);
        bytes.extend(self.fingerprint);
        bytes.extend(self.ufrag);
        bytes.extend(self.password);
        if self.kind == DescriptionKind::Answer {
            bytes.extend(self.stamp.answers().map_or(UNKNOWN_OFFER, ShortId::bits).to_be_bytes());
        }
        for Candidate { kind, address, port } in &self.candidates {
            let number = KINDS.iter().position(|known| known == *kind).unwrap_or_default() as u8;
            bytes.push(number | if address.is_ipv6() { IPV6 } else { 0 });
            match address {
                IpAddr::V4(address) => bytes.extend(address.octets()),
                IpAddr::V6(address) => bytes.extend(address.octets()),
            }
            bytes.extend(port.to_be_bytes());
        }
        bytes
    }

    /// Reads what [`Profile::to_bytes`] wrote.
    ///
    /// # Errors
    /// [`BlobError::Newer`] if there is something that this version does not know.
    pub(super) fn from_bytes(kind: DescriptionKind, bytes: &[u8]) -> Result<Self, BlobError> {
        let mut reader = Reader(bytes);
        let [media] = reader.take()?;
        let direction = |bits: u8| Direction::ALL[usize::from(bits & 3)];
        let [high, middle, low] = reader.take()?;
        let (fingerprint, ufrag, password) = (reader.take()?, reader.take()?, reader.take()?);
        let answers = match kind {
            DescriptionKind::Offer => UNKNOWN_OFFER,
            DescriptionKind::Answer => u32::from_be_bytes(reader.take()?),
        };
        let answers = (answers != UNKNOWN_OFFER).then(|| ShortId::from_bits(answers));
        let mut candidates = Vec::new();
        while !reader.0.is_empty() {
            candidates.push(Candidate::read(&mut reader)?);
        }
        Ok(Self {
            kind,
            audio: direction(media),
            video: direction(media >> 2),
            video_first: media & VIDEO_FIRST != 0,
            vp8: media & WITH_VP8 != 0,
            repair: media & REPAIRED != 0,
            redundant_audio: media & REDUNDANT != 0,
            stamp: Stamp::from_minutes(u32::from_be_bytes([0, high, middle, low]), answers),
            fingerprint,
            ufrag,
            password,
            candidates,
        })
    }
}

impl Candidate {
    /// Reads the value of an attribute.
    fn of(attribute: &str) -> Option<Self> {
        let words: Vec<&str> = attribute.split(' ').collect();
        let [_, _, _, _, address, port, "typ", kind, ..] = words.as_slice() else {
            return None;
        };
        let address: IpAddr = address.parse().ok()?;
        Some(Self {
            kind: KINDS.iter().find(|known| known.name == *kind)?,
            // Written with dots here, with colons alone elsewhere.
            address: Some(address).filter(|address| !matches!(address, IpAddr::V6(v6) if v6.to_ipv4().is_some()))?,
            port: port.parse().ok()?,
        })
    }

    fn read(reader: &mut Reader) -> Result<Self, BlobError> {
        let [what] = reader.take()?;
        let kind = KINDS.get(usize::from(what & !IPV6)).ok_or(BlobError::Newer)?;
        let address = if what & IPV6 == 0 {
            Ipv4Addr::from(reader.take::<4>()?).into()
        } else {
            Ipv6Addr::from(reader.take::<16>()?).into()
        };
        Ok(Self { kind, address, port: u16::from_be_bytes(reader.take()?) })
    }
}

/// The bytes that are still to be read.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], BlobError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(|| damaged("it has too few bytes"))?;
        self.0 = rest;
        Ok(*taken)
    }
}

fn fingerprint_bytes(text: &str) -> Option<[u8; 32]> {
    let bytes: Option<Vec<u8>> = text.split(':').map(|byte| u8::from_str_radix(byte, 16).ok()).collect();
    bytes?.try_into().ok()
}

fn ice_bytes<const N: usize>(session: &Lines, name: &str) -> Option<[u8; N]> {
    STANDARD_NO_PAD.decode(session.attribute(name)?).ok()?.try_into().ok()
}
