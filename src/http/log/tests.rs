//! The query, and what is told beside a page.

use super::*;
use crate::service::LogRow;

const MOST: u64 = 500;

fn asked(query: &str) -> Result<Asked, Problem> {
    Asked::parse(Some(query), 1_000_000_000, MOST)
}

#[test]
fn a_query_is_read_with_its_defaults() {
    let Asked { query, format } = Asked::parse(None, 0, MOST).unwrap();
    assert!(query.filter.is_all());
    assert_eq!((query.order, query.at, query.limit, format), (Order::Ascending, At::Page(1), 50, Format::Page));
    let Asked { query, format } = asked("tool=a,b&tool=c&since=15m&q=x&order=desc&before=9&format=csv").unwrap();
    assert_eq!((query.filter.tool.len(), query.filter.since, query.filter.q.as_deref()), (3, Some(999_100_000), Some("x")));
    assert_eq!((query.order, query.at, format), (Order::Descending, At::Cursor { after: None, before: Some(9) }, Format::Csv));
}

#[test]
fn what_cannot_be_asked_is_named() {
    for (query, told) in [
        ("page=0", "page"),
        ("limit=501", "limit"),
        ("order=up", "order"),
        ("format=xml", "format"),
        ("since=soon", "since"),
        ("after=-1", "after"),
        ("page=2&after=1", "page"),
        ("format=csv&limit=3", "limit"),
        ("format=jsonl&page=3", "page"),
        ("tool=", "tool"),
        ("q=a&q=b", "q"),
        ("tol=a", "tol"),
    ] {
        let text = asked(query).unwrap_err().to_json(None);
        assert!(text.contains(&format!("\"path\":\"{told}\"")), "{query}: {text}");
    }
}

fn linked(order: Order, at: At, query: &str) -> String {
    let rows = [7, 8].map(|seq| LogRow { seq, json: "{}".into() }).into();
    let page = LogPage { rows, total: 9, page: 2, next: true, previous: true };
    let query_of = LogQuery { filter: crate::domain::logquery::LogFilter::default(), order, at, limit: 2 };
    links(&page, &query_of, &format!("/log?{query}").parse().unwrap())
}

#[test]
fn links_lead_on_by_cursor_and_keep_the_filters() {
    assert_eq!(
        linked(Order::Ascending, At::Page(2), "page=2&tool=a%20b&limit=2"),
        "</log?tool=a+b&limit=2&after=8>; rel=\"next\", </log?tool=a+b&limit=2&before=7>; rel=\"prev\""
    );
    let both = At::Cursor { after: Some(1), before: Some(20) };
    assert_eq!(
        linked(Order::Descending, both, "after=1&before=20&order=desc"),
        "</log?order=desc&after=1&before=8>; rel=\"next\", </log?order=desc&after=7&before=20>; rel=\"prev\""
    );
}
