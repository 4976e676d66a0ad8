//! A feature with a choice between two ways to go.

use super::{Ask, Choice, Feature, Prompt, Task, call};

pub(super) static FEATURE: Feature = Feature {
    title: "Let search forgive typing errors",
    goal: "A search with one wrong letter finds what was meant, in under 100 ms.",
    sources: &["docs/requests/2902-fuzzy-search.md", "src/search/query.rs", "docs/search.md"],
    tasks: &[
        Task {
            title: "Measure today's search",
            search: "fn search",
            files: &["benches/search.rs"],
            calls: &[
                call("db.query", "Collect searches without a result", "replica.search_log", 1.0),
                call("shell.run", "Run cargo bench search", "benches/search.rs", 2.4),
            ],
            insight: "11 % of all searches find nothing, and two thirds of those are one letter away from something.",
            ask: None,
            check: "cargo bench search -- --test",
            fault: "The benchmark reads the cache of the run before.",
        },
        Task {
            title: "Index what forgives errors",
            search: "CREATE INDEX",
            files: &["src/search/index.rs", "migrations/0044_search_index.sql"],
            calls: &[call("shell.run", "Estimate the size of both indexes", "tools/index-size", 1.2)],
            insight: "Trigrams cost 3.1 GB and are fast to build; edit-distance automata cost 0.8 GB and a nightly rebuild.",
            ask: Some(&Ask {
                prompts: &[
                    Prompt {
                        header: "Which index",
                        question: "Trigrams (3.1 GB, always fresh) or automata (0.8 GB, a day old)?",
                        choices: &[
                            Choice {
                                label: "Trigrams",
                                description: "More memory, always fresh.",
                                say: "Building the trigram index.",
                                calls: &[call("db.migrate", "Build the trigram index", "staging.documents", 2.2)],
                            },
                            Choice {
                                label: "Automata",
                                description: "Little memory, a day behind.",
                                say: "Building the automata each night.",
                                calls: &[call("fs.write", "Add the nightly job", "jobs/search_automata.toml", 0.6)],
                            },
                        ],
                        multiple: false,
                        custom: true,
                    },
                    Prompt {
                        header: "When",
                        question: "When may the index be built?",
                        choices: &[
                            Choice { label: "Now", description: "It costs a few percent of the database's CPU.", say: "", calls: &[] },
                            Choice { label: "Tonight", description: "After 22:00.", say: "", calls: &[] },
                        ],
                        multiple: false,
                        custom: false,
                    },
                ],
                fallback: 0,
            }),
            check: "cargo test search::index",
            fault: "Words of two letters have no trigram and are never found.",
        },
        Task {
            title: "Put exact matches first",
            search: "fn rank",
            files: &["src/search/rank.rs", "src/search/query.rs"],
            calls: &[],
            insight: "A forgiven match counts half of an exact one; that keeps the first page as it is for those who type well.",
            ask: None,
            check: "cargo test search::rank",
            fault: "Two results of equal rank change places from one page to the next.",
        },
        Task {
            title: "Say what was searched for in its place",
            search: "SearchResults",
            files: &["web/search/Results.tsx"],
            calls: &[call("browser.open", "Search for \"recieve\"", "http://localhost:5173/search?q=recieve", 0.9)],
            insight: "One line above the results is enough: what was meant, and a link to search for the exact word.",
            ask: None,
            check: "npm test -- Results",
            fault: "The link loses the filters that were set.",
        },
    ],
};
