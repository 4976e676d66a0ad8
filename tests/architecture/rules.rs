//! The rules themselves. Each looks at one file and returns what is wrong with it, in words.

use std::collections::BTreeSet;

use crate::Source;
use crate::paths::{names, paths};

/// Who may use whom. A module that is not listed here has no place in the design yet.
const MAY_USE: [(&str, &[&str]); 15] = [
    ("domain", &[]),
    ("config", &[]),
    ("lifecycle", &[]),
    ("telemetry", &["config", "lifecycle"]),
    ("store", &["domain"]),
    ("auth", &["store", "domain"]),
    ("stream", &["store", "domain"]),
    ("service", &["store", "domain", "auth"]),
    ("http", &["service", "stream", "auth", "domain"]),
    ("jobs", &["service", "store", "domain"]),
    ("console", &[]),
    ("embedded", &[]),
    // Programs of their own that meet the service over HTTP only.
    ("client", &[]),
    ("bench", &["client"]),
    ("demo", &["client"]),
];
/// What every module but the domain and these themselves may use.
const CROSS_CUTTING: [&str; 3] = ["config", "lifecycle", "telemetry"];
/// Start-up knows every module.
const KNOWS_ALL: [&str; 3] = ["app", "main", "lib"];

/// What has no place in pure decisions: the network, the clock, the dice, and everything that waits.
const IMPURE: [&str; 22] = [
    "tokio",
    "tokio_util",
    "tokio_stream",
    "futures_util",
    "axum",
    "hyper",
    "hyper_util",
    "http",
    "tower",
    "redis",
    "deadpool_redis",
    "rand",
    "metrics",
    "tracing",
    "SystemTime",
    "Instant",
    "Zoned",
    "async",
    "await",
    "net",
    "fs",
    "env",
];

/// `store/keys.rs` and `store.rs` belong to `store`.
pub fn module(path: &str) -> &str {
    path.split('/').next().unwrap_or(path).trim_end_matches(".rs")
}

/// The modules of the crate, other than its own, that a file uses.
pub fn used_modules(file: &Source) -> BTreeSet<String> {
    let own = module(&file.path);
    let in_crate = |path: Vec<String>| match path.as_slice() {
        [root, used, ..] if root == "crate" && used != own => Some(used.clone()),
        _ => None,
    };
    paths(&file.path, &file.text).into_iter().filter_map(in_crate).collect()
}

/// A module uses only what the table allows it.
pub fn uses(file: &Source) -> Vec<String> {
    let own = module(&file.path);
    if KNOWS_ALL.contains(&own) {
        return Vec::new();
    }
    let Some((_, allowed)) = MAY_USE.iter().find(|(module, _)| *module == own) else {
        return vec![format!("the module {own} is not in the table of tests/architecture/rules.rs")];
    };
    let cross_cutting = |used: &str| own != "domain" && !CROSS_CUTTING.contains(&own) && CROSS_CUTTING.contains(&used);
    let forbidden = used_modules(file).into_iter().filter(|used| !allowed.contains(&used.as_str()) && !cross_cutting(used));
    forbidden.map(|used| format!("{own} may not use {used}")).collect()
}

/// Whether a file names the Redis client.
pub fn names_redis(file: &Source) -> bool {
    let client = |path: &Vec<String>| path.first().is_some_and(|root| root == "redis" || root == "deadpool_redis");
    paths(&file.path, &file.text).iter().any(client)
}

/// The Redis client belongs to the store, and to the owner of the private server.
pub fn redis(file: &Source) -> Vec<String> {
    let allowed = ["store", "embedded"].contains(&module(&file.path));
    if names_redis(file) && !allowed { vec!["only store and embedded may name the Redis client".to_owned()] } else { Vec::new() }
}

/// The domain takes time, randomness and ids as arguments and waits for nothing.
pub fn purity(file: &Source) -> Vec<String> {
    let found: BTreeSet<_> = names(&file.path, &file.text).into_iter().collect();
    IMPURE.iter().filter(|name| found.contains(**name)).map(|name| format!("the domain may not name {name}")).collect()
}

/// A module opens with a paragraph that says what it owns.
pub fn header(file: &Source) -> Vec<String> {
    let opening = file.text.lines().next().unwrap_or_default();
    let says = opening.strip_prefix("//! ").is_some_and(|text| text.trim().len() >= 10);
    if says { Vec::new() } else { vec!["it does not open with a //! paragraph".to_owned()] }
}

/// A script begins with its engine and a comment that names its purpose, keys, arguments, reply and bound.
pub fn script(file: &Source) -> Vec<String> {
    let is_engine = |line: &str| line == "#!lua" || line.starts_with("#!lua ");
    let mut missing = Vec::new();
    if !file.text.lines().next().is_some_and(is_engine) {
        missing.push("it does not begin with #!lua".to_owned());
    }
    let comment = file.text.lines().skip_while(|line| is_engine(line)).take_while(|line| line.starts_with("--"));
    let comment = comment.collect::<Vec<_>>().join("\n");
    for part in ["Purpose:", "KEYS:", "ARGV:", "Reply:", "Bound:"] {
        let said = comment.split_once(part).is_some_and(|(_, text)| text.trim().len() > 3);
        if !said {
            missing.push(format!("its opening comment has no {part}"));
        }
    }
    missing
}
