//! Values of options, as people write them.

use std::{ops::RangeInclusive, time::Duration};

use crate::{
    rtc::{ServerUrlError, StunUrl, TurnUrl},
    signaling::BlobForm,
};

/// Reads "90", "90s", "1.5m", "2h".
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("'{text}' is no duration: write for example 90, 90s, 30m or 2h");
    let (number, unit) = match text.strip_suffix(['s', 'm', 'h']) {
        Some(number) => (number, &text[number.len()..]),
        None => (text, "s"),
    };
    let factor = match unit {
        "m" => 60.0,
        "h" => 3600.0,
        _ => 1.0,
    };
    let seconds = number.parse::<f64>().map_err(|_| wrong())? * factor;
    if !(0.0..=1e9).contains(&seconds) {
        return Err(wrong());
    }
    Duration::try_from_secs_f64(seconds).map_err(|_| wrong())
}

pub(super) fn blob_form(text: &str) -> Result<BlobForm, String> {
    let forms = [BlobForm::Plain, BlobForm::Compact, BlobForm::Json, BlobForm::Sdp];
    let form = forms.into_iter().find(|form| form.name() == text);
    form.ok_or_else(|| format!("'{text}' is no form: write plain or compact"))
}

/// What stands behind the '#' of a link stays in the browser: it is not sent to the server (RFC 3986, 3.5).
pub(super) fn page_url(text: &str) -> Result<String, String> {
    let is_address = ["https://", "http://"].iter().any(|scheme| text.len() > scheme.len() && text.starts_with(scheme));
    if !is_address || text.contains(|letter: char| letter == '#' || letter.is_whitespace() || letter.is_control()) {
        return Err(format!("'{text}' is no address of a page: write https://… without '#'"));
    }
    Ok(text.to_owned())
}

pub(super) fn stun_url(text: &str) -> Result<String, ServerUrlError> {
    text.parse().map(|url: StunUrl| url.to_string())
}

/// Clap wants a result, and this one holds another.
pub(super) fn turn_url(text: &str) -> Result<Result<TurnUrl, ServerUrlError>, std::convert::Infallible> {
    Ok(text.parse())
}

pub(super) fn ports(text: &str) -> Result<RangeInclusive<u16>, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse(), last.trim().parse()) {
        (Ok(first), Ok(last)) if 0 < first && first <= last => Ok(first..=last),
        _ => Err(format!("'{text}' is no range of ports: write FIRST-LAST, for example 40000-40100, or one port")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations() {
        for (text, seconds) in [("90", Some(90.0)), ("90s", Some(90.0)), ("1.5m", Some(90.0)), ("2h", Some(7200.0))] {
            assert_eq!(duration(text).ok().map(|duration| duration.as_secs_f64()), seconds, "{text}");
        }
        for text in ["", "s", "soon", "-1", "1d", "1e20", "nan"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_of_pages() {
        for text in ["https://example.org/call.html", "http://127.0.0.1:4710/", "https://example.org/?a=b"] {
            assert_eq!(page_url(text).as_deref(), Ok(text));
        }
        for text in ["", "https://", "call.html", "javascript:alert(1)", "https://a/#b", "https://a/ b", "https://a/\n"]
        {
            assert!(page_url(text).is_err(), "{text}");
        }
    }

    #[test]
    fn ranges_of_ports() {
        assert_eq!(ports("40000-40010"), Ok(40_000..=40_010));
        assert_eq!(ports("5000"), Ok(5000..=5000));
        assert!(ports("10-5").is_err() && ports("0").is_err() && ports("x").is_err());
    }
}
