//! Start-up and shutdown of the service; it alone knows every module.

pub mod greeting;

use std::io;
use std::time::Duration;

use tokio::net::TcpListener;

use self::greeting::Addresses;
use crate::config::Config;
use crate::embedded::{self, PrivateRedis};
use crate::http::admin;
use crate::lifecycle::Lifecycle;
use crate::telemetry::metrics;

/// Why the service did not start, or did not end well.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A listener's address cannot be taken.
    #[error("cannot listen on {1}")]
    Listen(#[source] io::Error, std::net::SocketAddr),
    /// Signals cannot be watched.
    #[error("cannot watch signals")]
    Signals(#[source] io::Error),
    /// There is no private Redis.
    #[error("there is no private Redis")]
    PrivateRedis(#[from] embedded::Error),
    /// A task the service needs has died.
    #[error("a task the service needs has died; see the log")]
    Failed,
}

/// Runs a replica until a signal ends it.
pub async fn serve(config: Config) -> Result<(), Error> {
    let life = Lifecycle::new();
    life.watch_signals().map_err(Error::Signals)?;
    metrics::keep_up(&life);
    let public = listen(config.server.listen).await?;
    let operator = listen(config.server.admin_listen).await?;
    let listening = Addresses {
        public: public.local_addr().unwrap_or(config.server.listen),
        admin: operator.local_addr().unwrap_or(config.server.admin_listen),
    };
    let private = if config.redis.url.is_some() {
        None
    } else {
        tokio::select! {
            started = PrivateRedis::start(&config.redis.data_dir, &life) => Some(started?),
            () = life.soft().cancelled() => return Ok(()),
        }
    };

    let admin = admin::router(life.readiness().clone(), metrics::registry());
    let hard = life.hard().clone();
    life.spawn("admin listener", async move {
        let served = axum::serve(operator, admin).with_graceful_shutdown(hard.cancelled_owned());
        if let Err(error) = served.await {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "the admin listener has ended"
            );
        }
    });
    greeting::print(&config, listening, private.as_ref());

    life.soft().cancelled().await;
    life.stop();
    life.finished(Duration::from_secs(5)).await;
    if let Some(private) = private {
        private.stop().await;
    }
    if life.has_failed() {
        Err(Error::Failed)
    } else {
        Ok(())
    }
}

async fn listen(address: std::net::SocketAddr) -> Result<TcpListener, Error> {
    TcpListener::bind(address)
        .await
        .map_err(|error| Error::Listen(error, address))
}
