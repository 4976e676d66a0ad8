//! A feature of the back room, with a new dependency that wants a yes.

use super::{Ask, Choice, Feature, Prompt, Task, call};

pub(super) static FEATURE: Feature = Feature {
    title: "Send mail from a queue",
    goal: "A slow mail server slows nobody down, and no mail is lost or sent twice.",
    sources: &["docs/incidents/2024-11-mail.md", "src/mail/send.rs", "docs/operations.md"],
    tasks: &[
        Task {
            title: "Put mails into an outbox",
            search: "mail::send(",
            files: &["src/mail/outbox.rs", "migrations/0045_outbox.sql"],
            calls: &[],
            insight: "Mail is sent inside the request in fourteen places; the outbox takes the row in the same transaction.",
            ask: None,
            check: "cargo test mail::outbox",
            fault: "A rolled-back order still leaves its mail behind.",
        },
        Task {
            title: "Send from the outbox",
            search: "SmtpTransport",
            files: &["src/mail/worker.rs", "Cargo.toml"],
            calls: &[call("shell.run", "List the licences of smtp-pool", "cargo deny check licenses", 0.9)],
            insight: "Our transport opens a connection a mail; smtp-pool keeps them, is maintained, and adds three crates.",
            ask: Some(&Ask {
                prompts: &[Prompt {
                    header: "New dependency",
                    question: "Add the crate smtp-pool (MIT, three more crates below it)?",
                    choices: &[
                        Choice {
                            label: "Add it",
                            description: "Connections are kept open.",
                            say: "Adding smtp-pool.",
                            calls: &[
                                call("shell.run", "Run cargo add smtp-pool", "Cargo.toml", 0.7),
                                call("shell.run", "Run cargo deny check", "Cargo.lock", 0.9),
                            ],
                        },
                        Choice {
                            label: "Write it ourselves",
                            description: "A pool of ten connections is a small thing.",
                            say: "Writing a small pool.",
                            calls: &[call("fs.write", "Write a pool of connections", "src/mail/pool.rs", 1.6)],
                        },
                    ],
                    multiple: false,
                    custom: true,
                }],
                fallback: 1,
            }),
            check: "cargo test mail::worker",
            fault: "Two workers take the same row; the query needs SKIP LOCKED.",
        },
        Task {
            title: "Try again when the server says no",
            search: "enum SendError",
            files: &["src/mail/retry.rs"],
            calls: &[call("metrics.query", "Look at SMTP replies of the last month", "smtp_replies_total", 0.8)],
            insight: "Replies 4xx are worth another try, 5xx are not; greylisting wants five minutes.",
            ask: None,
            check: "cargo test mail::retry",
            fault: "The back-off has no jitter, so that all workers come back at once.",
        },
        Task {
            title: "Show the queue to operators",
            search: "dashboard.json",
            files: &["ops/dashboards/mail.json", "docs/operations.md"],
            calls: &[],
            insight: "Age of the oldest mail says more than the length of the queue.",
            ask: None,
            check: "tools/check-dashboards ops/dashboards",
            fault: "A panel names a metric that does not exist.",
        },
    ],
};
