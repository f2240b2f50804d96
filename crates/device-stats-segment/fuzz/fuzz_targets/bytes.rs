//! Any bytes as a head and as pages, with the right checksums.

#![no_main]

use arbitrary::Arbitrary;
use device_stats_segment::{Head, Segment};
use device_stats_segment_fuzz::{judge, seal, seal_head};
use libfuzzer_sys::fuzz_target;

#[derive(Arbitrary, Debug)]
struct Input {
    head: Vec<u8>,
    pages: Vec<u8>,
}

fuzz_target!(|input: Input| {
    let mut head = b"DevStSeg\x01\x00".to_vec();
    head.extend(input.head);
    head.extend([0; 4]);
    seal_head(&mut head);
    let mut segment = Segment { head, blocks: Vec::new() };
    if let Ok(head) = Head::open(&segment.head) {
        let mut pages = input.pages;
        for bytes in head.block_bytes() {
            let rest = pages.split_off(pages.len().min(*bytes as usize));
            segment.blocks.push(std::mem::replace(&mut pages, rest));
        }
    }
    seal(&mut segment);
    judge(&segment);
});
