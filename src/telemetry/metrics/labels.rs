//! The closed sets that labels are taken from.

/// Which of the two kinds of record a stream or an append carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Record {
    /// Orchestration events.
    Event,
    /// Rows of the tool-call log.
    Log,
}

impl Record {
    pub(super) const ALL: [Self; 2] = [Self::Event, Self::Log];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Event => "events",
            Self::Log => "log",
        }
    }
}

/// What ended a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The reader closed the connection or vanished.
    Left,
    /// This replica is shutting down.
    Draining,
    /// The stream was as old as streams get.
    MaxAge,
    /// The reader did not keep up.
    SlowConsumer,
    /// The credential ran out.
    TokenExpired,
    /// We could not go on: Redis stayed away from a replay, say.
    Failed,
}

impl Outcome {
    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Draining => "draining",
            Self::MaxAge => "max_age",
            Self::SlowConsumer => "slow_consumer",
            Self::TokenExpired => "token_expired",
            Self::Failed => "failed",
        }
    }
}

/// Why Redis did not carry out a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RedisFault {
    /// No answer in time; the command may have been carried out.
    Timeout,
    /// No connection, or it broke.
    Connection,
    /// Redis refuses writes: out of memory, read-only, disk trouble, loading.
    Refused,
    /// Any other error reply; most likely a bug of ours.
    Reply,
}

impl RedisFault {
    pub(super) const ALL: [Self; 4] = [Self::Timeout, Self::Connection, Self::Refused, Self::Reply];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Timeout => "timeout",
            Self::Connection => "connection",
            Self::Refused => "refused",
            Self::Reply => "reply",
        }
    }
}

/// Which connection to Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// The shared ones that carry commands.
    Commands,
    /// The one that carries published events.
    Subscriber,
}

impl Link {
    pub(super) const ALL: [Self; 2] = [Self::Commands, Self::Subscriber];

    pub(super) fn label(self) -> &'static str {
        match self {
            Self::Commands => "commands",
            Self::Subscriber => "subscriber",
        }
    }
}
