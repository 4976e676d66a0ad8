//! `POST …/orchestration/log`.

use axum::extract::Request;
use axum::response::Response;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use super::log::{LogItem, Records};
use super::openapi::{BodyErrors, Errors, KeyErrors, KeyHeader, WorkspacePath};
use super::params::Params;
use super::problem::Problem;
use super::state::State;
use super::workspace::Workspace;
use super::{act, body};
use crate::auth::Caller;
use crate::domain::fault::Faults;
use crate::domain::ids::WorkspaceId;
use crate::domain::json::RawObject;
use crate::domain::row::Row;
use crate::service::Error;

/// One tool call, or several.
#[derive(ToSchema)]
#[schema(as = RecordToolCalls)]
#[expect(dead_code, reason = "describes the body; it is read without building these")]
#[serde(untagged)]
enum Record {
    /// One call.
    One(Box<LogItem>),
    /// Several, all or none; at most 500.
    Several {
        #[schema(min_items = 1, max_items = 500)]
        items: Vec<LogItem>,
    },
}

/// Record tool calls
///
/// One call, or several at once: all are appended, in order and together, or none. An agent reports a call once, when it has ended; the
/// log is append-only. Members beyond the known ones are kept as they come; `workspaceID` is the service's to set. With an
/// `Idempotency-Key` a retry within 10 minutes gets the first reply again.
#[utoipa::path(
    post,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/log",
    operation_id = "recordToolCalls",
    tag = "Observability",
    params(WorkspacePath, KeyHeader),
    request_body(content = Record, examples(
        ("one" = (summary = "One call", value = json!({
            "tool": "net.fetch", "sessionID": "01HXYZABCDEFGHJKMNPQRSTVW", "callID": "call_01HXYZFETCHURL", "timestamp": 1_717_691_438_000_u64,
            "duration": 412, "status": "intercepted", "agentName": "research-agent",
        }))),
        ("several" = (summary = "Several, all or none", value = json!({"items": [{
            "tool": "fs.read", "sessionID": "01HXYZABCDEFGHJKMNPQRSTVW", "callID": "call_01HXYZBROWSEFILE", "entryID": "entry_01HXYZREADFILE",
            "title": "Read package.json", "timestamp": 1_717_691_432_000_u64, "duration": 142, "status": "ok", "corrections": [],
            "target": "/workspace/repo/package.json", "agentName": "build-agent", "container_id": "ctr_01HXYZ",
        }]}))),
    )),
    responses(
        (status = 201, description = "Appended: the rows as stored", body = Records, example = json!({"items": [{
            "tool": "net.fetch", "sessionID": "01HXYZABCDEFGHJKMNPQRSTVW", "callID": "call_01HXYZFETCHURL", "timestamp": 1_717_691_438_000_u64,
            "duration": 412, "status": "intercepted", "agentName": "research-agent", "workspaceID": "ws_01HXYZABCDEFGHJKMNPQRSTVW",
        }]})),
        Errors,
        BodyErrors,
        KeyErrors,
    )
)]
pub async fn record(state: State, caller: Caller, Workspace(workspace): Workspace, request: Request) -> Result<Response, Problem> {
    let (parts, body) = request.into_parts();
    Params::none(parts.uri.query())?;
    let bytes = body::read(body, state.limits.body_bytes).await?;
    body::must_be_json(&parts.headers)?;
    let rows = rows(body::text(&bytes, &state.limits)?, &workspace, state.limits.batch_items)?;
    let act = act::of(&parts, &bytes)?;
    Ok(super::reply(state.service.record(&caller, &workspace, rows, &act).await?))
}

/// The rows of a body: of the object itself, or of its `items`.
fn rows(text: &str, workspace: &WorkspaceId, most: usize) -> Result<Vec<Row>, Error> {
    let body = RawObject::parse(text).map_err(|fault| body::malformed(&fault))?;
    let Some(items) = body.get("items") else { return Ok(vec![Row::from_wire(&body, workspace)?]) };
    let mut faults = Faults::default();
    for (name, _) in body.iter().filter(|(name, _)| *name != "items") {
        faults.push(name.chars().take(64).collect::<String>(), "does not go with items");
    }
    // The whole text is known to be JSON: what fails here is no array.
    let Ok(items) = serde_json::from_str::<Vec<&RawValue>>(items.get()) else {
        faults.push("items", "must be an array");
        return Err(faults.into());
    };
    if !(1..=most).contains(&items.len()) {
        faults.push("items", format!("must hold 1 to {most} tool calls"));
        return Err(faults.into());
    }
    let mut rows = Vec::with_capacity(items.len());
    for (item, index) in items.iter().zip(0..) {
        let row = RawObject::parse(item.get()).map_err(|fault| Faults::one("", fault.to_string()));
        match row.and_then(|row| Row::from_wire(&row, workspace)) {
            Ok(row) => rows.push(row),
            Err(wrong) => faults.extend(wrong.under(&format!("items[{index}]"))),
        }
    }
    Ok(faults.or(rows)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str = r#"{"tool":"t","sessionID":"s","callID":"c","timestamp":1,"status":"ok","agentName":"a"}"#;

    fn read(text: &str) -> Result<usize, String> {
        let workspace = WorkspaceId::parse("w").unwrap();
        rows(text, &workspace, 3).map(|rows| rows.len()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_body_is_one_row_or_several() {
        assert_eq!(read(ROW), Ok(1));
        assert_eq!(read(&format!("{{\"items\":[{ROW},{ROW}]}}")), Ok(2));
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        for (text, told) in [
            ("{", "malformed JSON"),
            ("[]", "must be a JSON object"),
            ("{}", "tool: is missing"),
            (r#"{"items":{}}"#, "items: must be an array"),
            (r#"{"items":[]}"#, "items: must hold 1 to 3 tool calls"),
            (&format!("{{\"items\":[{ROW},{ROW},{ROW},{ROW}]}}"), "items: must hold 1 to 3"),
            (&format!("{{\"tool\":\"t\",\"items\":[{ROW}]}}"), "tool: does not go with items"),
            (&format!("{{\"items\":[{ROW},7]}}"), "items[1]: must be a JSON object"),
            (&format!("{{\"items\":[{ROW},{{}}]}}"), "items[1].tool: is missing"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.contains(told), "{text}: {error}");
        }
    }
}
