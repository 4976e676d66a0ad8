//! What the tests stand on: a real redis-server, replicas in this process and outside it, an HTTP client, a strict
//! `EventSource`, and a proxy that breaks the way to Redis on command. Nothing here knows the inside of the service.

pub mod client;
pub mod process;
pub mod proxy;
pub mod redis;
pub mod replica;
pub mod sse;
pub mod wait;

pub use self::client::{Answer, Api, Call, Http};
pub use self::process::Process;
pub use self::proxy::Proxy;
pub use self::redis::Redis;
pub use self::replica::{Cluster, Replica, workspace};
pub use self::sse::{Follower, Frame, Stream};
pub use self::wait::{bounded, eventually, in_time};
