//! What a scrape shows. The registry is the process's, so tests use labels of their own or compare before and after.

use std::time::Duration;

use http::{Method, StatusCode};

use super::{Link, Outcome, Record, RedisFault};

fn sample(series: &str) -> u64 {
    let text = super::registry().render();
    let value = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    value.map_or(0, |value| value.parse().unwrap())
}

#[test]
fn a_scrape_shows_the_version_and_zeroes_before_anything_happens() {
    let text = super::registry().render();
    for part in [
        concat!("downbeat_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
        "# HELP downbeat_redis_errors_total",
        "downbeat_redis_reconnects_total{connection=\"subscriber\"}",
        "# TYPE downbeat_streams_open gauge",
    ] {
        assert!(text.contains(part), "{part:?} is missing in:\n{text}");
    }
}

#[test]
fn requests_are_counted_by_route_and_status_in_a_real_histogram() {
    let endpoint = super::endpoint(&Method::GET, Some("/tests/{id}"));
    endpoint.answered(StatusCode::OK, Duration::from_millis(3));
    let again = super::endpoint(&Method::GET, Some("/tests/{id}"));
    again.answered(StatusCode::OK, Duration::from_millis(300));
    endpoint.answered(StatusCode::IM_A_TEAPOT, Duration::ZERO);
    let labels = "method=\"GET\",route=\"/tests/{id}\",status=\"200\"";
    let bucket = |bound| format!("downbeat_http_request_duration_seconds_bucket{{{labels},le=\"{bound}\"}}");
    assert_eq!(sample(&format!("downbeat_http_requests_total{{{labels}}}")), 2);
    assert_eq!(sample(&bucket("0.005")), 1);
    assert_eq!(sample(&bucket("+Inf")), 2);
    assert_eq!(sample("downbeat_http_requests_total{method=\"GET\",route=\"/tests/{id}\",status=\"500\"}"), 1);
}

#[test]
fn an_unknown_method_or_route_makes_no_series_of_its_own() {
    let method = Method::from_bytes(b"BREW").unwrap();
    super::endpoint(&method, None).answered(StatusCode::NOT_FOUND, Duration::ZERO);
    assert_eq!(sample("downbeat_http_requests_total{method=\"other\",route=\"none\",status=\"404\"}"), 1);
}

#[test]
fn a_stream_is_open_until_its_guard_goes() {
    let closed = "downbeat_streams_closed_total{kind=\"log\",outcome=\"slow_consumer\"}";
    let open = "downbeat_streams_open{kind=\"log\"}";
    let before = (sample(open), sample(closed));
    let mut stream = super::stream_opened(Record::Log);
    assert_eq!(sample(open), before.0 + 1);
    stream.ends_with(Outcome::SlowConsumer);
    drop(stream);
    assert_eq!((sample(open), sample(closed)), (before.0, before.1 + 1));
}

#[test]
fn each_label_counts_its_own() {
    let cases: [(&str, fn()); 5] = [
        ("downbeat_stream_frames_sent_total{kind=\"log\"}", || {
            super::frames_sent(Record::Log, 7);
        }),
        ("downbeat_appends_total{kind=\"log\"}", || {
            super::appended(Record::Log, 7);
        }),
        ("downbeat_redis_errors_total{error=\"reply\"}", || {
            (0..7).for_each(|_| super::redis_failed(RedisFault::Reply));
        }),
        ("downbeat_redis_reconnects_total{connection=\"subscriber\"}", || {
            (0..7).for_each(|_| super::redis_reconnected(Link::Subscriber));
        }),
        ("downbeat_commit_duration_seconds_count", || {
            (0..7).for_each(|_| super::commit_took(Duration::from_micros(150)));
        }),
    ];
    for (series, count) in cases {
        let before = sample(series);
        count();
        assert_eq!(sample(series) - before, 7, "{series}");
    }
}
