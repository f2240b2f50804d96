//! The threads on which bodies are read, the memory reserved for them, and the time that they may take.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::http::HeaderValue;
use axum::http::header::CONTENT_ENCODING;
use device_stats_formats::BodyError;
use device_stats_service::limits::{BODIES_BYTES_MAX, BODY_BYTES_UNCOUNTED};
use device_stats_service::{ServiceError, ServiceSettings};
use device_stats_sqlite::SqliteStore;
use flate2::Compression;
use flate2::write::GzEncoder;
use futures_util::{StreamExt, stream};
use tokio::time::Instant;

use super::*;
use crate::limits::{BODY_RATE_INTERVAL, BODY_TIMEOUT};

fn service() -> Service {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("test.db"), true).unwrap();
    Service::new(Arc::new(store), ServiceSettings::default()).unwrap()
}

/// Notes the thread of each call, and the number of bytes.
#[derive(Clone, Default)]
struct Threads(Arc<Mutex<Vec<(String, usize)>>>);

impl Threads {
    fn note(&self, bytes: usize) {
        let name = std::thread::current().name().unwrap_or_default().to_owned();
        self.0.lock().unwrap().push((name, bytes));
    }
}

impl BodyReceiver for Threads {
    fn receive(&mut self, bytes: &[u8]) -> Result<(), BodyError> {
        self.note(bytes.len());
        Ok(())
    }

    fn held_bytes(&self) -> usize {
        0
    }
}

fn compressed(coding: &'static str) -> HeaderMap {
    HeaderMap::from_iter([(CONTENT_ENCODING, HeaderValue::from_static(coding))])
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn in_frames(bytes: &[u8], size: usize) -> Body {
    let frames: Vec<_> = bytes.chunks(size).map(|frame| Ok::<_, BodyError>(frame.to_vec())).collect();
    Body::from_stream(stream::iter(frames))
}

/// Returns the number of bytes that were received on this thread, and on threads for computations. The last
/// call is the end.
async fn bytes_by_thread(headers: HeaderMap, body: Body) -> (usize, usize) {
    let threads = Threads::default();
    let end = |threads: Threads, _: &mut BodyPermit| threads.note(1);
    receive(&service(), &headers, body, BodyKind::Batch, threads.clone(), end).await.unwrap();
    let calls = threads.0.lock().unwrap();
    let computed: usize =
        calls.iter().filter(|(name, _)| name.starts_with("body-")).map(|(_, bytes)| bytes).sum();
    (calls.iter().map(|(_, bytes)| bytes).sum::<usize>() - computed, computed)
}

/// The parsing of large bodies delayed all other requests.
#[tokio::test]
async fn large_bodies_are_parsed_on_threads_for_computations() {
    let bytes = vec![b'a'; 10 * BODY_PIECE_BYTES];
    let size = bytes.len();
    for (headers, body) in [
        (HeaderMap::new(), bytes.clone()),
        (compressed("gzip"), gzip(&bytes)),
        (compressed("zstd"), zstd::encode_all(&bytes[..], 1).unwrap()),
    ] {
        let found = bytes_by_thread(headers, in_frames(&body, 20_000)).await;
        assert_eq!(found, (0, size + 1));
    }
    let small = in_frames(&bytes[..BODY_SMALL_BYTES], 20_000);
    assert_eq!(bytes_by_thread(HeaderMap::new(), small).await, (BODY_SMALL_BYTES + 1, 0));
    let large = in_frames(&bytes[..=BODY_SMALL_BYTES], 20_000);
    assert_eq!(bytes_by_thread(HeaderMap::new(), large).await, (0, BODY_SMALL_BYTES + 2));
}

#[tokio::test]
async fn tiny_frames_are_not_collected_without_limit() {
    let bytes = vec![b'a'; 4 * BODY_PIECE_FRAMES_MAX];
    let found = bytes_by_thread(HeaderMap::new(), in_frames(&bytes, 1)).await;
    assert_eq!(found, (0, bytes.len() + 1));
}

/// Returns a frame without its content, whose window has this size.
fn zstd_frame_beginning(window_log: u8) -> Vec<u8> {
    [&0xfd2f_b528_u32.to_le_bytes()[..], &[0, (window_log - 10) << 3]].concat()
}

/// The beginnings of frames in 10,000 connections held 100 GB.
#[tokio::test]
async fn memory_of_decoders_is_reserved_before_it_is_allocated() {
    let (service, end) = (service(), |_: Threads, permit: &mut BodyPermit| permit.reserved_bytes());
    let mut others = service.body_permit();
    others.grow_to(BODIES_BYTES_MAX + BODY_BYTES_UNCOUNTED - 4 * 1024 * 1024).unwrap();
    for (body, needed) in [
        (zstd::encode_all(&b"[]"[..], 1).unwrap(), 0),
        (zstd_frame_beginning(20), 1024 * 1024),
        (zstd_frame_beginning(22), usize::MAX),
        (zstd_frame_beginning(23), usize::MAX),
    ] {
        let body = Body::from(body);
        let received =
            receive(&service, &compressed("zstd"), body, BodyKind::Batch, Threads::default(), end).await;
        match received {
            Ok((reserved, _)) => assert!(reserved >= needed && reserved < 4 * 1024 * 1024),
            Err(ApiError::InvalidCoding { .. }) => assert_ne!(needed, usize::MAX),
            Err(ApiError::Service(ServiceError::QueueFull)) => assert_eq!(needed, usize::MAX),
            Err(other) => panic!("{other:?}"),
        }
    }
    others.grow_to(BODIES_BYTES_MAX).unwrap();
    for (coding, body) in [("zstd", zstd::encode_all(&b"[]"[..], 1).unwrap()), ("gzip", gzip(b"[]"))] {
        let body = Body::from(body);
        let refused =
            receive(&service, &compressed(coding), body, BodyKind::Batch, Threads::default(), end).await;
        assert!(matches!(refused, Err(ApiError::Service(ServiceError::QueueFull))), "{coding}");
    }
}

/// A receiver that keeps a multiple of its bytes. Notes the number.
#[derive(Clone, Default)]
struct Keeper(Arc<Mutex<usize>>);

impl BodyReceiver for Keeper {
    fn receive(&mut self, bytes: &[u8]) -> Result<(), BodyError> {
        *self.0.lock().unwrap() += 100 * bytes.len();
        Ok(())
    }

    fn held_bytes(&self) -> usize {
        *self.0.lock().unwrap()
    }
}

/// A short compressed body was decompressed and parsed to its end before its memory was counted.
#[tokio::test]
async fn decompression_ends_where_the_memory_ends() {
    let service = service();
    let bytes = vec![b' '; 9 * 1024 * 1024];
    for (coding, body) in [("gzip", gzip(&bytes)), ("zstd", zstd::encode_all(&bytes[..], 1).unwrap())] {
        let keeper = Keeper::default();
        let end = |_: Keeper, _: &mut BodyPermit| ();
        let (headers, body) = (compressed(coding), Body::from(body));
        let refused = receive(&service, &headers, body, BodyKind::Batch, keeper.clone(), end).await;
        assert!(matches!(refused, Err(ApiError::Service(ServiceError::QueueFull))), "{coding}");
        let kept = keeper.held_bytes();
        assert!(kept < BODIES_BYTES_MAX + 100 * 128 * 1024, "{coding}: {kept}");
    }
}

/// Sends a body whose client stops before the end. Returns the time until the body is refused, and the error.
async fn stall(headers: HeaderMap, bytes: &[u8], frame_size: usize) -> (Duration, ApiError) {
    let sent = in_frames(bytes, frame_size).into_data_stream();
    let body = Body::from_stream(sent.chain(stream::pending()));
    let end = |_: Vec<u8>, _: &mut BodyPermit| ();
    let begun = Instant::now();
    let received = receive(&service(), &headers, body, BodyKind::Batch, Vec::new(), end).await;
    (begun.elapsed(), received.map(drop).unwrap_err())
}

/// Slow clients could hold the memory of all bodies. The minimum rate prevents this only if its check knows
/// the memory that a body holds.
#[tokio::test(start_paused = true)]
async fn a_large_body_that_stalls_is_refused_early() {
    let (time, refused) = stall(HeaderMap::new(), &vec![b'a'; 300 * 1024], 20_000).await;
    assert!(matches!(refused, ApiError::SlowLargeBody { .. }), "{refused:?}");
    // The bytes are enough for the first interval.
    assert_eq!(time.as_secs(), 2 * BODY_RATE_INTERVAL.as_secs());
}

/// The memory counts, not the size: the body has some kilobytes before decompression.
#[tokio::test(start_paused = true)]
async fn a_compressed_body_that_stalls_is_refused_early() {
    let bytes = gzip(&vec![0; 4 * 1024 * 1024]);
    let (time, refused) = stall(compressed("gzip"), &bytes, 8).await;
    assert!(matches!(refused, ApiError::SlowLargeBody { .. }), "{refused:?}");
    assert_eq!(time.as_secs(), BODY_RATE_INTERVAL.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_small_body_that_stalls_is_refused_late() {
    let (time, refused) = stall(HeaderMap::new(), &vec![b'a'; 200 * 1024], 20_000).await;
    assert!(matches!(refused, ApiError::SlowBody(BODY_TIMEOUT)), "{refused:?}");
    assert_eq!(time.as_secs(), BODY_TIMEOUT.as_secs());
}
