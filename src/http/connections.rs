//! `GET …/orchestration/events/connections`.

use axum::http::Uri;
use axum::response::Response;
use serde::Serialize;
use utoipa::ToSchema;

use super::openapi::{Errors, WorkspacePath};
use super::params::Params;
use super::problem::Problem;
use super::state::State;
use super::workspace::Workspace;
use crate::auth::Caller;
use crate::service;

/// Live readers of a workspace, over all replicas.
#[derive(Serialize, ToSchema)]
struct Connections {
    /// Readers of `events`.
    #[schema(example = 3)]
    count: u64,
    /// Readers of `log/stream`; with `detail=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    log_stream: Option<u64>,
    /// Replica by replica; with `detail=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    replicas: Option<Vec<Replica>>,
}

#[derive(Serialize, ToSchema)]
#[schema(as = ReplicaConnections)]
struct Replica {
    /// The replica, by a name it has from start to stop.
    id: String,
    /// Its readers of `events`.
    events: u64,
    /// Its readers of `log/stream`.
    log_stream: u64,
}

impl Connections {
    fn of(connections: service::Connections, detail: bool) -> Self {
        Self {
            count: connections.events(),
            log_stream: detail.then(|| connections.log_stream()),
            replicas: detail.then(|| {
                let all = connections.replicas.into_iter();
                all.map(|one| Replica { id: one.replica, events: one.events, log_stream: one.log }).collect()
            }),
        }
    }
}

/// Count the live subscribers
///
/// The number of active SSE subscribers on the orchestration events stream of the workspace, over all replicas.
#[utoipa::path(
    get,
    path = "/api/v1/workspaces/{workspaceID}/orchestration/events/connections",
    operation_id = "getEventsConnections",
    tag = "Observability",
    params(
        WorkspacePath,
        ("detail" = Option<bool>, Query, description = "Also the readers of `log/stream`, and replica by replica"),
    ),
    responses((status = 200, description = "The live subscribers", body = Connections, example = json!({"count": 3})), Errors)
)]
pub async fn connections(state: State, caller: Caller, Workspace(workspace): Workspace, uri: Uri) -> Result<Response, Problem> {
    let detail = Params::parse(uri.query(), &["detail"])?.flag("detail")?;
    let connections = state.service.connections(&caller, &workspace).await?;
    super::json(&Connections::of(connections, detail))
}
