//! Waiting for a condition, never for a time: every wait ends as soon as it can and fails, saying what it waited for, when its bound
//! is over.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// The bound of a wait that has no bound of its own in the contract: long, since many tests share few cores.
pub const PATIENCE: Duration = Duration::from_secs(20);

const PAUSE: Duration = Duration::from_millis(20);

/// Asks again and again until the answer is `Some`.
pub async fn eventually<T>(what: &str, question: impl AsyncFnMut() -> Option<T>) -> T {
    in_time(PATIENCE, what, question).await
}

/// As [`eventually`], within `limit`.
pub async fn in_time<T>(limit: Duration, what: &str, mut question: impl AsyncFnMut() -> Option<T>) -> T {
    let end = Instant::now() + limit;
    loop {
        if let Some(answer) = question().await {
            return answer;
        }
        assert!(Instant::now() < end, "not within {limit:?}: {what}");
        sleep(PAUSE).await;
    }
}

/// The outcome of `future`, which must come within the patience of a test.
pub async fn bounded<T>(what: &str, future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("not within {PATIENCE:?}: {what}"))
}
