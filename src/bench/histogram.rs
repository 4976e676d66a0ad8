//! Counts of durations with bounded relative error, shared by all tasks without a lock.

use std::sync::atomic::{AtomicU64, Ordering};

/// Each power of two is cut into so many buckets: values are right within 1.6 %.
const STEPS: u64 = 64;
const STEP_BITS: u32 = STEPS.ilog2();
const BUCKETS: usize = (STEPS * (u64::BITS - STEP_BITS + 1) as u64) as usize;

/// Durations in nanoseconds, about 30 KB whatever their number.
#[derive(Debug)]
pub(super) struct Histogram {
    buckets: Vec<AtomicU64>,
}

impl Histogram {
    pub(super) fn new() -> Self {
        Self { buckets: std::iter::repeat_with(AtomicU64::default).take(BUCKETS).collect() }
    }

    pub(super) fn record(&self, nanoseconds: u64) {
        self.buckets[bucket(nanoseconds)].fetch_add(1, Ordering::Relaxed);
    }

    /// The value below or at which `share` (0 to 1) of the recorded ones lie, in nanoseconds; `None` when there are none.
    pub(super) fn quantile(&self, share: f64) -> Option<f64> {
        let counts: Vec<u64> = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).collect();
        let total: u64 = counts.iter().sum();
        let rank = ((total as f64 * share).ceil() as u64).max(1);
        let mut below = 0;
        let found = counts.iter().position(|count| {
            below += count;
            below >= rank
        });
        found.map(middle)
    }
}

fn bucket(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(STEP_BITS + 1);
    let step = value >> shift;
    (u64::from(shift) * STEPS + step) as usize
}

fn middle(bucket: usize) -> f64 {
    let bucket = bucket as u64;
    let shift = (bucket / STEPS).saturating_sub(1);
    let step = bucket - shift * STEPS;
    let width = 2_f64.powi(shift as i32);
    step as f64 * width + (width - 1.0) / 2.0
}

#[cfg(test)]
mod tests {
    use super::{BUCKETS, Histogram, bucket, middle};

    #[test]
    fn a_bucket_is_near_its_values() {
        for value in (0..2_000).chain([9_999, 123_456_789, 60_000_000_000, u64::MAX / 3]) {
            let error = (middle(bucket(value)) - value as f64).abs();
            assert!(error <= value as f64 / 64.0, "{value}: {error}");
        }
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }

    #[test]
    fn quantiles_follow_the_rank() {
        let histogram = Histogram::new();
        assert_eq!(histogram.quantile(0.5), None);
        (1..=60).for_each(|value| histogram.record(value));
        assert_eq!(histogram.quantile(0.0), Some(1.0));
        assert_eq!(histogram.quantile(0.5), Some(30.0));
        assert_eq!(histogram.quantile(1.0), Some(60.0));
    }
}
