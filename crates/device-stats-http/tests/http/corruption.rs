//! Tests of damaged segments: stored bytes are changed, truncated, exchanged or lost. A response that needs
//! the damaged bytes names the segment. Every other response is correct, and the service keeps working.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use device_stats_domain::{Axes, Axis, DeviceKey};
use device_stats_segment::{Column, Effort, Head, Row, Segment};
use device_stats_store::{Piece, PieceKey, Replaced, SegmentId, Store};
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::databases::{Database, over_both_databases};
use crate::oracle::{
    Bins, EPOCH_US, OptionalStatistics, Period, Timed, analysis, histograms, series, written,
};
use crate::server::{Api, Response, Server};

over_both_databases!(damage_is_reported_or_has_no_effect);

/// Number of readings of the damaged segment; three pages of rows.
const READINGS: usize = 9_000;
/// Number of readings of the next segment.
const MORE: usize = 500;
/// Number of bytes of the head that are changed, at equal distances.
const HEAD_BYTES: usize = 60;
/// Timeout of a request, far longer than a request takes.
const PATIENCE: Duration = Duration::from_mins(1);

/// A damage to the stored bytes of a segment.
#[derive(Clone, Debug)]
enum Damage {
    /// One bit of a piece is flipped.
    Flip { piece: Piece, byte: usize, of: &'static str },
    /// A piece is truncated.
    Cut { piece: Piece, length: usize },
    /// A block is missing. Over PostgreSQL the response was 503: the service assumed that the segment had
    /// been merged away, and read it again and again.
    Lose { block: u32 },
    /// Two blocks are exchanged.
    Swap { block: u32, other: u32 },
    /// The head is replaced by the head of another segment of the device. All its checksums are valid. The
    /// service trusted such a head: an analysis of the period of the segment returned 404.
    Exchange,
}

/// A request, and the correct response.
struct Question {
    method: &'static str,
    path: String,
    body: Value,
    right: Value,
}

/// A device with two segments, the first of them damaged, and a device without damage.
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

async fn damage_is_reported_or_has_no_effect(database: Database) {
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
    // Everything is repaired.
    let server = Server::start(Arc::clone(&scene.store)).await;
    for question in &scene.questions {
        assert!(!scene.refuses(server.api, question, "nothing").await);
    }
    server.stop().await;
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

/// Returns a reading: x is unique, y has few values, z needs long exact sums.
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

async fn append(store: &dyn Store, device: DeviceKey, rows: &[Row]) -> (SegmentId, Segment) {
    let segment = Segment::encode(rows, Effort::Fast).unwrap();
    let Replaced::Done(id) = store.append_segment(device, &segment).await.unwrap() else { panic!("stale") };
    (id, segment)
}

impl Scene {
    async fn new(database: Database) -> Self {
        let store = database.open().await;
        let server = Server::start(Arc::clone(&store)).await;
        let user = server.api.user("ada").await;
        let ill = server.api.owned_device("ill", user).await;
        let sound = server.api.owned_device("sound", user).await;
        server.stop().await;
        let rows: Vec<Row> = (0..READINGS + MORE).map(row).collect();
        let (damaged, segment) = append(&*store, ill, &rows[..READINGS]).await;
        let (_, other) = append(&*store, ill, &rows[READINGS..]).await;
        append(&*store, sound, &rows[..MORE]).await;
        let readings: Vec<Timed> = rows.iter().map(timed).collect();
        let sound = analyze("sound", &readings[..MORE], Period::ALL, &OptionalStatistics::default());
        let questions = questions(ill, user, &rows, &readings);
        Self { database, store, ill, damaged, segment, other, questions, sound }
    }

    /// Returns bit flips in the head and in each page, and every kind of damage to whole pieces.
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

    /// Sends all requests to a service with an empty cache. Returns the number of refused requests.
    async fn ask(&self, damage: &Damage, number: i64) -> usize {
        let what = format!("{damage:?}");
        let server = Server::start(Arc::clone(&self.store)).await;
        let api = server.api;
        let mut refused = 0;
        for question in &self.questions {
            refused += usize::from(self.refuses(api, question, &what).await);
        }
        assert!(!self.refuses(api, &self.sound, &what).await, "another device fails after {what}");
        assert_eq!(api.get("/health/ready").await.status, 200, "{what}");
        // Later than all requested periods.
        let late = EPOCH_US + 86_400_000_000 + number;
        let reading = json!({"x": 1, "y": 2, "z": 3, "timestamp": written(late)});
        let stored = api.post("/api/v1/stats/devices/ill", reading).await;
        assert_eq!((stored.status, &stored.json()["timestamp"]), (201, &json!(written(late))), "{what}");
        server.stop().await;
        refused
    }

    /// Returns whether the response reports the segment as corrupt. Checks that any other response is
    /// correct.
    async fn refuses(&self, api: Api, question: &Question, what: &str) -> bool {
        let Question { method, path, body, right } = question;
        let body = if body.is_null() { String::new() } else { body.to_string() };
        let asked = api.send(method, path, &[crate::server::JSON], Some(body.as_bytes()));
        let response: Response = timeout(PATIENCE, asked).await.expect(what);
        if response.status == 200 {
            let response = response.json();
            let shown = response.get("buckets").unwrap_or(&response);
            assert_eq!(shown.to_string(), right.to_string(), "{path} after {what}");
            return false;
        }
        let detail = format!("Segment {} of the device with id {} is corrupt", self.damaged.0, self.ill.0);
        let named = (500, &json!("corrupt_segment"), &json!(detail));
        let answered = response.json();
        assert_eq!((response.status, &answered["code"], &answered["detail"]), named, "{path} after {what}");
        true
    }
}

fn analyze(device: &str, readings: &[Timed], period: Period, wanted: &OptionalStatistics) -> Question {
    let inside: Vec<Timed> = readings.iter().copied().filter(|(time, _)| period.contains(*time)).collect();
    let path = format!("/api/v1/stats/devices/{device}/analyze");
    let right = analysis(&inside, period, wanted);
    Question { method: "POST", path, body: wanted.body(period), right }
}

/// Returns requests that together need all columns and most pages.
fn questions(ill: DeviceKey, user: i64, rows: &[Row], readings: &[Timed]) -> Vec<Question> {
    let at = |reading: usize| Some(rows[reading].time_us);
    let all = Period { start: None, end: at(rows.len() - 1) };
    let first = Period { start: None, end: at(READINGS - 1) };
    let cut = Period { start: at(1_000), end: at(5_000) };
    let wanted = OptionalStatistics::all(vec![10_000, 90_000]);
    let mut questions = vec![
        analyze("ill", readings, all, &wanted),
        analyze("ill", readings, first, &OptionalStatistics::default()),
    ];
    questions.push(analyze("ill", readings, cut, &wanted));
    let get = |path: String, right| Question { method: "GET", path, body: Value::Null, right };
    let device = "/api/v1/stats/devices/ill";
    let hours = series(readings, all, 600_000_000, false);
    questions.push(get(format!("{device}/series?interval=PT10M{}", all.query()), hours));
    let bins = Bins { count: 20, low: None, high: None };
    let right = histograms(readings, all, bins, false);
    questions.push(get(format!("{device}/histogram?bins=20{}", all.query()), right));
    for skip in [MORE - 5, 3_000, rows.len() - 10] {
        let page = rows.iter().rev().skip(skip).take(10).map(|row| {
            let Axes { x, y, z } = row.values;
            let timestamp = written(row.time_us);
            json!({"x": x, "y": y, "z": z, "id": row.id, "device_id": ill.0, "timestamp": timestamp})
        });
        questions.push(get(format!("{device}?skip={skip}&limit=10{}", all.query()), page.collect()));
    }
    // The other device starts with the same readings.
    let right = user_analysis(user, readings, cut);
    let body = OptionalStatistics::default().body(cut);
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
    let right = analyze("ill", readings, period, &OptionalStatistics::default()).right;
    let devices = json!([{"device_id": "ill", "stats": right}]);
    json!({"user_id": user, "aggregate_stats": right, "device_stats": devices})
}
