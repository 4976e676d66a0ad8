//! A feature where the sandbox stops an agent, which then has to ask.

use super::{Ask, Choice, Feature, Prompt, Task, call, intercepted};

pub(super) static FEATURE: Feature = Feature {
    title: "Sign in with a passkey",
    goal: "People can register a passkey and sign in with it; the password stays as a way back.",
    sources: &["docs/requests/2877-passkeys.md", "src/auth/session.rs", "docs/security.md"],
    tasks: &[
        Task {
            title: "Verify a passkey's signature",
            search: "fn verify_signature",
            files: &["src/auth/passkey.rs", "src/auth/passkey/tests.rs"],
            calls: &[intercepted("net.fetch", "Fetch the WebAuthn test vectors", "https://www.w3.org/TR/webauthn-3/")],
            insight: "The specification's test vectors are outside the sandbox; without them only our own keys are tested.",
            ask: Some(&Ask {
                prompts: &[Prompt {
                    header: "Network access",
                    question: "May I fetch the WebAuthn test vectors from www.w3.org?",
                    choices: &[
                        Choice {
                            label: "Allow once",
                            description: "This request only.",
                            say: "Fetching the vectors once.",
                            calls: &[
                                call("net.fetch", "Fetch the WebAuthn test vectors", "https://www.w3.org/TR/webauthn-3/", 1.0),
                                call("fs.write", "Save the vectors with the tests", "src/auth/passkey/vectors.json", 0.4),
                            ],
                        },
                        Choice {
                            label: "Deny",
                            description: "Stay inside the sandbox.",
                            say: "Staying inside; generating key pairs in the tests.",
                            calls: &[call("fs.write", "Generate key pairs in the tests", "src/auth/passkey/keys.rs", 0.9)],
                        },
                    ],
                    multiple: false,
                    custom: true,
                }],
                fallback: 1,
            }),
            check: "cargo test auth::passkey",
            fault: "A signature counter of zero is refused, though it means that the key does not count.",
        },
        Task {
            title: "Store passkeys beside passwords",
            search: "struct Credential",
            files: &["src/auth/credential.rs", "migrations/0043_passkeys.sql"],
            calls: &[],
            insight: "A credential is one password today; it becomes a list, with the password as its first entry.",
            ask: None,
            check: "cargo test auth::credential",
            fault: "Deleting the last credential is allowed and would lock the person out.",
        },
        Task {
            title: "Show the registration page",
            search: "AccountSettings",
            files: &["web/account/Passkeys.tsx", "web/account/routes.ts"],
            calls: &[call("browser.open", "Open the account page", "http://localhost:5173/account", 0.9)],
            insight: "The browser asks for the device itself; the page needs a name field, a list and a way to remove one.",
            ask: None,
            check: "npm test -- Passkeys",
            fault: "A person who cancels the browser's dialogue sees a raw error.",
        },
        Task {
            title: "Slow down repeated sign-in attempts",
            search: "TooManyAttempts",
            files: &["src/auth/throttle.rs"],
            calls: &[call("metrics.query", "Look at failed sign-ins of the last week", "auth_failures_total", 0.8)],
            insight: "Nine in ten failures come from forty addresses; honest people fail twice at most.",
            ask: Some(&Ask {
                prompts: &[Prompt {
                    header: "How strict",
                    question: "After how many failed attempts within a minute should an account slow down?",
                    choices: &[
                        Choice {
                            label: "5",
                            description: "The usual figure.",
                            say: "Slowing down after 5 attempts.",
                            calls: &[call("fs.edit", "Set the limit to 5", "config/auth.toml", 0.4)],
                        },
                        Choice {
                            label: "10",
                            description: "Kinder to people who share an address.",
                            say: "Slowing down after 10 attempts.",
                            calls: &[call("fs.edit", "Set the limit to 10", "config/auth.toml", 0.4)],
                        },
                    ],
                    multiple: false,
                    custom: true,
                }],
                fallback: 0,
            }),
            check: "cargo test auth::throttle",
            fault: "The clock of the test stands still, so the minute never ends.",
        },
    ],
};
