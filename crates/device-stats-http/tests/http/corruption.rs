//! What the database has kept of a segment is changed, bit by bit, cut short, exchanged and lost. Whatever it is, every
//! answer is the right one, where what was damaged was not needed, or names the segment; and all else goes on.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::{Axes, Axis, DeviceKey};
use device_stats_segment::{Column, Effort, Head, Row, Segment};
use device_stats_store::{Piece, PieceKey, Replaced, SegmentId, Store};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::databases::{Database, over_both_databases};
use crate::served::{Answer, Api, Served};
use crate::truth::{Bins, Period, Timed, Wanted, analysis, histograms, series, written};

over_both_databases!(damage_is_named_or_does_not_matter);

/// 23 November 2026, in microseconds since 1970 UTC.
const EPOCH_US: i64 = 1_795_392_000_000_000;
/// Readings of the segment that is damaged; three pages of rows.
const READINGS: usize = 9_000;
/// Readings of the segment after it.
const MORE: usize = 500;
/// Bytes of the head that are changed, at equal distances.
const HEAD_BYTES: usize = 60;
/// Far more than an answer takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// What is done to what is stored.
#[derive(Clone, Debug)]
enum Damage {
    /// One bit of a piece is another one.
    Flip { piece: Piece, byte: usize, of: &'static str },
    /// A piece ends before its end.
    Cut { piece: Piece, length: usize },
    /// A block is not there. Over PostgreSQL that was answered with 503: it was taken for a block whose segment has been
    /// merged away, and looked for again and again.
    Lose { block: u32 },
    /// Each of two blocks is in the place of the other.
    Swap { block: u32, other: u32 },
    /// The head is that of another segment of the device. All checksums are right, and it was believed: an analysis of the
    /// times that the catalogue has of the segment was answered with 404.
    Exchange,
}

/// What is asked for, and the right answer.
struct Question {
    method: &'static str,
    path: String,
    body: Value,
    right: Value,
}

/// A device with two segments, of which the first one is damaged, and one that stays sound.
struct Scene {
    database: Database,
    store: Arc<dyn Store>,
    ill: DeviceKey,
    damaged: SegmentId,
    segment: Segment,
    other: Segment,
    questions: Vec<Question>,
    sound: Question,
}

async fn damage_is_named_or_does_not_matter(database: Database) {
    let scene = Scene::new(database).await;
    let mut refused: BTreeMap<&str, usize> = BTreeMap::new();
    for (number, damage) in (0..).zip(scene.damages()) {
        scene.inflict(&damage).await;
        *refused.entry(kind(&damage)).or_default() += scene.ask(&damage, number).await;
        scene.heal().await;
    }
    let kinds =
        ["head", "times", "ids", "dictionary", "codes", "sums", "cut", "lost", "swapped", "exchanged"];
    assert!(kinds.iter().all(|kind| refused[kind] > 0), "{refused:?}");
    // All of it is as it was before.
    let served = Served::start(Arc::clone(&scene.store)).await;
    for question in &scene.questions {
        assert!(!scene.refuses(served.api, question, "nothing").await);
    }
    served.stop().await;
}

fn kind(damage: &Damage) -> &'static str {
    match damage {
        Damage::Flip { of, .. } => of,
        Damage::Cut { .. } => "cut",
        Damage::Lose { .. } => "lost",
        Damage::Swap { .. } => "swapped",
        Damage::Exchange => "exchanged",
    }
}

/// A reading: x is never the same, y is one of a few, z needs long sums.
fn row(reading: usize) -> Row {
    let n = i32::try_from(reading * 7_919 % 100_003).unwrap();
    let z = f64::from(n % 3_000 - 1_500) * 2_f64.powi(n % 300 - 150);
    let values = Axes { x: f64::from(n) / 8.0, y: f64::from(n % 40), z };
    Row { time_us: EPOCH_US + i64::try_from(reading).unwrap() * 1_000_000, id: i64::from(n) + 1, values }
}

fn timed(row: &Row) -> Timed {
    let Axes { x, y, z } = row.values;
    (row.time_us, [x, y, z])
}

async fn register(api: Api, device_id: &str, user: i64) -> DeviceKey {
    let answer = api.post("/api/v1/devices", json!({"device_id": device_id, "user_id": user})).await;
    DeviceKey(answer.json()["id"].as_i64().unwrap())
}

async fn append(store: &dyn Store, device: DeviceKey, rows: &[Row]) -> (SegmentId, Segment) {
    let segment = Segment::encode(rows, Effort::Fast).unwrap();
    let Replaced::Done(id) = store.append_segment(device, &segment).await.unwrap() else { panic!("stale") };
    (id, segment)
}

impl Scene {
    async fn new(database: Database) -> Self {
        let store = database.open().await;
        let served = Served::start(Arc::clone(&store)).await;
        let user = served.api.user("ada").await;
        let ill = register(served.api, "ill", user).await;
        let sound = register(served.api, "sound", user).await;
        served.stop().await;
        let rows: Vec<Row> = (0..READINGS + MORE).map(row).collect();
        let (damaged, segment) = append(&*store, ill, &rows[..READINGS]).await;
        let (_, other) = append(&*store, ill, &rows[READINGS..]).await;
        append(&*store, sound, &rows[..MORE]).await;
        let readings: Vec<Timed> = rows.iter().map(timed).collect();
        let sound = analyze("sound", &readings[..MORE], Period::ALL, &Wanted::default());
        let questions = questions(ill, user, &rows, &readings);
        Self { database, store, ill, damaged, segment, other, questions, sound }
    }

    /// A bit of many bytes of the head and of each page, and all that can happen to whole pieces.
    fn damages(&self) -> Vec<Damage> {
        let head = Head::open(&self.segment.head).unwrap();
        let length = self.segment.head.len();
        let bytes = (0..HEAD_BYTES).map(|n| n * length / HEAD_BYTES).chain([length - 1]);
        let mut damages: Vec<Damage> =
            bytes.map(|byte| Damage::Flip { piece: Piece::Head, byte, of: "head" }).collect();
        let mut columns = vec![("times", Column::Times), ("ids", Column::Ids)];
        for axis in Axis::ALL {
            columns.push(("dictionary", Column::Dictionary(axis)));
            columns.push(("codes", Column::Codes(axis)));
            columns.push(("sums", Column::Sums(axis)));
        }
        for (of, column) in columns {
            for place in head.pages(column).map(|page| head.block_range(page).unwrap()) {
                let bytes = place.bytes;
                for byte in [bytes.start, bytes.start + bytes.len() / 2, bytes.end - 1] {
                    damages.push(Damage::Flip { piece: Piece::Block(place.block), byte, of });
                }
            }
        }
        damages.extend([0, 9, 100, length - 1].map(|length| Damage::Cut { piece: Piece::Head, length }));
        for (block, bytes) in (0..).zip(&self.segment.blocks) {
            let lengths = [0, bytes.len() / 2, bytes.len() - 1];
            damages.extend(lengths.map(|length| Damage::Cut { piece: Piece::Block(block), length }));
            damages.push(Damage::Lose { block });
            damages.extend((0..block).map(|other| Damage::Swap { block, other }));
        }
        damages.push(Damage::Exchange);
        damages
    }

    fn key(&self, piece: Piece) -> PieceKey {
        PieceKey { device: self.ill, segment: self.damaged, piece }
    }

    fn block(&self, block: u32) -> &[u8] {
        &self.segment.blocks[block as usize]
    }

    fn bytes(&self, piece: Piece) -> &[u8] {
        match piece {
            Piece::Head => &self.segment.head,
            Piece::Block(block) => self.block(block),
        }
    }

    async fn inflict(&self, damage: &Damage) {
        let replace = async |piece, bytes: &[u8]| self.database.replace(self.key(piece), bytes).await;
        match *damage {
            Damage::Flip { piece, byte, of: _ } => {
                let mut bytes = self.bytes(piece).to_vec();
                bytes[byte] ^= 1 << (byte % 8);
                replace(piece, &bytes).await;
            }
            Damage::Cut { piece, length } => replace(piece, &self.bytes(piece)[..length]).await,
            Damage::Lose { block } => self.database.delete_block(self.key(Piece::Block(block))).await,
            Damage::Swap { block, other } => {
                replace(Piece::Block(block), self.block(other)).await;
                replace(Piece::Block(other), self.block(block)).await;
            }
            Damage::Exchange => replace(Piece::Head, &self.other.head).await,
        }
    }

    async fn heal(&self) {
        self.database.replace(self.key(Piece::Head), &self.segment.head).await;
        for block in 0..u32::try_from(self.segment.blocks.len()).unwrap() {
            self.database.replace(self.key(Piece::Block(block)), self.block(block)).await;
        }
    }

    /// Asks everything of a service that has nothing in its cache; how many questions are refused.
    async fn ask(&self, damage: &Damage, number: i64) -> usize {
        let what = format!("{damage:?}");
        let served = Served::start(Arc::clone(&self.store)).await;
        let api = served.api;
        let mut refused = 0;
        for question in &self.questions {
            refused += usize::from(self.refuses(api, question, &what).await);
        }
        assert!(!self.refuses(api, &self.sound, &what).await, "another device fails after {what}");
        assert_eq!(api.get("/health/ready").await.status, 200, "{what}");
        // Behind all that was asked for.
        let late = EPOCH_US + 86_400_000_000 + number;
        let reading = json!({"x": 1, "y": 2, "z": 3, "timestamp": written(late)});
        let stored = api.post("/api/v1/stats/devices/ill", reading).await;
        assert_eq!((stored.status, &stored.json()["timestamp"]), (201, &json!(written(late))), "{what}");
        served.stop().await;
        refused
    }

    /// Whether an answer is that the segment is corrupt; else it is the right one.
    async fn refuses(&self, api: Api, question: &Question, what: &str) -> bool {
        let Question { method, path, body, right } = question;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let asked = api.send(method, path, &[crate::served::JSON], Some(body.as_bytes()));
        let answer: Answer = timeout(PATIENCE, asked).await.expect(what);
        if answer.status == 200 {
            let answer = answer.json();
            let shown = answer.get("buckets").unwrap_or(&answer);
            assert_eq!(shown.to_string(), right.to_string(), "{path} after {what}");
            return false;
        }
        let detail = format!("Segment {} of the device with id {} is corrupt", self.damaged.0, self.ill.0);
        let named = (500, &json!("corrupt_segment"), &json!(detail));
        let answered = answer.json();
        assert_eq!((answer.status, &answered["code"], &answered["detail"]), named, "{path} after {what}");
        true
    }
}

fn analyze(device: &str, readings: &[Timed], period: Period, wanted: &Wanted) -> Question {
    let inside: Vec<Timed> = readings.iter().copied().filter(|(time, _)| period.contains(*time)).collect();
    let path = format!("/api/v1/stats/devices/{device}/analyze");
    let right = analysis(&inside, period, wanted);
    Question { method: "POST", path, body: wanted.body(period), right }
}

/// Questions that need all columns and, together, most pages.
fn questions(ill: DeviceKey, user: i64, rows: &[Row], readings: &[Timed]) -> Vec<Question> {
    let at = |reading: usize| Some(rows[reading].time_us);
    let all = Period { start: None, end: at(rows.len() - 1) };
    let first = Period { start: None, end: at(READINGS - 1) };
    let cut = Period { start: at(1_000), end: at(5_000) };
    let wanted = Wanted { percentiles: vec![10_000, 90_000], mean: true, stddev: true };
    let mut questions =
        vec![analyze("ill", readings, all, &wanted), analyze("ill", readings, first, &Wanted::default())];
    questions.push(analyze("ill", readings, cut, &wanted));
    let get = |path: String, right| Question { method: "GET", path, body: Value::Null, right };
    let device = "/api/v1/stats/devices/ill";
    let hours = series(readings, all, 600_000_000);
    questions.push(get(format!("{device}/series?interval=PT10M{}", all.query()), hours));
    let bins = Bins { count: 20, low: None, high: None };
    let right = histograms(readings, all, bins);
    questions.push(get(format!("{device}/histogram?bins=20{}", all.query()), right));
    for skip in [MORE - 5, 3_000, rows.len() - 10] {
        let page = rows.iter().rev().skip(skip).take(10).map(|row| {
            let Axes { x, y, z } = row.values;
            let timestamp = written(row.time_us);
            json!({"x": x, "y": y, "z": z, "id": row.id, "device_id": ill.0, "timestamp": timestamp})
        });
        questions.push(get(format!("{device}?skip={skip}&limit=10{}", all.query()), page.collect()));
    }
    // The other device has the same readings at the beginning.
    let right = user_analysis(user, readings, cut);
    let body = Wanted::default().body(cut);
    questions.push(Question {
        method: "POST",
        path: format!("/api/v1/stats/users/{user}/analyze"),
        body,
        right,
    });
    questions
}

/// The other device has no reading in the period.
fn user_analysis(user: i64, readings: &[Timed], period: Period) -> Value {
    let right = analyze("ill", readings, period, &Wanted::default()).right;
    let devices = json!([{"device_id": "ill", "stats": right}]);
    json!({"user_id": user, "aggregate_stats": right, "device_stats": devices})
}
