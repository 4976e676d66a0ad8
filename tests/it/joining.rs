//! Readers that join while writers write: history and news meet with no hole and no duplicate.

use tokio::task::JoinSet;

use crate::harness::{Cluster, Frame, eventually};

const LAST: u64 = 1500;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_join_during_writes_see_every_seq_once() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    a.emit_many(300).await;

    let mut writers = JoinSet::new();
    for writer in 0..6_u64 {
        let api = if writer % 2 == 0 { a.clone() } else { b.clone() };
        writers.spawn(async move {
            for n in 0..(LAST - 300) / 6 {
                api.emit(n).await;
            }
        });
    }

    let mut readers = JoinSet::new();
    for n in 0..24_u64 {
        let api = if n % 2 == 0 { b.clone() } else { a.clone() };
        // They come one after another while the numbers grow, so that the joint lies at a different place for each.
        let joint = 300 + n * 40;
        eventually("the writers to get on", async || {
            let page = api.page("events?since_seq=999999999&limit=1").await;
            (page["meta"]["latest_seq"].as_u64()? >= joint).then_some(())
        })
        .await;
        readers.spawn(async move {
            let since = [0, 17, joint - 40, joint][n as usize % 4];
            let mut stream = api.stream(&format!("events?since_seq={since}")).await;
            stream.control("stream.ready").await;
            let mut seqs = Vec::new();
            let mut caught_up = 0;
            while seqs.last() != Some(&LAST) {
                let frame = stream.next().await;
                if frame.is_control() {
                    assert_eq!(frame.event, "stream.caught_up", "{frame:?}");
                    caught_up += 1;
                } else {
                    seqs.push(frame.seq());
                }
            }
            assert_eq!(seqs, (since + 1..=LAST).collect::<Vec<_>>(), "the reader from {since}");
            assert!(caught_up <= 1, "replay turns live once");
        });
    }
    readers.join_all().await;
    writers.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_live_reader_sees_all_that_is_written_after_its_headers() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    for round in 0..20_u64 {
        let (writing, reading) = if round % 2 == 0 { (&a, &b) } else { (&b, &a) };
        let mut stream = reading.stream("events").await;
        let seq = writing.emit(round).await;
        let seen = stream.until(seq).await;
        assert_eq!(seen.iter().map(Frame::seq).collect::<Vec<_>>(), [seq]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_history_is_replayed_whole_to_many_at_once() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    for _ in 0..20 {
        a.emit_many(500).await;
    }
    let mut readers = JoinSet::new();
    for n in 0..8 {
        let api = if n % 2 == 0 { a.clone() } else { b.clone() };
        readers.spawn(async move {
            let mut stream = api.stream("events?since_seq=0").await;
            let seqs: Vec<_> = stream.until(10_000).await.iter().map(Frame::seq).collect();
            assert_eq!(seqs, (1..=10_000).collect::<Vec<_>>());
            assert_eq!(stream.control("stream.caught_up").await["seq"], 10_000);
        });
    }
    readers.join_all().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn readers_that_come_and_go_while_writers_write_never_see_a_hole() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let last = 600;
    let writing = {
        let (a, b) = (a.clone(), b.clone());
        tokio::spawn(async move {
            for n in 0..last {
                if n % 2 == 0 { &a } else { &b }.emit(n).await;
            }
        })
    };
    let mut readers = JoinSet::new();
    for n in 0..12_usize {
        let apis = [a.clone(), b.clone()];
        readers.spawn(async move {
            // Comes, takes a few, leaves, comes back at the other replica: all visits together are one history.
            let (mut cursor, mut seqs, mut visits) = (String::new(), Vec::new(), 0);
            while seqs.last() != Some(&last) {
                let mut call = apis[(n + visits) % 2].get("events?since_seq=0");
                if !cursor.is_empty() {
                    call = call.header("last-event-id", &cursor);
                }
                let mut stream = call.stream().await;
                let take = [1, 7, 40][(n + visits) % 3];
                let mut taken = 0;
                while taken < take && seqs.last() != Some(&last) {
                    let frame = stream.next().await;
                    if !frame.is_control() {
                        seqs.push(frame.seq());
                        taken += 1;
                    }
                }
                stream.last_event_id().clone_into(&mut cursor);
                visits += 1;
            }
            assert_eq!(seqs, (1..=last).collect::<Vec<_>>(), "reader {n} over {visits} visits");
        });
    }
    readers.join_all().await;
    writing.await.unwrap();
}
