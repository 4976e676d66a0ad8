//! A whole team, hurried, against a fake service.

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use clap::Parser;
use serde_json::{Value, json};

use super::stage::Stage;
use super::{Error, Options, Team};
use crate::client::fake::Fake;

type TestResult = Result<(), Box<dyn std::error::Error>>;

#[derive(Parser)]
struct Command {
    #[command(flatten)]
    demo: Options,
}

/// A team of three at work, five hundred steps a second.
fn team(fake: &Fake) -> Result<(Arc<Stage>, Team), clap::Error> {
    let line = format!("demo --url {} --agents 3 --rate 500 --seed 5", fake.base);
    let options = Command::try_parse_from(line.split(' '))?.demo;
    let stage = Arc::new(Stage::new(&options));
    let team = Team::start(&stage, &options);
    Ok((stage, team))
}

/// Waits until something of the fake is so; fails after five seconds.
async fn until(what: &str, mut is_so: impl FnMut() -> bool) -> TestResult {
    for _ in 0..1_000 {
        if is_so() {
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Err(format!("waited in vain until {what}").into())
}

fn kinds(fake: &Fake) -> Vec<String> {
    let bodies = fake.state.writes("events").into_iter().map(|(_, body)| body);
    let events = bodies.flat_map(|body| body["events"].as_array().cloned().unwrap_or_else(|| vec![body]));
    events.filter_map(|event| event["type"].as_str().map(str::to_owned)).collect()
}

#[tokio::test]
async fn a_feature_is_planned_worked_off_and_shipped() -> TestResult {
    let fake = Fake::start().await?;
    fake.state.resolve(json!({"outcome": "answered", "answers": [["Ship it"]]}));
    let (stage, mut team) = team(&fake)?;
    let closed = |body: &Value| body["payload"]["status"] == "closed" && body["payload"]["decision"] == "Ship it";
    until("a plan is closed", || fake.state.writes("events").iter().any(|(_, body)| closed(body))).await?;
    stage.stop.cancel();
    team.ended().await?;
    let told: HashSet<String> = kinds(&fake).into_iter().collect();
    for kind in ["agent.joined", "plan.updated", "task.created", "task.started", "task.progress", "agent.message", "task.completed"] {
        assert!(told.contains(kind), "{kind}");
    }
    let rows = fake.state.writes("log");
    let tools: HashSet<&str> = rows.iter().filter_map(|(_, row)| row["tool"].as_str()).collect();
    assert!(tools.len() >= 5, "{tools:?}");
    for (_, row) in &rows {
        for field in ["tool", "sessionID", "callID", "timestamp", "status", "agentName"] {
            assert!(!row[field].is_null(), "{field} of {row}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn an_open_question_is_withdrawn_at_the_end() -> TestResult {
    let fake = Fake::start().await?;
    let (stage, mut team) = team(&fake)?;
    let asked = || fake.state.writes("questions").len();
    until("a question is asked", || asked() > 0 && stage.counts.questions.load(Ordering::Relaxed) > 0).await?;
    stage.stop.cancel();
    team.ended().await?;
    let withdrawn = fake.state.writes("questions/que_1").iter().filter(|(method, _)| method == "DELETE").count();
    assert!(withdrawn > 0);
    assert_eq!(kinds(&fake).iter().filter(|kind| *kind == "agent.left").count(), 3);
    Ok(())
}

#[tokio::test]
async fn one_agent_goes_on_while_all_others_wait() -> TestResult {
    let fake = Fake::start().await?;
    let (stage, mut team) = team(&fake)?;
    let asked = || stage.counts.questions.load(Ordering::Relaxed);
    let closed = |body: &Value| body["payload"]["status"] == "closed";
    until("a plan is closed alone", || fake.state.writes("events").iter().any(|(_, body)| closed(body))).await?;
    assert!(asked() <= 2);
    stage.stop.cancel();
    team.ended().await?;
    Ok(())
}

#[tokio::test]
async fn nothing_is_lost_or_doubled_while_the_service_is_away() -> TestResult {
    let fake = Fake::start().await?;
    fake.state.refuse.store(4, Ordering::Relaxed);
    fake.state.cut.store(6, Ordering::Relaxed);
    let (stage, mut team) = team(&fake)?;
    until("work has begun", || kinds(&fake).iter().any(|kind| kind == "task.started")).await?;
    stage.stop.cancel();
    team.ended().await?;
    let kinds = kinds(&fake);
    assert_eq!(kinds.iter().filter(|kind| *kind == "agent.joined").count(), 3);
    assert_eq!(kinds.iter().filter(|kind| *kind == "task.created").count() % 4, 0);
    Ok(())
}

#[tokio::test]
async fn a_refusal_ends_the_demo_with_what_the_service_said() -> TestResult {
    let fake = Fake::start().await?;
    fake.state.forbid.store(true, Ordering::Relaxed);
    let (_stage, mut team) = team(&fake)?;
    let ended = team.ended().await;
    assert!(matches!(&ended, Err(Error::Refused { status: 400, body, .. }) if body.contains("reserved_type")), "{ended:?}");
    Ok(())
}
