//! A walk: each step is taken by the service and by the model.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use device_stats_domain::Axes;
use device_stats_segment::{Effort, Row, Segment};
use device_stats_store::{Replaced, Store};
use serde_json::{Value, json};

use super::devices::{Devices, inside};
use super::step::{Choice, Many, Of, SLOTS, Step, USERS, moment, numbers};
use crate::databases::Database;
use crate::sealing::{merge_some, seal_some};
use crate::served::{Answer, Api, Served};
use crate::truth::{Bins, Period, Timed, Wanted, analysis, histograms, series, written};

const NOTHING: &str = "404 No statistics found for the specified period";

/// The service on its way.
struct Walk<'d> {
    database: &'d Database,
    store: Arc<dyn Store>,
    served: Served,
    devices: Devices,
    /// All ids of readings that were seen, of devices that are gone, too.
    ids: HashSet<i64>,
}

/// Takes the steps, then looks at everything.
pub(crate) async fn walk(database: &Database, number: u32, steps: &[Step]) {
    let store = database.open().await;
    let served = Served::start(Arc::clone(&store)).await;
    let devices = Devices::register(served.api, number).await;
    let mut walk = Walk { database, store, served, devices, ids: HashSet::new() };
    for step in steps {
        walk = walk.take(step).await;
    }
    let wanted = Wanted { percentiles: vec![0, 33_333, 100_000], mean: true, stddev: true };
    for of in (0..SLOTS).map(Of::Slot).chain((0..USERS).map(Of::User)) {
        walk.analyze(of, Period::ALL, &wanted).await;
        walk.export(of, Period::ALL).await;
    }
    for slot in 0..SLOTS {
        walk.list(slot, Period::ALL, 0, 100).await;
    }
    walk.served.stop().await;
}

impl Walk<'_> {
    fn api(&self) -> Api {
        self.served.api
    }

    async fn take(mut self, step: &Step) -> Self {
        match step {
            Step::Append { slot, readings } => self.append(*slot, readings.iter().copied()).await,
            Step::Repeat { slot, chosen } => self.repeat(*slot, *chosen).await,
            Step::AppendOne { slot, tick, seed } => self.append_one(*slot, *tick, *seed).await,
            Step::AppendMany(many) => self.append(many.slot, many.readings()).await,
            Step::AppendSegment(many) => self.append_segment(*many).await,
            Step::Seal { slot, chosen } => {
                let key = self.devices.slots[*slot].key;
                let sealed = seal_some(&*self.store, key, |place| chosen.holds(place)).await;
                assert_ne!(sealed, Some(Replaced::Stale), "nobody else seals");
            }
            Step::Merge { slot, chosen } => {
                let key = self.devices.slots[*slot].key;
                let merged = merge_some(&*self.store, key, |place| chosen.holds(place)).await;
                assert_ne!(merged, Some(Replaced::Stale), "nobody else merges");
            }
            Step::DeleteDevice { slot } => self.devices.delete_device(self.served.api, *slot).await,
            Step::DeleteUser { user } => self.devices.delete_user(self.served.api, *user).await,
            Step::Restart { cache_bytes_max } => return self.restart(*cache_bytes_max).await,
            Step::Analyze { of, period, wanted } => self.analyze(*of, *period, wanted).await,
            Step::List { slot, period, skip, limit } => self.list(*slot, *period, *skip, *limit).await,
            Step::Series { of, period, seconds } => self.series(*of, *period, *seconds).await,
            Step::Histogram { of, period, bins } => self.histogram(*of, *period, *bins).await,
            Step::Export { of, period } => self.export(*of, *period).await,
        }
        self
    }

    async fn append(&mut self, slot: usize, readings: impl Iterator<Item = (u32, u64)>) {
        self.send(slot, readings.map(|(tick, seed)| (moment(tick), numbers(seed))).collect()).await;
    }

    async fn repeat(&mut self, slot: usize, chosen: Choice) {
        let times = (0..).zip(self.devices.slots[slot].readings.keys());
        let repeated = times.filter(|(place, _)| chosen.holds(*place)).map(|(_, time)| (*time, [7.5; 3]));
        self.send(slot, repeated.take(200).collect()).await;
    }

    /// Sends a batch.
    async fn send(&mut self, slot: usize, readings: Vec<Timed>) {
        let row = |(time, [x, y, z]): &Timed| json!({"x": x, "y": y, "z": z, "timestamp": written(*time)});
        let body: Value = readings.iter().map(row).collect();
        let answer = self.api().post(&format!("{}/batch", self.devices.path(Of::Slot(slot))), body).await;
        let slot = &mut self.devices.slots[slot];
        let accepted = readings.iter().filter(|(time, numbers)| slot.add(*time, None, *numbers)).count();
        assert_eq!(answer.status, 201, "{answer:?}");
        let counts = json!([accepted, readings.len() - accepted]);
        assert_eq!(json!([answer.json()["accepted"], answer.json()["duplicates"]]), counts);
    }

    /// Sends one reading. Of a repeat, the answer is the reading that was there.
    async fn append_one(&mut self, slot: usize, tick: u32, seed: u64) {
        let (time, [x, y, z]) = (moment(tick), numbers(seed));
        let body = json!({"x": x, "y": y, "z": z, "timestamp": written(time)});
        let answer = self.api().post(&self.devices.path(Of::Slot(slot)), body).await;
        assert_eq!(answer.status, 201, "{answer:?}");
        self.devices.slots[slot].add(time, None, [x, y, z]);
        self.compare_reading(slot, time, &answer.json());
    }

    async fn append_segment(&mut self, many: Many) {
        let ids = self.store.reserve_reading_ids(many.count).await.unwrap();
        let rows = many.readings().zip(ids).map(|((tick, seed), id)| {
            let [x, y, z] = numbers(seed);
            Row { time_us: moment(tick), id, values: Axes { x, y, z } }
        });
        let rows: Vec<Row> = rows.collect();
        let slot = &mut self.devices.slots[many.slot];
        let is_free = slot.readings.range(rows[0].time_us..=rows[rows.len() - 1].time_us).next().is_none();
        let segment = Segment::encode(&rows, Effort::Fast).unwrap();
        let appended = self.store.append_segment(slot.key, &segment).await.unwrap();
        assert_eq!(matches!(appended, Replaced::Done(_)), is_free, "{appended:?}");
        for Row { time_us, id, values: Axes { x, y, z } } in rows.into_iter().filter(|_| is_free) {
            slot.add(time_us, Some(id), [x, y, z]);
            self.ids.insert(id);
        }
    }

    /// Ends the service, opens the database anew and starts another one.
    async fn restart(self, cache_bytes_max: u64) -> Self {
        self.served.stop().await;
        drop(self.store);
        let store = self.database.open().await;
        let served = Served::start_with_cache(Arc::clone(&store), cache_bytes_max).await;
        Self { store, served, ..self }
    }

    async fn analyze(&self, of: Of, period: Period, wanted: &Wanted) {
        let path = format!("{}/analyze", self.devices.path(of));
        let answer = self.api().post(&path, wanted.body(period)).await;
        let readings = self.devices.readings(of, period);
        let expected = (!readings.is_empty()).then(|| match of {
            Of::Slot(_) => analysis(&readings, period, wanted),
            Of::User(user) => {
                let slots = self.devices.slots_of(of).into_iter();
                let slots = slots.map(|slot| (&slot.device_id, inside(slot, period)));
                let devices = slots.filter(|(_, readings)| !readings.is_empty()).map(|(device_id, readings)| {
                    json!({"device_id": device_id, "stats": analysis(&readings, period, wanted)})
                });
                json!({
                    "user_id": self.devices.users[user],
                    "aggregate_stats": analysis(&readings, period, wanted),
                    "device_stats": devices.collect::<Value>(),
                })
            }
        });
        compare(&answer, expected, Clone::clone);
    }

    async fn series(&self, of: Of, period: Period, seconds: i64) {
        let query = format!("interval=PT{seconds}S{}", period.query());
        let answer = self.api().get(&format!("{}/series?{query}", self.devices.path(of))).await;
        let readings = self.devices.readings(of, period);
        let expected = (!readings.is_empty()).then(|| series(&readings, period, seconds * 1_000_000));
        compare(&answer, expected, |answer| answer["buckets"].clone());
    }

    async fn histogram(&self, of: Of, period: Period, bins: Bins) {
        let bound = |name, bound: Option<f64>| bound.map(|bound| format!("&{name}={bound}"));
        let (low, high) = (bound("low", bins.low), bound("high", bins.high));
        let (low, high) = (low.unwrap_or_default(), high.unwrap_or_default());
        let query = format!("bins={}{low}{high}{}", bins.count, period.query());
        let answer = self.api().get(&format!("{}/histogram?{query}", self.devices.path(of))).await;
        let readings = self.devices.readings(of, period);
        let expected = (!readings.is_empty()).then(|| histograms(&readings, period, bins));
        compare(&answer, expected, Clone::clone);
    }

    async fn export(&self, of: Of, period: Period) {
        let path = format!("{}/export?format=csv{}", self.devices.path(of), period.query());
        let answer = self.api().get(&path).await;
        let mut expected = "device_id,timestamp,x,y,z\n".to_owned();
        for slot in self.devices.slots_of(of) {
            for (time, [x, y, z]) in inside(slot, period) {
                let (device_id, time) = (&slot.device_id, written(time));
                let [x, y, z] = [x, y, z].map(|number| json!(number));
                writeln!(expected, "{device_id},{time},{x},{y},{z}").unwrap();
            }
        }
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.body == expected.as_bytes(), "{answer:?}\nis not\n{expected}");
    }

    async fn list(&mut self, slot: usize, period: Period, skip: usize, limit: usize) {
        let query = format!("skip={skip}&limit={limit}{}", period.query());
        let listed = self.api().list(&format!("{}?{query}", self.devices.path(Of::Slot(slot)))).await;
        let readings = inside(&self.devices.slots[slot], period);
        let times: Vec<i64> = readings.iter().rev().skip(skip).take(limit).map(|(time, _)| *time).collect();
        assert_eq!(listed.len(), times.len(), "{listed:?}");
        for (time, reading) in times.into_iter().zip(&listed) {
            self.compare_reading(slot, time, reading);
        }
    }

    /// Compares a reading that was answered with the one of that time. No other reading ever had its id.
    fn compare_reading(&mut self, slot: usize, time: i64, answered: &Value) {
        let slot = &mut self.devices.slots[slot];
        let held = slot.readings.get_mut(&time).unwrap();
        let id = held.id.or_else(|| answered["id"].as_i64()).unwrap();
        assert!(held.id.replace(id).is_some() || self.ids.insert(id), "{id} is the id of two readings");
        let [x, y, z] = held.numbers;
        let expected =
            json!({"x": x, "y": y, "z": z, "id": id, "device_id": slot.key.0, "timestamp": written(time)});
        assert_eq!(answered.to_string(), expected.to_string());
    }
}

/// Compares what was answered, to the last bit of each number.
fn compare(answer: &Answer, expected: Option<Value>, part: impl Fn(&Value) -> Value) {
    match expected {
        None => assert_eq!(answer.brief(), NOTHING),
        Some(expected) => {
            assert_eq!(answer.status, 200, "{answer:?}");
            assert_eq!(part(&answer.json()).to_string(), expected.to_string());
        }
    }
}
