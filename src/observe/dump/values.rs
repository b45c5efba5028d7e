//! What the steps are about, in the words that readers look for.

use serde_json::{Value, json};

use crate::{
    media::Description,
    observe::{StepValue, step::kind_name},
};

/// Returns the text that stands for a step's value: JSON, the words of a failure, or nothing.
pub(super) fn text(value: &StepValue) -> String {
    match value {
        StepValue::Nothing => String::new(),
        // By hand: readers know a description by its beginning.
        StepValue::Description(Description { kind, sdp }) => {
            format!(r#"{{"type":{},"sdp":{}}}"#, json!(kind_name(*kind)), Value::from(&**sdp))
        }
        // Older readers split it at each comma with a space, take the third part for the candidate, and give up the
        // whole file where there is none.
        StepValue::Candidate { mid, index, line } => {
            format!(r#"{{"sdpMid":{}, "sdpMLineIndex":{index}, "candidate":{}}}"#, json!(mid), json!(line))
        }
        StepValue::State(name) => json!(name).to_string(),
        StepValue::Failure(words) => words.clone(),
        StepValue::Details(members) => json!(members).to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::media::DescriptionKind;

    #[test]
    fn values_have_the_form_that_readers_look_for() {
        let sdp = "v=0\r\n".to_owned();
        for (value, expected) in [
            (StepValue::Nothing, ""),
            (
                StepValue::Description(Description { kind: DescriptionKind::Offer, sdp }),
                r#"{"type":"offer","sdp":"v=0\r\n"}"#,
            ),
            (StepValue::State("have-local-offer".into()), r#""have-local-offer""#),
            (
                StepValue::Candidate {
                    mid: "0".into(),
                    index: 0,
                    line: "candidate:1 1 udp 1 192.0.2.1 9 typ host".into(),
                },
                r#"{"sdpMid":"0", "sdpMLineIndex":0, "candidate":"candidate:1 1 udp 1 192.0.2.1 9 typ host"}"#,
            ),
            (StepValue::Failure("no".into()), "no"),
            (StepValue::details([("label", "p2pcall".into())]), r#"{"label":"p2pcall"}"#),
        ] {
            assert_eq!(text(&value), expected);
        }
    }
}
