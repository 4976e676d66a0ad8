//! Rows by their numbers, from the stream: neighbours as one range, all ranges in one go.

use std::ops::RangeInclusive;

use redis::Value;

use crate::store::error::Error;
use crate::store::feed::Entry;
use crate::store::log;

/// The rows of `seqs`, which ascend. Those that are no longer kept are left out.
pub async fn fetch(connection: &mut deadpool_redis::Connection, stream: &str, seqs: &[u64]) -> Result<Vec<Entry>, Error> {
    let mut pipeline = redis::pipe();
    for run in runs(seqs) {
        pipeline.cmd("XRANGE").arg(stream).arg(format!("{}-0", run.start())).arg(format!("{}-0", run.end()));
    }
    if pipeline.is_empty() {
        return Ok(Vec::new());
    }
    let mut rows = Vec::with_capacity(seqs.len());
    for range in log::query::<Vec<Value>>(&pipeline, connection).await? {
        entries(range, &mut rows)?;
    }
    Ok(rows)
}

/// Adds the entries of a reply to XRANGE.
pub fn entries(reply: Value, rows: &mut Vec<Entry>) -> Result<(), Error> {
    let corrupt = || Error::Corrupt("a stream entry that cannot be read".into());
    let Value::Array(items) = reply else {
        return Err(corrupt());
    };
    for item in items {
        let (Value::BulkString(id), Value::Array(fields)) = pair(item).ok_or_else(corrupt)? else {
            return Err(corrupt());
        };
        let Some(Value::BulkString(line)) = fields.into_iter().nth(1) else {
            return Err(corrupt());
        };
        let seq = std::str::from_utf8(&id).ok().and_then(|id| id.split('-').next()?.parse().ok()).ok_or_else(corrupt)?;
        rows.push(Entry { seq, line });
    }
    Ok(())
}

fn pair(item: Value) -> Option<(Value, Value)> {
    let Value::Array(parts) = item else {
        return None;
    };
    let mut parts = parts.into_iter();
    Some((parts.next()?, parts.next()?))
}

/// `seqs` as ranges of neighbours.
fn runs(seqs: &[u64]) -> impl Iterator<Item = RangeInclusive<u64>> {
    seqs.chunk_by(|a, b| a + 1 == *b).filter_map(|run| Some(*run.first()?..=*run.last()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neighbours_are_one_range() {
        assert_eq!(runs(&[]).count(), 0);
        assert_eq!(runs(&[1, 2, 3, 7, 9, 10]).collect::<Vec<_>>(), [1..=3, 7..=7, 9..=10]);
    }
}
