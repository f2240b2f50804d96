//! Sends a mix of requests at times that are fixed in advance, whether the server keeps up or not, and
//! measures each latency from the fixed time. So a slow answer does not delay, and thereby hide, later
//! requests (no coordinated omission). Without a rate, each connection sends as soon as it has its answer.

mod arguments;
mod arrivals;
mod measured;
mod mixed_client;

use std::cell::RefCell;
use std::rc::Rc;
use std::time::Duration;

use anyhow::Context;
use serde::Serialize;
use tokio::runtime::Builder;
use tokio::task::LocalSet;
use tokio::time::{Instant, sleep_until};

pub(crate) use arguments::Arguments;
use arrivals::Arrivals;
use measured::{Measured, PhaseResult};
use mixed_client::{Exchanged, MixedClient, prepare};

/// The results of all phases.
#[derive(Debug, Serialize)]
pub(crate) struct Results {
    phases: Vec<PhaseResult>,
}

/// Prepares the devices and sends the requests of all phases, on one thread.
///
/// # Errors
/// If a connection fails, or a response is neither a success nor a refusal.
pub(crate) fn send(arguments: &Arguments) -> anyhow::Result<Results> {
    prepare(arguments)?;
    let runtime = Builder::new_current_thread().enable_all().build().context("the runtime cannot start")?;
    let measured = LocalSet::new().block_on(&runtime, send_all(arguments))?;
    let phases = arguments.phases.iter().enumerate();
    Ok(Results { phases: phases.map(|(index, phase)| PhaseResult::new(index, *phase, &measured)).collect() })
}

async fn send_all(arguments: &Arguments) -> anyhow::Result<Vec<Measured>> {
    let mut clients = Vec::new();
    for number in 0..arguments.connections {
        clients.push(MixedClient::open(arguments, number).await?);
    }
    let arrivals = Rc::new(RefCell::new(Arrivals::new(arguments)));
    let start = Instant::now();
    let tasks = clients
        .into_iter()
        .map(|client| tokio::task::spawn_local(send_remaining(client, Rc::clone(&arrivals), start)));
    let mut measured = Vec::new();
    for task in tasks.collect::<Vec<_>>() {
        measured.extend(task.await.context("a client has panicked")??);
    }
    Ok(measured)
}

/// Sends requests that no other client has taken, until there are none.
async fn send_remaining(
    mut client: MixedClient,
    arrivals: Rc<RefCell<Arrivals>>,
    start: Instant,
) -> anyhow::Result<Vec<Measured>> {
    let mut measured = Vec::new();
    loop {
        let next = arrivals.borrow_mut().next(start.elapsed());
        let Some(arrival) = next else { return Ok(measured) };
        sleep_until(start + arrival.due).await;
        client.reconnect_if_idle().await?;
        let sent = start.elapsed();
        let Exchanged { status, answered, ended } = client.exchange(arrival.kind).await?;
        let [answered, ended] = [answered, ended].map(|time| time - start);
        measured.push(Measured { arrival, sent, answered, ended, status });
    }
}

/// Returns a duration in seconds.
fn seconds(duration: Duration) -> f64 {
    duration.as_secs_f64()
}
