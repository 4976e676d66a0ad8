//! The public listener: accepts connections and serves them with small buffers, since most of them are idle streams.
//!
//! hyper's own connection builder, because `axum::serve` can set neither buffers nor timeouts, and its graceful shutdown waits for
//! open streams for ever.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tower::ServiceExt;

use crate::lifecycle::Lifecycle;
use crate::stream::Tether;

/// The largest head of a request, and hyper's read buffer, in bytes.
const HEAD_BYTES: usize = 16 * 1024;
/// How long a request's head may take, and how long a kept connection may be idle: longer than load balancers keep theirs.
const HEAD_TIME: Duration = Duration::from_secs(75);
/// The same for a connection that comes during a drain: it serves one request, and an idle one must not hold up the stop.
const HEAD_TIME_LEAVING: Duration = Duration::from_secs(5);
/// Wait after the system could not give us a connection (out of descriptors, say).
const ACCEPT_RETRY: Duration = Duration::from_millis(50);

/// How connections are served.
#[derive(Debug, Clone)]
pub struct Options {
    /// Bytes the kernel holds for a reader that does not read; 0 leaves it to the system.
    pub send_buffer_bytes: usize,
    /// Connections open now.
    pub open: Arc<AtomicUsize>,
}

/// Accepts connections until the hard stop. During a drain it goes on: the load balancer may not have noticed yet.
pub async fn run(listener: TcpListener, router: Router, options: Options, life: Lifecycle) {
    let hard = life.hard().clone();
    loop {
        let accepted = tokio::select! {
            () = hard.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((socket, _peer)) => {
                if let Err(error) = prepare(&socket, &options) {
                    tracing::debug!(%error, "a connection's socket options could not be set");
                }
                let open = Open::new(&options.open);
                let served = connection(socket, router.clone(), life.clone());
                life.spawn("connection", async move {
                    let _open = open;
                    served.await;
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_RETRY).await;
            }
        }
    }
}

/// A connection that counts as open until it is dropped.
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(Arc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

fn prepare(socket: &TcpStream, options: &Options) -> io::Result<()> {
    socket.set_nodelay(true)?;
    let reference = socket2::SockRef::from(socket);
    reference.set_tcp_keepalive(&socket2::TcpKeepalive::new().with_time(Duration::from_mins(1)))?;
    if options.send_buffer_bytes > 0 {
        reference.set_send_buffer_size(options.send_buffer_bytes)?;
    }
    Ok(())
}

async fn connection(socket: TcpStream, router: Router, life: Lifecycle) {
    let tether = Arc::new(Tether::default());
    let own = Arc::clone(&tether);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(Arc::clone(&own));
        let router = router.clone();
        async move { router.oneshot(request.map(Body::new)).await }
    });
    // A graceful shutdown before the first request would close the connection unheard, so a late one is not asked for it.
    let mut leaving = life.soft().is_cancelled();
    let head_time = if leaving { HEAD_TIME_LEAVING } else { HEAD_TIME };
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(head_time).max_buf_size(HEAD_BYTES).keep_alive(!leaving);
    let mut served = pin!(builder.serve_connection(TokioIo::new(socket), service));
    let mut soft = pin!(life.soft().cancelled());
    let mut hard = pin!(life.hard().cancelled());
    // An error here is a client that went away, or a request that was none: its own affair.
    poll_fn(|cx| {
        if tether.is_cut(cx.waker()) || hard.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        if !leaving && soft.as_mut().poll(cx).is_ready() {
            // Finishes what is under way and keeps nothing alive behind it.
            leaving = true;
            served.as_mut().graceful_shutdown();
        }
        served.as_mut().poll(cx).map(drop)
    })
    .await;
}
