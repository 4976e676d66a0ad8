//! Flags in, sections or faults out. Variables are exercised on the real binary, since the environment is the process's.

use std::time::Duration;

use clap::{Args, Command, FromArgMatches};

use super::{Config, LogFormat, RedisUrl};

fn parse(flags: &[&str]) -> Result<Config, String> {
    let command = Config::augment_args(Command::new("downbeat").no_binary_name(true));
    let matches = command.try_get_matches_from(flags).map_err(|error| error.to_string())?;
    Config::from_arg_matches(&matches).map_err(|error| error.to_string())
}

#[test]
fn no_flags_give_the_defaults() {
    assert_eq!(format!("{:?}", parse(&[]).unwrap()), format!("{:?}", Config::default()));
}

#[test]
fn flags_reach_their_sections() {
    let config = parse(&[
        "--listen=localhost:8181",
        "--admin-listen=[::1]:0",
        "--drain-seconds=3",
        "--redis-url=rediss://me:secret@redis.example:6380/2",
        "--data-dir=/var/lib/downbeat",
        "--key-prefix=staging",
        "--event-bytes=2048",
        "--heartbeat-ms=250",
        "--log=warn,downbeat=debug",
        "--log-format=json",
    ])
    .unwrap();
    assert_eq!(config.server.listen.to_string(), "127.0.0.1:8181");
    assert_eq!(config.server.admin_listen.to_string(), "[::1]:0");
    assert_eq!(config.server.drain, Duration::from_secs(3));
    assert_eq!(config.redis.url.unwrap().expose(), "rediss://me:secret@redis.example:6380/2");
    assert_eq!(config.redis.data_dir.to_str(), Some("/var/lib/downbeat"));
    assert_eq!(config.redis.key_prefix, "staging");
    assert_eq!(config.limits.event_bytes, 2048);
    assert_eq!(config.streams.heartbeat, Duration::from_millis(250));
    assert_eq!(config.logs.filter, "warn,downbeat=debug");
    assert_eq!(config.logs.format, LogFormat::Json);
}

#[test]
fn an_empty_value_counts_as_absent() {
    let config = parse(&["--redis-url=", "--log=", "--listen= "]).unwrap();
    assert!(config.redis.url.is_none());
    assert_eq!(config.logs.filter, "info");
    assert_eq!(config.server.listen.port(), 8080);
}

#[test]
fn all_faults_are_reported_at_once() {
    let message = parse(&[
        "--listen=0.0.0.0:8080",
        "--admin-listen=nowhere",
        "--auth=jwt",
        "--redis-url=http://redis",
        "--key-prefix={a}",
        "--body-bytes=1MB",
        "--json-depth=500",
        "--log=downbeat=loud",
        "--log-format=xml",
    ])
    .unwrap_err();
    for part in [
        "9 faults",
        "DOWNBEAT_LISTEN (--listen): 0.0.0.0:8080 can be reached from other machines",
        "DOWNBEAT_ADMIN_LISTEN (--admin-listen): \"nowhere\"",
        "DOWNBEAT_AUTH (--auth): \"jwt\" is not available in this version; the only value it knows is \"off\"",
        "DOWNBEAT_REDIS_URL",
        "DOWNBEAT_KEY_PREFIX",
        "\"1MB\" is not a whole number of bytes from 1024",
        "\"500\" is not a whole number of levels from 2 to 120",
        "DOWNBEAT_LOG (--log)",
        "\"xml\" is not a log format; it is text or json",
    ] {
        assert!(message.contains(part), "{part:?} is missing in:\n{message}");
    }
}

#[test]
fn settings_that_contradict_each_other_are_faults() {
    let message = parse(&["--listen=127.0.0.1:9090", "--event-bytes=4194304"]).unwrap_err();
    for part in ["DOWNBEAT_ADMIN_LISTEN", "could never arrive", "DOWNBEAT_RING_BYTES"] {
        assert!(message.contains(part), "{part:?} is missing in:\n{message}");
    }
}

#[test]
fn loopback_in_every_notation_is_accepted_without_authentication() {
    for address in ["127.0.0.1:0", "127.9.9.9:80", "[::1]:8080", "[::ffff:127.0.0.1]:8080", "localhost:8080"] {
        assert!(parse(&[&format!("--listen={address}")]).is_ok(), "{address}");
    }
    for address in ["0.0.0.0:8080", "[::]:8080", "192.168.1.4:8080"] {
        assert!(parse(&[&format!("--listen={address}")]).is_err(), "{address}");
    }
}

#[test]
fn a_redis_url_is_printed_without_its_password() {
    for (url, shown) in [
        ("redis://:pw@host:6379/1", "redis://host:6379/1"),
        ("rediss://user:p@w@host", "rediss://host"),
        ("unix:///run/redis.sock?pass=pw", "unix:///run/redis.sock"),
    ] {
        let url = RedisUrl::parse(url).unwrap();
        assert_eq!(url.to_string(), shown);
        assert_eq!(format!("{url:?}"), shown);
    }
    let socket = RedisUrl::socket(std::path::Path::new("/tmp/a b?/redis.sock"));
    assert_eq!(socket.expose(), "unix:///tmp/a%20b%3F/redis.sock");
    let refused = RedisUrl::parse("rdis://:secret@host").unwrap_err();
    assert!(!refused.contains("secret"), "{refused}");
    assert!(RedisUrl::parse("redis+cluster://a").unwrap_err().contains("not available in this version"));
}

#[test]
fn every_setting_has_a_flag_a_variable_and_help() {
    let mut command = Config::augment_args(Command::new("downbeat"));
    let mut settings = 0;
    for argument in command.get_arguments() {
        let variable = argument.get_env().unwrap().to_str().unwrap();
        assert_eq!(variable, format!("DOWNBEAT_{}", argument.get_long().unwrap().to_uppercase().replace('-', "_")));
        assert!(argument.get_help().is_some(), "{variable}");
        settings += 1;
    }
    assert!(settings > 20, "only {settings} settings were looked at");
    let help = command.render_long_help().to_string();
    for part in ["[env: DOWNBEAT_BODY_BYTES=]", "[default: 1048576]", "[default: 127.0.0.1:8080]", "Streams:"] {
        assert!(help.contains(part), "{part:?} is missing in:\n{help}");
    }
}
