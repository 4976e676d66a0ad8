//! What `serve` prints on stdout once it listens: where it is and what to try first.

use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::net::SocketAddr;

use crate::config::Config;
use crate::embedded::PrivateRedis;

/// Where the two listeners ended up; a configured port 0 has become a real one.
#[derive(Debug, Clone, Copy)]
pub struct Addresses {
    /// The API's.
    pub public: SocketAddr,
    /// The operator's.
    pub admin: SocketAddr,
}

/// Prints the greeting. Whoever started us may have closed stdout; that is no reason to stop.
pub fn print(config: &Config, listening: Addresses, private: Option<&PrivateRedis>) {
    let data = match (&config.redis.url, private) {
        (Some(url), _) => format!("in Redis at {url}"),
        (None, Some(private)) => format!("in {}", private.data_dir().display()),
        (None, None) => "nowhere".to_owned(),
    };
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_all(text(listening, &data).as_bytes());
    let _ = stdout.flush();
}

fn text(listening: Addresses, data: &str) -> String {
    let site = format!("http://{}", listening.public);
    let api = format!("{site}/api/v1/workspaces/demo/orchestration");
    let mut text = format!("Downbeat is listening on {site}\n");
    let _ = writeln!(text, "  docs   {site}/docs");
    let _ = writeln!(text, "  data   {data}");
    let _ = writeln!(text, "  state  http://{}/readyz", listening.admin);
    let _ = writeln!(text, "  watch  curl -N '{api}/events?since_seq=0'");
    let _ = writeln!(
        text,
        "  write  curl -X POST {api}/events -H 'Content-Type: application/json' \
         -d '{{\"type\":\"hello.world\",\"payload\":{{}}}}'"
    );
    let _ = writeln!(text, "  demo   downbeat demo   (beside this; agents that work and ask)");
    text
}

#[cfg(test)]
mod tests {
    use super::Addresses;

    #[test]
    fn the_first_line_is_the_address_and_the_rest_can_be_pasted() {
        let text =
            super::text(Addresses { public: "[::1]:8080".parse().unwrap(), admin: "127.0.0.1:9090".parse().unwrap() }, "in /srv/data");
        assert_eq!(text.lines().next(), Some("Downbeat is listening on http://[::1]:8080"));
        let paste = "curl -X POST http://[::1]:8080/api/v1/workspaces/demo/orchestration/events \
                     -H 'Content-Type: application/json' -d '{\"type\":\"hello.world\",\"payload\":{}}'";
        assert!(text.contains(paste), "{text}");
        assert!(text.contains("data   in /srv/data\n"), "{text}");
    }
}
