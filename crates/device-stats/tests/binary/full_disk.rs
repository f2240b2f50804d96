//! Tests of a full disk: nothing is lost, and all readings can be read. When space is free again, writing
//! continues without a restart.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::numbered_readings::{Answer, Api, Fate, NumberedDevice};
use crate::server::{Server, device_stats, serve};
use crate::small_disk::SmallDisk;

const DISK_MIB: u32 = 32;
/// Free space when the disk starts to fill, in bytes.
const ROOM_BYTES: u64 = 600 * 1024;
/// Numbers of readings per request. The largest request becomes a segment at once.
const COUNTS: [u64; 4] = [1, 40, 700, 4_500];
/// Maximum time until readings are accepted after space is freed.
const RESUME_MAX: Duration = Duration::from_secs(5);
/// Time limit for events that must happen eventually.
const EVENT_TIMEOUT: Duration = Duration::from_mins(1);

/// Starts a server on a small disk.
fn start(disk: &SmallDisk, seal_after_seconds: &str) -> Server {
    let serve = serve(&disk.database_url(), &["--seal-after-seconds", seal_after_seconds]);
    Server::spawn(disk.run_inside(&serve)).unwrap_or_else(|(_, log)| panic!("the server ended:\n{log}"))
}

/// Runs a command for the database. Returns whether it succeeded, and its output.
fn run(disk: &SmallDisk, arguments: &[&str]) -> (bool, String) {
    let command = device_stats(&[arguments, &["--database-url", &disk.database_url()]].concat());
    let output = disk.run_inside(&command).output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.success(), String::from_utf8(text).unwrap())
}

/// Fills the disk until requests of every size are refused.
fn fill(disk: &SmallDisk, api: &Api, device: &mut NumberedDevice) {
    disk.fill_except(ROOM_BYTES);
    for count in COUNTS.into_iter().rev() {
        while device.post(api, count) == Answer::Stored {}
    }
}

fn assert_refused(api: &Api, device: &mut NumberedDevice) {
    for count in COUNTS {
        let answer = device.post(api, count);
        assert!(matches!(answer, Answer::Refused(503 | 507)), "{count} readings: {answer:?}");
    }
}

fn assert_readable(api: &Api, devices: &[&NumberedDevice]) {
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

/// Waits until a reading is accepted; earlier requests are refused.
fn assert_resumes(api: &Api, device: &mut NumberedDevice) {
    let begun = Instant::now();
    while device.post(api, 1) != Answer::Stored {
        assert!(begun.elapsed() < RESUME_MAX, "nothing is accepted {RESUME_MAX:?} after space was freed");
    }
    assert_eq!(device.post_again(api, || true), Answer::Stored);
    for count in COUNTS {
        assert_eq!(device.post(api, count), Answer::Stored);
    }
}

/// Registers a device and posts readings.
fn device_with_readings(api: &Api, device_id: &str) -> NumberedDevice {
    let mut device = NumberedDevice::new(device_id);
    device.register(api);
    for count in COUNTS {
        assert_eq!(device.post(api, count), Answer::Stored);
    }
    device
}

#[test]
fn a_full_disk_loses_nothing_and_needs_no_restart() {
    let disk = SmallDisk::with_mib(DISK_MIB);
    let server = start(&disk, "600");
    let api = Api::at(&server.url);
    let (mut pump, mut fan) = (device_with_readings(&api, "pump"), device_with_readings(&api, "fan"));
    for _ in 0..2 {
        fill(&disk, &api, &mut pump);
        assert!(pump.count_requests(Fate::Refused) >= COUNTS.len());
        assert_refused(&api, &mut pump);
        assert_refused(&api, &mut fan);
        assert_readable(&api, &[&pump, &fan]);
        assert_eq!(pump.post(&api, 4_500), Answer::Refused(507));
        // Magnitudes must be stored before they can be read.
        let magnitudes = "/api/v1/stats/devices/pump/analysis?magnitude=true";
        let (status, answer) = api.request("GET", magnitudes, None).unwrap();
        assert!(matches!(status, 503 | 507), "{status} {answer}");
        disk.free_space();
        assert_resumes(&api, &mut pump);
        assert_eq!(api.status("GET", magnitudes), Some(200));
        assert_resumes(&api, &mut fan);
    }
    assert_readable(&api, &[&pump, &fan]);
    let (is_intact, output) = run(&disk, &["verify"]);
    assert!(is_intact, "{output}");
}

/// Requests without readings are also executed completely or refused.
#[test]
fn on_a_full_disk_every_request_is_executed_completely_or_refused() {
    let disk = SmallDisk::with_mib(DISK_MIB);
    let server = start(&disk, "600");
    let api = Api::at(&server.url);
    let (mut pump, fan) = (device_with_readings(&api, "pump"), device_with_readings(&api, "fan"));
    fill(&disk, &api, &mut pump);
    let user = json!({"username": "ann", "email": "ann@example.com"});
    let device = json!({"device_id": "new"});
    let name = json!({"name": "renamed"});
    let requests: [(&str, &str, Option<&Value>, u16); 4] = [
        ("POST", "/api/v1/users", Some(&user), 201),
        ("POST", "/api/v1/devices", Some(&device), 201),
        ("PUT", "/api/v1/devices/pump", Some(&name), 200),
        ("DELETE", "/api/v1/devices/fan", None, 204),
    ];
    for (method, path, body, success) in requests {
        let (status, answer) = api.request(method, path, body).unwrap();
        assert!(status == success || matches!(status, 503 | 507), "{method} {path}: {status} {answer}");
    }
    let fan_status = api.status("GET", "/api/v1/devices/fan");
    match fan_status {
        Some(200) => fan.assert_kept(&api),
        Some(404) => fan.assert_gone(&api),
        other => panic!("{other:?}"),
    }
    assert_readable(&api, &[&pump]);
    disk.free_space();
    assert_resumes(&api, &mut pump);
    let expected = if fan_status == Some(200) { 204 } else { 404 };
    assert_eq!(api.status("DELETE", "/api/v1/devices/fan"), Some(expected));
    fan.assert_gone(&api);
    drop(server);
    let server = start(&disk, "600");
    let api = api.with_url(&server.url);
    fan.assert_gone(&api);
    pump.assert_kept(&api);
}

/// After a kill, the server must start on the full disk, although there is no space to seal its hot readings.
#[test]
fn sealing_on_a_full_disk_loses_nothing_and_continues_when_space_is_free() {
    let disk = SmallDisk::with_mib(DISK_MIB);
    let server = start(&disk, "600");
    let api = Api::at(&server.url);
    let (mut pump, mut fan) = (NumberedDevice::new("pump"), NumberedDevice::new("fan"));
    pump.register(&api);
    fan.register(&api);
    // Hot readings to seal, and segments to merge.
    for _ in 0..3 {
        assert_eq!(pump.post(&api, 700), Answer::Stored);
        assert_eq!(fan.post(&api, 4_500), Answer::Stored);
    }
    fill(&disk, &api, &mut pump);
    for device in [&pump, &fan] {
        let (is_done, output) = run(&disk, &["seal", "--device", &device.name]);
        assert!(!is_done && output.contains("the store is out of space"), "{output}");
    }
    assert_readable(&api, &[&pump, &fan]);
    server.kill();

    let server = start(&disk, "0");
    let api = api.with_url(&server.url);
    let waiting = Instant::now();
    while !server.log().contains("sealing failed") {
        assert!(waiting.elapsed() < EVENT_TIMEOUT, "nothing is sealed:\n{}", server.log());
        std::thread::yield_now();
    }
    assert_refused(&api, &mut pump);
    assert_readable(&api, &[&pump, &fan]);
    disk.free_space();
    assert_resumes(&api, &mut pump);
    let (is_done, output) = run(&disk, &["seal", "--device", &fan.name]);
    assert!(is_done && output.contains("merged 3 segments into 1"), "{output}");
    let waiting = Instant::now();
    loop {
        let (is_intact, output) = run(&disk, &["verify"]);
        assert!(is_intact, "{output}");
        if output.contains(" 0 hot readings") {
            break;
        }
        assert!(waiting.elapsed() < EVENT_TIMEOUT, "{output}\n{}", server.log());
    }
    assert_readable(&api, &[&pump, &fan]);
    assert!(server.terminate());
    let server = start(&disk, "600");
    assert_readable(&api.with_url(&server.url), &[&pump, &fan]);
}
