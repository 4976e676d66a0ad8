//! One agent: takes work from the board and plays its steps, in its own time.

mod reports;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::Error;
use super::api::{Api, Asked, Interrupt, Waited};
use super::board::{Board, Job, Work};
use super::question::{self, Decision};
use super::script::{self, Deed, Step};
use super::stage::Stage;
use super::story::{Ask, Feature, RELEASE};

const NAMES: [&str; 16] = [
    "alder", "birch", "cedar", "elm", "hazel", "juniper", "larch", "linden", "maple", "oak", "pine", "rowan", "spruce", "walnut", "willow",
    "yew",
];

/// A member of the team.
#[derive(Debug)]
pub(super) struct Agent {
    name: String,
    session_id: String,
    container_id: String,
    stage: Arc<Stage>,
    board: Arc<Board>,
    api: Api,
    /// Its pace only; what happens is the story's.
    random: StdRng,
    open_question: Option<String>,
}

/// What the steps being played belong to.
struct Scene<'a> {
    feature: &'a str,
    /// The task, if it is one.
    entry_id: Option<&'a str>,
}

impl Agent {
    pub(super) fn new(index: u16, stage: &Arc<Stage>, board: &Arc<Board>) -> Self {
        let index = usize::from(index);
        let round = index / NAMES.len();
        let name = NAMES[index % NAMES.len()];
        Self {
            name: if round == 0 { name.to_owned() } else { format!("{name}{}", round + 1) },
            session_id: stage.new_id("ses_"),
            container_id: stage.new_id("ctr_"),
            stage: Arc::clone(stage),
            board: Arc::clone(board),
            api: Api::new(stage, index),
            random: StdRng::seed_from_u64(stage.seed ^ index as u64),
            open_question: None,
        }
    }

    /// Works until the play is over, then withdraws an open question and leaves.
    pub(super) async fn play(mut self) -> Result<(), Error> {
        let ended = self.work().await;
        if let Some(id) = &self.open_question {
            self.stage.say(&self.name, &format!("withdraws question {id}"));
        }
        let last_word = self.event("agent.left", &[]);
        self.api.leave(self.open_question.as_deref(), last_word).await;
        match ended {
            Err(Interrupt::Failed(error)) => Err(error),
            Err(Interrupt::Stopped) | Ok(()) => Ok(()),
        }
    }

    async fn work(&mut self) -> Result<(), Interrupt> {
        self.publish("agent.joined", &[("container_id", json!(self.container_id))]).await?;
        loop {
            match self.board.take() {
                Work::Plan { plan, feature } => self.plan(plan, feature).await?,
                Work::Task(job) => self.task(job).await?,
                Work::Release { plan, feature } => self.release(plan, feature).await?,
                Work::Rest => self.pause(1.0).await.map(drop)?,
            }
        }
    }

    async fn plan(&mut self, plan: u64, feature: &'static Feature) -> Result<(), Interrupt> {
        self.stage.say(&self.name, &format!("plans \"{}\"", feature.title));
        let scene = Scene { feature: feature.title, entry_id: None };
        self.steps(script::plan(feature), &scene).await?;
        let entries: Vec<String> = feature.tasks.iter().map(|_| self.stage.new_id("entry_")).collect();
        let mut events = vec![self.plan_updated(plan, feature, "started", &[("tasks", json!(entries))])];
        events.extend(feature.tasks.iter().zip(&entries).map(|(task, entry)| {
            let files = json!(task.files);
            self.event("task.created", &[("entryID", json!(entry)), ("title", json!(task.title)), ("plan", json!(plan)), ("files", files)])
        }));
        self.api.publish(events).await?;
        self.board.planned(plan, feature, entries);
        Ok(())
    }

    async fn task(&mut self, job: Job) -> Result<(), Interrupt> {
        let (title, entry_id) = (job.task.title, json!(job.entry_id));
        self.stage.say(&self.name, &format!("starts \"{title}\""));
        self.publish("task.started", &[("entryID", entry_id.clone()), ("title", json!(title))]).await?;
        let mut random = self.chance(job.plan, job.place);
        let scene = Scene { feature: title, entry_id: Some(&job.entry_id) };
        self.steps(script::task(job.task, &mut random), &scene).await?;
        self.publish("task.completed", &[("entryID", entry_id), ("title", json!(title))]).await?;
        self.stage.say(&self.name, &format!("is done with \"{title}\""));
        self.board.done(job.plan);
        Ok(())
    }

    async fn release(&mut self, plan: u64, feature: &'static Feature) -> Result<(), Interrupt> {
        self.stage.say(&self.name, &format!("looks over \"{}\"", feature.title));
        let scene = Scene { feature: feature.title, entry_id: None };
        let mut random = self.chance(plan, feature.tasks.len());
        self.steps(script::release(&mut random), &scene).await?;
        let decision = self.ask(&RELEASE, &scene).await?;
        let decided = [("decision", json!(decision.answer)), ("by_a_person", json!(decision.by_a_person))];
        let closed = self.plan_updated(plan, feature, "closed", &decided);
        self.api.publish(vec![closed]).await
    }

    /// The dice of one part of the story, the same whoever plays it.
    fn chance(&self, plan: u64, place: usize) -> StdRng {
        StdRng::seed_from_u64(self.stage.seed.wrapping_add(plan << 8 | place as u64))
    }

    async fn steps(&mut self, steps: Vec<Step>, scene: &Scene<'_>) -> Result<(), Interrupt> {
        for step in steps {
            match step {
                Step::Use(deed) => self.use_tool(&deed, scene).await?,
                Step::Say(text) => self.tell(text, scene).await?,
                Step::Progress(percent, doing) => {
                    self.pause(0.3).await?;
                    let facts = [("percent", json!(percent)), ("doing", json!(doing))];
                    self.publish_in(scene, "task.progress", &facts).await?;
                }
                Step::Ask(ask) => self.ask(ask, scene).await.map(drop)?,
            }
        }
        Ok(())
    }

    /// Lets a person decide, if one may be asked, and does what the answer says.
    async fn ask(&mut self, ask: &'static Ask, scene: &Scene<'_>) -> Result<Decision, Interrupt> {
        self.pause(0.5).await?;
        let decision = if self.stage.begin_waiting() {
            let decided = self.decision(ask, scene).await;
            self.stage.end_waiting();
            decided?
        } else {
            question::alone(ask, "All others wait for an answer already", false)
        };
        if decision.by_a_person {
            self.stage.counts.answers.fetch_add(1, Ordering::Relaxed);
        }
        self.stage.say(&self.name, &decision.say);
        self.tell(&decision.say, scene).await?;
        for call in &decision.calls {
            self.use_tool(&Deed::from(*call), scene).await?;
        }
        Ok(decision)
    }

    /// Asks a person and waits for the outcome.
    async fn decision(&mut self, ask: &'static Ask, scene: &Scene<'_>) -> Result<Decision, Interrupt> {
        let tool = json!({"messageID": self.stage.new_id("msg_"), "callID": self.stage.new_id("call_")});
        let body = question::body(ask, scene.feature, &self.session_id, &tool, self.stage.patience);
        let id = match self.api.ask(&body).await? {
            Asked::TooMany => {
                return Ok(question::alone(ask, "No further question is allowed now", false));
            }
            Asked::Pending(id) => id,
        };
        let url = self.stage.url(&format!("questions/{id}"));
        self.stage.say(&self.name, &question::shown(ask, scene.feature, &url));
        self.open_question = Some(id.clone());
        let outcome = self.outcome(&id).await?;
        self.open_question = None;
        Ok(question::decide(ask, &outcome))
    }

    async fn outcome(&mut self, question: &str) -> Result<Value, Interrupt> {
        loop {
            match self.api.outcome(question).await? {
                Waited::Resolved(outcome) => return Ok(outcome),
                Waited::Gone => return Ok(Value::Null),
                Waited::Pending => {}
            }
        }
    }

    /// Lets the time of `effort` average steps pass, more or less, and says how much it was.
    async fn pause(&mut self, effort: f64) -> Result<Duration, Interrupt> {
        let length = self.stage.beat.mul_f64(effort * self.random.random_range(0.5..1.5));
        tokio::select! {
            () = tokio::time::sleep(length) => Ok(length),
            () = self.stage.stop.cancelled() => Err(Interrupt::Stopped),
        }
    }
}
