//! What can go wrong between the service and Redis.

use std::sync::Arc;

/// A failure of the store. Nothing of it reaches the wire but its kind.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Redis did not answer in time or cannot be reached. A write may or may not have happened.
    #[error("Redis cannot be reached")]
    Unavailable(#[source] Arc<redis::RedisError>),
    /// No answer within the bound of `DOWNBEAT_REDIS_TIMEOUT_MS`. A write may or may not have happened.
    #[error("Redis did not answer in time")]
    Timeout,
    /// Redis answers, but takes no writes: out of memory, read-only, loading, too few replicas, disk errors.
    #[error("Redis refuses writes")]
    Refusing(#[source] Arc<redis::RedisError>),
    /// The workspace was purged between load and commit, again and again.
    #[error("the workspace changed under the request too often")]
    Contended,
    /// What Redis holds or answers is not what this service writes.
    #[error("unexpected data in Redis: {0}")]
    Corrupt(String),
    /// The service is shutting down.
    #[error("the store is closed")]
    Closed,
}

impl From<redis::RedisError> for Error {
    fn from(error: redis::RedisError) -> Self {
        let code = error.code().unwrap_or_default().to_owned();
        match code.as_str() {
            "OOM" | "READONLY" | "MISCONF" | "LOADING" | "NOREPLICAS" | "MASTERDOWN" | "NOAUTH" | "NOPERM" | "WRONGPASS"
            | "CLUSTERDOWN" | "TRYAGAIN" | "BUSY" => Self::Refusing(Arc::new(error)),
            _ if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() || error.is_unrecoverable_error() => {
                Self::Unavailable(Arc::new(error))
            }
            _ => {
                // Script errors surface out-of-memory and read-only states inside their text.
                let text = error.to_string();
                if ["OOM ", "READONLY", "MISCONF", "NOREPLICAS"].iter().any(|mark| text.contains(mark)) {
                    Self::Refusing(Arc::new(error))
                } else {
                    Self::Corrupt(text)
                }
            }
        }
    }
}

impl From<deadpool_redis::PoolError> for Error {
    fn from(error: deadpool_redis::PoolError) -> Self {
        match error {
            deadpool_redis::PoolError::Backend(error) => error.into(),
            deadpool_redis::PoolError::Timeout(_)
            | deadpool_redis::PoolError::Closed
            | deadpool_redis::PoolError::NoRuntimeSpecified
            | deadpool_redis::PoolError::PostCreateHook(_) => Self::Timeout,
        }
    }
}
