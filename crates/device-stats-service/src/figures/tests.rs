//! Tests of the figures over the model: each event is counted where it happens.

use std::sync::Arc;

use device_stats_domain::{Axes, DeviceId, Finite, Measurement};
use device_stats_store::{Model, Store};

use super::*;
use crate::ingest::MissingDevices;
use crate::limits::DIRECT_SEAL_READINGS;
use crate::testing::{create_device, granted, service_over};

fn measured(time_us: i64, value: f64) -> Measurement {
    let value = Finite::new(value).unwrap();
    let time = Some(Timestamp::from_micros(time_us).unwrap());
    Measurement { time, values: Axes { x: value, y: value, z: value } }
}

async fn append(service: &Service, measurements: Vec<Measurement>) {
    let device = DeviceId::new("d").unwrap();
    let (missing, mut permit) = (MissingDevices::Refuse, service.body_permit());
    service.append_batch(granted(), &device, measurements, missing, None, &mut permit).await.unwrap();
}

#[tokio::test]
async fn readings_are_counted_by_their_outcomes() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    create_device(store.as_ref(), "d").await;
    let service = service_over(store);
    let empty = service.show_node(granted());
    assert_eq!((empty.readings, empty.sealing.oldest_hot), Default::default());
    let hot = async || service.show_database(granted()).await.unwrap().hot_readings;
    assert_eq!(hot().await, 0);
    append(&service, vec![measured(1, 1.0), measured(2, 1.0), measured(1, 1.0), measured(2, 2.0)]).await;
    let few = service.show_node(granted());
    let ReadingFigures { accepted, repeated, conflicting, rejected, .. } = few.readings;
    assert_eq!((accepted, repeated, conflicting, rejected), (2, 2, 1, 0));
    assert_eq!((hot().await, few.sealing.backlog_readings), (2, 2));
    assert!(few.sealing.oldest_hot.is_some() && few.readings.accepted_per_second > 0.0);
    // These become a segment at once.
    let many = i64::from(DIRECT_SEAL_READINGS);
    let mut measurements: Vec<_> = (0..many).map(|n| measured(1_000 + n, 1.0)).collect();
    measurements.push(measured(1_000, 3.0));
    append(&service, measurements).await;
    service.count_rejected(7);
    let sealed = service.show_node(granted());
    let ReadingFigures { accepted, repeated, conflicting, rejected, .. } = sealed.readings;
    assert_eq!((accepted, repeated, conflicting, rejected), (2 + u64::from(DIRECT_SEAL_READINGS), 3, 2, 7));
    assert_eq!((hot().await, sealed.queued_readings), (2, 0));
}

#[tokio::test]
async fn queries_are_counted_while_they_run_and_when_they_are_refused() {
    let service = service_over(Arc::new(Model::default()));
    let mut running = Vec::new();
    while let Ok(query) = service.parts.admission.admit_query() {
        running.push(query);
    }
    let figures = service.show_node(granted());
    assert_eq!((figures.queries, figures.queries_refused), (running.len() as u64, 1));
    running.pop();
    let figures = service.show_node(granted());
    assert_eq!((figures.queries, figures.queries_refused), (running.len() as u64, 1));
}

#[tokio::test]
async fn sealing_is_counted() {
    let store: Arc<dyn Store> = Arc::new(Model::default());
    create_device(store.as_ref(), "d").await;
    let service = service_over(store);
    append(&service, (0..100).map(|n| measured(n, 1.0)).collect()).await;
    let sealing = service.seal_in_background(Duration::ZERO);
    loop {
        let figures = service.show_node(granted());
        if figures.sealing.sealed == 100 {
            assert_eq!((figures.sealing.failures, figures.sealing.backlog_readings), (0, 0));
            break;
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    sealing.stop().await;
}
