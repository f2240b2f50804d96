//! Boundaries at the clock times of a zone: midnight plus the multiples of a length that divides a day.
//!
//! A boundary is every moment at which the clock of the zone shows such a time. If the clocks skip such a
//! time, the clock change is the boundary. If they show such a time twice, both moments are boundaries. So a
//! bucket never contains clock times of two buckets of an ordinary day. Berlin, for example, has:
//!
//! | length | clocks go forward from 2:00 to 3:00 | clocks go back from 3:00 to 2:00 |
//! |---|---|---|
//! | 6 h | 0:00 to 6:00 takes 5 hours | 0:00 to 6:00 takes 7 hours |
//! | 2 h | 3:00 to 4:00 takes 1 hour | 2:00 to 2:00 takes 1 hour |
//! | 1 h | 23 buckets of one hour | 25 buckets of one hour |

use crate::zone::Zone;

/// Returns the last boundary at or before a time. All times are in microseconds since 1970 UTC.
pub(super) fn boundary_at_or_before(zone: &Zone, length_us: i64, at_us: i64) -> i64 {
    let mut at_us = at_us;
    loop {
        let span = zone.offset_span(at_us);
        let boundary = at_us - (at_us + span.offset_us).rem_euclid(length_us);
        if boundary >= span.from_us {
            return boundary;
        }
        if changes_at_boundary(zone, length_us, span.from_us) {
            return span.from_us;
        }
        at_us = span.from_us - 1;
    }
}

/// Returns the first boundary after a time.
pub(super) fn boundary_after(zone: &Zone, length_us: i64, at_us: i64) -> i64 {
    let mut at_us = at_us;
    loop {
        let span = zone.offset_span(at_us);
        let boundary = at_us + length_us - (at_us + span.offset_us).rem_euclid(length_us);
        if boundary < span.until_us {
            return boundary;
        }
        at_us = span.until_us;
        if changes_at_boundary(zone, length_us, at_us) {
            return at_us;
        }
    }
}

/// Returns whether a clock change is a boundary.
fn changes_at_boundary(zone: &Zone, length_us: i64, change_us: i64) -> bool {
    let shown = change_us.saturating_add(zone.offset_us(change_us));
    // Without the change, the clocks would have shown this time.
    let expected = change_us.saturating_add(zone.offset_us(change_us.saturating_sub(1)));
    // The last multiple that the clocks show at the change, or would have shown before it.
    let last_until = |clock_us: i64| clock_us - clock_us.rem_euclid(length_us);
    if shown >= expected {
        // Going forward, they show a multiple, or skip one.
        last_until(shown) >= expected
    } else {
        // Going back, they show a multiple now, or show one again later.
        last_until(expected - 1) >= shown
    }
}
