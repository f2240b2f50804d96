//! A disk that is full: nothing more is stored, nothing is lost, and reading goes on. Once there is room, so does writing,
//! without a restart.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::numbered_readings::{Answer, Api, Fate, Numbered};
use crate::server::{Started, device_stats, serve};
use crate::small_disk::SmallDisk;

const DISK_MIB: u32 = 32;
/// What is left of it for readings, once there are some.
const ROOM_BYTES: u64 = 600 * 1024;
/// Readings of a request; the last ones become a segment at once.
const COUNTS: [u64; 4] = [1, 40, 700, 4_500];
/// How soon readings are taken again once there is room.
const RESUME_MAX: Duration = Duration::from_secs(5);
/// How long a test waits for what has to happen at some time.
const PATIENCE: Duration = Duration::from_mins(1);

/// A started service on a small disk.
fn start(disk: &SmallDisk, seal_after_seconds: &str) -> Started {
    let serve = serve(&disk.database_url(), &["--seal-after-seconds", seal_after_seconds]);
    Started::by(disk.beside(&serve)).unwrap_or_else(|(_, log)| panic!("the server ended:\n{log}"))
}

/// What a command that looks at the database printed, and whether it succeeded.
fn run(disk: &SmallDisk, arguments: &[&str]) -> (bool, String) {
    let command = device_stats(&[arguments, &["--database-url", &disk.database_url()]].concat());
    let output = disk.beside(&command).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// Posts until requests of every size are refused.
fn fill(disk: &SmallDisk, api: &Api, device: &mut Numbered) {
    disk.fill_but(ROOM_BYTES);
    for count in COUNTS.into_iter().rev() {
        while device.post(api, count) == Answer::Stored {}
    }
}

fn assert_refused(api: &Api, device: &mut Numbered) {
    for count in COUNTS {
        let answer = device.post(api, count);
        assert!(matches!(answer, Answer::Refused(503 | 507)), "{count} readings: {answer:?}");
    }
}

fn assert_read(api: &Api, devices: &[&Numbered]) {
    for path in ["/health/live", "/health/ready", "/api/v1/users", "/api/v1/devices"] {
        assert_eq!(api.status("GET", path), Some(200), "{path}");
    }
    for device in devices {
        let path = format!("/api/v1/stats/devices/{}", device.name);
        for path in [path.clone(), format!("{path}/series?interval=P1D"), format!("{path}/histogram")] {
            assert_eq!(api.status("GET", &path), Some(200), "{path}");
        }
        device.assert_kept(api);
    }
}

/// Waits until a reading is taken; all that is sent meanwhile is refused.
fn assert_resumes(api: &Api, device: &mut Numbered) {
    let begun = Instant::now();
    while device.post(api, 1) != Answer::Stored {
        assert!(begun.elapsed() < RESUME_MAX, "nothing is taken {RESUME_MAX:?} after there is room");
    }
    assert_eq!(device.post_again(api, || true), Answer::Stored);
    for count in COUNTS {
        assert_eq!(device.post(api, count), Answer::Stored);
    }
}

/// A device that has posted some readings.
fn posting(api: &Api, device_id: &str) -> Numbered {
    let mut device = Numbered::device(device_id);
    device.register(api);
    for count in COUNTS {
        assert_eq!(device.post(api, count), Answer::Stored);
    }
    device
}

#[test]
fn a_full_disk_loses_nothing_and_needs_no_restart() {
    let disk = SmallDisk::of_mib(DISK_MIB);
    let server = start(&disk, "600");
    let api = Api::at(&server.url);
    let (mut pump, mut fan) = (posting(&api, "pump"), posting(&api, "fan"));
    for _ in 0..2 {
        fill(&disk, &api, &mut pump);
        assert!(pump.requests(Fate::Refused) >= COUNTS.len());
        assert_refused(&api, &mut pump);
        assert_refused(&api, &mut fan);
        assert_read(&api, &[&pump, &fan]);
        assert_eq!(pump.post(&api, 4_500), Answer::Refused(507));
        disk.give_back();
        assert_resumes(&api, &mut pump);
        assert_resumes(&api, &mut fan);
    }
    assert_read(&api, &[&pump, &fan]);
    let (is_good, found) = run(&disk, &["verify"]);
    assert!(is_good, "{found}");
}

/// What a client may do besides posting is answered just as cleanly, and done as a whole or not at all.
#[test]
fn on_a_full_disk_everything_else_is_done_or_refused_as_a_whole() {
    let disk = SmallDisk::of_mib(DISK_MIB);
    let server = start(&disk, "600");
    let api = Api::at(&server.url);
    let (mut pump, fan) = (posting(&api, "pump"), posting(&api, "fan"));
    fill(&disk, &api, &mut pump);
    let user = json!({"username": "ann", "email": "ann@example.com"});
    let device = json!({"device_id": "new"});
    let name = json!({"name": "renamed"});
    let asked: [(&str, &str, Option<&Value>, u16); 4] = [
        ("POST", "/api/v1/users", Some(&user), 201),
        ("POST", "/api/v1/devices", Some(&device), 201),
        ("PUT", "/api/v1/devices/pump", Some(&name), 200),
        ("DELETE", "/api/v1/devices/fan", None, 204),
    ];
    for (method, path, body, done) in asked {
        let (status, answer) = api.ask(method, path, body).unwrap();
        assert!(status == done || matches!(status, 503 | 507), "{method} {path}: {status} {answer}");
    }
    let has_fan = api.status("GET", "/api/v1/devices/fan");
    match has_fan {
        Some(200) => fan.assert_kept(&api),
        Some(404) => fan.assert_gone(&api),
        other => panic!("{other:?}"),
    }
    assert_read(&api, &[&pump]);
    disk.give_back();
    assert_resumes(&api, &mut pump);
    let expected = if has_fan == Some(200) { 204 } else { 404 };
    assert_eq!(api.status("DELETE", "/api/v1/devices/fan"), Some(expected));
    fan.assert_gone(&api);
    drop(server);
    let server = start(&disk, "600");
    let api = api.moved_to(&server.url);
    fan.assert_gone(&api);
    pump.assert_kept(&api);
}

/// Also a service that was killed comes up on a full disk, with readings to seal and no room to.
#[test]
fn sealing_on_a_full_disk_loses_nothing_and_goes_on_once_there_is_room() {
    let disk = SmallDisk::of_mib(DISK_MIB);
    let server = start(&disk, "600");
    let api = Api::at(&server.url);
    let (mut pump, mut fan) = (Numbered::device("pump"), Numbered::device("fan"));
    pump.register(&api);
    fan.register(&api);
    // Hot readings to be sealed, and segments to be merged.
    for _ in 0..3 {
        assert_eq!(pump.post(&api, 700), Answer::Stored);
        assert_eq!(fan.post(&api, 4_500), Answer::Stored);
    }
    fill(&disk, &api, &mut pump);
    for device in [&pump, &fan] {
        let (is_done, said) = run(&disk, &["seal", "--device", &device.name]);
        assert!(!is_done && said.contains("the store is out of space"), "{said}");
    }
    assert_read(&api, &[&pump, &fan]);
    server.kill();

    let server = start(&disk, "0");
    let api = api.moved_to(&server.url);
    let waiting = Instant::now();
    while !server.log().contains("sealing failed") {
        assert!(waiting.elapsed() < PATIENCE, "nothing is sealed:\n{}", server.log());
        std::thread::yield_now();
    }
    assert_refused(&api, &mut pump);
    assert_read(&api, &[&pump, &fan]);
    disk.give_back();
    assert_resumes(&api, &mut pump);
    let (is_done, said) = run(&disk, &["seal", "--device", &fan.name]);
    assert!(is_done && said.contains("merged 3 segments into 1"), "{said}");
    let waiting = Instant::now();
    loop {
        let (is_good, found) = run(&disk, &["verify"]);
        assert!(is_good, "{found}");
        if found.contains(" 0 hot readings") {
            break;
        }
        assert!(waiting.elapsed() < PATIENCE, "{found}\n{}", server.log());
    }
    assert_read(&api, &[&pump, &fan]);
    assert!(server.terminate());
    let server = start(&disk, "600");
    assert_read(&api.moved_to(&server.url), &[&pump, &fan]);
}
