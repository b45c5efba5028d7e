//! Joins lines of SDP that were broken on their way: at a space, which may be lost, or within a word.

use super::{super::Stamp, sdp_line::is_valid};
use crate::media::{Description, DescriptionKind};

/// Stands where a line was broken. Not in any text that was cleaned.
pub(super) const BREAK: char = '\u{e000}';
/// Stands where a line was broken after a space.
pub(super) const BREAK_AFTER_SPACE: char = '\u{e001}';

/// A line with more breaks is joined in one way throughout.
const BREAKS_TRIED: u32 = 5;
/// So many lines that can be read in two ways are tried against the check sum.
const DOUBTS_TRIED: usize = 6;

/// Returns the SDP without breaks, joined so that its lines are well-formed and its check sum, if it
/// has one, is right.
pub(super) fn mend(sdp: &str) -> String {
    if !sdp.contains(is_break) {
        return sdp.to_owned();
    }
    let ways = [join(sdp, "", " "), join(sdp, " ", " "), join(sdp, "", "")];
    if let Some(right) = ways.iter().find(|way| is_right(way)) {
        return right.clone();
    }
    let lines: Vec<Broken> = sdp.split_inclusive('\n').map(Broken::new).collect();
    // Programs that wrap at spaces do so everywhere, as do those that wrap within words.
    let votes = |way: usize| lines.iter().filter(|line| line.valid[way] && !line.valid[1 - way]).count();
    let usual = usize::from(votes(1) > votes(0));
    let mids: Vec<&str> = sdp.lines().filter_map(|line| line.strip_prefix("a=mid:")).collect();
    let mut mended: Vec<String> = lines.iter().map(|line| line.mended(line.by_mids(&mids).unwrap_or(usual))).collect();
    let doubts: Vec<usize> = (0..lines.len()).filter(|index| lines[*index].is_doubtful()).take(DOUBTS_TRIED).collect();
    if stamped(&mended.concat()) == Some(false) {
        let usual_way = mended.clone();
        for choice in 1..1_u32 << doubts.len() {
            for (bit, index) in doubts.iter().enumerate() {
                let other = choice >> bit & 1 == 1;
                mended[*index] = if other { lines[*index].ways[1 - usual].clone() } else { usual_way[*index].clone() };
            }
            if stamped(&mended.concat()) == Some(true) {
                return mended.concat();
            }
        }
        mended = usual_way;
    }
    mended.concat()
}

/// A line with breaks, joined without and with spaces.
struct Broken<'a> {
    line: &'a str,
    ways: [String; 2],
    valid: [bool; 2],
}

impl<'a> Broken<'a> {
    fn new(line: &'a str) -> Self {
        let ways = [join(line, "", " "), join(line, " ", " ")];
        let valid = [0, 1].map(|way: usize| is_valid(ways[way].trim_end_matches(['\r', '\n'])));
        Self { line, ways, valid }
    }

    fn is_doubtful(&self) -> bool {
        self.valid[0] == self.valid[1] && self.ways[0] != self.ways[1]
    }

    /// Returns the way in which a group has only media that there are (RFC 9143, 7.1).
    fn by_mids(&self, mids: &[&str]) -> Option<usize> {
        let fits = |way: &String| {
            let group = way.trim_end().strip_prefix("a=group:BUNDLE ");
            group.is_some_and(|group| group.split(' ').take(mids.len() + 1).all(|mid| mids.contains(&mid)))
        };
        self.ways.iter().position(fits)
    }

    fn mended(&self, usual: usize) -> String {
        for way in [usual, 1 - usual] {
            if self.valid[way] {
                return self.ways[way].clone();
            }
        }
        let breaks = self.line.chars().filter(|c| is_break(*c)).take(BREAKS_TRIED as usize + 1).count() as u32;
        let mixed = (1..1_u32 << breaks).filter(|_| breaks <= BREAKS_TRIED).map(|choice| {
            let mut bit = 0;
            let mut joined = String::with_capacity(self.line.len());
            for character in self.line.chars() {
                if !is_break(character) {
                    joined.push(character);
                    continue;
                }
                // A bit that is set says: not as it looks.
                if (choice >> bit & 1 == 1) != (character == BREAK_AFTER_SPACE) {
                    joined.push(' ');
                }
                bit += 1;
            }
            joined
        });
        let mut mixed = mixed.filter(|line| is_valid(line.trim_end_matches(['\r', '\n'])));
        mixed.next().unwrap_or_else(|| self.ways[usual].clone())
    }
}

fn is_break(character: char) -> bool {
    matches!(character, BREAK | BREAK_AFTER_SPACE)
}

fn join(text: &str, bare: &str, after_space: &str) -> String {
    text.replace(BREAK, bare).replace(BREAK_AFTER_SPACE, after_space)
}

/// Whether all lines of an SDP are well-formed, or its check sum is right.
pub(super) fn is_right(sdp: &str) -> bool {
    stamped(sdp).unwrap_or_else(|| sdp.lines().all(is_valid) && has_grouped_media(sdp))
}

/// Whether there are all media that share a port (RFC 9143, 7.1): `0 1` is not `01`.
fn has_grouped_media(sdp: &str) -> bool {
    let mids: Vec<&str> = sdp.lines().filter_map(|line| line.strip_prefix("a=mid:")).collect();
    let group = sdp.lines().find_map(|line| line.strip_prefix("a=group:BUNDLE "));
    group.is_none_or(|group| group.split(' ').take(mids.len() + 1).all(|mid| mids.contains(&mid)))
}

/// Whether the check sum is right, `None` if there is none.
fn stamped(sdp: &str) -> Option<bool> {
    // The kind is not summed.
    let description = Description { kind: DescriptionKind::Offer, sdp: sdp.to_owned() };
    match Stamp::of(&description) {
        Ok(None) => None,
        Ok(Some(_)) => Some(true),
        // Unless a version and what follows it were joined.
        Err(super::BlobError::Newer) => Some(sdp.lines().any(|line| line.starts_with("a=p2pcall:") && is_valid(line))),
        Err(_) => Some(false),
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    #[test]
    fn each_break_is_joined_as_it_must_be() {
        for (broken, expected) in [
            ("a=rtpmap:111~opus/48000/2\n", "a=rtpmap:111 opus/48000/2\n"),
            ("a=rtpmap:111 op~us/48000/2\n", "a=rtpmap:111 opus/48000/2\n"),
            // One of each kind in a line.
            ("a=rtpmap:111~op~us/48000/2\n", "a=rtpmap:111 opus/48000/2\n"),
            // What can be read in two ways follows the others.
            ("a=rtpmap:8~PCMA/8000\nm=audio 9 RTP/SAVPF 9~8\n", "a=rtpmap:8 PCMA/8000\nm=audio 9 RTP/SAVPF 9 8\n"),
            ("a=rtpmap:8 PC~MA/8000\nm=audio 9 RTP/SAVPF 9~8\n", "a=rtpmap:8 PCMA/8000\nm=audio 9 RTP/SAVPF 98\n"),
            ("a=group:BUNDLE 0~1\na=mid:0\na=mid:1\n", "a=group:BUNDLE 0 1\na=mid:0\na=mid:1\n"),
            ("a=mid:0^\n", "a=mid:0\n"),
            ("a=rtcp-fb:96 nack^pli\n", "a=rtcp-fb:96 nack pli\n"),
        ] {
            let broken = broken.replace('~', "\u{e000}").replace('^', "\u{e001}");
            assert_eq!(mend(&broken), expected);
        }
    }

    #[test]
    fn the_check_sum_decides() {
        let sdp = Stamp::new(SystemTime::UNIX_EPOCH, None)
            .apply("v=0\r\nm=audio 9 RTP/SAVPF 9 8\r\na=rtpmap:111 opus/48000/2\r\n");
        let broken = sdp.replace("9 8\r", "9\u{e000}8\r").replace("opus", "op\u{e000}us");
        assert_eq!(mend(&broken), sdp);
    }
}
