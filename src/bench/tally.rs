//! What one reader knows of the stream it follows: the continuity of seq, and what came in the last piece. No sockets, no clock.

use crate::client::{Field, Lines};

use super::payload::StampFinder;

/// The state of one reader, kept over its reconnects.
#[derive(Debug)]
pub(super) struct Tally {
    lines: Lines,
    stamps: StampFinder,
    frame: Frame,
    /// The highest seq up to which everything came or was found missing; `None` until the stream says where it starts.
    last: Option<u64>,
    epoch: Vec<u8>,
}

/// The frame that is being read.
#[derive(Debug, Default)]
struct Frame {
    seq: Option<u64>,
    control: Control,
    stamp: Option<u64>,
}

/// Which of the service's own frames this is.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Control {
    /// An event of the workspace.
    #[default]
    No,
    Ready,
    Gap,
    Reset,
    /// One without meaning to a benchmark.
    Other,
}

/// What a piece of the stream brought.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) struct News {
    /// Events that the reader had not had.
    pub(super) delivered: u64,
    pub(super) duplicates: u64,
    /// Seqs that were jumped over.
    pub(super) missing: u64,
    pub(super) gaps: u64,
    pub(super) resets: u64,
    /// The first frame of a connection came.
    pub(super) ready: bool,
}

impl Tally {
    /// A reader that starts behind `since`, or live.
    pub(super) fn new(since: Option<u64>) -> Self {
        Self { lines: Lines::default(), stamps: StampFinder::default(), frame: Frame::default(), last: since, epoch: Vec::new() }
    }

    pub(super) fn last(&self) -> Option<u64> {
        self.last
    }

    /// What to send as `Last-Event-ID` to go on where this reader stands; `None` for one that has had nothing.
    pub(super) fn cursor(&self) -> Option<String> {
        let epoch = String::from_utf8_lossy(&self.epoch);
        self.last.filter(|_| !self.epoch.is_empty()).map(|seq| format!("{seq}.{epoch}"))
    }

    /// Forgets the frame that the old connection broke off in.
    pub(super) fn reconnected(&mut self) {
        self.lines = Lines::default();
        self.frame = Frame::default();
    }

    /// Takes the next piece of the stream; `stamped` gets the time of sending of each new event.
    pub(super) fn feed(&mut self, piece: &[u8], news: &mut News, mut stamped: impl FnMut(u64)) {
        let Self { lines, stamps, frame, last, epoch } = self;
        lines.feed(piece, |field| match field {
            Field::Id(id) => frame.seq = read_id(id, epoch),
            Field::Event(name) => frame.control = Control::of(name),
            Field::Data(data) => frame.stamp = stamps.find(data),
            Field::Blank => std::mem::take(frame).end(last, news, &mut stamped),
        });
    }
}

impl Frame {
    fn end(self, last: &mut Option<u64>, news: &mut News, stamped: &mut impl FnMut(u64)) {
        match self.control {
            Control::No => {}
            Control::Ready => {
                news.ready = true;
                *last = last.or(self.seq);
                return;
            }
            Control::Gap => return news.gaps += 1,
            Control::Reset => {
                // The old numbers mean nothing any more; the next event is the first.
                *last = None;
                return news.resets += 1;
            }
            Control::Other => return,
        }
        let Some(seq) = self.seq else { return };
        match *last {
            Some(had) if seq <= had => return news.duplicates += 1,
            Some(had) => news.missing += seq - had - 1,
            None => {}
        }
        *last = Some(seq);
        news.delivered += 1;
        if let Some(time) = self.stamp {
            stamped(time);
        }
    }
}

impl Control {
    fn of(name: &[u8]) -> Self {
        match name.strip_prefix(b"stream.") {
            None => Self::No,
            Some(b"ready") => Self::Ready,
            Some(b"gap") => Self::Gap,
            Some(b"reset") => Self::Reset,
            Some(_) => Self::Other,
        }
    }
}

/// The seq of an id `<seq>.<epoch>`; its epoch is kept where it changed.
fn read_id(id: &[u8], epoch: &mut Vec<u8>) -> Option<u64> {
    let digits = id.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let rest = id[digits..].strip_prefix(b".").unwrap_or_default();
    if epoch != rest {
        epoch.clear();
        epoch.extend_from_slice(rest);
    }
    let seq = id[..digits].iter().fold(0_u64, |seq, digit| seq.wrapping_mul(10).wrapping_add(u64::from(digit - b'0')));
    (digits > 0).then_some(seq)
}

#[cfg(test)]
mod tests {
    use super::{News, Tally};

    fn frame(seq: u64) -> String {
        format!("id: {seq}.0000000a\nevent: bench.tick\ndata: {{\"seq\":{seq},\"payload\":{{\"at\":\"{seq:016x}\",\"pad\":\"\"}}}}\n\n")
    }

    fn feed(tally: &mut Tally, text: &str) -> (News, Vec<u64>) {
        let mut news = News::default();
        let mut stamps = Vec::new();
        for piece in text.as_bytes().chunks(11) {
            tally.feed(piece, &mut news, |time| stamps.push(time));
        }
        (news, stamps)
    }

    #[test]
    fn a_live_reader_starts_where_the_stream_says() {
        let mut tally = Tally::new(None);
        assert_eq!(tally.cursor(), None);
        let ready = "retry: 1\n\nevent: stream.ready\nid: 6.0000000a\ndata: {}\n\n:\n";
        let (news, stamps) = feed(&mut tally, &format!("{ready}{}{}", frame(7), frame(8)));
        assert_eq!(news, News { delivered: 2, ready: true, ..News::default() });
        assert_eq!(stamps, [7, 8]);
        assert_eq!(tally.cursor().as_deref(), Some("8.0000000a"));
    }

    #[test]
    fn duplicates_and_holes_are_counted() {
        let mut tally = Tally::new(Some(0));
        let text = [1, 2, 2, 5, 4, 6].map(frame).concat();
        let (news, _) = feed(&mut tally, &text);
        assert_eq!(news, News { delivered: 4, duplicates: 2, missing: 2, ..News::default() });
        assert_eq!(tally.last(), Some(6));
    }

    #[test]
    fn a_frame_cut_by_a_reconnect_counts_once() {
        let mut tally = Tally::new(Some(0));
        let whole = frame(1);
        let (news, _) = feed(&mut tally, &format!("{whole}{}", &frame(2)[..30]));
        assert_eq!((news.delivered, tally.cursor().as_deref()), (1, Some("1.0000000a")));
        tally.reconnected();
        let (news, _) = feed(&mut tally, &frame(2));
        assert_eq!(news, News { delivered: 1, ..News::default() });
    }

    #[test]
    fn gaps_and_resets_are_told_apart_from_events() {
        let mut tally = Tally::new(Some(0));
        let (news, _) = feed(&mut tally, "event: stream.gap\ndata: {}\n\nevent: stream.reset\ndata: {}\n\n");
        assert_eq!(news, News { gaps: 1, resets: 1, ..News::default() });
        assert_eq!(tally.last(), None);
        assert_eq!(feed(&mut tally, &frame(40)).0, News { delivered: 1, ..News::default() });
    }
}
