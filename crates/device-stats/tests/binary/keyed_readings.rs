//! Readings that bring no times, under keys: x = k, y = 1, z = -k as those of [`numbered`](crate::numbered_readings). Whatever becomes of
//! a request, it is sent again under its key until it is answered, and sometimes afterwards.

use std::ops::Range;

use serde_json::{Value, json};

use crate::numbered_readings::{Api, Numbered, assert_each_once};

/// A device, and all that was ever sent of it.
pub(crate) struct Keyed {
    name: String,
    next: u64,
    /// The numbers in each request, and how it was answered, if it was.
    requests: Vec<(Range<u64>, Option<Value>)>,
}

impl Keyed {
    /// A device of which nothing has been sent.
    pub(crate) fn device(name: impl Into<String>) -> Self {
        Self { name: name.into(), next: 1, requests: Vec::new() }
    }

    /// Registers it.
    pub(crate) fn register(&self, api: &Api) {
        Numbered::device(&self.name).register(api);
    }

    /// Posts the next readings, in one request with a key of its own, and says whether it was answered.
    pub(crate) fn post(&mut self, api: &Api, count: u64) -> bool {
        let numbers = self.next..self.next + count;
        self.next = numbers.end;
        self.requests.push((numbers, None));
        self.send(api, self.requests.len() - 1)
    }

    /// Sends requests again under their keys, and ends where there is no answer. `is_chosen` is asked for each, and told
    /// whether it has been answered.
    pub(crate) fn post_again(&mut self, api: &Api, mut is_chosen: impl FnMut(bool) -> bool) -> bool {
        (0..self.requests.len())
            .all(|index| !is_chosen(self.requests[index].1.is_some()) || self.send(api, index))
    }

    /// Sends a request until it is stored, or not answered.
    fn send(&mut self, api: &Api, index: usize) -> bool {
        let Self { name, requests, .. } = self;
        let (numbers, before) = &mut requests[index];
        let path = format!("/api/v1/stats/devices/{name}");
        let key = format!("{name}-{}", numbers.start);
        let mut rows: Vec<Value> =
            numbers.clone().map(|k| json!({"x": k, "y": 1, "z": -i64::try_from(k).unwrap()})).collect();
        let (path, body) = if rows.len() == 1 {
            (path, rows.remove(0))
        } else {
            (format!("{path}/batch"), Value::from(rows))
        };
        loop {
            match api.post_under(&key, &path, &body) {
                None => return false,
                Some((201, answer)) => {
                    let first = before.get_or_insert_with(|| answer.clone());
                    assert_eq!(*first, answer, "{key}");
                    return true;
                }
                Some((409 | 503, _)) => {}
                Some((status, answer)) => panic!("{key}: {status} {answer}"),
            }
        }
    }

    /// How many requests were answered.
    pub(crate) fn answered(&self) -> usize {
        self.requests.iter().filter(|(_, answer)| answer.is_some()).count()
    }

    /// Asserts that the device has all that was sent, once, and nothing else. All must have been answered.
    pub(crate) fn assert_each_stored_once(&self, api: &Api) {
        let analysis = api.analysis_of_all(&self.name).expect("there is no reading");
        assert_each_once(&self.name, &analysis, 1..self.next);
    }
}
