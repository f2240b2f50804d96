//! Keyed requests with readings without times: x = k, y = 1, z = -k as in
//! [`numbered_readings`](crate::numbered_readings). Each request is sent again under its key until it is
//! acknowledged, and sometimes once more.

use std::ops::Range;

use serde_json::{Value, json};

use crate::numbered_readings::{Api, NumberedDevice, assert_each_once};

/// A device and all its requests.
#[derive(Clone)]
pub(crate) struct KeyedDevice {
    name: String,
    next: u64,
    /// The numbers in each request, and its response.
    requests: Vec<(Range<u64>, Option<Value>)>,
}

impl KeyedDevice {
    /// Returns a device without requests.
    pub(crate) fn new(name: impl Into<String>) -> Self {
        Self { name: name.into(), next: 1, requests: Vec::new() }
    }

    /// Registers the device.
    pub(crate) fn register(&self, api: &Api) {
        NumberedDevice::new(&self.name).register(api);
    }

    /// Tries to register the device, and returns whether it is registered.
    pub(crate) fn try_register(&self, api: &Api) -> bool {
        NumberedDevice::new(&self.name).try_register(api)
    }

    /// Returns the device as it is while the next readings are being posted.
    pub(crate) fn while_posting(&self, count: u64) -> Self {
        let mut device = self.clone();
        device.requests.push((self.next..self.next + count, None));
        device.next += count;
        device
    }

    /// Posts the next readings in one request with a new key. Returns whether a response arrived.
    pub(crate) fn post(&mut self, api: &Api, count: u64) -> bool {
        let numbers = self.next..self.next + count;
        self.next = numbers.end;
        self.requests.push((numbers, None));
        self.send(api, self.requests.len() - 1)
    }

    /// Sends requests again under their keys until a response is missing. `is_chosen` decides for each
    /// request; its argument says whether the request was acknowledged before.
    pub(crate) fn post_again(&mut self, api: &Api, mut is_chosen: impl FnMut(bool) -> bool) -> bool {
        (0..self.requests.len())
            .all(|index| !is_chosen(self.requests[index].1.is_some()) || self.send(api, index))
    }

    /// Sends a request until it is stored or a response is missing. Returns whether it is stored.
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
            match api.post_with_key(&key, &path, &body) {
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

    /// Returns the number of acknowledged requests.
    pub(crate) fn count_acknowledged(&self) -> usize {
        self.requests.iter().filter(|(_, answer)| answer.is_some()).count()
    }

    /// Asserts that each reading is stored once, and nothing else. All requests must be acknowledged.
    pub(crate) fn assert_each_stored_once(&self, api: &Api) {
        let analysis = api.analyze_all(&self.name).expect("no reading is stored");
        assert_each_once(&self.name, &analysis, 1..self.next);
    }
}
