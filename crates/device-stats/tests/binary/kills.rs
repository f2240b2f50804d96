//! Kills at random moments. After them, each acknowledged reading is stored exactly once, and only sent
//! readings are stored.
//!
//! Each of eight writers posts numbered readings of its own device, and deletes some of them. A request whose
//! response is lost must be stored completely or not at all. A deletion whose response is lost must have
//! deleted its whole range or nothing. Half of these requests, and of the deleted readings, are sent again.
//! Each writer also has a second device, whose readings have no times and are posted in keyed requests. All
//! keyed requests without a response are sent again, and each must be stored once. `KILLS` is the number of
//! kills for each store; `make torture` uses a thousand.

#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a kill happens at a random time; the environment sets the number of kills; the result is printed"
)]

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::databases::{Database, over_both_stores};
use crate::keyed_readings::KeyedDevice;
use crate::numbered_readings::{Answer, Api, Fate, NumberedDevice};
use crate::random::Random;
use crate::server::{Server, run};

const WRITERS: u64 = 8;
/// Numbers of readings per request: mostly few, sometimes enough for a segment.
const COUNTS: [u64; 8] = [1, 1, 3, 1, 40, 1, 700, 4_500];
/// A writer deletes readings once in this number of turns, on average.
const DELETING_TURNS: u64 = 4;
/// Maximum number of readings of a deletion. A window of this size usually cuts segments.
const DELETED_MAX: u64 = 10_000;
/// Maximum time from the first acknowledgements after a start to the kill.
const LIFE_MILLIS_MAX: u64 = 250;
/// Maximum time without an acknowledgement.
const SILENCE_MAX: Duration = Duration::from_mins(1);
/// Maximum time of a start after a kill.
const START_MAX: Duration = Duration::from_secs(2);

/// A writer, which survives the server.
struct Writer {
    device: NumberedDevice,
    keyed: KeyedDevice,
    random: Random,
}

impl Writer {
    /// Posts until the server is killed.
    fn post_until_killed(&mut self, api: &Api, acknowledged: &AtomicU64) {
        let Self { device, keyed, random } = self;
        let mut answer = device.post_again(api, || random.below(2) == 0);
        let mut has_response = keyed.post_again(api, |_| random.below(2) == 0);
        while answer != Answer::Lost && has_response {
            answer = device.post(api, random.choose(&COUNTS));
            if answer == Answer::Stored {
                acknowledged.fetch_add(1, Ordering::Relaxed);
                has_response = random.below(DELETING_TURNS) > 0 || delete_some(device, random, api);
            }
            has_response &= keyed.post(api, random.choose(&COUNTS));
        }
    }
}

/// Deletes a random range of the newest stored readings of a device. Returns whether a response arrived.
fn delete_some(device: &mut NumberedDevice, random: &mut Random, api: &Api) -> bool {
    let stored = device.newest_stored();
    let first = stored.end - 1 - random.below((stored.end - stored.start).min(DELETED_MAX));
    let end = first + 1 + random.below(stored.end - first);
    device.delete(api, &(first..end)) != Fate::Unknown
}

#[test]
fn acknowledged_readings_are_stored_once_after_any_kill() {
    let kills = std::env::var("KILLS").map_or(5, |kills| kills.parse().unwrap());
    over_both_stores(|database| kill_repeatedly(database, kills));
}

fn kill_repeatedly(database: &Database, kills: u32) {
    let seed = u64::from(std::process::id()) << 32 | 1;
    let mut random = Random::with_seed(seed);
    let client = Api::at("");
    let mut writers: Vec<Writer> = (0..WRITERS)
        .map(|n| Writer {
            device: NumberedDevice::new(format!("d{n}")),
            keyed: KeyedDevice::new(format!("k{n}")),
            random: Random::with_seed(seed ^ (n << 8)),
        })
        .collect();
    let acknowledged = AtomicU64::new(0);
    for round in 0..kills {
        let begun = Instant::now();
        // Seals in the background as early as possible in every other round.
        let after = if round % 2 == 0 { "0" } else { "600" };
        let server = Server::start_with(&database.url, &["--seal-after-seconds", after]);
        let api = client.with_url(&server.url);
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
                scope.spawn(move || writer.post_until_killed(api, acknowledged));
            }
            while acknowledged.load(Ordering::Relaxed) < before + WRITERS {
                assert!(begun.elapsed() < SILENCE_MAX, "nothing is acknowledged");
                std::thread::sleep(Duration::from_millis(1));
            }
            std::thread::sleep(Duration::from_millis(random.below(LIFE_MILLIS_MAX)));
            server.kill();
        });
    }
    let server = Server::start(&database.url);
    let api = client.with_url(&server.url);
    for writer in &mut writers {
        writer.device.assert_kept(&api);
        assert!(writer.keyed.post_again(&api, |is_acknowledged| !is_acknowledged || random.below(8) == 0));
        writer.keyed.assert_each_stored_once(&api);
    }
    drop(server);
    let verify = run(&["verify", "--database-url", &database.url]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
    let requests = |fate| writers.iter().map(|writer| writer.device.count_requests(fate)).sum::<usize>();
    println!(
        "{kills} kills, seed {seed}: {} requests acknowledged, {} refused, {} without a response, {} ranges \
         deleted, {} keyed requests acknowledged: 0 lost, 0 doubled, 0 invented",
        requests(Fate::Acknowledged),
        requests(Fate::Refused),
        requests(Fate::Unknown),
        requests(Fate::Deleted),
        writers.iter().map(|writer| writer.keyed.count_acknowledged()).sum::<usize>(),
    );
}
