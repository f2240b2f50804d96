//! The steps of a walk, and their random generation. A user or device is named by its position in the order
//! of creation, since stores give different ids.

use device_stats_domain::{
    DeviceFilter, DeviceIdPrefix, ListPage, NewArrivals, SearchText, Timestamp, UserFilter, Window,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::samples::{at, page, username, window};
use crate::limits::CLOCK_SKEW_MAX;

/// The n-th user or device that the walk created, counting deleted ones; one that does not exist if there are
/// fewer.
pub(super) type Slot = usize;

/// A segment that the walk made, counting deleted ones, from the last one back; an unknown one if there are
/// fewer.
pub(super) type Made = usize;

/// One call of a walk.
#[expect(
    clippy::option_option,
    reason = "outer `None` stays as it is, inner `None` clears, as in `DeviceChange`"
)]
#[derive(Clone, Debug)]
pub(super) enum Step {
    CreateUser {
        name: u8,
        email: u8,
    },
    UpdateUser {
        user: Slot,
        name: Option<u8>,
        email: Option<u8>,
    },
    FindUser(Slot),
    DeleteUser(Slot),
    ListUsers(ListPage),
    ListUsersAfter(Slot, UserFilter, u32),
    CreateDevice {
        id: u8,
        name: Option<u8>,
        owner: Option<Slot>,
        interval: Option<u8>,
    },
    UpdateDevice {
        device: Slot,
        name: Option<Option<u8>>,
        owner: Option<Option<Slot>>,
        interval: Option<Option<u8>>,
    },
    DeleteDevice(Slot),
    MergeArrivals(Vec<(Slot, NewArrivals)>),
    FindArrivals(Vec<Slot>),
    FindDevices(Vec<u8>),
    ListDevices(ListPage),
    ListUserDevices(Slot),
    ListDevicesAfter(Slot, Option<Slot>, DeviceFilter, u32),
    /// Purges a slice of at most this number of readings.
    Purge(u32),
    Append(Vec<Draft>),
    /// Appends a keyed request, some microseconds later than the one before.
    AppendKeyed {
        key: u8,
        payload: u8,
        later: i64,
        drafts: Vec<Draft>,
    },
    FindReading(Slot, i64),
    ListReadings(Slot, Window, ListPage),
    SnapshotOfDevice(Slot, Window),
    SnapshotOfDevices(Vec<Slot>, Window),
    SnapshotOfUser(Slot, Window),
    FindLatest(Vec<Slot>),
    ListNewest(Slot, Window, u64),
    ListHotDevices,
    ListSegments(Slot),
    /// Seals the readings that `mask` selects from the `count` earliest hot ones.
    Seal {
        device: Slot,
        count: u32,
        mask: u16,
    },
    /// Seals, like a delayed caller, the readings that an earlier `Seal` has read; 0 is the most recent
    /// `Seal`.
    SealLate {
        ago: usize,
        mask: u16,
    },
    /// Merges `count` of the listed segments after the first `skip`.
    Merge {
        device: Slot,
        skip: usize,
        count: usize,
    },
    /// Merges any segments, also deleted ones and segments of other devices.
    MergeLate(Vec<Made>),
    AppendSegment(Slot, Vec<(i64, f64)>),
    /// Deletes the readings of a window.
    DeleteReadings(Slot, Window),
    /// Deletes the window of an earlier `DeleteReadings` with the cut segments read by that step, like a
    /// delayed caller; 0 is the most recent one.
    DeleteLate(usize),
    /// Reads pieces of segments; 0 is the head, then come the blocks.
    ReadPieces(Vec<(Made, u32)>),
    /// Stores the derived segment of any segment, also of a deleted one.
    StoreDerived(Made),
    /// Deletes the derived segment of any segment.
    DeleteDerived(Made),
    /// Reads pieces of derived segments, like `ReadPieces`.
    ReadDerivedPieces(Vec<(Made, u32)>),
}

impl Step {
    /// Returns the maximum number of reading ids that the step uses.
    pub(super) fn readings(&self) -> usize {
        match self {
            Self::Append(drafts) | Self::AppendKeyed { drafts, .. } => drafts.len(),
            Self::AppendSegment(_, numbers) => numbers.len(),
            _ => 0,
        }
    }
}

/// Plan of a reading.
#[derive(Clone, Debug)]
pub(super) struct Draft {
    pub(super) device: Slot,
    pub(super) is_server_timed: bool,
    pub(super) us: i64,
    pub(super) x: f64,
}

/// Draws one of few users or devices, so that calls concern the same one.
fn slot() -> impl Strategy<Value = Slot> {
    0..7_usize
}

fn text() -> impl Strategy<Value = u8> {
    0..5_u8
}

/// Draws one of few times, so that readings repeat.
fn time() -> impl Strategy<Value = i64> {
    let last = Timestamp::MAX.micros();
    // The end of the search window of a server-timed reading at time 0.
    let ahead = i64::try_from(CLOCK_SKEW_MAX.as_micros()).unwrap();
    prop_oneof![
        30 => 0..12_i64,
        4 => ahead..ahead + 12,
        1 => last - 2..=last,
        1 => Just(Timestamp::MIN.micros()),
    ]
}

fn span() -> impl Strategy<Value = Window> {
    let end = || prop_oneof![5 => -1..14_i64, 1 => Just(i64::MIN), 2 => Just(i64::MAX)];
    prop_oneof![Just(Window::ALL), (end(), end()).prop_map(|(from, until)| window(from, until))]
}

fn part() -> impl Strategy<Value = ListPage> {
    let skip = prop_oneof![8 => 0..4_i64, 1 => Just(i64::MAX)];
    (skip, prop_oneof![1..4_u32, Just(100)]).prop_map(|(skip, limit)| page(skip, limit))
}

/// Draws a text that occurs in some names.
fn search() -> impl Strategy<Value = Option<SearchText>> {
    option::of(prop_oneof!["[0-4]", Just("NAME".to_owned())].prop_map(|text| SearchText::new(&text).unwrap()))
}

fn user_filter() -> impl Strategy<Value = UserFilter> {
    let username = option::of(text().prop_map(|n| username(&format!("user{n}"))));
    (username, search()).prop_map(|(username, text)| UserFilter { username, text })
}

/// Draws a filter without an owner.
fn device_filter() -> impl Strategy<Value = DeviceFilter> {
    let prefix = option::of("(device[0-4]|dev|e)".prop_map(|prefix| DeviceIdPrefix::new(prefix).unwrap()));
    (prefix, search()).prop_map(|(prefix, text)| DeviceFilter { user_id: None, prefix, text })
}

fn draft() -> impl Strategy<Value = Draft> {
    let device = prop_oneof![60 => 0..3_usize, 1 => slot()];
    (device, proptest::bool::weighted(0.3), time(), number())
        .prop_map(|(device, is_server_timed, us, x)| Draft { device, is_server_timed, us, x })
}

fn number() -> impl Strategy<Value = f64> {
    // Few of the numbers are often drawn, so that readings repeat with the same values.
    let any = any::<f64>().prop_map(|x| if x.is_finite() { x } else { 0.0 });
    prop_oneof![3 => any, 2 => prop_oneof![Just(0.0), Just(0.1)]]
}

fn made() -> impl Strategy<Value = Made> {
    0..6_usize
}

/// Selects all of the first hot readings, or some of them, so that spans overlap.
fn mask() -> impl Strategy<Value = u16> {
    prop_oneof![1 => Just(u16::MAX), 2 => any::<u16>()]
}

/// Draws arrivals at a few of a thousand seconds.
fn new_arrivals() -> impl Strategy<Value = NewArrivals> {
    let arrival = (0..1_000_i64, 0..3_u64, option::of(-1_000..1_000_i64));
    vec(arrival, 1..4).prop_map(|mut arrivals| {
        arrivals.sort_unstable();
        let [(first, readings, offset), later @ ..] = arrivals.as_slice() else { unreachable!("none") };
        let us = |seconds: i64| seconds * 1_000_000;
        let mut new = NewArrivals::one(at(us(*first)), *readings, offset.map(us));
        for (time, readings, offset) in later {
            new.add(at(us(*time)), *readings, offset.map(us));
        }
        new
    })
}

/// Draws a step with segments.
fn segment_step() -> impl Strategy<Value = Step> {
    let busy = || prop_oneof![20 => 0..3_usize, 1 => slot()];
    let count = || prop_oneof![8 => 0..12_u32, 2 => Just(u32::MAX)];
    prop_oneof![
        5 => (busy(), count(), mask()).prop_map(|(device, count, mask)| Step::Seal { device, count, mask }),
        1 => (0..3_usize, mask()).prop_map(|(ago, mask)| Step::SealLate { ago, mask }),
        3 => (busy(), 0..3_usize, 1..5_usize)
            .prop_map(|(device, skip, count)| Step::Merge { device, skip, count }),
        1 => vec(made(), 1..4).prop_map(Step::MergeLate),
        3 => (busy(), vec((time(), number()), 1..8)).prop_map(|(device, rows)| Step::AppendSegment(device, rows)),
        3 => (busy(), span()).prop_map(|(device, window)| Step::DeleteReadings(device, window)),
        2 => (busy(), time(), 1..4_i64)
            .prop_map(|(device, us, length)| Step::DeleteReadings(device, window(us, us + length))),
        1 => (0..3_usize).prop_map(Step::DeleteLate),
        1 => Just(Step::ListHotDevices),
        1 => busy().prop_map(Step::ListSegments),
        2 => (busy(), span(), prop_oneof![0..4_u64, Just(u64::MAX)])
            .prop_map(|(device, window, count)| Step::ListNewest(device, window, count)),
        1 => vec((made(), 0..3_u32), 0..8).prop_map(Step::ReadPieces),
        2 => made().prop_map(Step::StoreDerived),
        1 => made().prop_map(Step::DeleteDerived),
        2 => vec((made(), 0..3_u32), 0..8).prop_map(Step::ReadDerivedPieces),
    ]
}

/// Draws a step. Creating and appending are drawn more often than deleting.
pub(super) fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (text(), text()).prop_map(|(name, email)| Step::CreateUser { name, email }),
        3 => (slot(), option::of(text()), option::of(text()))
            .prop_map(|(user, name, email)| Step::UpdateUser { user, name, email }),
        1 => slot().prop_map(Step::FindUser),
        1 => slot().prop_map(Step::DeleteUser),
        1 => part().prop_map(Step::ListUsers),
        8 => (text(), option::of(text()), option::of(slot()), option::of(text()))
            .prop_map(|(id, name, owner, interval)| Step::CreateDevice { id, name, owner, interval }),
        4 => (
            slot(),
            option::of(option::of(text())),
            option::of(option::of(slot())),
            option::of(option::of(text())),
        )
            .prop_map(|(device, name, owner, interval)| Step::UpdateDevice { device, name, owner, interval }),
        4 => vec((slot(), new_arrivals()), 0..6).prop_map(Step::MergeArrivals),
        2 => vec(slot(), 0..4).prop_map(Step::FindArrivals),
        1 => slot().prop_map(Step::DeleteDevice),
        2 => (1..4_u32).prop_map(Step::Purge),
        2 => vec(text(), 0..6).prop_map(Step::FindDevices),
        1 => part().prop_map(Step::ListDevices),
        2 => slot().prop_map(Step::ListUserDevices),
        1 => (slot(), user_filter(), 1..4_u32)
            .prop_map(|(after, filter, limit)| Step::ListUsersAfter(after, filter, limit)),
        2 => (slot(), option::of(slot()), device_filter(), 1..4_u32)
            .prop_map(|(after, owner, filter, limit)| Step::ListDevicesAfter(after, owner, filter, limit)),
        14 => vec(draft(), 0..8).prop_map(Step::Append),
        4 => (0..4_u8, proptest::bool::weighted(0.2), 0..3_i64, vec(draft(), 0..4)).prop_map(
            |(key, other, later, drafts)| Step::AppendKeyed { key, payload: other.into(), later, drafts }),
        2 => (slot(), time()).prop_map(|(device, us)| Step::FindReading(device, us)),
        5 => (slot(), span(), part())
            .prop_map(|(device, window, page)| Step::ListReadings(device, window, page)),
        3 => (slot(), span()).prop_map(|(device, window)| Step::SnapshotOfDevice(device, window)),
        3 => (slot(), span()).prop_map(|(user, window)| Step::SnapshotOfUser(user, window)),
        2 => (vec(slot(), 0..4), span())
            .prop_map(|(devices, window)| Step::SnapshotOfDevices(devices, window)),
        3 => vec(slot(), 0..4).prop_map(Step::FindLatest),
        20 => segment_step(),
    ]
}
