//! A notification of Redis that never arrives: the stream is the truth, and no reader notices.

use std::time::Duration;

use crate::harness::{Cluster, Frame, Stream, in_time};

async fn kill_subscribers(cluster: &Cluster) -> i64 {
    cluster.redis.run(&["CLIENT", "KILL", "TYPE", "pubsub"]).await
}

/// Kills until every replica's subscriber has been hit once: one that is just being made again cannot be.
async fn kill_both(cluster: &Cluster) {
    let mut killed = 0;
    in_time(Duration::from_secs(10), "both subscribers to be there", async || {
        killed += kill_subscribers(cluster).await;
        (killed >= 2).then_some(())
    })
    .await;
}

async fn next_seqs(stream: &mut Stream, last: u64) -> Vec<u64> {
    let mut seqs = Vec::new();
    while seqs.last() != Some(&last) {
        // `event`, not `until`: even a control frame would be a notice.
        seqs.push(stream.event().await.seq());
    }
    seqs
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_event_comes_though_its_notification_was_lost() {
    let cluster = Cluster::alone().await;
    let (a, b) = cluster.workspace();
    let mut on_a = a.stream("events").await;
    let mut on_b = b.stream("events").await;
    on_a.control("stream.ready").await;
    on_b.control("stream.ready").await;
    // Nothing is written after it, so no later notification shows the hole.
    for n in 0..3 {
        kill_both(&cluster).await;
        let seq = a.emit(n).await;
        assert_eq!(on_a.event().await.seq(), seq);
        assert_eq!(on_b.event().await.seq(), seq);
    }
    assert_eq!(a.count().await, 2, "the same two connections");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_see_every_seq_once_while_subscribers_are_killed_under_load() {
    let cluster = Cluster::alone().await;
    let (a, b) = cluster.workspace();
    let mut readers = Vec::new();
    for n in 0..6 {
        let mut stream = if n % 2 == 0 { &a } else { &b }.stream("events").await;
        stream.control("stream.ready").await;
        readers.push(stream);
    }
    let mut rows = b.stream("log/stream").await;
    rows.control("stream.ready").await;

    let mut writers = tokio::task::JoinSet::new();
    for n in 0..4_u64 {
        let api = if n % 2 == 0 { a.clone() } else { b.clone() };
        writers.spawn(async move {
            for round in 0..150 {
                api.emit(round).await;
                if n == 0 {
                    api.post("log", &crate::appends::row("call_1")).ok(201).await;
                }
            }
        });
    }
    for round in 1..=4_u64 {
        in_time(Duration::from_secs(20), "the writers to get on", async || {
            let page = b.page("events?since_seq=0&limit=1").await;
            (page["meta"]["latest_seq"].as_u64()? >= round * 120).then_some(())
        })
        .await;
        kill_subscribers(&cluster).await;
    }
    writers.join_all().await;
    let wanted: Vec<_> = (1..=600).collect();
    for stream in &mut readers {
        assert_eq!(next_seqs(stream, 600).await, wanted);
    }
    assert_eq!(next_seqs(&mut rows, 150).await, (1..=150).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reader_that_joins_while_subscribers_are_killed_misses_nothing() {
    let cluster = Cluster::alone().await;
    let (a, b) = cluster.workspace();
    for n in 0..10 {
        kill_subscribers(&cluster).await;
        let mut stream = b.stream("events?since_seq=0").await;
        let seq = a.emit(n).await;
        let seqs: Vec<_> = stream.until(seq).await.iter().map(Frame::seq).collect();
        assert_eq!(seqs, (1..=seq).collect::<Vec<_>>());
    }
}
