//! Kills at random moments: what was acknowledged is there afterwards, once, and nothing is that was not sent.
//!
//! Eight writers post numbered readings, each of its own device. A request whose answer was lost with the process has been
//! stored as a whole or not at all; half of those are sent again. Each writer has a second device, whose readings bring no
//! times and go under keys: those are all sent again, and stored once. `KILLS` says how often the process is killed, over each
//! store; `make torture` does it a thousand times.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a kill comes at a random time; how many is up to who runs it, and is told what was found"
)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::databases::{Database, over_both_stores};
use crate::keyed_readings::Keyed;
use crate::numbered_readings::{Answer, Api, Fate, Numbered};
use crate::random::Random;
use crate::server::{Started, run};

const WRITERS: u64 = 8;
/// Readings of a request: mostly few, sometimes enough for a segment.
const COUNTS: [u64; 8] = [1, 1, 3, 1, 40, 1, 700, 4_500];
/// How long it takes at most from the first acknowledgement after a start to the kill.
const LIFE_MILLIS_MAX: u64 = 250;
/// How long a server may acknowledge nothing.
const SILENCE_MAX: Duration = Duration::from_mins(1);
/// From the start of a process, after a kill, until it answers.
const START_MAX: Duration = Duration::from_secs(2);

/// One writer, which outlives the server.
struct Writer {
    device: Numbered,
    keyed: Keyed,
    random: Random,
}

impl Writer {
    /// Posts until the server is gone.
    fn post_on(&mut self, api: &Api, acknowledged: &AtomicU64) {
        let Self { device, keyed, random } = self;
        let mut answer = device.post_again(api, || random.below(2) == 0);
        let mut is_answered = keyed.post_again(api, |_| random.below(2) == 0);
        while answer != Answer::Lost && is_answered {
            answer = device.post(api, random.one_of(&COUNTS));
            if answer == Answer::Stored {
                acknowledged.fetch_add(1, Ordering::Relaxed);
            }
            is_answered = keyed.post(api, random.one_of(&COUNTS));
        }
    }
}

#[test]
fn what_was_acknowledged_is_there_once_after_any_kill() {
    let kills = std::env::var("KILLS").map_or(5, |kills| kills.parse().unwrap());
    over_both_stores(|database| kill_again_and_again(database, kills));
}

fn kill_again_and_again(database: &Database, kills: u32) {
    let seed = u64::from(std::process::id()) << 32 | 1;
    let mut random = Random::seeded(seed);
    let client = Api::at("");
    let mut writers: Vec<Writer> = (0..WRITERS)
        .map(|n| Writer {
            device: Numbered::device(format!("d{n}")),
            keyed: Keyed::device(format!("k{n}")),
            random: Random::seeded(seed ^ (n << 8)),
        })
        .collect();
    let acknowledged = AtomicU64::new(0);
    for round in 0..kills {
        let begun = Instant::now();
        // As soon as there is something to seal, and not before there is much.
        let after = if round % 2 == 0 { "0" } else { "600" };
        let server = Started::with(&database.url, &["--seal-after-seconds", after]);
        let api = client.moved_to(&server.url);
        if round == 0 {
            for writer in &writers {
                writer.device.register(&api);
                writer.keyed.register(&api);
            }
        } else {
            assert!(begun.elapsed() < START_MAX, "a start after a kill took {:?}", begun.elapsed());
        }
        let before = acknowledged.load(Ordering::Relaxed);
        std::thread::scope(|scope| {
            for writer in &mut writers {
                let (api, acknowledged) = (&api, &acknowledged);
                scope.spawn(move || writer.post_on(api, acknowledged));
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
    let api = client.moved_to(&server.url);
    for writer in &mut writers {
        writer.device.assert_kept(&api);
        assert!(writer.keyed.post_again(&api, |is_answered| !is_answered || random.below(8) == 0));
        writer.keyed.assert_each_stored_once(&api);
    }
    drop(server);
    let verified = run(&["verify", "--database-url", &database.url]);
    assert!(verified.status.success(), "{}", String::from_utf8_lossy(&verified.stdout));
    let requests = |fate| writers.iter().map(|writer| writer.device.requests(fate)).sum::<usize>();
    println!(
        "{kills} kills, seed {seed}: {} requests acknowledged, {} refused, {} never answered, {} more under keys: 0 lost, \
         0 doubled, 0 invented",
        requests(Fate::Acknowledged),
        requests(Fate::Refused),
        requests(Fate::Unknown),
        writers.iter().map(|writer| writer.keyed.answered()).sum::<usize>(),
    );
}
