//! Kills at random moments: what was acknowledged is there afterwards, once, and nothing is that was not sent.
//!
//! Eight writers post readings x = k, y = 1, z = -k of their own device, of which k is the time, too. A request whose answer
//! was lost with the process has been stored as a whole or not at all; half of those are sent again. `KILLS` says how often
//! the process is killed, over each store; `make torture` does it a thousand times.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a kill comes at a random time; how many is up to who runs it, and is told what was found"
)]

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use reqwest::blocking::Client;
use serde_json::{Value, json};

use crate::databases::{Database, over_both_stores};
use crate::started::{Started, run};

const WRITERS: u64 = 8;
/// Readings of a request: mostly few, sometimes enough for a segment.
const COUNTS: [u64; 8] = [1, 1, 3, 1, 40, 1, 700, 4_500];
/// How long it takes at most from the first acknowledgement after a start to the kill.
const LIFE_MILLIS_MAX: u64 = 250;
/// How long a server may acknowledge nothing.
const SILENCE_MAX: Duration = Duration::from_mins(1);
/// From the start of a process, after a kill, until it answers.
const START_MAX: Duration = Duration::from_secs(2);

/// A generator that needs no library: xorshift64 (Marsaglia, 2003).
struct Random(u64);

impl Random {
    fn below(&mut self, end: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % end
    }
}

/// What became of consecutive readings of a device.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Acknowledged,
    /// They were sent, and the answer was lost.
    Unknown,
}

/// One writer, which outlives the server.
struct Writer {
    device: u64,
    random: Random,
    next: u64,
    requests: Vec<(Range<u64>, Fate)>,
}

impl Writer {
    /// Posts until the server is gone.
    fn post_on(&mut self, client: &Client, url: &str, acknowledged: &AtomicU64) {
        let unknown = self.requests.iter_mut().filter(|(_, fate)| *fate == Fate::Unknown);
        for (numbers, fate) in unknown {
            if self.random.below(2) == 0 {
                match post(client, url, self.device, numbers) {
                    Some(()) => *fate = Fate::Acknowledged,
                    None => return,
                }
            }
        }
        loop {
            let count = COUNTS[usize::try_from(self.random.below(COUNTS.len() as u64)).unwrap()];
            let numbers = self.next..self.next + count;
            self.next = numbers.end;
            let answer = post(client, url, self.device, &numbers);
            self.requests.push((numbers, if answer.is_some() { Fate::Acknowledged } else { Fate::Unknown }));
            if answer.is_none() {
                return;
            }
            acknowledged.fetch_add(1, Ordering::Relaxed);
        }
    }
}

/// Nothing where the server was gone before it answered.
fn post(client: &Client, url: &str, device: u64, numbers: &Range<u64>) -> Option<()> {
    let path = format!("{url}/api/v1/stats/devices/d{device}");
    let request = if numbers.end - numbers.start == 1 {
        let k = numbers.start;
        client.post(path).json(&json!({"x": k, "y": 1, "z": -i64::try_from(k).unwrap(), "timestamp": k}))
    } else {
        let mut rows = String::from("timestamp,x,y,z\n");
        for k in numbers.clone() {
            writeln!(rows, "{k},{k},1,-{k}").unwrap();
        }
        let request = client.post(format!("{path}/batch")).header("content-type", "text/csv");
        request.body(rows)
    };
    loop {
        let answer = request.try_clone().unwrap().send().ok()?;
        let (status, text) = (answer.status(), answer.text().ok()?);
        if status != 503 {
            assert_eq!(status, 201, "{text}");
            return Some(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Asserts that of the readings in a window all are there, once, or, where that is not certain, none of them.
fn assert_window(client: &Client, url: &str, device: u64, numbers: &Range<u64>, is_certain: bool) {
    let window = json!({"start_time": numbers.start, "end_time": numbers.end - 1});
    let path = format!("{url}/api/v1/stats/devices/d{device}/analyze");
    let answer = client.post(path).json(&window).send().unwrap();
    let (status, answer) = (answer.status(), answer.json::<Value>().unwrap());
    if !is_certain && status == 404 {
        return;
    }
    assert_eq!(status, 200, "of {numbers:?} of d{device}: {answer}");
    let sum = numbers.clone().sum::<u64>().to_string().parse::<f64>().unwrap();
    let [x, y, z] = ["x", "y", "z"].map(|axis| answer[axis]["sum"].as_f64());
    let count = numbers.end - numbers.start;
    assert_eq!(answer["x"]["count"], count, "of {numbers:?} of d{device}: {answer}");
    let counted = f64::from(u32::try_from(count).unwrap());
    assert_eq!((x, y, z), (Some(sum), Some(counted), Some(-sum)), "of {numbers:?} of d{device}: {answer}");
}

/// Asserts that a writer finds what it knows, and nothing else.
fn assert_kept(client: &Client, url: &str, writer: &Writer) {
    let mut certain: Option<Range<u64>> = None;
    for (numbers, fate) in &writer.requests {
        match fate {
            Fate::Acknowledged => {
                certain = Some(certain.map_or(numbers.start, |before| before.start)..numbers.end);
            }
            Fate::Unknown => {
                if let Some(certain) = certain.take() {
                    assert_window(client, url, writer.device, &certain, true);
                }
                assert_window(client, url, writer.device, numbers, false);
            }
        }
    }
    if let Some(certain) = certain {
        assert_window(client, url, writer.device, &certain, true);
    }
    let behind = json!({"start_time": writer.next});
    let path = format!("{url}/api/v1/stats/devices/d{}/analyze", writer.device);
    assert_eq!(client.post(path).json(&behind).send().unwrap().status(), 404, "something was invented");
}

#[test]
fn what_was_acknowledged_is_there_once_after_any_kill() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let kills = std::env::var("KILLS").map_or(5, |kills| kills.parse().unwrap());
    over_both_stores(|database| kill_again_and_again(database, kills));
}

fn kill_again_and_again(database: &Database, kills: u32) {
    let seed = u64::from(std::process::id()) << 32 | 1;
    let mut random = Random(seed);
    let client = Client::builder().timeout(Duration::from_mins(1)).build().unwrap();
    let mut writers: Vec<Writer> = (0..WRITERS)
        .map(|device| Writer { device, random: Random(seed ^ (device << 8)), next: 1, requests: Vec::new() })
        .collect();
    let acknowledged = Arc::new(AtomicU64::new(0));
    for round in 0..kills {
        let begun = Instant::now();
        // As soon as there is something to seal, and not before there is much.
        let after = if round % 2 == 0 { "0" } else { "600" };
        let server = Started::with(&database.url, &["--seal-after-seconds", after]);
        if round == 0 {
            for Writer { device, .. } in &writers {
                let body = json!({"device_id": format!("d{device}")});
                let created =
                    client.post(format!("{}/api/v1/devices", server.url)).json(&body).send().unwrap();
                assert_eq!(created.status(), 201);
            }
        } else {
            assert!(begun.elapsed() < START_MAX, "a start after a kill took {:?}", begun.elapsed());
        }
        let before = acknowledged.load(Ordering::Relaxed);
        std::thread::scope(|scope| {
            for writer in &mut writers {
                let (client, url, acknowledged) = (&client, server.url.clone(), &acknowledged);
                scope.spawn(move || writer.post_on(client, &url, acknowledged));
            }
            while acknowledged.load(Ordering::Relaxed) < before + WRITERS {
                assert!(begun.elapsed() < SILENCE_MAX, "nothing is acknowledged");
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_millis(random.below(LIFE_MILLIS_MAX)));
            server.kill();
        });
    }
    let server = Started::on(&database.url);
    for writer in &writers {
        assert_kept(&client, &server.url, writer);
    }
    drop(server);
    let verified = run(&["verify", "--database-url", &database.url]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let requests: usize = writers.iter().map(|writer| writer.requests.len()).sum();
    let unknown =
        writers.iter().flat_map(|writer| &writer.requests).filter(|(_, fate)| *fate == Fate::Unknown);
    println!(
        "{kills} kills, seed {seed}: {requests} requests, {} acknowledged at once, {} never: 0 lost, 0 doubled, 0 invented",
        acknowledged.load(Ordering::Relaxed),
        unknown.count()
    );
}
