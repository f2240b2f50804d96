//! A walk: the service and the model take each step.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::sync::Arc;

use device_stats_domain::Axes;
use device_stats_segment::{Effort, Row, Segment};
use device_stats_store::{Replaced, Store};
use serde_json::{Value, json};

use super::devices::{Devices, inside};
use super::step::{Choice, Run, SLOTS, Step, Subject, USERS, moment, numbers};
use crate::databases::Database;
use crate::oracle::{Bins, OptionalStatistics, Period, Timed, analysis, histograms, series, written};
use crate::sealing::{merge_some, seal_some};
use crate::server::{Api, NO_READINGS, Response, Server};

/// A walk in progress.
struct Walk<'d> {
    database: &'d Database,
    store: Arc<dyn Store>,
    server: Server,
    devices: Devices,
    /// All ids of readings seen so far, including the readings of deleted devices.
    ids: HashSet<i64>,
}

/// Takes the steps, then compares everything.
pub(crate) async fn walk(database: &Database, number: u32, steps: &[Step]) {
    let store = database.open().await;
    let server = Server::start(Arc::clone(&store)).await;
    let devices = Devices::register(server.api, number).await;
    let mut walk = Walk { database, store, server, devices, ids: HashSet::new() };
    for step in steps {
        walk = walk.take(step).await;
    }
    let wanted = OptionalStatistics { magnitude: true, ..OptionalStatistics::all(vec![0, 33_333, 100_000]) };
    for subject in (0..SLOTS).map(Subject::Slot).chain((0..USERS).map(Subject::User)) {
        walk.analyze(subject, Period::ALL, &wanted).await;
        walk.export(subject, Period::ALL).await;
    }
    for slot in 0..SLOTS {
        walk.list(slot, Period::ALL, 0, 100).await;
    }
    walk.server.stop().await;
}

impl Walk<'_> {
    fn api(&self) -> Api {
        self.server.api
    }

    async fn take(mut self, step: &Step) -> Self {
        match step {
            Step::Append { slot, readings } => self.append(*slot, readings.iter().copied()).await,
            Step::Repeat { slot, chosen } => self.repeat(*slot, *chosen).await,
            Step::AppendOne { slot, tick, seed } => self.append_one(*slot, *tick, *seed).await,
            Step::AppendRun(run) => self.append(run.slot, run.readings()).await,
            Step::AppendSegment(run) => self.append_segment(*run).await,
            Step::Seal { slot, chosen } => {
                let key = self.devices.slots[*slot].key;
                let sealed = seal_some(&*self.store, key, |place| chosen.holds(place)).await;
                assert_ne!(sealed, Some(Replaced::Stale), "only this walk seals");
            }
            Step::Merge { slot, chosen } => {
                let key = self.devices.slots[*slot].key;
                let merged = merge_some(&*self.store, key, |place| chosen.holds(place)).await;
                assert_ne!(merged, Some(Replaced::Stale), "only this walk merges");
            }
            Step::DeleteReadings { slot, period } => self.delete_readings(*slot, *period).await,
            Step::DeleteDevice { slot } => self.devices.delete_device(self.server.api, *slot).await,
            Step::DeleteUser { user } => self.devices.delete_user(self.server.api, *user).await,
            Step::Restart { cache_bytes_max } => return self.restart(*cache_bytes_max).await,
            Step::Analyze { subject, period, wanted } => self.analyze(*subject, *period, wanted).await,
            Step::List { slot, period, skip, limit } => self.list(*slot, *period, *skip, *limit).await,
            Step::Series { subject, period, seconds, with_magnitude } => {
                self.series(*subject, *period, *seconds, *with_magnitude).await;
            }
            Step::Histogram { subject, period, bins, with_magnitude } => {
                self.histogram(*subject, *period, *bins, *with_magnitude).await;
            }
            Step::Export { subject, period } => self.export(*subject, *period).await,
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
        let response =
            self.api().post(&format!("{}/batch", self.devices.path(Subject::Slot(slot))), body).await;
        let slot = &mut self.devices.slots[slot];
        let accepted = readings.iter().filter(|(time, numbers)| slot.add(*time, None, *numbers)).count();
        // The first reading of a time stays, so all others are compared with it.
        let differs = |(time, numbers): &&Timed| slot.readings[time].numbers != *numbers;
        let conflicts = readings.iter().filter(differs).count();
        let duplicates = readings.len() - accepted;
        let counts = json!({"accepted": accepted, "duplicates": duplicates, "conflicts": conflicts});
        assert_eq!((response.status, response.json()), (201, counts));
    }

    /// Sends one reading. The response to a repeat shows the stored reading.
    async fn append_one(&mut self, slot: usize, tick: u32, seed: u64) {
        let (time, [x, y, z]) = (moment(tick), numbers(seed));
        let body = json!({"x": x, "y": y, "z": z, "timestamp": written(time)});
        let response = self.api().post(&self.devices.path(Subject::Slot(slot)), body).await;
        assert_eq!(response.status, 201, "{response:?}");
        self.devices.slots[slot].add(time, None, [x, y, z]);
        self.compare_reading(slot, time, &response.json());
    }

    async fn append_segment(&mut self, run: Run) {
        let ids = self.store.reserve_reading_ids(run.count).await.unwrap();
        let rows = run.readings().zip(ids).map(|((tick, seed), id)| {
            let [x, y, z] = numbers(seed);
            Row { time_us: moment(tick), id, values: Axes { x, y, z } }
        });
        let rows: Vec<Row> = rows.collect();
        let slot = &mut self.devices.slots[run.slot];
        let is_free = slot.readings.range(rows[0].time_us..=rows[rows.len() - 1].time_us).next().is_none();
        let segment = Segment::encode(&rows, Effort::Fast).unwrap();
        let appended = self.store.append_segment(slot.key, &segment).await.unwrap();
        assert_eq!(matches!(appended, Replaced::Done(_)), is_free, "{appended:?}");
        for Row { time_us, id, values: Axes { x, y, z } } in rows.into_iter().filter(|_| is_free) {
            slot.add(time_us, Some(id), [x, y, z]);
            self.ids.insert(id);
        }
    }

    async fn delete_readings(&mut self, slot: usize, period: Period) {
        let query = if period == Period::ALL { "&all=true".to_owned() } else { period.query() };
        let path = self.devices.path(Subject::Slot(slot));
        let response = self.api().delete(&format!("{path}?{}", &query[1..])).await;
        let slot = &mut self.devices.slots[slot];
        let before = slot.readings.len();
        slot.readings.retain(|time, _| !period.contains(*time));
        let deleted = before - slot.readings.len();
        assert_eq!((response.status, response.json()), (200, json!({"deleted": deleted})));
    }

    /// Stops the service, reopens the database and starts another service.
    async fn restart(self, cache_bytes_max: u64) -> Self {
        self.server.stop().await;
        drop(self.store);
        let store = self.database.open().await;
        let server = Server::start_with_cache(Arc::clone(&store), cache_bytes_max).await;
        Self { store, server, ..self }
    }

    async fn analyze(&self, subject: Subject, period: Period, wanted: &OptionalStatistics) {
        let path = format!("{}/analyze", self.devices.path(subject));
        let response = self.api().post(&path, wanted.body(period)).await;
        let readings = self.devices.readings(subject, period);
        let expected = (!readings.is_empty()).then(|| match subject {
            Subject::Slot(_) => analysis(&readings, period, wanted),
            Subject::User(user) => {
                let slots = self.devices.slots(subject).into_iter();
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
        compare(&response, expected, Clone::clone);
    }

    async fn series(&self, subject: Subject, period: Period, seconds: i64, with_magnitude: bool) {
        let query = format!("interval=PT{seconds}S&magnitude={with_magnitude}{}", period.query());
        let response = self.api().get(&format!("{}/series?{query}", self.devices.path(subject))).await;
        let readings = self.devices.readings(subject, period);
        let interval_us = seconds * 1_000_000;
        let expected = (!readings.is_empty()).then(|| series(&readings, period, interval_us, with_magnitude));
        compare(&response, expected, |response| response["buckets"].clone());
    }

    async fn histogram(&self, subject: Subject, period: Period, bins: Bins, with_magnitude: bool) {
        let bound = |name, bound: Option<f64>| bound.map(|bound| format!("&{name}={bound}"));
        let (low, high) = (bound("low", bins.low), bound("high", bins.high));
        let (low, high) = (low.unwrap_or_default(), high.unwrap_or_default());
        let query = format!("bins={}{low}{high}&magnitude={with_magnitude}{}", bins.count, period.query());
        let response = self.api().get(&format!("{}/histogram?{query}", self.devices.path(subject))).await;
        let readings = self.devices.readings(subject, period);
        let expected = (!readings.is_empty()).then(|| histograms(&readings, period, bins, with_magnitude));
        compare(&response, expected, Clone::clone);
    }

    async fn export(&self, subject: Subject, period: Period) {
        let path = format!("{}/export?format=csv{}", self.devices.path(subject), period.query());
        let response = self.api().get(&path).await;
        let mut expected = "device_id,timestamp,x,y,z\n".to_owned();
        for slot in self.devices.slots(subject) {
            for (time, [x, y, z]) in inside(slot, period) {
                let (device_id, time) = (&slot.device_id, written(time));
                let [x, y, z] = [x, y, z].map(|number| json!(number));
                writeln!(expected, "{device_id},{time},{x},{y},{z}").unwrap();
            }
        }
        assert_eq!(response.status, 200, "{response:?}");
        assert!(response.body == expected.as_bytes(), "{response:?}\nis not\n{expected}");
    }

    async fn list(&mut self, slot: usize, period: Period, skip: usize, limit: usize) {
        let query = format!("skip={skip}&limit={limit}{}", period.query());
        let listed = self.api().list(&format!("{}?{query}", self.devices.path(Subject::Slot(slot)))).await;
        let readings = inside(&self.devices.slots[slot], period);
        let times: Vec<i64> = readings.iter().rev().skip(skip).take(limit).map(|(time, _)| *time).collect();
        assert_eq!(listed.len(), times.len(), "{listed:?}");
        for (time, reading) in times.into_iter().zip(&listed) {
            self.compare_reading(slot, time, reading);
        }
    }

    /// Compares a returned reading with the reading at that time. Its id belongs to no other reading.
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

/// Compares a response, to the last bit of each number.
fn compare(response: &Response, expected: Option<Value>, part: impl Fn(&Value) -> Value) {
    match expected {
        None => assert_eq!(response.brief(), NO_READINGS),
        Some(expected) => {
            assert_eq!(response.status, 200, "{response:?}");
            assert_eq!(part(&response.json()).to_string(), expected.to_string());
        }
    }
}
