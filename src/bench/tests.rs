//! Whole scenarios, small, against a fake service.

use clap::Parser;
use serde_json::json;

use super::{Error, Options, measure, run};
use crate::client::fake::Fake;

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    bench: Options,
}

fn options(fake: &Fake, arguments: &str) -> Result<Options, clap::Error> {
    let line = format!("bench {arguments} --url {0},{0}", fake.base);
    Ok(Command::try_parse_from(line.split(' '))?.bench)
}

/// The figures of a scenario that must go well, as the JSON object's.
async fn figures(fake: &Fake, arguments: &str) -> Result<serde_json::Value, Box<dyn std::error::Error>> {
    let options = options(fake, arguments)?;
    let report = options.scenario.measure(&options.common).await?;
    let json: serde_json::Value = serde_json::from_str(&report.json())?;
    Ok(json["figures"].clone())
}

#[tokio::test]
async fn fanout_counts_every_delivery_of_every_reader() -> TestResult {
    let fake = Fake::start().await?;
    let figures = figures(&fake, "fanout --readers 7 --workspaces 3 --publishers 2 --duration 200ms --warm-up 10ms").await?;
    assert!(figures["deliveries_per_s"].as_f64() > Some(0.0));
    assert!(figures["lag_p99_us"].as_f64() > Some(0.0));
    for fault in ["duplicates", "missing", "reconnects", "failed_publishes"] {
        assert_eq!(figures[fault], json!(0.0), "{fault}");
    }
    Ok(())
}

#[tokio::test]
async fn a_paced_load_keeps_its_rate() -> TestResult {
    let fake = Fake::start().await?;
    let figures = figures(&fake, "spread --workspaces 5 --rate 100 --batch 2 --duration 500ms --warm-up 50ms").await?;
    let rate = figures["publishes_per_s"].as_f64().unwrap_or_default();
    assert!((80.0..=125.0).contains(&rate), "{rate}");
    Ok(())
}

#[tokio::test]
async fn publishes_are_counted_without_readers() -> TestResult {
    let fake = Fake::start().await?;
    let figures = figures(&fake, "publish --connections 3 --duration 100ms --warm-up 10ms").await?;
    assert!(figures["publishes_per_s"].as_f64() > Some(0.0));
    assert_eq!(figures.get("lag_p50_us"), None);
    Ok(())
}

#[tokio::test]
async fn replay_ends_when_all_have_caught_up() -> TestResult {
    let fake = Fake::start().await?;
    let figures = figures(&fake, "replay --readers 4 --events 1000 --bytes 64").await?;
    assert_eq!(figures["events_delivered"], json!(4_000.0));
    assert_eq!(figures["missing"], json!(0.0));
    Ok(())
}

#[tokio::test]
async fn idle_readers_are_weighed() -> TestResult {
    let fake = Fake::start().await?;
    let own = std::process::id();
    let figures = figures(&fake, &format!("idle --readers 3 --hold 1ms --pid {own}")).await?;
    assert!(figures["rss_per_reader_bytes"].is_number());
    let none = options(&fake, "idle --readers 3")?;
    assert!(matches!(measure(&none).await, Err(Error::NoProcess)));
    Ok(())
}

#[tokio::test]
async fn wrong_delivery_fails_the_command() -> TestResult {
    let fake = Fake::start().await?;
    fake.state.lie.store(1, std::sync::atomic::Ordering::Relaxed);
    let options = options(&fake, "replay --readers 2 --events 125 --bytes 64 --json")?;
    let wrong = run(options).await;
    // To one of the two readers: every tenth is missing, every other twelfth comes twice.
    assert!(matches!(wrong, Err(Error::Wrong { duplicates: 8, missing: 12 })), "{wrong:?}");
    Ok(())
}

#[tokio::test]
async fn purging_is_for_workspaces_of_our_own() -> TestResult {
    let fake = Fake::start().await?;
    for (arguments, purges) in [("--workspace mine", 0), ("--runs 2", 2)] {
        let options = options(&fake, &format!("publish --connections 1 --duration 20ms --warm-up 1ms {arguments}"))?;
        measure(&options).await?;
        assert_eq!(fake.state.writes("purge").len(), purges);
    }
    Ok(())
}

#[tokio::test]
async fn too_few_open_files_are_said_before_the_run() -> TestResult {
    let fake = Fake::start().await?;
    let options = options(&fake, "fanout --readers 4000000000")?;
    assert!(matches!(measure(&options).await, Err(Error::OpenFiles { .. })));
    Ok(())
}
