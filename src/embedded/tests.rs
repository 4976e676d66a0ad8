//! A real redis-server, killed, orphaned, locked out and restarted.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use redis::AsyncCommands;
use tempfile::TempDir;
use tokio::time::Instant;

use super::{Error, PrivateRedis};
use crate::config::RedisUrl;
use crate::lifecycle::Lifecycle;

async fn start(dir: &Path) -> PrivateRedis {
    PrivateRedis::start(dir, &Lifecycle::new()).await.unwrap()
}

async fn connect(url: &RedisUrl) -> Option<redis::aio::MultiplexedConnection> {
    redis::Client::open(url.expose()).unwrap().get_multiplexed_async_connection().await.ok()
}

async fn set(url: &RedisUrl, value: &str) {
    let () = connect(url).await.unwrap().set("key", value).await.unwrap();
}

async fn get(url: &RedisUrl) -> Option<String> {
    connect(url).await?.get("key").await.ok()?
}

async fn process_id(url: &RedisUrl) -> Option<String> {
    let info: String = redis::cmd("INFO").arg("server").query_async(&mut connect(url).await?).await.ok()?;
    Some(info.lines().find_map(|line| line.strip_prefix("process_id:"))?.trim().to_owned())
}

fn kill(process_id: &str) {
    assert!(Command::new("kill").args(["-KILL", process_id]).status().unwrap().success());
}

#[tokio::test]
async fn a_restart_loses_nothing() {
    let dir = TempDir::new().unwrap();
    let first = start(dir.path()).await;
    set(first.url(), "kept").await;
    let url = first.url().clone();
    first.stop().await;
    assert!(connect(&url).await.is_none(), "the server still answers after its stop");

    let second = start(dir.path()).await;
    assert_eq!(get(second.url()).await.as_deref(), Some("kept"));
    second.stop().await;
}

#[tokio::test]
async fn a_server_that_dies_is_started_again_with_its_data() {
    let dir = TempDir::new().unwrap();
    let private = start(dir.path()).await;
    set(private.url(), "kept").await;
    let first = process_id(private.url()).await.unwrap();
    kill(&first);

    let deadline = Instant::now() + Duration::from_secs(10);
    // `INFO` is answered while the data is still being loaded, `GET` is not.
    while get(private.url()).await.as_deref() != Some("kept") {
        assert!(Instant::now() < deadline, "it was not started again");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert_ne!(process_id(private.url()).await, Some(first));
    private.stop().await;
}

#[tokio::test]
async fn a_directory_has_one_owner() {
    let dir = TempDir::new().unwrap();
    let private = start(dir.path()).await;
    let refused = PrivateRedis::start(dir.path(), &Lifecycle::new()).await.unwrap_err();
    assert!(matches!(refused, Error::InUse(_)), "{refused}");
    private.stop().await;
    start(dir.path()).await.stop().await;
}

/// What remains when the service is killed: a server that holds its lock, and nobody who owns the directory.
#[tokio::test]
async fn a_server_left_by_a_killed_service_is_replaced_without_loss() {
    let dir = TempDir::new().unwrap();
    start(dir.path()).await.stop().await;
    let lock = std::fs::File::open(dir.path().join("redis.lock")).unwrap();
    lock.try_lock().unwrap();
    let mut orphan = Command::new("redis-server").arg(dir.path().join("redis.conf")).stdin(lock).stdout(Stdio::null()).spawn().unwrap();
    let url = RedisUrl::socket(&dir.path().canonicalize().unwrap().join("redis.sock"));
    let deadline = Instant::now() + Duration::from_secs(10);
    while process_id(&url).await.is_none() {
        assert!(Instant::now() < deadline, "the orphan does not answer");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    set(&url, "kept").await;

    let private = start(dir.path()).await;
    assert!(orphan.wait().unwrap().success());
    assert_eq!(get(private.url()).await.as_deref(), Some("kept"));
    private.stop().await;
}

#[tokio::test]
async fn a_path_too_long_for_a_socket_still_works() {
    let dir = TempDir::new().unwrap();
    let deep = dir.path().join("x".repeat(60)).join("a \"quoted\" part, with % and ?");
    let private = start(&deep).await;
    set(private.url(), "kept").await;
    assert!(private.url().expose().len() <= 107, "{}", private.url());
    private.stop().await;
    let private = start(&deep).await;
    assert_eq!(get(private.url()).await.as_deref(), Some("kept"));
    private.stop().await;
}

#[tokio::test]
async fn a_server_that_cannot_start_says_why() {
    let dir = TempDir::new().unwrap();
    start(dir.path()).await.stop().await;
    std::fs::remove_dir_all(dir.path().join("appendonlydir")).unwrap();
    std::fs::write(dir.path().join("appendonlydir"), "in the way").unwrap();
    let refused = PrivateRedis::start(dir.path(), &Lifecycle::new()).await.unwrap_err().to_string();
    assert!(refused.contains("appendonlydir") || refused.contains("append-only"), "{refused}");
}

#[tokio::test]
async fn a_directory_that_cannot_be_made_is_named() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    std::fs::write(&file, "").unwrap();
    let refused = PrivateRedis::start(&file.join("data"), &Lifecycle::new()).await.unwrap_err();
    assert!(matches!(refused, Error::Directory { .. }), "{refused}");
    assert!(refused.to_string().contains("file/data"), "{refused}");
}
