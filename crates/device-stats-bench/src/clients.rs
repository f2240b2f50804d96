//! Clients that start at the same moment, each on a thread of its own.

use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use anyhow::anyhow;

/// Runs the clients 0 to `count - 1`. Each is prepared and waits for the others before it works. Returns
/// their results, and the time from their start to the end of the last one, in seconds.
///
/// # Errors
/// If a client fails or panics.
pub(crate) fn run<C, T: Send>(
    count: u32,
    prepare: impl Fn(u32) -> anyhow::Result<C> + Sync,
    work: impl Fn(C) -> anyhow::Result<T> + Sync,
) -> anyhow::Result<(Vec<T>, f64)> {
    let start_line = Barrier::new(count as usize + 1);
    let (prepare, work, start_line) = (&prepare, &work, &start_line);
    thread::scope(|scope| {
        let client = |number| {
            scope.spawn(move || {
                let prepared = prepare(number);
                // A client that failed also waits here. Otherwise, the others would wait for it without end.
                start_line.wait();
                work(prepared?)
            })
        };
        let clients: Vec<_> = (0..count).map(client).collect();
        start_line.wait();
        let start = Instant::now();
        let mut results = Vec::new();
        for client in clients {
            results.push(client.join().map_err(|_| anyhow!("a client has panicked"))??);
        }
        Ok((results, start.elapsed().as_secs_f64()))
    })
}
