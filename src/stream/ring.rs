//! The newest frames of one stream, as a log of bytes with an index.
//!
//! Frames stand back to back in chunks that readers share. Small neighbours are merged as new ones come (a byte is copied a
//! logarithmic number of times, once for all readers), so that a reader that is behind gets what waits as few large slices.
//! The numbers in a ring are contiguous.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::frame::Frame;

/// Chunks are merged up to this size.
const CHUNK: usize = 64 * 1024;

#[derive(Debug)]
struct Chunk {
    start: u64,
    bytes: Bytes,
}

impl Chunk {
    fn end(&self) -> u64 {
        self.start + self.bytes.len() as u64
    }
}

/// What a reader gets: frames of contiguous numbers, in one slice.
#[derive(Debug, PartialEq, Eq)]
pub struct Slice {
    /// Whole frames.
    pub bytes: Bytes,
    /// The number after the last one.
    pub next_seq: u64,
}

/// The ring. Knows nothing of Redis, readers or time.
#[derive(Debug)]
pub struct Ring {
    chunks: VecDeque<Chunk>,
    frames: VecDeque<Frame>,
    next_seq: u64,
    end: u64,
    bytes: usize,
    capacity: usize,
}

impl Ring {
    /// An empty ring whose next frame is `next_seq`.
    pub fn new(capacity: usize, next_seq: u64) -> Self {
        Self { chunks: VecDeque::new(), frames: VecDeque::new(), next_seq, end: 0, bytes: 0, capacity }
    }

    /// Forgets everything; goes on at `next_seq`.
    pub fn reset(&mut self, next_seq: u64) {
        self.chunks.clear();
        self.frames.clear();
        self.bytes = 0;
        self.next_seq = next_seq;
    }

    /// The number the next frame will have.
    pub fn next_seq(&self) -> u64 {
        self.next_seq
    }

    /// The oldest number held; [`Ring::next_seq`] when empty.
    pub fn first_seq(&self) -> u64 {
        self.frames.front().map_or(self.next_seq, |frame| frame.seq)
    }

    /// Bytes held.
    #[cfg(test)]
    fn bytes(&self) -> usize {
        self.bytes
    }

    /// Adds frames rendered back to back into `bytes`. Numbers already held are skipped; a hole forgets what is held.
    pub fn push(&mut self, bytes: &Bytes, mut frames: Vec<Frame>) {
        let known = frames.iter().take_while(|frame| frame.seq < self.next_seq).count();
        frames.drain(..known);
        let (Some(first), Some(last)) = (frames.first(), frames.last()) else { return };
        if first.seq != self.next_seq {
            self.reset(first.seq);
        }
        let (cut, next_seq) = (first.start, last.seq + 1);
        let bytes = bytes.slice(cut as usize..last.end() as usize);
        let shift = self.end;
        self.end += bytes.len() as u64;
        self.bytes += bytes.len();
        self.next_seq = next_seq;
        for mut frame in frames {
            frame.start = frame.start - cut + shift;
            self.frames.push_back(frame);
        }
        let mut newest = Chunk { start: shift, bytes };
        while let Some(before) =
            self.chunks.pop_back_if(|before| before.bytes.len() <= newest.bytes.len() && before.bytes.len() + newest.bytes.len() <= CHUNK)
        {
            let mut merged = BytesMut::with_capacity(before.bytes.len() + newest.bytes.len());
            merged.extend_from_slice(&before.bytes);
            merged.extend_from_slice(&newest.bytes);
            newest = Chunk { start: before.start, bytes: merged.freeze() };
        }
        self.chunks.push_back(newest);
        while self.bytes > self.capacity && self.chunks.len() > 1 {
            let Some(oldest) = self.chunks.pop_front() else { break };
            self.bytes -= oldest.bytes.len();
            while self.frames.front().is_some_and(|frame| frame.start < oldest.end()) {
                self.frames.pop_front();
            }
        }
    }

    /// Everything from `seq` to the end of the chunk it stands in; `None` when it is not held.
    pub fn from(&self, seq: u64) -> Option<Slice> {
        let frame = self.frame(seq)?;
        let at = self.chunks.partition_point(|chunk| chunk.end() <= frame.start);
        let chunk = self.chunks.get(at)?;
        let next_seq = match self.chunks.get(at + 1) {
            Some(next) => self.first_seq() + self.frames.partition_point(|frame| frame.start < next.start) as u64,
            None => self.next_seq,
        };
        Some(Slice { bytes: chunk.bytes.slice((frame.start - chunk.start) as usize..), next_seq })
    }

    /// One frame and its bytes; `None` when it is not held.
    pub fn get(&self, seq: u64) -> Option<(&Frame, &[u8])> {
        let frame = self.frame(seq)?;
        let chunk = self.chunks.get(self.chunks.partition_point(|chunk| chunk.end() <= frame.start))?;
        let start = (frame.start - chunk.start) as usize;
        Some((frame, chunk.bytes.get(start..start + frame.len as usize)?))
    }

    fn frame(&self, seq: u64) -> Option<&Frame> {
        self.frames.get(usize::try_from(seq.checked_sub(self.first_seq())?).ok()?)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::frame::render;
    use super::*;
    use crate::store::Kind;
    use crate::store::feed::Parts;

    fn batch(first: u64, count: u64, size: usize) -> (Bytes, Vec<Frame>) {
        let mut bytes = Vec::new();
        let payload = format!("\"{}\"", "x".repeat(size));
        let frames = (first..first + count)
            .map(|seq| {
                render(&mut bytes, Kind::Events, "00000001", seq, Parts { at: "1", kind: "t", traceparent: None, payload: &payload })
            })
            .collect();
        (bytes.into(), frames)
    }

    fn seqs(bytes: &[u8]) -> Vec<u64> {
        let text = std::str::from_utf8(bytes).unwrap();
        text.split("\n\n").filter(|frame| !frame.is_empty()).map(|frame| frame[4..frame.find('.').unwrap()].parse().unwrap()).collect()
    }

    #[test]
    fn a_hole_forgets_what_is_held() {
        let mut ring = Ring::new(1 << 20, 1);
        let (bytes, frames) = batch(1, 3, 10);
        ring.push(&bytes, frames);
        let (bytes, frames) = batch(10, 2, 10);
        ring.push(&bytes, frames);
        assert_eq!((ring.first_seq(), ring.next_seq()), (10, 12));
        assert!(ring.from(3).is_none());
    }

    proptest! {
        /// Whatever the batches, overlaps included: from any held number a reader gets every later one once, in order.
        #[test]
        fn readers_get_every_number_once(batches in prop::collection::vec((0u64..3, 1u64..20, 0usize..3000), 1..60), capacity in 1usize..100_000) {
            let mut ring = Ring::new(capacity, 1);
            for (overlap, count, size) in batches {
                let first = ring.next_seq().saturating_sub(overlap).max(1);
                let (bytes, frames) = batch(first, count, size);
                ring.push(&bytes, frames);
                prop_assert!(ring.bytes() <= capacity || ring.chunks.len() == 1);
            }
            let mut got = Vec::new();
            let mut next = ring.first_seq();
            while let Some(slice) = ring.from(next) {
                let part = seqs(&slice.bytes);
                prop_assert_eq!(part.last().copied(), Some(slice.next_seq - 1));
                got.extend(part);
                next = slice.next_seq;
            }
            prop_assert_eq!(next, ring.next_seq());
            prop_assert_eq!(got, (ring.first_seq()..ring.next_seq()).collect::<Vec<_>>());
            for seq in ring.first_seq()..ring.next_seq() {
                let (frame, bytes) = ring.get(seq).unwrap();
                prop_assert_eq!(frame.seq, seq);
                prop_assert_eq!(seqs(bytes), vec![seq]);
            }
        }
    }
}
