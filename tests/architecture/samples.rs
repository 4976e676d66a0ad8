//! The checkers are shown code that breaks each rule, and code that only looks as if it did.

use crate::Source;
use crate::paths::paths;
use crate::rules;

fn file(path: &str, text: &str) -> Source {
    Source { path: path.to_owned(), text: text.to_owned() }
}

#[test]
fn a_forbidden_use_is_found_in_every_notation() {
    for text in [
        "use crate::store::Store;",
        "use crate::store;",
        "use crate::{domain::ids, store};",
        "use crate::{domain::{ids, cursor as at}, store::{keys::Key, Error}};",
        "pub use crate::store as s;",
        "use super::super::store::Store;",
        "fn f() -> crate::store::Store { todo() }",
        "fn f() { let x: Vec<crate::store::Store> = Vec::new(); }",
        "fn f() { println!(\"{}\", crate::store::NAME); }",
        "mod inner { use super::super::super::store::Store; }",
        "mod inner { fn f() { crate::store::open() } }",
        "#[cfg(not(test))] use crate::store::Store;",
        "#[cfg(test)] use crate::config::Config;\nuse crate::store::Store;",
    ] {
        let violations = rules::uses(&file("http/log.rs", text));
        assert_eq!(violations, ["http may not use store"], "{text}");
    }
}

#[test]
fn an_allowed_use_is_no_violation() {
    for text in [
        "use crate::service::Service;\nuse crate::{config::Config, telemetry, domain::ids::WorkspaceId};",
        "use crate::http::problem::Problem;\nuse super::problem;\nuse self::inner::Thing;",
        "//! See [`crate::store::Store`].\n/// Like `crate::store`.\nfn f() { let text = \"crate::store::Store\"; } // crate::store",
        "#[cfg(test)]\nmod tests { use crate::store::Store; fn f() { crate::store::open() } }",
        "#[cfg(test)]\n#[path = \"x.rs\"]\nmod tests;\nfn f() -> impl Sized + use<'_> { 1 }",
        "use other::store::Store;",
    ] {
        assert_eq!(rules::uses(&file("http/log.rs", text)), Vec::<String>::new(), "{text}");
    }
    assert_eq!(rules::uses(&file("http/tests.rs", "use crate::store::Store;")), Vec::<String>::new());
    assert_eq!(rules::uses(&file("app.rs", "use crate::{store, http};")), Vec::<String>::new());
}

#[test]
fn the_root_of_the_crate_is_no_way_around() {
    assert_eq!(rules::uses(&file("http/log.rs", "use crate::*;")), ["http may not use *"]);
    assert_eq!(rules::uses(&file("http.rs", "use super::store;")), ["http may not use store"]);
}

#[test]
fn layers_below_do_not_look_up() {
    for (path, text, expected) in [
        ("domain/txn.rs", "use crate::config::Config;", "domain may not use config"),
        ("store.rs", "use crate::service::Service;", "store may not use service"),
        ("service/log.rs", "use crate::http::Problem;", "service may not use http"),
        ("lifecycle.rs", "use crate::telemetry::metrics;", "lifecycle may not use telemetry"),
        ("demo/agent.rs", "use crate::store::Store;", "demo may not use store"),
        ("helpers.rs", "", "the module helpers is not in the table of tests/architecture/rules.rs"),
    ] {
        assert_eq!(rules::uses(&file(path, text)), [expected]);
    }
}

#[test]
fn redis_named_elsewhere_is_found() {
    for text in [
        "use redis::Client;",
        "use redis as r;",
        "use ::redis::AsyncCommands;",
        "extern crate redis;",
        "use deadpool_redis::Pool;",
        "fn f(c: redis::Client) {}",
        "fn f() { trace!(\"{}\", redis::cmd(\"PING\")) }",
    ] {
        assert_eq!(rules::redis(&file("service/log.rs", text)).len(), 1, "{text}");
        assert_eq!(rules::redis(&file("store/log.rs", text)).len(), 0, "{text}");
        assert_eq!(rules::redis(&file("embedded/log.rs", text)).len(), 0, "{text}");
    }
    for text in ["mod redis;\npub use self::redis::Redis;", "fn f(config: Config) { config.redis.url }", "// redis::Client"] {
        assert_eq!(rules::redis(&file("config.rs", text)).len(), 0, "{text}");
    }
}

#[test]
fn impurity_is_found_in_the_domain() {
    for (text, name) in [
        ("use tokio::time::sleep;", "tokio"),
        ("fn f() { std::time::SystemTime::now(); }", "SystemTime"),
        ("use std::time::{Duration, Instant};", "Instant"),
        ("fn f() -> u64 { rand::random() }", "rand"),
        ("async fn f() {}", "async"),
        ("use axum::Json;", "axum"),
    ] {
        let violations = rules::purity(&file("domain/x.rs", text));
        assert_eq!(violations, [format!("the domain may not name {name}")], "{text}");
    }
    let pure = "//! No tokio here.\nfn f(now: u64, random: u128) -> u64 { now }\n#[cfg(test)]\nmod tests { use rand::random; }";
    assert_eq!(rules::purity(&file("domain/x.rs", pure)), Vec::<String>::new());
}

#[test]
fn a_missing_header_is_found() {
    for text in ["", "use x;", "//!\nfn f() {}", "// What it is.\n", "\n//! Too late, after a blank line."] {
        assert_eq!(rules::header(&file("x.rs", text)).len(), 1, "{text:?}");
    }
    assert_eq!(rules::header(&file("x.rs", "//! What it owns.\n")), Vec::<String>::new());
}

#[test]
fn an_undocumented_script_is_found() {
    let whole = "#!lua\n-- Purpose: counts. KEYS: 1 the key. ARGV: 1 the step.\n-- Reply: the sum.\n-- Bound: constant.\nreturn 1\n";
    assert_eq!(rules::script(&file("x.lua", whole)), Vec::<String>::new());
    assert_eq!(rules::script(&file("x.lua", whole.trim_start_matches("#!lua\n"))), ["it does not begin with #!lua"]);
    for part in ["Purpose:", "KEYS:", "ARGV:", "Reply:", "Bound:"] {
        let violations = rules::script(&file("x.lua", &whole.replace(part, "")));
        assert_eq!(violations, [format!("its opening comment has no {part}")]);
    }
    let too_late = whole.replace("-- Bound: constant.\nreturn 1", "return 1\n-- Bound: constant.");
    assert_eq!(rules::script(&file("x.lua", &too_late)).len(), 1);
}

#[test]
fn paths_are_resolved_against_their_module() {
    let found = |path: &str, text: &str| paths(path, text).into_iter().map(|path| path.join("::")).collect::<Vec<_>>();
    assert_eq!(found("store/keys.rs", "use super::{codec, super::domain};"), ["crate::store::codec", "crate::domain"]);
    assert_eq!(found("store.rs", "use self::keys::Key; fn f() { super::app::serve() }"), ["crate::store::keys::Key", "crate::app::serve"]);
    assert_eq!(found("lib.rs", "mod a { fn f() { super::b::c() } }"), ["crate::b::c"]);
}
