//! Compressed batches: complete, in several frames, truncated, corrupt, and as a decompression bomb.

use std::io::{Read as _, Write as _};

use device_stats_formats::limits::BATCH_BYTES_MAX;
use flate2::Compression;
use flate2::write::GzEncoder;
use zstd::stream::raw::CParameter;
use zstd::stream::write::Encoder;

use crate::server::{Api, BATCH, CSV, JSON, READINGS, over_both_stores};

const ROW: &[u8] = br#"[{"x":1,"y":2,"z":3}]"#;

over_both_stores!(
    gzip_is_limited_after_decompression,
    zstd_is_accepted_only_with_a_small_window,
    zstd_is_limited_after_decompression,
    a_truncated_stream_is_refused
);

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn zstd(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 3).unwrap()
}

/// Compresses as a stream: the frame does not state its size, so the decoder needs the whole window.
fn zstd_stream(bytes: &[u8], window_log: u32) -> Vec<u8> {
    let mut encoder = Encoder::new(Vec::new(), 3).unwrap();
    encoder.set_parameter(CParameter::WindowLog(window_log)).unwrap();
    for part in bytes.chunks(7) {
        encoder.write_all(part).unwrap();
        encoder.flush().unwrap();
    }
    encoder.finish().unwrap()
}

async fn coded(api: Api, coding: &str, body: &[u8]) -> String {
    let coding = format!("content-encoding: {coding}");
    api.send("POST", BATCH, &[JSON, &coding], Some(body)).await.brief()
}

async fn gzip_is_limited_after_decompression(api: Api) {
    api.device("d").await;
    let bomb = gzip(&vec![b' '; BATCH_BYTES_MAX + 1]);
    assert!(bomb.len() < 20_000);
    assert_eq!(coded(api, "gzip", &bomb).await, "413 The body is larger than 10485760 bytes");
    let broken = "400 The body is not a complete gzip stream";
    assert_eq!(coded(api, "gzip", ROW).await, broken);
    assert_eq!(coded(api, "gzip", &zstd(ROW)).await, broken);
    assert_eq!(coded(api, "gzip", &gzip(b"")).await, "422 missing body");
    assert_eq!(
        coded(api, "gzip", &gzip(b"[\xff]")).await,
        "400 There was an error parsing the body: line 1 is not UTF-8"
    );
    assert!(api.list(READINGS).await.is_empty());
    assert_eq!(coded(api, "gzip", &gzip(ROW)).await, "201");
    assert_eq!(coded(api, "gzip", &[gzip(&ROW[..5]), gzip(&ROW[5..])].concat()).await, "201");
    let headers = [CSV, "content-encoding: X-GZIP"];
    assert_eq!(api.send("POST", BATCH, &headers, Some(&gzip(b"x,y,z\n1,2,3\n"))).await.brief(), "201");
    assert_eq!(api.list(READINGS).await.len(), 3);
}

async fn zstd_is_accepted_only_with_a_small_window(api: Api) {
    api.device("d").await;
    let broken = "400 The body is not a complete zstd stream, or its window is above 8 MiB";
    let garbage_behind = [zstd(ROW), b"garbage".to_vec()].concat();
    for body in
        [ROW.to_vec(), b"".to_vec(), gzip(ROW), garbage_behind, zstd_stream(ROW, 24), zstd_stream(ROW, 27)]
    {
        assert_eq!(coded(api, "zstd", &body).await, broken, "{body:?}");
    }
    assert_eq!(coded(api, "zstd", &zstd(b"")).await, "422 missing body");
    assert_eq!(
        coded(api, "zstd", &zstd(b"[\xff]")).await,
        "400 There was an error parsing the body: line 1 is not UTF-8"
    );
    assert!(api.list(READINGS).await.is_empty());
    // A skippable frame: magic number, length, four bytes.
    let skipped = [0x184d_2a50_u32.to_le_bytes(), 4_u32.to_le_bytes(), *b"skip"].concat();
    for body in [
        zstd(ROW),
        zstd_stream(ROW, 23),
        [zstd(&ROW[..5]), zstd(&ROW[5..])].concat(),
        [skipped.clone(), zstd(ROW), skipped].concat(),
    ] {
        assert_eq!(coded(api, "ZSTD", &body).await, "201", "{body:?}");
    }
    let headers = [CSV, "content-encoding: zstd"];
    assert_eq!(api.send("POST", BATCH, &headers, Some(&zstd(b"x,y,z\n1,2,3\n"))).await.brief(), "201");
    assert_eq!(api.list(READINGS).await.len(), 5);
}

/// The largest batch is accepted in every form of compression. A larger batch is decompressed only up to the
/// limit.
async fn zstd_is_limited_after_decompression(api: Api) {
    api.device("d").await;
    let mut largest = ROW.to_vec();
    largest.resize(BATCH_BYTES_MAX, b' ');
    for level in [1, 19] {
        assert_eq!(
            coded(api, "zstd", &zstd::encode_all(&largest[..], level).unwrap()).await,
            "201",
            "{level}"
        );
    }
    let one_frame = zstd::bulk::compress(&largest, 19).unwrap();
    assert_eq!(coded(api, "zstd", &one_frame).await, "201");
    let large = "413 The body is larger than 10485760 bytes";
    largest.push(b' ');
    assert_eq!(coded(api, "zstd", &zstd(&largest)).await, large);
    let bomb = zstd::encode_all(std::io::repeat(b' ').take(1 << 28), 1).unwrap();
    assert!(bomb.len() < 50_000);
    assert_eq!(coded(api, "zstd", &bomb).await, large);
    let many_frames = zstd(&largest[1..1 << 20]).repeat(11);
    assert_eq!(coded(api, "zstd", &many_frames).await, large);
}

async fn a_truncated_stream_is_refused(api: Api) {
    api.device("d").await;
    for (coding, stream) in [("gzip", gzip(ROW)), ("zstd", zstd(ROW)), ("zstd", zstd_stream(ROW, 20))] {
        for length in 1..stream.len() {
            let response = coded(api, coding, &stream[..length]).await;
            assert!(response.starts_with("400 The body is not a complete"), "{coding} {length}: {response}");
        }
    }
    assert!(api.list(READINGS).await.is_empty());
}
