//! Where the service listens, who may come in, and how long it takes to leave.

use std::fmt::{self, Display};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use super::settings::{Fault, Settings, Unit};

/// Listeners, authentication and shutdown.
#[derive(Debug, Clone)]
pub struct Server {
    /// The public listener: API, documentation, streams. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// The operator's listener: health and metrics. It has no authentication of its own.
    pub admin_listen: SocketAddr,
    /// How callers prove who they are.
    pub auth: Auth,
    /// How long open streams get to move elsewhere after SIGTERM.
    pub drain: Duration,
}

/// How callers prove who they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Auth {
    /// Everybody on this machine may do everything.
    Off,
}

impl Display for Auth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Off => f.write_str("off"),
        }
    }
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            admin_listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 9090)),
            auth: Auth::Off,
            drain: Duration::from_secs(25),
        }
    }
}

impl Server {
    pub(super) fn settings(&mut self, settings: &mut Settings<'_>) {
        settings.section("Server");
        settings.value(
            &mut self.listen,
            ("DOWNBEAT_LISTEN", "ADDRESS:PORT"),
            "Address and port of the API; port 0 takes a free one. Loopback only while authentication is off",
            parse_address,
        );
        settings.value(
            &mut self.admin_listen,
            ("DOWNBEAT_ADMIN_LISTEN", "ADDRESS:PORT"),
            "Address and port of /livez, /readyz and /metrics, for the operator's network only",
            parse_address,
        );
        settings.value(&mut self.auth, ("DOWNBEAT_AUTH", "MODE"), "Authentication of callers; this version knows: off", parse_auth);
        settings.duration(
            &mut self.drain,
            ("DOWNBEAT_DRAIN_SECONDS", Unit::Seconds),
            "Time over which open streams are ended after SIGTERM, in seconds; 0 ends them at once",
            0..=3600,
        );
    }

    pub(super) fn check(&self, faults: &mut Vec<Fault>) {
        match self.auth {
            Auth::Off if !self.listen.ip().to_canonical().is_loopback() => faults.push(Fault {
                setting: "DOWNBEAT_LISTEN",
                message: format!(
                    "{} can be reached from other machines, and authentication is off, so anybody could read and purge every \
                     workspace; listen on 127.0.0.1 or [::1]",
                    self.listen
                ),
            }),
            Auth::Off => {}
        }
        if self.listen == self.admin_listen && self.listen.port() != 0 {
            faults.push(Fault {
                setting: "DOWNBEAT_ADMIN_LISTEN",
                message: format!("{} is the address of the API already; the two need different ports", self.admin_listen),
            });
        }
    }
}

fn parse_address(text: &str) -> Result<SocketAddr, String> {
    let numeric = text.strip_prefix("localhost:").map(|port| format!("127.0.0.1:{port}"));
    numeric
        .as_deref()
        .unwrap_or(text)
        .parse()
        .map_err(|_| format!("{text:?} is not an address and a port, such as 127.0.0.1:8080 or [::1]:8080"))
}

fn parse_auth(text: &str) -> Result<Auth, String> {
    match text {
        "off" => Ok(Auth::Off),
        "jwt" => Err("\"jwt\" is not available in this version; the only value it knows is \"off\"".to_owned()),
        other => Err(format!("{other:?} is not an authentication mode; the only value this version knows is \"off\"")),
    }
}
