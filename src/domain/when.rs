//! Times as people and programs write them in a query.

use jiff::Timestamp;

/// Text that is not a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be epoch milliseconds, an RFC 3339 time from 1970 on, or how long ago, such as 30s, 15m, 2h, 7d or 1w")]
pub struct InvalidTime;

/// The time that `text` names, in epoch milliseconds: itself in epoch milliseconds, an RFC 3339 time, or `15m`, which is so long before `now_ms`.
/// What would lie before 1970 by being so long ago is 1970.
pub fn parse(text: &str, now_ms: u64) -> Result<u64, InvalidTime> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let (number, rest) = text.split_at(digits);
    if digits == 0 || rest.len() > 1 {
        return rfc3339(text);
    }
    let number: u64 = number.parse().map_err(|_| InvalidTime)?;
    let unit_ms = match rest {
        "" => return Ok(number),
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        "w" => 604_800_000,
        _ => return Err(InvalidTime),
    };
    Ok(now_ms.saturating_sub(number.saturating_mul(unit_ms)))
}

fn rfc3339(text: &str) -> Result<u64, InvalidTime> {
    let time: Timestamp = text.parse().map_err(|_| InvalidTime)?;
    u64::try_from(time.as_millisecond()).map_err(|_| InvalidTime)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: u64 = 1_717_691_432_000;

    #[test]
    fn every_way_to_write_a_time() {
        let table = [
            ("0", 0),
            ("1717691432000", NOW),
            (" 5 ", 5),
            ("30s", NOW - 30_000),
            ("15m", NOW - 900_000),
            ("2h", NOW - 7_200_000),
            ("7d", NOW - 604_800_000),
            ("1w", NOW - 604_800_000),
            ("0s", NOW),
            ("99999999999w", 0),
            ("2024-06-06T16:30:32Z", NOW),
            ("2024-06-06t16:30:32z", NOW),
            ("2024-06-06T18:30:32+02:00", NOW),
            ("2024-06-06T16:30:32.123456Z", NOW + 123),
            ("1970-01-01T00:00:00Z", 0),
        ];
        for (text, time) in table {
            assert_eq!(parse(text, NOW), Ok(time), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused() {
        for text in [
            "",
            "m",
            "-1",
            "+1",
            "1.5h",
            "15 m",
            "15M",
            "1y",
            "15ms",
            "yesterday",
            "2024-06-06",
            "2024-06-06T16:30:32",
            "99999999999999999999",
        ] {
            assert_eq!(parse(text, NOW), Err(InvalidTime), "{text:?}");
        }
        assert_eq!(parse("1969-12-31T23:59:59Z", NOW), Err(InvalidTime));
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,30}", now in any::<u64>()) {
            let _ = parse(&text, now);
        }

        #[test]
        fn how_long_ago_is_never_in_the_future(number in any::<u64>(), unit in "[smhdw]", now in any::<u64>()) {
            let time = parse(&format!("{number}{unit}"), now);
            prop_assert!(time.is_ok_and(|time| time <= now));
        }
    }
}
