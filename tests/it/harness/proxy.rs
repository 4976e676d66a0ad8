//! The way from a replica to Redis, which breaks on command: passes, stalls (connections stay, nothing moves), or refuses.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use downbeat::config::RedisUrl;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::Redis;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Pass,
    Stall,
    Refuse,
}

/// A TCP listener in front of a Redis; closed when dropped.
pub struct Proxy {
    address: SocketAddr,
    state: watch::Sender<State>,
    accepting: JoinHandle<()>,
}

#[derive(Clone, Copy)]
struct State {
    mode: Mode,
    /// Connections of an earlier life are cut.
    life: u64,
}

impl Proxy {
    /// A way to `redis` that passes everything.
    pub async fn before(redis: &Redis) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (state, seen) = watch::channel(State { mode: Mode::Pass, life: 0 });
        let accepting = tokio::spawn(accept(listener, redis.socket(), seen));
        Self { address, state, accepting }
    }

    /// The address to give to a replica.
    pub fn url(&self) -> RedisUrl {
        RedisUrl::parse(&format!("redis://{}", self.address)).unwrap()
    }

    /// Ends the connections there are; new ones pass.
    pub fn cut(&self) {
        self.set(Mode::Pass, true);
    }

    /// Connections stay open and new ones are taken, but not a byte moves until the next command.
    pub fn stall(&self) {
        self.set(Mode::Stall, false);
    }

    /// Ends the connections there are, and new ones at once.
    pub fn refuse(&self) {
        self.set(Mode::Refuse, true);
    }

    /// Passes everything again.
    pub fn heal(&self) {
        self.set(Mode::Pass, false);
    }

    fn set(&self, mode: Mode, cut: bool) {
        self.state.send_modify(|state| {
            state.mode = mode;
            state.life += u64::from(cut);
        });
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn accept(listener: TcpListener, upstream: PathBuf, state: watch::Receiver<State>) {
    while let Ok((client, _)) = listener.accept().await {
        let now = *state.borrow();
        if now.mode != Mode::Refuse {
            tokio::spawn(carry(client, upstream.clone(), state.clone(), now.life));
        }
    }
}

/// Ends, and with it both connections, when either side ends or the proxy cuts.
async fn carry(client: TcpStream, upstream: PathBuf, mut state: watch::Receiver<State>, life: u64) {
    let Ok(server) = UnixStream::connect(upstream).await else { return };
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = server.into_split();
    tokio::select! {
        () = pump(from_client, to_server, state.clone()) => {}
        () = pump(from_server, to_client, state.clone()) => {}
        _ = state.wait_for(|state| state.life != life) => {}
    }
}

async fn pump(mut from: impl AsyncRead + Unpin, mut to: impl AsyncWrite + Unpin, mut state: watch::Receiver<State>) {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let Ok(length @ 1..) = from.read(&mut buffer).await else { return };
        if state.wait_for(|state| state.mode != Mode::Stall).await.is_err() {
            return;
        }
        if to.write_all(&buffer[..length]).await.is_err() {
            return;
        }
    }
}
