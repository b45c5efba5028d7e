use super::*;

/// A report of one object `a` of a type, `second` seconds after 1970.
fn report(kind: &str, second: usize, members: Value) -> Map<String, Value> {
    let mut stats = json!({ "id": "a", "type": kind, "timestamp": 1000 * second });
    for (name, value) in members.as_object().into_iter().flatten() {
        stats[name] = value.clone();
    }
    Map::from_iter([("a".into(), stats)])
}

/// The points of a series as they are written.
fn points(series: &Series, key: &str) -> Vec<Value> {
    let all = series.to_json();
    let values = all.get(key).and_then(|entry| entry["values"].as_str()).unwrap_or("[]");
    serde_json::from_str(values).unwrap()
}

#[test]
fn members_become_series() {
    let mut series = Series::default();
    for second in 1..=3 {
        series.take(&report(
            "inbound-rtp",
            second,
            json!({ "framesDecoded": 30 * second, "mid": "1", "text-": 1, "none": null }),
        ));
    }
    for (key, expected) in [
        ("a-framesDecoded", json!([30, 60, 90])),
        ("a-mid", json!(["1", "1", "1"])),
        ("a-type", json!(["inbound-rtp", "inbound-rtp", "inbound-rtp"])),
        ("a-timestamp", json!([1000.0, 2000.0, 3000.0])),
        ("a-[framesDecoded/s]", json!([30, 30])),
    ] {
        assert_eq!(Value::from(points(&series, key)), expected, "{key}");
    }
    assert_eq!(series.to_json().len(), 5);
    let entry = &series.to_json()["a-[framesDecoded/s]"];
    assert_eq!(entry["startTime"], "1970-01-01T00:00:02.000Z");
    assert_eq!(entry["endTime"], "1970-01-01T00:00:03.000Z");
    assert_eq!(entry["statsType"], "inbound-rtp");
}

#[test]
fn a_series_begins_where_its_member_does_and_has_holes_where_it_is_missing() {
    let mut series = Series::default();
    for (second, members) in [
        (1, json!({ "always": 1 })),
        (2, json!({ "always": 2, "late": 5 })),
        (3, json!({ "always": 3 })),
        (4, json!({ "always": 4, "late": 6 })),
        (5, json!({ "always": 5 })),
    ] {
        series.take(&report("codec", second, members));
    }
    assert_eq!(points(&series, "a-late"), [json!(5), Value::Null, json!(6), Value::Null]);
    assert_eq!(series.to_json()["a-late"]["startTime"], "1970-01-01T00:00:02.000Z");
}

#[test]
fn what_cannot_be_read_again_is_left_out() {
    let mut series = Series::default();
    for (id, stats) in [
        ("a[0]", json!({ "type": "codec", "timestamp": 1 })),
        ("a", json!({ "type": "codec" })),
        ("b", json!({ "timestamp": 1 })),
        ("c", json!("no object")),
    ] {
        series.take(&Map::from_iter([(id.to_string(), stats)]));
    }
    assert_eq!(series.to_json(), Map::new());
}

#[test]
fn a_report_that_was_not_renewed_adds_nothing() {
    let mut series = Series::default();
    for second in [1, 1, 3, 2] {
        series.take(&report("codec", second, json!({ "clockRate": second })));
    }
    assert_eq!(points(&series, "a-clockRate"), [1, 3]);
}

#[test]
fn all_series_have_the_length_of_their_timestamps() {
    for seconds in [1, 2, POINTS - 1, POINTS, POINTS + 1, 2 * POINTS, 4 * POINTS + 1, 6 * POINTS] {
        let mut series = Series::default();
        for second in 1..=seconds {
            let now_and_then = if second % 7 == 1 { json!(second) } else { Value::Null };
            series.take(&report(
                "transport",
                second,
                json!({ "bytesSent": second, "dtlsState": "connected", "seldom": now_and_then }),
            ));
        }
        let times = points(&series, "a-timestamp");
        assert!(times.len() <= POINTS);
        for key in ["a-bytesSent", "a-dtlsState", "a-type"] {
            assert_eq!(points(&series, key).len(), times.len(), "{key} after {seconds} s");
        }
        // What is worked out from two reports has no first point.
        assert!(points(&series, "a-[bytesSent_in_bits/s]").len() + 1 >= times.len());
        // Each point still stands at its time.
        let sent = points(&series, "a-bytesSent");
        assert!(times.iter().zip(&sent).all(|(time, sent)| time.as_f64() == sent.as_f64().map(|sent| 1000.0 * sent)));
        let seldom = points(&series, "a-seldom");
        let late = times.len() - seldom.len();
        assert!(
            times[late..]
                .iter()
                .zip(&seldom)
                .all(|(time, value)| value.is_null() || time.as_f64() == value.as_f64().map(|n| 1000.0 * n))
        );
        assert!(!seldom[0].is_null());
    }
}

#[test]
fn points_of_a_long_call_thin_out_evenly_and_then_the_oldest_go() {
    for (seconds, first, spacing) in [
        (POINTS - 1, 1, 1),
        (POINTS + 1, 2, 2),
        (2 * POINTS, 4, 4),
        (4 * POINTS - 8, 4, 4),
        (5 * POINTS - 8, 4 + POINTS, 4),
        (5 * POINTS, 4 + 2 * POINTS, 4),
    ] {
        let mut series = Series::default();
        for second in 1..=seconds {
            series.take(&report("codec", second, json!({ "clockRate": second })));
        }
        let points: Vec<_> = points(&series, "a-clockRate").iter().filter_map(Value::as_u64).collect();
        assert_eq!(points[0], first as u64, "after {seconds} s");
        assert!(points.windows(2).all(|pair| pair[1] - pair[0] == spacing), "after {seconds} s");
        assert!(points[points.len() - 1] + spacing > seconds as u64, "after {seconds} s");
    }
}

#[test]
fn objects_that_are_gone_the_longest_make_room() {
    let mut series = Series::default();
    for second in 0..REPORTS + 2 {
        let stats = json!({ "type": "candidate-pair", "timestamp": 1000 * second });
        series.take(&Map::from_iter([(format!("pair{second}"), stats)]));
    }
    let all = series.to_json();
    assert_eq!(all.len(), 2 * REPORTS);
    assert!(!all.contains_key("pair1-timestamp"));
    assert!(all.contains_key("pair2-timestamp"));
}
