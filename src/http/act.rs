//! The headers of a request that changes something: `Idempotency-Key` and `traceparent`.

use axum::http::HeaderMap;
use axum::http::request::Parts;
use sha2::{Digest, Sha256};

use super::problem::Problem;
use crate::domain::fault::Fault;
use crate::domain::ids::IdempotencyKey;
use crate::service::{Act, Idempotency};

const IDEMPOTENCY_KEY: &str = "idempotency-key";
const TRACEPARENT: &str = "traceparent";

/// Reads the headers of a POST. `body` is part of what the key stands for.
pub fn of(parts: &Parts, body: &[u8]) -> Result<Act, Problem> {
    Ok(Act { idempotency: idempotency(parts, body)?, traceparent: traceparent(&parts.headers) })
}

/// Reads the headers of a POST whose body comes as a stream: its fingerprint is finished with the digest, once the body was read.
pub fn streamed(parts: &Parts) -> Result<(Act, Option<Sha256>), Problem> {
    let act = of(parts, b"")?;
    let digest = act.idempotency.as_ref().map(|_| digest(parts));
    Ok((act, digest))
}

/// Reads the headers of a change that is repeatable by its nature and takes no key.
pub fn without_key(parts: &Parts) -> Act {
    Act { idempotency: None, traceparent: traceparent(&parts.headers) }
}

fn idempotency(parts: &Parts, body: &[u8]) -> Result<Option<Idempotency>, Problem> {
    let mut values = parts.headers.get_all(IDEMPOTENCY_KEY).iter();
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Fault::new("Idempotency-Key", "stands more than once").into());
    }
    let key = value
        .to_str()
        .ok()
        .and_then(|text| IdempotencyKey::parse(text).ok())
        .ok_or_else(|| Fault::new("Idempotency-Key", "must be 1 to 128 visible ASCII characters"))?;
    Ok(Some(Idempotency { key, fingerprint: digest(parts).chain_update(body).finalize().into() }))
}

/// The digest of a request up to its body.
fn digest(parts: &Parts) -> Sha256 {
    let mut digest = Sha256::new();
    digest.update(parts.method.as_str());
    digest.update(b"\n");
    digest.update(parts.uri.path());
    digest.update(b"?");
    digest.update(parts.uri.query().unwrap_or_default());
    digest.update(b"\n");
    digest
}

/// A header that is no trace context is left aside, as W3C asks.
fn traceparent(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(TRACEPARENT)?.to_str().ok()?;
    let hex = |part: &str, length| part.len() == length && part.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    let mut parts = text.split('-');
    let (version, trace, parent, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let shape = hex(version, 2) && hex(trace, 32) && hex(parent, 16) && hex(flags, 2);
    let named = trace.bytes().any(|byte| byte != b'0') && parent.bytes().any(|byte| byte != b'0');
    let known = version != "ff" && parts.next().is_none();
    (shape && named && known).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::Request;

    fn parts(uri: &str, headers: &[(&str, &str)]) -> Parts {
        let mut request = Request::post(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(()).unwrap().into_parts().0
    }

    #[test]
    fn the_fingerprint_covers_path_query_and_body() {
        let key = [("Idempotency-Key", "k")];
        let print = |uri, body: &str| {
            let act = of(&parts(uri, &key), body.as_bytes()).unwrap();
            act.idempotency.unwrap().fingerprint
        };
        let first = print("/a?b=c", "d");
        assert_eq!(first, print("/a?b=c", "d"));
        for (uri, body) in [("/a?b=c", "e"), ("/a?b=d", "d"), ("/b?b=c", "d"), ("/a", "d")] {
            assert_ne!(first, print(uri, body));
        }
    }

    #[test]
    fn a_key_is_one_visible_token() {
        assert!(of(&parts("/", &[]), b"").unwrap().idempotency.is_none());
        for wrong in ["", "a b", &"x".repeat(129)] {
            let parts = parts("/", &[("Idempotency-Key", wrong)]);
            assert!(of(&parts, b"").is_err(), "{wrong:?}");
        }
        let twice = [("Idempotency-Key", "a"), ("Idempotency-Key", "a")];
        assert!(of(&parts("/", &twice), b"").is_err());
    }

    #[test]
    fn only_a_real_trace_context_is_kept() {
        let kept = |value| without_key(&parts("/", &[("traceparent", value)])).traceparent;
        let good = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
        assert_eq!(kept(good).as_deref(), Some(good));
        for wrong in [
            "",
            "x",
            "00-00000000000000000000000000000000-00f067aa0ba902b7-01",
            "ff-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01",
            "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01-more",
        ] {
            assert_eq!(kept(wrong), None, "{wrong}");
        }
    }
}
