//! Rights, devices, readings and stores for the tests.

pub(crate) mod changed_model;

use std::sync::Arc;

use device_stats_domain::{
    Author, Axes, DeviceId, DeviceKey, Finite, NewDevice, NewReading, Reading, ReadingId, ReadingTime,
    Timestamp,
};
use device_stats_store::{AccountStore, Store};

use crate::access::{Action, Granted, Principal};
use crate::service::{Service, ServiceSettings};

/// Returns a service with default settings.
pub(crate) fn service_over(store: Arc<dyn Store>) -> Service {
    Service::new(store, ServiceSettings::default()).unwrap()
}

/// Returns the right to an action on everything.
pub(crate) fn granted<A: Action>() -> Granted<A> {
    Principal::ANYONE.grant().unwrap()
}

/// Creates a device without a user.
pub(crate) async fn create_device(store: &dyn AccountStore, device_id: &str) -> DeviceKey {
    let device_id = DeviceId::new(device_id).unwrap();
    store.create_device(&Author::SERVICE, NewDevice::new(device_id), None).await.unwrap().key
}

/// Returns a client-timed reading whose id and values depend on its time.
pub(crate) fn new_reading(device: DeviceKey, time_us: i64) -> NewReading {
    let number = Finite::new(f64::from(i32::try_from(time_us).unwrap()) / 3.0).unwrap();
    let time = ReadingTime::Given(Timestamp::from_micros(time_us).unwrap());
    NewReading { device, id: ReadingId(time_us), time, values: Axes { x: number, y: number, z: number } }
}

/// Returns a stored reading. All of them have the same time and values.
pub(crate) fn reading(device: i64, id: i64) -> Reading {
    let zero = Finite::new(0.0).unwrap();
    let time = Timestamp::from_micros(0).unwrap();
    Reading { device: DeviceKey(device), id: ReadingId(id), time, values: Axes { x: zero, y: zero, z: zero } }
}
