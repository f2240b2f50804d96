//! Numbered readings, which prove that none is lost or stored twice. Reading k of a device has x = k, y = 1,
//! z = -k and the time k, from 1. Therefore an analysis of a range of numbers shows whether each of them is
//! stored once.

use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};

/// A client of a running service.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    pub(crate) url: String,
}

/// The fate of the consecutive readings of one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    /// All are stored.
    Acknowledged,
    /// None is stored.
    Refused,
    /// They were stored, and an acknowledged deletion has removed them.
    Deleted,
    /// Either all or none are stored: a request or a deletion has no known outcome.
    Unknown,
}

/// The response to a request with readings.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Answer {
    /// 201.
    Stored,
    /// 503 or 507: nothing is stored.
    Refused(u16),
    /// 503 whose code is `outcome_unknown`.
    OutcomeUnknown,
    /// No response.
    Lost,
}

/// A device and the fate of all its readings.
#[derive(Clone)]
pub(crate) struct NumberedDevice {
    pub(crate) name: String,
    next: u64,
    /// The readings of each request, in ascending order. A deletion combines those of its window.
    requests: Vec<(Range<u64>, Fate)>,
}

impl Api {
    /// Returns a client of the service at a URL.
    pub(crate) fn at(url: &str) -> Self {
        // The provider can be installed once per process.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(Duration::from_mins(1)).build().unwrap();
        Self { client, url: url.to_owned() }
    }

    /// Returns the same client for another URL, after a restart of the service.
    pub(crate) fn with_url(&self, url: &str) -> Self {
        Self { client: self.client.clone(), url: url.to_owned() }
    }

    /// Sends a request. Returns status and body, or `None` without a response.
    pub(crate) fn request(&self, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.url));
        send(match body {
            Some(body) => request.json(body),
            None => request,
        })
    }

    /// Posts a keyed request. Returns status and body, or `None` without a response.
    pub(crate) fn post_with_key(&self, key: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        let request = self.client.post(format!("{}{path}", self.url)).header("idempotency-key", key);
        send(request.json(body))
    }

    /// Sends a request without a body, and returns the status.
    pub(crate) fn status(&self, method: &str, path: &str) -> Option<u16> {
        self.request(method, path, None).map(|(status, _)| status)
    }

    /// Analyzes a range of numbers of a device. Returns `None` if none of them is stored.
    fn analyze(&self, device: &str, numbers: &Range<u64>) -> Option<Value> {
        self.analyze_period(
            device,
            &json!({"start_time": time(numbers.start), "end_time": time(numbers.end - 1)}),
        )
    }

    /// Analyzes all readings of a device. Returns `None` if there is none.
    pub(crate) fn analyze_all(&self, device: &str) -> Option<Value> {
        self.analyze_period(device, &json!({}))
    }

    fn analyze_period(&self, device: &str, period: &Value) -> Option<Value> {
        let path = format!("/api/v1/stats/devices/{device}/analyze");
        let (status, answer) = self.request("POST", &path, Some(period)).expect("no response to an analysis");
        assert!(matches!(status, 200 | 404), "{device} in {period}: {status} {answer}");
        (status == 200).then_some(answer)
    }
}

fn send(request: RequestBuilder) -> Option<(u16, Value)> {
    let response = request.send().ok()?;
    assert_retry_after(&response);
    let (status, body) = (response.status().as_u16(), response.text().ok()?);
    Some((status, serde_json::from_str(&body).unwrap_or_default()))
}

/// Asserts that a temporary refusal has `Retry-After`, and that the status is not 500.
fn assert_retry_after(answer: &Response) {
    let status = answer.status().as_u16();
    assert_ne!(status, 500, "{}", answer.url());
    if matches!(status, 503 | 507) {
        assert!(answer.headers().contains_key(RETRY_AFTER), "{status} without Retry-After: {}", answer.url());
    }
}

impl NumberedDevice {
    /// Returns a device without requests.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), next: 1, requests: Vec::new() }
    }

    /// Returns the numbers of sent and of acknowledged readings.
    pub(crate) fn sent_and_acknowledged(&self) -> (u64, u64) {
        let acknowledged = self.requests.iter().filter(|(_, fate)| *fate == Fate::Acknowledged);
        (self.next - 1, acknowledged.map(|(numbers, _)| numbers.end - numbers.start).sum())
    }

    /// Registers the device.
    pub(crate) fn register(&self, api: &Api) {
        assert!(self.try_register(api), "{} was not registered", self.name);
    }

    /// Tries to register the device, and returns whether it is registered. An earlier attempt without a
    /// response may have registered it.
    pub(crate) fn try_register(&self, api: &Api) -> bool {
        let body = json!({"device_id": self.name});
        match api.request("POST", "/api/v1/devices", Some(&body)) {
            Some((201, _)) => true,
            Some((400, answer)) if answer["code"] == "device_id_taken" => true,
            Some((503 | 507, _)) | None => false,
            Some((status, answer)) => panic!("{status} {answer}"),
        }
    }

    /// Posts the next readings in one request.
    pub(crate) fn post(&mut self, api: &Api, count: u64) -> Answer {
        let numbers = self.next..self.next + count;
        self.next = numbers.end;
        let answer = self.send(api, &numbers, None);
        self.requests.push((numbers, answer.fate()));
        answer
    }

    /// Deletes a range of readings in one request, and returns their new fate. All of them must be stored.
    pub(crate) fn delete(&mut self, api: &Api, numbers: &Range<u64>) -> Fate {
        let (first, last) = (time(numbers.start), time(numbers.end - 1));
        let path = format!("/api/v1/stats/devices/{}?start_time={first}&end_time={last}", self.name);
        let fate = match api.request("DELETE", &path, None) {
            Some((200, body)) => {
                assert_eq!(body, json!({"deleted": numbers.end - numbers.start}));
                Fate::Deleted
            }
            Some((503, body)) if body["code"] == "outcome_unknown" => Fate::Unknown,
            Some((503 | 507, _)) => return Fate::Acknowledged,
            None => Fate::Unknown,
            Some((status, body)) => panic!("{status} {body}"),
        };
        self.replace(numbers, fate);
        fate
    }

    /// Returns the device as it is while the next readings are being posted.
    pub(crate) fn while_posting(&self, count: u64) -> Self {
        let mut device = self.clone();
        device.requests.push((self.next..self.next + count, Fate::Unknown));
        device.next += count;
        device
    }

    /// Returns the device as it is while a range of stored readings is being deleted.
    pub(crate) fn while_deleting(&self, numbers: &Range<u64>) -> Self {
        let mut device = self.clone();
        device.replace(numbers, Fate::Unknown);
        device
    }

    /// Makes a range of stored readings one entry with a new fate.
    fn replace(&mut self, numbers: &Range<u64>, fate: Fate) {
        let mut requests = Vec::new();
        for (range, before) in self.requests.drain(..) {
            if range.end <= numbers.start || numbers.end <= range.start {
                requests.push((range, before));
                continue;
            }
            assert_eq!(before, Fate::Acknowledged, "{range:?}");
            if range.start < numbers.start {
                requests.push((range.start..numbers.start, before));
            }
            if range.end >= numbers.end {
                requests.push((numbers.clone(), fate));
            }
            if range.end > numbers.end {
                requests.push((numbers.end..range.end, before));
            }
        }
        self.requests = requests;
    }

    /// Returns the largest range of stored readings that ends with the newest stored reading.
    pub(crate) fn newest_stored(&self) -> Range<u64> {
        let requests = self.requests.iter().rev().skip_while(|(_, fate)| *fate != Fate::Acknowledged);
        let stored = requests.take_while(|(_, fate)| *fate == Fate::Acknowledged);
        let ranges = stored.map(|(range, _)| range.clone());
        ranges.reduce(|newer, older| older.start..newer.end).unwrap_or_default()
    }

    /// Sends unacknowledged requests and deleted readings again, in their order, until they are not stored.
    /// `is_chosen` decides for each request.
    pub(crate) fn post_again(&mut self, api: &Api, mut is_chosen: impl FnMut() -> bool) -> Answer {
        for index in 0..self.requests.len() {
            let (numbers, before) = self.requests[index].clone();
            if before == Fate::Acknowledged || !is_chosen() {
                continue;
            }
            let answer = self.send(api, &numbers, Some(before));
            self.requests[index].1 = match (before, answer.fate()) {
                // The earlier attempt may have stored the readings.
                (Fate::Unknown, Fate::Refused) => Fate::Unknown,
                (_, fate) => fate,
            };
            if answer != Answer::Stored {
                return answer;
            }
        }
        Answer::Stored
    }

    fn send(&self, api: &Api, numbers: &Range<u64>, before: Option<Fate>) -> Answer {
        let path = format!("{}/api/v1/stats/devices/{}", api.url, self.name);
        let count = numbers.end - numbers.start;
        let request = if count == 1 {
            let k = numbers.start;
            let z = -i64::try_from(k).unwrap();
            api.client.post(path).json(&json!({"x": k, "y": 1, "z": z, "timestamp": time(k)}))
        } else {
            let mut rows = String::from("timestamp,x,y,z\n");
            for k in numbers.clone() {
                writeln!(rows, "{},{k},1,-{k}", time(k)).unwrap();
            }
            api.client.post(format!("{path}/batch")).header("content-type", "text/csv").body(rows)
        };
        let Ok(answer) = request.send() else { return Answer::Lost };
        assert_retry_after(&answer);
        let status = answer.status().as_u16();
        let Ok(body) = answer.text() else { return Answer::Lost };
        let body: Value = serde_json::from_str(&body).unwrap();
        match status {
            201 => {
                assert_atomic(&body, count, before);
                Answer::Stored
            }
            503 if body["code"] == "outcome_unknown" => Answer::OutcomeUnknown,
            503 | 507 => Answer::Refused(status),
            _ => panic!("{status} {body}"),
        }
    }

    /// Asserts that each acknowledged reading is stored once and that no refused or deleted reading is
    /// stored. Of a request or a deletion with an unknown outcome, either all readings or none must be
    /// stored. No other reading may be stored.
    pub(crate) fn assert_kept(&self, api: &Api) {
        let mut found = Vec::new();
        let mut acknowledged: Option<Range<u64>> = None;
        for (numbers, fate) in &self.requests {
            if *fate == Fate::Acknowledged {
                acknowledged = Some(acknowledged.map_or(numbers.start, |before| before.start)..numbers.end);
                continue;
            }
            found.extend(acknowledged.take());
            match api.analyze(&self.name, numbers) {
                None => {}
                Some(_) if *fate == Fate::Unknown => found.push(numbers.clone()),
                Some(answer) => panic!("{numbers:?} of {}: {fate:?}, but stored: {answer}", self.name),
            }
        }
        found.extend(acknowledged);
        for numbers in &found {
            match api.analyze(&self.name, numbers) {
                Some(answer) => assert_each_once(&self.name, &answer, numbers.clone()),
                None => panic!("{numbers:?} of {} are lost", self.name),
            }
        }
        match api.analyze_all(&self.name) {
            Some(answer) => assert_each_once(&self.name, &answer, found.into_iter().flatten()),
            None => assert!(found.is_empty(), "{found:?} of {} are lost", self.name),
        }
    }

    /// Asserts that neither the device nor a reading of it exists.
    pub(crate) fn assert_gone(&self, api: &Api) {
        let path = format!("/api/v1/stats/devices/{}", self.name);
        assert_eq!(api.status("GET", &format!("/api/v1/devices/{}", self.name)), Some(404));
        assert_eq!(api.status("GET", &path), Some(404));
        assert_eq!(api.status("POST", &format!("{path}/analyze")), Some(404));
    }

    /// Returns the number of requests with a fate.
    pub(crate) fn count_requests(&self, fate: Fate) -> usize {
        self.requests.iter().filter(|(_, known)| *known == fate).count()
    }
}

/// Asserts that an analysis contains each of the numbers once, and nothing else.
pub(crate) fn assert_each_once(device: &str, answer: &Value, numbers: impl Iterator<Item = u64>) {
    let (count, sum) = numbers.fold((0_u32, 0_u64), |(count, sum), k| (count + 1, sum + k));
    let sum = sum.to_string().parse::<f64>().unwrap();
    let sums = ["x", "y", "z"].map(|axis| answer[axis]["sum"].as_f64());
    assert_eq!(answer["x"]["count"], count, "{device}: {answer}");
    assert_eq!(sums, [Some(sum), Some(f64::from(count)), Some(-sum)], "{device}: {answer}");
}

/// Asserts that a batch was stored completely, and has no repeats if it was refused before.
fn assert_atomic(body: &Value, count: u64, before: Option<Fate>) {
    // The response to a single reading has no counts.
    let Some(accepted) = body["accepted"].as_u64() else { return };
    assert_eq!(accepted + body["duplicates"].as_u64().unwrap(), count, "{body}");
    match before {
        Some(Fate::Unknown) => assert!(accepted == 0 || accepted == count, "{body}"),
        _ => assert_eq!(accepted, count, "{body}"),
    }
}

impl Answer {
    fn fate(self) -> Fate {
        match self {
            Self::Stored => Fate::Acknowledged,
            Self::Refused(_) => Fate::Refused,
            Self::OutcomeUnknown | Self::Lost => Fate::Unknown,
        }
    }
}

/// Returns the time of a numbered reading, in seconds since 1970.
pub(crate) fn time(number: u64) -> u64 {
    1_700_000_000 + number
}
