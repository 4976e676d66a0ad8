//! The whole filtered log as a file. Rows are read as the client takes them; when they cannot be read on, the body breaks off, so
//! that a file that looks complete is.

use std::collections::HashMap;

use axum::body::Body;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;

use super::query::Format;
use crate::domain::ids::WorkspaceId;
use crate::domain::json;
use crate::service::{LogExport, LogRow};

/// The columns of a CSV: the members that are known.
const COLUMNS: [&str; 13] = [
    "tool",
    "sessionID",
    "callID",
    "entryID",
    "title",
    "timestamp",
    "duration",
    "status",
    "corrections",
    "target",
    "agentName",
    "container_id",
    "workspaceID",
];

/// The file.
pub fn respond(rows: LogExport, format: Format, workspace: &WorkspaceId) -> Response {
    let (kind, ending) = match format {
        Format::Csv => ("text/csv; charset=utf-8; header=present", "csv"),
        Format::Page | Format::JsonLines => ("application/x-ndjson", "jsonl"),
    };
    let first = (format == Format::Csv).then(|| csv([COLUMNS.map(String::from)]));
    let chunks = stream::try_unfold((rows, first), move |(mut rows, first)| async move {
        if let Some(first) = first {
            return Ok(Some((Bytes::from(first?), (rows, None))));
        }
        match rows.next().await {
            Ok(Some(some)) => Ok(Some((Bytes::from(text(&some, format)?), (rows, None)))),
            Ok(None) => Ok(None),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "an export of the log breaks off");
                Err(std::io::Error::other(error))
            }
        }
    });
    let disposition = format!("attachment; filename=\"log-{workspace}.{ending}\"");
    let headers = [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition.as_str()), (header::CACHE_CONTROL, "no-store")];
    (headers, Body::from_stream(chunks)).into_response()
}

fn text(rows: &[LogRow], format: Format) -> std::io::Result<Vec<u8>> {
    match format {
        Format::Csv => csv(rows.iter().map(|row| record(&row.json))),
        Format::Page | Format::JsonLines => {
            let mut text = String::with_capacity(rows.iter().map(|row| row.json.len() + 1).sum());
            for row in rows {
                text.push_str(&row.json);
                text.push('\n');
            }
            Ok(text.into_bytes())
        }
    }
}

fn csv(records: impl IntoIterator<Item = [String; COLUMNS.len()]>) -> std::io::Result<Vec<u8>> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in records {
        writer.write_record(record)?;
    }
    writer.into_inner().map_err(csv::IntoInnerError::into_error)
}

/// A row's known members: text as it is, anything else as JSON, nothing for what is absent.
fn record(row: &str) -> [String; COLUMNS.len()] {
    let mut members = HashMap::new();
    // A stored row is an object.
    let _ = json::members(row, |name, value| {
        members.insert(name.into_owned(), json::string(value).map_or_else(|| value.get().to_owned(), std::borrow::Cow::into_owned));
    });
    COLUMNS.map(|name| members.remove(name).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_read_back_from_a_csv() {
        let row = r#"{"tool":"a,b","title":"says \"so\"\nand \u00e9","duration":1.50,"corrections":[{"x":1}],"extra":7,"workspaceID":"w"}"#;
        let text = text(&[LogRow { seq: 1, json: row.into() }], Format::Csv).unwrap();
        let mut reader = csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_slice());
        let record = reader.records().next().unwrap().unwrap();
        let cell = |name| &record[COLUMNS.iter().position(|column| *column == name).unwrap()];
        assert_eq!((cell("tool"), cell("title"), cell("duration")), ("a,b", "says \"so\"\nand é", "1.50"));
        assert_eq!((cell("corrections"), cell("entryID"), cell("workspaceID")), (r#"[{"x":1}]"#, "", "w"));
    }

    #[test]
    fn rows_stay_as_they_are_in_json_lines() {
        let rows: Vec<LogRow> = ["{\"a\":1.0}", "{\"b\":[]}"].iter().map(|json| LogRow { seq: 1, json: (*json).into() }).collect();
        assert_eq!(text(&rows, Format::JsonLines).unwrap(), b"{\"a\":1.0}\n{\"b\":[]}\n");
    }
}
