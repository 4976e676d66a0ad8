//! A reader that comes back: whatever ends its stream, it goes on at the next replica from the last id it has seen.

use std::time::Duration;

use tokio::time::sleep;

use super::{Frame, Stream};
use crate::harness::client::Api;
use crate::harness::wait::bounded;

/// Follows one stream over several replicas, as a browser does behind a load balancer.
pub struct Follower {
    replicas: Vec<Api>,
    route: String,
    stream: Option<Stream>,
    last_event_id: String,
    /// Connections made.
    pub connections: usize,
    /// Every frame that was not a control frame, in the order they came.
    pub seen: Vec<Frame>,
    /// Every control frame.
    pub controls: Vec<Frame>,
}

impl Follower {
    /// Connects to the first of `replicas`.
    pub async fn start(replicas: &[Api], route: &str) -> Self {
        let mut follower = Self {
            replicas: replicas.to_vec(),
            route: route.to_owned(),
            stream: None,
            last_event_id: String::new(),
            connections: 0,
            seen: Vec::new(),
            controls: Vec::new(),
        };
        bounded("the first connection of a follower", follower.connect()).await;
        follower
    }

    /// Follows until the frame with `seq` has come.
    pub async fn until(&mut self, seq: u64) {
        while self.seen.last().is_none_or(|frame| frame.seq() < seq) {
            bounded("the next frame of a follower", self.step()).await;
        }
    }

    /// The numbers seen, in order.
    pub fn seqs(&self) -> Vec<u64> {
        self.seen.iter().map(Frame::seq).collect()
    }

    async fn step(&mut self) {
        let Some(stream) = &mut self.stream else {
            return self.connect().await;
        };
        let frame = stream.frame().await;
        stream.last_event_id().clone_into(&mut self.last_event_id);
        match frame {
            Some(frame) if frame.is_control() => self.controls.push(frame),
            Some(frame) => self.seen.push(frame),
            None => self.stream = None,
        }
    }

    async fn connect(&mut self) {
        loop {
            let replica = &self.replicas[self.connections % self.replicas.len()];
            let mut call = replica.get(&self.route);
            if !self.last_event_id.is_empty() {
                call = call.header("last-event-id", &self.last_event_id);
            }
            self.connections += 1;
            if let Ok(stream) = call.try_stream().await {
                self.stream = Some(stream);
                return;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }
}
