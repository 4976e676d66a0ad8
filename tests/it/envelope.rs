//! One shape of error for everything that can go wrong before a use case, and one request id for every reply.

use http::Method;
use serde_json::json;

use crate::harness::{Cluster, Replica};

fn error(replica: &Replica, method: Method, path: &str) -> crate::harness::Call {
    replica.http.call(method, path)
}

#[tokio::test]
async fn unknown_routes_and_methods_answer_with_the_envelope() {
    let cluster = Cluster::two().await;
    let (a, _) = cluster.workspace();
    for path in ["/", "/nothing", "/api/v1/workspaces", "/api/v1/workspaces/w/orchestration/nothing", &a.path("events/nothing/more")] {
        let answer = error(&cluster.a, Method::GET, path).send().await;
        assert_eq!(answer.ok(404)["name"], "NotFoundError", "{path}");
        assert!(answer.json()["data"]["code"].is_string(), "{path}");
    }
    for (method, route) in [(Method::PUT, "events"), (Method::DELETE, "config"), (Method::GET, "purge"), (Method::POST, "debug-dump")] {
        let answer = a.call(method.clone(), route).send().await;
        let body = answer.ok(405);
        assert!(body["name"].as_str().unwrap().ends_with("Error"), "{body}");
        assert!(body["data"]["message"].is_string() && body["data"]["code"].is_string(), "{body}");
        assert!(!answer.header("allow").is_empty(), "{method} {route}");
    }
}

#[tokio::test]
async fn ids_that_clients_choose_are_checked_everywhere() {
    let cluster = Cluster::two().await;
    let longest = "w".repeat(64);
    let good = cluster.a.api(&longest);
    good.get("config").ok(200).await;
    for workspace in ["a.b", "a%20b", "%C3%A9", "a%2Fb", &"w".repeat(65), "a%7Bb%7D", "%00"] {
        let api = cluster.a.api(workspace);
        for route in ["events", "config", "log", "questions", "debug-dump", "events/connections"] {
            let answer = api.get(route).send().await;
            assert_eq!(answer.ok(400)["name"], "BadRequestError", "{workspace} {route}");
        }
        let answer = api.post("events", &json!({"type": "work.done", "payload": {}})).send().await;
        assert_eq!(answer.ok(400)["name"], "BadRequestError", "{workspace}");
    }
}

#[tokio::test]
async fn unknown_parameters_are_named() {
    let cluster = Cluster::two().await;
    let (a, _) = cluster.workspace();
    for route in ["events", "log", "log/stream", "config", "questions", "questions/history", "events/connections", "debug-dump"] {
        let body = a.get(&format!("{route}?sinceseq=3")).ok(400).await;
        assert_eq!(body["name"], "BadRequestError");
        assert!(body.to_string().contains("sinceseq"), "{route}: {body}");
    }
}

#[tokio::test]
async fn malformed_bodies_say_where() {
    let cluster = Cluster::two().await;
    let (a, _) = cluster.workspace();
    for route in ["events", "log", "questions", "questions/x/answer"] {
        for body in ["", "{", "{\"type\":\"work.done\",}", "[1,2", "\"text\"", "nul", "{\"type\": \"\u{1}\"}"] {
            let answer = a.act(route).header("content-type", "application/json").body(body).send().await;
            if route == "questions/x/answer" {
                assert_eq!(answer.status, 404, "existence comes first");
                continue;
            }
            assert_eq!(answer.ok(400)["name"], "BadRequestError", "{route} {body}");
        }
    }
    let answer = a.act("events").header("content-type", "application/json").body("{\n  \"type\": oops}").send().await;
    let message = answer.ok(400)["data"]["message"].as_str().unwrap().to_owned();
    assert!(message.contains('2'), "the line: {message}");
    let invalid = a.act("events").header("content-type", "application/json").body(&b"{\"type\":\"w\",\"payload\":{\"a\":\"\xff\"}}"[..]);
    assert_eq!(invalid.ok(400).await["name"], "BadRequestError");
}

#[tokio::test]
async fn every_reply_carries_a_request_id() {
    let cluster = Cluster::two().await;
    let (a, b) = cluster.workspace();
    let calls = |id: &str| {
        vec![
            a.get("config").header("x-request-id", id),
            a.get("nothing").header("x-request-id", id),
            a.call(Method::PUT, "config").header("x-request-id", id),
            b.post("events", &json!({"type": "work.done", "payload": {}})).header("x-request-id", id),
            b.act("events").header("x-request-id", id),
            b.get("questions/que_none").header("x-request-id", id),
        ]
    };
    for call in calls("req-1.a:b/c") {
        assert_eq!(call.send().await.header("x-request-id"), "req-1.a:b/c", "taken");
    }
    for call in calls(&"x".repeat(129)) {
        let answer = call.send().await;
        let id = answer.header("x-request-id");
        assert!(!id.is_empty() && id.len() <= 128, "made anew: {id}");
    }
    let one = a.get("config").send().await.header("x-request-id").to_owned();
    let two = a.get("config").send().await.header("x-request-id").to_owned();
    assert!(!one.is_empty() && one != two, "{one} {two}");
    let stream = a.get("events").header("x-request-id", "req-2").stream().await;
    assert_eq!(stream.headers["x-request-id"], "req-2");
}

#[tokio::test]
async fn the_service_describes_itself() {
    let cluster = Cluster::two().await;
    let http = &cluster.a.http;
    let document = http.get("/openapi.json").send().await.ok(200);
    assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    let base = "/api/v1/workspaces/{workspaceID}/orchestration";
    for route in [
        "config",
        "events",
        "events/connections",
        "log",
        "log/stream",
        "debug-dump",
        "restore",
        "purge",
        "questions",
        "questions/{questionID}",
        "questions/{questionID}/answer",
        "questions/{questionID}/reject",
        "questions/{questionID}/outcome",
        "questions/history",
    ] {
        assert!(document["paths"].get(format!("{base}/{route}")).is_some(), "{route} is not described");
    }
    let docs = http.get("/docs").send().await;
    assert!([200, 301, 302, 303, 307, 308].contains(&docs.status), "{}", docs.status);
    assert_eq!(http.get("/api/v1/workspaces/health").send().await.status, 200);
    let admin = &cluster.a.admin;
    assert_eq!(admin.get("/livez").send().await.status, 200);
    assert_eq!(admin.get("/readyz").send().await.status, 200);
    let metrics = admin.get("/metrics").send().await;
    assert_eq!(metrics.status, 200);
    assert!(!http.get("/metrics").send().await.text().contains("# TYPE"), "metrics are the operator's alone");
}
