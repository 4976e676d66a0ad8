//! The arguments of the three scenarios of a steady load: `fanout`, `spread` and `publish` differ in how many readers and workspaces
//! there are.

use std::num::NonZeroUsize;
use std::sync::Arc;

use super::Error;
use super::report::Report;
use super::site::Site;
use super::steady::{Load, Steady};

/// How many events readers may lack.
#[derive(Debug, Clone, clap::Args)]
struct Backlog {
    /// Keep-alive connections that publish, each with one request under way
    #[arg(long, default_value = "64")]
    publishers: NonZeroUsize,
    /// Publish no further ahead of the readers than so many events (of the average reader); 0 = no bound
    ///
    /// Without a rate this makes the load as fast as the service can deliver, and no faster: lag is then the time this many events take.
    #[arg(long, default_value = "256")]
    window: u64,
}

/// Many readers of few workspaces: deliveries/s and lag
///
/// Readers are spread evenly over the workspaces, and publishers go round them. Once all readers are connected and the warm-up is over,
/// deliveries, lag and CPU are measured for the duration; then the publishers stop, and every reader must get the last event of its
/// workspace within 20 s.
#[derive(Debug, clap::Args)]
pub(super) struct Fanout {
    /// Streams, each on a connection of its own
    #[arg(long, default_value = "1000")]
    readers: NonZeroUsize,
    /// Workspaces over which they are spread
    #[arg(long, default_value = "1")]
    pub(super) workspaces: NonZeroUsize,
    #[command(flatten)]
    backlog: Backlog,
    #[command(flatten)]
    load: Load,
}

/// One reader in each of many workspaces: deliveries/s and lag when nothing can be shared
///
/// As `fanout`, but each event is delivered once: a publish and a delivery are both in its CPU.
#[derive(Debug, clap::Args)]
pub(super) struct Spread {
    /// Workspaces, with one reader each
    #[arg(long, default_value = "2000")]
    pub(super) workspaces: NonZeroUsize,
    #[command(flatten)]
    backlog: Backlog,
    #[command(flatten)]
    load: Load,
}

/// Many connections that publish to one workspace nobody reads: publishes/s and latency
///
/// Latency is from just before the request is written to when its whole reply is read.
#[derive(Debug, clap::Args)]
pub(super) struct Publish {
    /// Keep-alive connections, each with one request under way
    #[arg(long, default_value = "64")]
    connections: NonZeroUsize,
    #[command(flatten)]
    load: Load,
}

impl Fanout {
    pub(super) async fn measure(&self, site: &Arc<Site>) -> Result<Report, Error> {
        let Backlog { publishers, window } = self.backlog;
        let (readers, connections) = (self.readers.get(), publishers.get());
        Steady { scenario: "fanout", readers, connections, window, load: &self.load }.measure(site).await
    }
}

impl Spread {
    pub(super) async fn measure(&self, site: &Arc<Site>) -> Result<Report, Error> {
        let Backlog { publishers, window } = self.backlog;
        let (readers, connections) = (self.workspaces.get(), publishers.get());
        Steady { scenario: "spread", readers, connections, window, load: &self.load }.measure(site).await
    }
}

impl Publish {
    pub(super) async fn measure(&self, site: &Arc<Site>) -> Result<Report, Error> {
        let connections = self.connections.get();
        Steady { scenario: "publish", readers: 0, connections, window: 0, load: &self.load }.measure(site).await
    }
}
