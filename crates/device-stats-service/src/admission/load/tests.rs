//! Tests of the load with a clock that stands still until it is moved.

use futures_util::FutureExt;
use proptest::prelude::*;
use tokio::time::advance;

use device_stats_store::Model;

use super::*;
use crate::limits::{REQUESTS_CUT_INTERVAL, REQUESTS_IN_PROGRESS_MAX, REQUESTS_IN_PROGRESS_MIN, WAIT_EXPIRY};
use crate::testing::service_over;

/// The wait from which the service refuses requests.
const WAIT_MAX: Duration = Duration::from_millis(50);
/// Time within which a service is back to normal after an overload.
const RECOVERY_MAX: Duration = Duration::from_secs(5);

fn load() -> Arc<Load> {
    Load::new(Some(WAIT_MAX))
}

/// Returns a load, and a queue whose wait counts.
fn load_with_queue(users: QueueUsers) -> (Arc<Load>, Arc<QueueWait>) {
    let (load, queue) = (load(), Arc::<QueueWait>::default());
    load.watch(&queue, users);
    (load, queue)
}

/// Returns the classes that are admitted now.
fn admitted(load: &Arc<Load>) -> Vec<RequestClass> {
    RequestClass::ALL.into_iter().filter(|class| load.admit(*class).is_ok()).collect()
}

/// Makes two requests leave the queue after a wait, and lets the limit follow.
async fn wait_twice(load: &Arc<Load>, queue: &QueueWait, wait: Duration) {
    for _ in 0..2 {
        queue.observe(Instant::now(), wait);
    }
    for _ in 0..3 {
        advance(REQUESTS_CUT_INTERVAL).await;
        let _admitted = admitted(load);
    }
}

#[tokio::test(start_paused = true)]
async fn classes_are_refused_in_their_order_and_admitted_again() {
    let (load, queue) = load_with_queue(QueueUsers::All);
    wait_twice(&load, &queue, WAIT_MAX).await;
    let mut permits = Vec::new();
    let mut refused_at = Vec::new();
    while let Ok(permit) = load.admit(RequestClass::Other) {
        permits.push(permit);
        refused_at.push(RequestClass::ALL.len() - admitted(&load).len());
    }
    // The number of refused classes by the number of requests in progress, from 1.
    let expected: Vec<usize> = (1..=32_usize)
        .map(|in_progress| [16, 20, 24, 32].iter().filter(|limit| in_progress >= **limit).count())
        .collect();
    assert_eq!(refused_at, expected);
    assert_eq!(admitted(&load), []);
    permits.truncate(REQUESTS_IN_PROGRESS_MIN / 2 - 1);
    assert_eq!(admitted(&load), RequestClass::ALL);
}

/// Clients with slow bodies made the service refuse all others.
#[tokio::test(start_paused = true)]
async fn a_request_that_waits_for_its_client_does_not_count() {
    let (load, queue) = load_with_queue(QueueUsers::All);
    wait_twice(&load, &queue, WAIT_MAX).await;
    let permits: Vec<_> =
        (0..REQUESTS_IN_PROGRESS_MIN).map(|_| load.admit(RequestClass::Other).unwrap()).collect();
    assert_eq!(admitted(&load), []);
    for permit in &permits {
        for _ in 0..2 {
            permit.pause();
            assert!(!permit.is_counted());
        }
    }
    assert_eq!(admitted(&load), RequestClass::ALL);
    // Paused requests count again although others have their place.
    let others: Vec<_> =
        (0..REQUESTS_IN_PROGRESS_MIN).map(|_| load.admit(RequestClass::Other).unwrap()).collect();
    for permit in &permits {
        for _ in 0..2 {
            permit.resume();
            assert!(permit.is_counted());
        }
    }
    drop(others);
    assert_eq!(admitted(&load), []);
    for permit in &permits {
        permit.pause();
    }
    drop(permits);
    assert!(lock(&load.state).in_progress.is_empty());
}

/// Compressed bombs made the service refuse single readings, although these had nothing to wait for.
#[tokio::test(start_paused = true)]
async fn batches_that_wait_for_each_other_refuse_no_single_reading() {
    let (load, queue) = load_with_queue(QueueUsers::Batches);
    let mut permits: Vec<_> = (0..100).map(|_| load.admit(RequestClass::Batch).unwrap()).collect();
    for _ in 0..20 {
        wait_twice(&load, &queue, Duration::from_secs(1)).await;
    }
    assert_eq!(admitted(&load), [RequestClass::Other]);
    permits.truncate(REQUESTS_IN_PROGRESS_MIN * 3 / 4);
    assert_eq!(admitted(&load), [RequestClass::Other]);
    permits.pop();
    assert_eq!(admitted(&load), [RequestClass::Batch, RequestClass::Other]);
    // Nor do single readings cause refusals of batches.
    permits.clear();
    permits.extend((0..1_000).map(|_| load.admit(RequestClass::Other).unwrap()));
    assert_eq!(admitted(&load), RequestClass::ALL);
    // The limit grows slowly while requests are refused, also if only batches are.
    let mut counts = Vec::new();
    for _ in 0..3 {
        queue.observe(Instant::now(), Duration::ZERO);
        advance(Duration::from_secs(1)).await;
        while let Ok(permit) = load.admit(RequestClass::Batch) {
            permits.push(permit);
        }
        counts.push(permits.len() - 1_000);
    }
    assert_eq!(counts, [31, 40, 52]);
}

/// The first cut of the limit refused single readings because of the queries that had been admitted.
#[tokio::test(start_paused = true)]
async fn requests_in_progress_take_no_place_of_a_later_class() {
    let (load, queue) = load_with_queue(QueueUsers::All);
    for (index, class) in RequestClass::ALL.into_iter().enumerate() {
        let permits: Vec<_> = (0..1_000).map(|_| load.admit(class).unwrap()).collect();
        for permit in &permits {
            permit.pause();
            permit.resume();
        }
        for _ in 0..2 {
            queue.observe(Instant::now(), WAIT_MAX);
        }
        for _ in 0..60 {
            queue.observe(Instant::now(), WAIT_MAX);
            advance(REQUESTS_CUT_INTERVAL).await;
            let _admitted = admitted(&load);
        }
        assert_eq!(admitted(&load), RequestClass::ALL[index + 1..], "{class:?}");
        drop(permits);
        for _ in 0..3 {
            advance(RECOVERY_MAX).await;
            let _admitted = admitted(&load);
        }
    }
}

/// A pause of the machine, or a slow sync of the disk, delays one request or one group.
#[tokio::test(start_paused = true)]
async fn one_long_wait_refuses_nothing() {
    let (load, queue) = load_with_queue(QueueUsers::All);
    let _permits: Vec<_> = (0..1_000).map(|_| load.admit(RequestClass::Other).unwrap()).collect();
    for wait_s in [0, 30, 0, 30, 0] {
        queue.observe(Instant::now(), Duration::from_secs(wait_s));
        advance(REQUESTS_CUT_INTERVAL).await;
        assert_eq!(admitted(&load), RequestClass::ALL);
    }
    // The waits of two queues are not mixed.
    let other = Arc::<QueueWait>::default();
    load.watch(&other, QueueUsers::All);
    queue.observe(Instant::now(), Duration::from_secs(30));
    other.observe(Instant::now(), Duration::from_secs(30));
    advance(REQUESTS_CUT_INTERVAL).await;
    assert_eq!(admitted(&load), RequestClass::ALL);
    other.observe(Instant::now(), Duration::from_secs(30));
    for expected in [&RequestClass::ALL[..], &RequestClass::ALL, &[]] {
        advance(REQUESTS_CUT_INTERVAL).await;
        assert_eq!(admitted(&load), expected);
    }
}

/// The limit grew so fast that it was far too high when the first of the additional requests had waited.
#[tokio::test(start_paused = true)]
async fn the_limit_grows_slowly_while_requests_are_refused() {
    let (load, queue) = load_with_queue(QueueUsers::All);
    wait_twice(&load, &queue, WAIT_MAX).await;
    queue.observe(Instant::now(), Duration::ZERO);
    let mut permits: Vec<RequestPermit> = Vec::new();
    let mut counts = Vec::new();
    for _ in 0..5 {
        for _ in 0..1_000 {
            advance(Duration::from_millis(1)).await;
            permits.extend(load.admit(RequestClass::Other));
        }
        counts.push(permits.len());
    }
    assert_eq!(counts, [42, 54, 70, 92, 122]);
}

#[tokio::test(start_paused = true)]
async fn a_service_is_back_to_normal_in_time() {
    let (load, queue) = load_with_queue(QueueUsers::All);
    for _ in 0..100 {
        wait_twice(&load, &queue, Duration::from_secs(1)).await;
    }
    let permits: Vec<_> = (0..REQUESTS_IN_PROGRESS_MIN).map(|_| load.admit(RequestClass::Other)).collect();
    assert_eq!(admitted(&load), []);
    // No request leaves the queue any more, and those in progress stay.
    advance(WAIT_EXPIRY).await;
    let begun = Instant::now();
    while load.admit(RequestClass::Query).is_err() {
        advance(LOAD_INTERVAL).await;
    }
    assert!(WAIT_EXPIRY + begun.elapsed() < RECOVERY_MAX, "{:?}", begun.elapsed());
    drop(permits);
    advance(RECOVERY_MAX).await;
    let all: Vec<_> = std::iter::from_fn(|| load.admit(RequestClass::Other).ok()).collect();
    assert_eq!(all.len(), REQUESTS_IN_PROGRESS_MAX);
}

/// The threads of the connections have more to do than they can.
#[tokio::test(start_paused = true)]
async fn a_late_runtime_is_an_overload() {
    let load = load();
    let following = tokio::spawn({
        let load = Arc::clone(&load);
        async move { load.follow_runtime().await }
    });
    let _permits: Vec<_> = (0..100).map(|_| load.admit(RequestClass::Other).unwrap()).collect();
    for _ in 0..100 {
        advance(LOAD_INTERVAL).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(admitted(&load), RequestClass::ALL);
    let tolerated = WAIT_MAX * 9 / 50;
    for (lateness, expected) in [(tolerated, &RequestClass::ALL[..]), (WAIT_MAX / 5, &[])] {
        for _ in 0..100 {
            advance(LOAD_INTERVAL + lateness).await;
            tokio::task::yield_now().await;
            let _admitted = admitted(&load);
        }
        assert_eq!(admitted(&load), expected);
    }
    following.abort();
}

/// A timer woke an idle machine 200 times per second.
#[tokio::test(start_paused = true)]
async fn an_idle_service_has_no_timer() {
    let load = load();
    let following = tokio::spawn({
        let load = Arc::clone(&load);
        async move { load.follow_runtime().await }
    });
    for _ in 0..2 {
        let permit = load.admit(RequestClass::Other).unwrap();
        for _ in 0..3 {
            tokio::task::yield_now().await;
            assert!(lock(&load.state).runtime_due.is_some());
            advance(LOAD_INTERVAL).await;
        }
        drop(permit);
        tokio::task::yield_now().await;
        advance(LOAD_INTERVAL).await;
        tokio::task::yield_now().await;
        assert_eq!(lock(&load.state).runtime_due, None);
    }
    following.abort();
}

/// The service measures the waits of its own queues.
#[test]
fn the_queues_of_a_service_count() {
    let service = service_over(Arc::new(Model::default()));
    let state = lock(&service.parts.admission.load.state);
    assert!(!state.all.queues.is_empty(), "the queues of commits");
    let waits = service.parts.compute.waits();
    assert_eq!(state.batches.queues.len(), waits.len());
    for (watched, wait) in state.batches.queues.iter().zip(waits) {
        assert!(Arc::ptr_eq(watched, wait));
    }
}

#[tokio::test(start_paused = true)]
async fn without_the_setting_nothing_is_refused() {
    let load = Load::new(None);
    assert!(load.follow_runtime().now_or_never().is_some(), "a timer wakes an idle machine");
    let queue = Arc::<QueueWait>::default();
    load.watch(&queue, QueueUsers::All);
    let _permits: Vec<_> = (0..100_000).map(|_| load.admit(RequestClass::Query).unwrap()).collect();
    wait_twice(&load, &queue, Duration::from_secs(30)).await;
    assert_eq!(admitted(&load), RequestClass::ALL);
}

/// An event: time passes, a request leaves a queue, a request arrives, or a request ends.
#[derive(Clone, Copy, Debug)]
enum Event {
    Pass(Duration),
    Leave { queue: usize, wait: Duration },
    Arrive(RequestClass),
    Pause(usize),
    Resume(usize),
    End,
}

fn event() -> impl Strategy<Value = Event> {
    let millis = |max| (0..max).prop_map(Duration::from_millis);
    prop_oneof![
        millis(200_u64).prop_map(Event::Pass),
        (0..2_usize, millis(300_u64)).prop_map(|(queue, wait)| Event::Leave { queue, wait }),
        prop::sample::select(RequestClass::ALL.to_vec()).prop_map(Event::Arrive),
        prop::sample::select(RequestClass::ALL.to_vec()).prop_map(Event::Arrive),
        (0..100_usize).prop_map(Event::Pause),
        (0..100_usize).prop_map(Event::Resume),
        Just(Event::End),
    ]
}

proptest! {
    /// Whatever happens, the refused classes are the first ones, few requests are never refused, and the
    /// service recovers in time.
    #[test]
    fn the_order_of_the_classes_holds(events in prop::collection::vec(event(), 1..400)) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(async {
            let load = load();
            let queues = [Arc::<QueueWait>::default(), Arc::default()];
            load.watch(&queues[0], QueueUsers::All);
            load.watch(&queues[1], QueueUsers::Batches);
            let mut permits: Vec<RequestPermit> = Vec::new();
            for event in events {
                match event {
                    Event::Pause(index) => permits.iter().skip(index).take(1).for_each(RequestPermit::pause),
                    Event::Resume(index) => permits.iter().skip(index).take(1).for_each(RequestPermit::resume),
                    Event::Pass(time) => advance(time).await,
                    Event::Leave { queue, wait } => queues[queue].observe(Instant::now(), wait),
                    Event::Arrive(class) => permits.extend(load.admit(class)),
                    Event::End => drop(permits.pop()),
                }
                let admitted = admitted(&load);
                assert!(RequestClass::ALL.ends_with(&admitted), "{admitted:?}");
                if permits.len() < REQUESTS_IN_PROGRESS_MIN / 2 {
                    assert_eq!(admitted, RequestClass::ALL);
                }
                let singles = permits.iter().filter(|permit| permit.class == RequestClass::Other);
                if singles.filter(|permit| permit.is_counted()).count() < REQUESTS_IN_PROGRESS_MIN {
                    assert!(admitted.ends_with(&[RequestClass::Other]));
                }
            }
            advance(RECOVERY_MAX).await;
            assert_eq!(admitted(&load), RequestClass::ALL);
        });
    }
}
