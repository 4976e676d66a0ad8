//! What an agent tells the service: the events and log rows of its acts, all with its session and name.

use serde_json::{Value, json};

use super::super::api::Interrupt;
use super::super::script::Deed;
use super::super::story::Feature;
use super::{Agent, Scene};

impl Agent {
    /// Takes as long as the tool does, and reports the call when it has ended.
    pub(super) async fn use_tool(&mut self, deed: &Deed, scene: &Scene<'_>) -> Result<(), Interrupt> {
        let timestamp = self.stage.now_ms();
        let duration = self.pause(deed.effort).await?;
        let mut row = json!({
            "tool": deed.tool,
            "sessionID": self.session_id,
            "callID": self.stage.new_id("call_"),
            "title": deed.title,
            "timestamp": timestamp,
            "duration": duration.as_millis() as u64,
            "status": deed.status,
            "corrections": deed.corrections,
            "target": deed.target,
            "agentName": self.name,
            "container_id": self.container_id,
        });
        if let Some(entry) = scene.entry_id {
            row["entryID"] = json!(entry);
        }
        self.api.record(&row).await
    }

    pub(super) async fn tell(&mut self, text: &str, scene: &Scene<'_>) -> Result<(), Interrupt> {
        self.pause(0.5).await?;
        self.publish_in(scene, "agent.message", &[("text", json!(text))]).await
    }

    pub(super) async fn publish(&mut self, kind: &str, facts: &[(&str, Value)]) -> Result<(), Interrupt> {
        let event = self.event(kind, facts);
        self.api.publish(vec![event]).await
    }

    pub(super) async fn publish_in(&mut self, scene: &Scene<'_>, kind: &str, facts: &[(&str, Value)]) -> Result<(), Interrupt> {
        let entry = scene.entry_id.map(|entry| ("entryID", json!(entry)));
        let facts: Vec<(&str, Value)> = entry.into_iter().chain(facts.iter().cloned()).collect();
        self.publish(kind, &facts).await
    }

    pub(super) fn plan_updated(&self, plan: u64, feature: &Feature, status: &str, facts: &[(&str, Value)]) -> Value {
        let mut event = self.event("plan.updated", facts);
        event["payload"]["plan"] = json!(plan);
        event["payload"]["title"] = json!(feature.title);
        event["payload"]["goal"] = json!(feature.goal);
        event["payload"]["status"] = json!(status);
        event
    }

    pub(super) fn event(&self, kind: &str, facts: &[(&str, Value)]) -> Value {
        let mut payload = json!({"sessionID": self.session_id, "agentName": self.name});
        for (name, fact) in facts {
            payload[*name] = fact.clone();
        }
        json!({"type": kind, "payload": payload})
    }
}
