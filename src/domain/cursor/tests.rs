//! Cursors as text, who wins, and the table of where a reader goes on.

use proptest::prelude::*;

use super::*;

const NOW: Epoch = Epoch(0x9f3a_c1d2);
const BEFORE: Epoch = Epoch(7);

fn at(seq: u64, epoch: Option<Epoch>) -> Position {
    Position { seq, epoch }
}

#[test]
fn epochs_are_eight_lower_case_digits() {
    assert_eq!(NOW.to_string(), "9f3ac1d2");
    assert_eq!(BEFORE.to_string(), "00000007");
    assert_eq!(Epoch::parse("9f3ac1d2"), Ok(NOW));
    for text in ["", "9F3AC1D2", "9f3ac1d", "9f3ac1d22", "+f3ac1d2", "9f3ac1dg", " 9f3ac1d"] {
        assert_eq!(Epoch::parse(text), Err(InvalidPosition), "{text}");
    }
}

#[test]
fn positions_are_numbers_with_or_without_an_epoch() {
    assert_eq!(Position::parse("0"), Ok(at(0, None)));
    assert_eq!(Position::parse("12"), Ok(at(12, None)));
    assert_eq!(Position::parse("012"), Ok(at(12, None)));
    assert_eq!(Position::parse("12.9f3ac1d2"), Ok(at(12, Some(NOW))));
    assert_eq!(Position::parse("18446744073709551615"), Ok(at(u64::MAX, None)));
    assert_eq!(Position::parse("99999999999999999999999"), Ok(at(u64::MAX, None)));
    for text in ["", ".", "-1", "+1", "1.5", "1.", ".9f3ac1d2", "1e3", "0x1", " 1", "1 ", "१", "12.9f3ac1d2.1", "abc", "12-9f3ac1d2"] {
        assert_eq!(Position::parse(text), Err(InvalidPosition), "{text}");
    }
}

#[test]
fn the_header_wins_and_the_last_one_counts() {
    let table: [(&[&str], Option<&str>, Option<Position>); 12] = [
        (&[], None, None),
        (&[], Some("0"), Some(at(0, None))),
        (&[], Some("7"), Some(at(7, None))),
        (&["9"], None, Some(at(9, None))),
        (&["9"], Some("7"), Some(at(9, None))),
        (&["9.9f3ac1d2"], Some("7"), Some(at(9, Some(NOW)))),
        (&["9"], Some("seven"), Some(at(9, None))),
        (&["9", "11"], Some("7"), Some(at(11, None))),
        (&["9, 11"], None, Some(at(11, None))),
        (&[""], Some("7"), Some(at(7, None))),
        (&["9", ""], Some("7"), Some(at(7, None))),
        (&[""], None, None),
    ];
    for (headers, since, position) in table {
        assert_eq!(resume(headers, since), Ok(position), "{headers:?} {since:?}");
    }
}

#[test]
fn a_bad_cursor_is_named() {
    let path = |headers: &[&str], since| resume(headers, since).map_err(|fault| fault.path);
    assert_eq!(path(&["x"], Some("7")), Err(LAST_EVENT_ID.to_owned()));
    assert_eq!(path(&["1", "-1"], None), Err(LAST_EVENT_ID.to_owned()));
    for since in ["", "-1", "x", "1.5", "7.9f3ac1d2"] {
        assert_eq!(path(&[], Some(since)), Err(SINCE_SEQ.to_owned()), "{since}");
    }
}

fn bounds(oldest_seq: u64, latest_seq: u64, generation_first_seq: u64) -> Bounds {
    Bounds { epoch: NOW, oldest_seq, latest_seq, generation_first_seq }
}

#[test]
fn where_a_reader_goes_on() {
    let fresh = bounds(1, 0, 1);
    let whole = bounds(1, 10, 1);
    let trimmed = bounds(5, 10, 1);
    let purged = bounds(8, 10, 8);
    let both = bounds(9, 10, 8);
    let all_trimmed = bounds(11, 10, 1);
    let just_purged = bounds(11, 10, 11);
    let gap = |requested_seq, reason| Notice::Gap { requested_seq, reason };
    let reset = |reason| Notice::Reset { reason };
    let (ahead, epoch) = (reset(ResetReason::Ahead), reset(ResetReason::Epoch));
    let table = [
        (fresh, None, 1, Notice::Live),
        (fresh, Some(at(0, None)), 1, Notice::Replay),
        (fresh, Some(at(0, Some(NOW))), 1, Notice::Replay),
        (fresh, Some(at(1, None)), 1, ahead),
        (whole, None, 11, Notice::Live),
        (whole, Some(at(0, None)), 1, Notice::Replay),
        (whole, Some(at(4, Some(NOW))), 5, Notice::Replay),
        (whole, Some(at(9, None)), 10, Notice::Replay),
        (whole, Some(at(10, None)), 11, Notice::Replay),
        (whole, Some(at(11, None)), 11, ahead),
        (whole, Some(at(u64::MAX, Some(NOW))), 11, ahead),
        (whole, Some(at(4, Some(BEFORE))), 11, epoch),
        (whole, Some(at(11, Some(BEFORE))), 11, epoch),
        (trimmed, Some(at(0, None)), 5, gap(0, GapReason::Trimmed)),
        (trimmed, Some(at(3, None)), 5, gap(3, GapReason::Trimmed)),
        (trimmed, Some(at(4, None)), 5, Notice::Replay),
        (trimmed, Some(at(2, Some(BEFORE))), 11, epoch),
        (purged, Some(at(6, None)), 8, gap(6, GapReason::Purged)),
        (purged, Some(at(7, None)), 8, Notice::Replay),
        (both, Some(at(6, None)), 9, gap(6, GapReason::Purged)),
        (both, Some(at(7, None)), 9, gap(7, GapReason::Trimmed)),
        (all_trimmed, Some(at(9, None)), 11, gap(9, GapReason::Trimmed)),
        (all_trimmed, Some(at(10, None)), 11, Notice::Replay),
        (just_purged, Some(at(9, None)), 11, gap(9, GapReason::Purged)),
        (just_purged, Some(at(10, None)), 11, Notice::Replay),
    ];
    for (bounds, cursor, next_seq, notice) in table {
        assert_eq!(start(cursor.as_ref(), &bounds), Start { next_seq, notice }, "{cursor:?} in {bounds:?}");
    }
}

proptest! {
    #[test]
    fn positions_print_as_they_parse(seq in any::<u64>(), epoch in any::<Option<u32>>()) {
        let position = at(seq, epoch.map(Epoch::from));
        prop_assert_eq!(Position::parse(&position.to_string()), Ok(position));
    }

    #[test]
    fn nothing_kept_is_skipped_and_nothing_seen_is_repeated(
        generation in 1_u64..20, trimmed in 0_u64..20, kept in 0_u64..20, seq in 0_u64..70, same in any::<Option<bool>>(),
    ) {
        let oldest = generation + trimmed;
        let bounds = bounds(oldest, oldest + kept - 1, generation);
        let cursor = at(seq, same.map(|same| if same { NOW } else { BEFORE }));
        let Start { next_seq, notice } = start(Some(&cursor), &bounds);
        prop_assert!((bounds.oldest_seq..=bounds.latest_seq + 1).contains(&next_seq));
        match notice {
            Notice::Replay => prop_assert_eq!(next_seq, seq + 1),
            Notice::Gap { requested_seq, .. } => {
                prop_assert_eq!(requested_seq, seq);
                prop_assert_eq!(next_seq, bounds.oldest_seq);
                prop_assert!(seq + 1 < bounds.oldest_seq);
            }
            Notice::Reset { reason: ResetReason::Ahead } => prop_assert!(seq > bounds.latest_seq),
            Notice::Reset { reason: ResetReason::Epoch } => prop_assert_eq!(same, Some(false)),
            Notice::Live => prop_assert!(false, "a cursor is never live from the start"),
        }
    }
}
