//! Readings that tell what became of them. Those of a device are numbered from 1 up: the k-th is x = k, y = 1, z = -k, and
//! k is its time, too. So an analysis of any span of numbers says by itself whether all of them are there, once.

use std::fmt::Write as _;
use std::ops::Range;
use std::time::Duration;

use reqwest::blocking::{Client, RequestBuilder, Response};
use reqwest::header::RETRY_AFTER;
use serde_json::{Value, json};

/// A running service, as its clients see it.
#[derive(Clone)]
pub(crate) struct Api {
    client: Client,
    pub(crate) url: String,
}

/// What became of consecutive readings that were sent in one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    /// They are stored.
    Acknowledged,
    /// The answer was that nothing is stored.
    Refused,
    /// They are stored as a whole, or not at all.
    Unknown,
}

/// How a request that posts readings was answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Answer {
    /// 201.
    Stored,
    /// 503 or 507: nothing is stored.
    Refused(u16),
    /// 503 whose code is `outcome_unknown`.
    OutcomeUnknown,
    /// None.
    Lost,
}

/// A device, and all that was ever sent of it.
pub(crate) struct Numbered {
    pub(crate) name: String,
    next: u64,
    requests: Vec<(Range<u64>, Fate)>,
}

impl Api {
    /// The service at that address; whoever asks for a new one after a restart may keep the client.
    pub(crate) fn at(url: &str) -> Self {
        // The provider can be installed only once.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder().timeout(Duration::from_mins(1)).build().unwrap();
        Self { client, url: url.to_owned() }
    }

    /// The same client of a service that has come up elsewhere.
    pub(crate) fn moved_to(&self, url: &str) -> Self {
        Self { client: self.client.clone(), url: url.to_owned() }
    }

    /// The status and the body of an answer; nothing where there was none.
    pub(crate) fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Option<(u16, Value)> {
        let request = self.client.request(method.parse().unwrap(), format!("{}{path}", self.url));
        answered(match body {
            Some(body) => request.json(body),
            None => request,
        })
    }

    /// The same of a body that is posted under a key.
    pub(crate) fn post_under(&self, key: &str, path: &str, body: &Value) -> Option<(u16, Value)> {
        let request = self.client.post(format!("{}{path}", self.url)).header("idempotency-key", key);
        answered(request.json(body))
    }

    /// The status alone.
    pub(crate) fn status(&self, method: &str, path: &str) -> Option<u16> {
        self.ask(method, path, None).map(|(status, _)| status)
    }

    /// The statistics of the readings of a device inside a span of numbers; `None` where there are none.
    fn analysis(&self, device: &str, numbers: &Range<u64>) -> Option<Value> {
        self.analysis_in(device, &json!({"start_time": numbers.start, "end_time": numbers.end - 1}))
    }

    /// The statistics of all readings of a device, likewise.
    pub(crate) fn analysis_of_all(&self, device: &str) -> Option<Value> {
        self.analysis_in(device, &json!({}))
    }

    fn analysis_in(&self, device: &str, window: &Value) -> Option<Value> {
        let path = format!("/api/v1/stats/devices/{device}/analyze");
        let (status, answer) = self.ask("POST", &path, Some(window)).expect("no answer to an analysis");
        assert!(matches!(status, 200 | 404), "in {window} of {device}: {status} {answer}");
        (status == 200).then_some(answer)
    }
}

fn answered(request: RequestBuilder) -> Option<(u16, Value)> {
    let answer = request.send().ok()?;
    assert_polite(&answer);
    let (status, body) = (answer.status().as_u16(), answer.text().ok()?);
    Some((status, serde_json::from_str(&body).unwrap_or_default()))
}

/// Whoever is refused for now is told when to come again, and nobody is answered with 500.
fn assert_polite(answer: &Response) {
    let status = answer.status().as_u16();
    assert_ne!(status, 500, "{}", answer.url());
    if matches!(status, 503 | 507) {
        assert!(answer.headers().contains_key(RETRY_AFTER), "{status} without Retry-After: {}", answer.url());
    }
}

impl Numbered {
    /// A device of which nothing has been sent.
    pub(crate) fn device(name: impl Into<String>) -> Self {
        Self { name: name.into(), next: 1, requests: Vec::new() }
    }

    /// How many readings were sent, and how many of them acknowledged.
    pub(crate) fn sent_and_stored(&self) -> (u64, u64) {
        let acknowledged = self.requests.iter().filter(|(_, fate)| *fate == Fate::Acknowledged);
        (self.next - 1, acknowledged.map(|(numbers, _)| numbers.end - numbers.start).sum())
    }

    /// Registers it.
    pub(crate) fn register(&self, api: &Api) {
        assert!(self.may_register(api), "{} was not registered", self.name);
    }

    /// Registers it, if it is let, and says whether it is registered now. It may have been before, without an answer.
    pub(crate) fn may_register(&self, api: &Api) -> bool {
        let body = json!({"device_id": self.name});
        match api.ask("POST", "/api/v1/devices", Some(&body)) {
            Some((201, _)) => true,
            Some((400, answer)) if answer["code"] == "device_id_taken" => true,
            Some((503 | 507, _)) | None => false,
            Some((status, answer)) => panic!("{status} {answer}"),
        }
    }

    /// Posts the next readings, in one request.
    pub(crate) fn post(&mut self, api: &Api, count: u64) -> Answer {
        let numbers = self.next..self.next + count;
        self.next = numbers.end;
        let answer = self.send(api, &numbers, None);
        self.requests.push((numbers, answer.fate()));
        answer
    }

    /// Sends a request again that was not acknowledged, and ends where there is no answer. The first one chosen comes
    /// first; `is_chosen` is asked for each.
    pub(crate) fn post_again(&mut self, api: &Api, mut is_chosen: impl FnMut() -> bool) -> Answer {
        for index in 0..self.requests.len() {
            let (numbers, before) = self.requests[index].clone();
            if before == Fate::Acknowledged || !is_chosen() {
                continue;
            }
            let answer = self.send(api, &numbers, Some(before));
            self.requests[index].1 = match (before, answer.fate()) {
                // What was sent first may be stored nevertheless.
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
            api.client.post(path).json(&json!({"x": k, "y": 1, "z": z, "timestamp": k}))
        } else {
            let mut rows = String::from("timestamp,x,y,z\n");
            for k in numbers.clone() {
                writeln!(rows, "{k},{k},1,-{k}").unwrap();
            }
            api.client.post(format!("{path}/batch")).header("content-type", "text/csv").body(rows)
        };
        let Ok(answer) = request.send() else { return Answer::Lost };
        assert_polite(&answer);
        let status = answer.status().as_u16();
        let Ok(body) = answer.text() else { return Answer::Lost };
        let body: Value = serde_json::from_str(&body).unwrap();
        match status {
            201 => {
                assert_whole(&body, count, before);
                Answer::Stored
            }
            503 if body["code"] == "outcome_unknown" => Answer::OutcomeUnknown,
            503 | 507 => Answer::Refused(status),
            _ => panic!("{status} {body}"),
        }
    }

    /// Asserts that the device has what was acknowledged, once, nothing of what was refused, all or nothing of each
    /// request of which that is not known, and nothing else.
    pub(crate) fn assert_kept(&self, api: &Api) {
        let mut found = Vec::new();
        let mut certain: Option<Range<u64>> = None;
        for (numbers, fate) in &self.requests {
            if *fate == Fate::Acknowledged {
                certain = Some(certain.map_or(numbers.start, |before| before.start)..numbers.end);
                continue;
            }
            found.extend(certain.take());
            match api.analysis(&self.name, numbers) {
                None => {}
                Some(_) if *fate == Fate::Unknown => found.push(numbers.clone()),
                Some(answer) => panic!("{numbers:?} of {} had been refused: {answer}", self.name),
            }
        }
        found.extend(certain);
        for numbers in &found {
            match api.analysis(&self.name, numbers) {
                Some(answer) => assert_each_once(&self.name, &answer, numbers.clone()),
                None => panic!("{numbers:?} of {} are lost", self.name),
            }
        }
        match api.analysis_of_all(&self.name) {
            Some(answer) => assert_each_once(&self.name, &answer, found.into_iter().flatten()),
            None => assert!(found.is_empty(), "{found:?} of {} are lost", self.name),
        }
    }

    /// Asserts that it is not there any more, nor a reading of it.
    pub(crate) fn assert_gone(&self, api: &Api) {
        let path = format!("/api/v1/stats/devices/{}", self.name);
        assert_eq!(api.status("GET", &format!("/api/v1/devices/{}", self.name)), Some(404));
        assert_eq!(api.status("GET", &path), Some(404));
        assert_eq!(api.status("POST", &format!("{path}/analyze")), Some(404));
    }

    /// How many requests had that fate.
    pub(crate) fn requests(&self, fate: Fate) -> usize {
        self.requests.iter().filter(|(_, known)| *known == fate).count()
    }
}

/// Asserts that an analysis is of those numbers, each once, and of nothing else.
pub(crate) fn assert_each_once(device: &str, answer: &Value, numbers: impl Iterator<Item = u64>) {
    let (count, sum) = numbers.fold((0_u32, 0_u64), |(count, sum), k| (count + 1, sum + k));
    let sum = sum.to_string().parse::<f64>().unwrap();
    let sums = ["x", "y", "z"].map(|axis| answer[axis]["sum"].as_f64());
    assert_eq!(answer["x"]["count"], count, "of {device}: {answer}");
    assert_eq!(sums, [Some(sum), Some(f64::from(count)), Some(-sum)], "of {device}: {answer}");
}

/// A request is stored as a whole; what was refused before cannot be a repeat. One reading is answered with itself.
fn assert_whole(body: &Value, count: u64, before: Option<Fate>) {
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
