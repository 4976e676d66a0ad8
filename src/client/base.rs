//! Where a service lives, and how a request to it is spelled.

use std::fmt;
use std::str::FromStr;

use http::Uri;

/// The address of one replica, from a URL like `http://127.0.0.1:8080`. A path in the URL goes before every route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    host: String,
    port: u16,
    authority: String,
    prefix: String,
}

impl Base {
    /// Host and port to connect to; names are resolved anew at each connect, so that a moved service is found again.
    pub(super) fn endpoint(&self) -> (&str, u16) {
        (&self.host, self.port)
    }

    /// `host:port` as it stands in the URL.
    pub fn authority(&self) -> &str {
        &self.authority
    }

    /// The path of a route below a workspace's orchestration, such as `events?since_seq=0`.
    pub fn path(&self, workspace: &str, route: &str) -> String {
        format!("{}/api/v1/workspaces/{workspace}/orchestration/{route}", self.prefix)
    }

    /// The whole URL of such a route, to show to a person.
    pub fn url(&self, workspace: &str, route: &str) -> String {
        format!("http://{}{}", self.authority, self.path(workspace, route))
    }

    /// The head of a request, up to and with its blank line. `length` is the body's, which goes right behind it; `headers` are whole
    /// lines without their line ends.
    pub fn head(&self, method: &str, path: &str, headers: &[&str], length: usize) -> Vec<u8> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\n", self.authority);
        if length > 0 {
            head.push_str("Content-Type: application/json\r\n");
        }
        let stated = (length > 0 || method == "POST").then(|| format!("Content-Length: {length}"));
        for header in stated.as_deref().iter().chain(headers) {
            head.push_str(header);
            head.push_str("\r\n");
        }
        head.push_str("\r\n");
        head.into_bytes()
    }
}

impl FromStr for Base {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let uri: Uri = text.parse().map_err(|error| format!("`{text}` is not a URL: {error}"))?;
        if uri.scheme_str() != Some("http") {
            return Err(format!("`{text}` does not start with http://, the only scheme spoken here"));
        }
        let authority = uri.authority().ok_or_else(|| format!("`{text}` names no host"))?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(format!("`{text}` has a user or a query; a host, a port and a path are all it may have"));
        }
        Ok(Self {
            host: authority.host().trim_start_matches('[').trim_end_matches(']').to_owned(),
            port: authority.port_u16().unwrap_or(80),
            authority: authority.as_str().to_owned(),
            prefix: uri.path().trim_end_matches('/').to_owned(),
        })
    }
}

impl fmt::Display for Base {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "http://{}{}", self.authority, self.prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::Base;

    #[test]
    fn a_url_gives_host_port_and_prefix() -> Result<(), String> {
        let plain: Base = "http://127.0.0.1:8080".parse()?;
        assert_eq!(plain.endpoint(), ("127.0.0.1", 8080));
        assert_eq!(plain.path("w", "events"), "/api/v1/workspaces/w/orchestration/events");
        let nested: Base = "http://[::1]/agents/".parse()?;
        assert_eq!(nested.endpoint(), ("::1", 80));
        assert_eq!(nested.url("w", "log"), "http://[::1]/agents/api/v1/workspaces/w/orchestration/log");
        Ok(())
    }

    #[test]
    fn other_schemes_and_users_are_refused() {
        for wrong in ["https://example.test", "127.0.0.1:8080", "http://me@host", "http://host/?a=b", "/path"] {
            assert!(wrong.parse::<Base>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_post_states_its_length_even_when_empty() -> Result<(), String> {
        let base: Base = "http://h:1".parse()?;
        assert_eq!(base.head("POST", "/p", &["A: b"], 0), b"POST /p HTTP/1.1\r\nHost: h:1\r\nContent-Length: 0\r\nA: b\r\n\r\n");
        assert_eq!(base.head("GET", "/p", &[], 0), b"GET /p HTTP/1.1\r\nHost: h:1\r\n\r\n");
        Ok(())
    }
}
