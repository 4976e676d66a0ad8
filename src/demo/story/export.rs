//! A feature with a database migration that wants a person's approval.

use super::{Ask, Choice, Feature, Prompt, Task, call};

pub(super) static FEATURE: Feature = Feature {
    title: "Export reports as CSV",
    goal: "A person who looks at a report can download it as a CSV file, however long it is.",
    sources: &["docs/requests/2841-csv-export.md", "src/reports/routes.rs", "docs/reports.md"],
    tasks: &[
        Task {
            title: "Add the export endpoint",
            search: "fn report_rows",
            files: &["src/reports/export.rs", "src/reports/routes.rs"],
            calls: &[],
            insight: "Rows come from a cursor already, so the export can be streamed and needs no temporary file.",
            ask: None,
            check: "cargo test reports::export",
            fault: "A cell that starts with = is written as it is and would run as a formula; it needs a quote in front.",
        },
        Task {
            title: "Remember when a report was exported",
            search: "CREATE TABLE reports",
            files: &["migrations/0042_report_exported_at.sql", "src/reports/model.rs"],
            calls: &[call("db.query", "Count the rows of reports", "replica.reports", 0.6)],
            insight: "reports has 48 million rows; a nullable column without a default is added without rewriting them.",
            ask: Some(&Ask {
                prompts: &[Prompt {
                    header: "Approve migration",
                    question: "Approve the schema migration 0042 (add reports.exported_at) on the production database?",
                    choices: &[
                        Choice {
                            label: "Approve",
                            description: "Run the migration now and go on.",
                            say: "Running migration 0042 on production.",
                            calls: &[
                                call("db.migrate", "Run migration 0042", "production.reports", 1.8),
                                call("db.query", "See that reports.exported_at exists", "production.reports", 0.4),
                            ],
                        },
                        Choice {
                            label: "Only on staging",
                            description: "Run it on staging; production waits for the weekend.",
                            say: "Running migration 0042 on staging only.",
                            calls: &[call("db.migrate", "Run migration 0042", "staging.reports", 1.2)],
                        },
                        Choice {
                            label: "Reject",
                            description: "Leave the schema alone.",
                            say: "Leaving the schema alone; the time of export goes into the audit log.",
                            calls: &[call("fs.edit", "Write exports to the audit log", "src/audit.rs", 0.7)],
                        },
                    ],
                    multiple: false,
                    custom: true,
                }],
                fallback: 1,
            }),
            check: "cargo test reports::model",
            fault: "The test fixture still builds a report without exported_at.",
        },
        Task {
            title: "Put a download button on the reports page",
            search: "ReportToolbar",
            files: &["web/reports/Toolbar.tsx", "web/reports/Toolbar.test.tsx"],
            calls: &[call("browser.open", "Open the reports page", "http://localhost:5173/reports/7", 0.9)],
            insight: "The toolbar has room for one more button; on a phone it goes into the overflow menu.",
            ask: None,
            check: "npm test -- Toolbar",
            fault: "The button has no accessible name.",
        },
        Task {
            title: "Describe the export in the handbook",
            search: "## Reports",
            files: &["docs/reports.md"],
            calls: &[],
            insight: "The handbook lists every column; the export should say which of them it has.",
            ask: Some(&Ask {
                prompts: &[Prompt {
                    header: "Columns",
                    question: "Which columns should an export have beside the ones on the screen?",
                    choices: &[
                        Choice {
                            label: "Internal id",
                            description: "Lets programs find the row again.",
                            say: "Adding the internal id.",
                            calls: &[call("fs.edit", "Export the internal id", "src/reports/export.rs", 0.5)],
                        },
                        Choice {
                            label: "Time zone",
                            description: "Makes times unambiguous.",
                            say: "Adding the time zone.",
                            calls: &[call("fs.edit", "Export the time zone", "src/reports/export.rs", 0.5)],
                        },
                        Choice {
                            label: "Author",
                            description: "Personal data: the export gets an audit entry.",
                            say: "Adding the author, with an audit entry.",
                            calls: &[call("fs.edit", "Export the author", "src/reports/export.rs", 0.5)],
                        },
                    ],
                    multiple: true,
                    custom: false,
                }],
                fallback: 0,
            }),
            check: "mdbook test docs",
            fault: "A link points to a heading that was renamed.",
        },
    ],
};
