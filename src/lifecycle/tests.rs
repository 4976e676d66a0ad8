//! Stopping, waiting and readiness, without real signals: those are exercised on the binary.

use std::time::Duration;

use super::{Lifecycle, Reason};

const SOON: Duration = Duration::from_secs(5);

#[tokio::test]
async fn a_stop_waits_for_every_task() {
    let life = Lifecycle::new();
    for _ in 0..10 {
        let hard = life.hard().clone();
        life.spawn("worker", async move { hard.cancelled().await });
    }
    assert_eq!(life.finished(Duration::from_millis(10)).await, 10);
    life.stop();
    assert_eq!(life.finished(SOON).await, 0);
}

#[tokio::test]
async fn a_drain_is_seen_at_once_and_is_not_a_stop() {
    let life = Lifecycle::new();
    life.readiness().set_redis(true);
    life.readiness().set_delivery(true);
    assert!(life.readiness().is_ready());
    life.drain();
    life.drain();
    assert_eq!(life.readiness().reasons(), [Reason::Draining]);
    assert!(life.soft().is_cancelled());
    assert!(!life.hard().is_cancelled());
}

#[tokio::test]
async fn a_new_replica_is_not_ready_and_says_why() {
    let life = Lifecycle::new();
    assert_eq!(life.readiness().reasons(), [Reason::Redis, Reason::Delivery]);
    life.readiness().set_redis(true);
    assert_eq!(life.readiness().reasons(), [Reason::Delivery]);
}

#[tokio::test]
async fn a_panic_ends_one_task_alone() {
    let life = Lifecycle::new();
    life.spawn("broken", async { panic!("on purpose") }).await.unwrap();
    assert!(!life.soft().is_cancelled());
    assert!(!life.has_failed());
}

#[tokio::test]
async fn the_end_of_an_essential_task_drains_the_service() {
    for panics in [true, false] {
        let life = Lifecycle::new();
        life.spawn_essential("loop", async move { assert!(!panics, "on purpose") }).await.unwrap();
        assert!(life.soft().is_cancelled());
        assert!(life.has_failed());
    }
}

#[tokio::test]
async fn an_essential_task_may_end_when_the_drain_has_begun() {
    let life = Lifecycle::new();
    let soft = life.soft().clone();
    let task = life.spawn_essential("loop", async move { soft.cancelled().await });
    life.drain();
    task.await.unwrap();
    assert!(!life.has_failed());
}
