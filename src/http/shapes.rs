//! The shapes of the API that the document describes and the domain writes itself.

use utoipa::ToSchema;

/// An open object. Known keys are typed; any other is kept as it comes.
#[derive(ToSchema)]
pub struct Config {
    /// What the streams keep.
    #[schema(nullable = false)]
    pub retention: Option<RetentionConfig>,
    /// How questions are asked.
    #[schema(nullable = false)]
    pub questions: Option<QuestionsConfig>,
    /// How work is dispatched.
    #[schema(nullable = false)]
    pub executor: Option<ExecutorConfig>,
    /// Patterns of what is not to be shown.
    #[schema(nullable = false)]
    pub redact: Option<Vec<String>>,
}

/// `retention` of the configuration.
#[derive(ToSchema)]
pub struct RetentionConfig {
    /// Of the events; 100,000 of them by default.
    #[schema(nullable = false)]
    pub events: Option<StreamRetention>,
    /// Of the tool-call log; 1,000,000 rows by default.
    #[schema(nullable = false)]
    pub log: Option<StreamRetention>,
}

/// What a stream keeps; the tightest bound counts.
#[derive(ToSchema)]
pub struct StreamRetention {
    /// The most items.
    #[schema(nullable = false, minimum = 1)]
    pub max_count: Option<u64>,
    /// The oldest age, in milliseconds.
    #[schema(nullable = false, minimum = 1)]
    pub max_age_ms: Option<u64>,
    /// The most bytes.
    #[schema(nullable = false, minimum = 1)]
    pub max_bytes: Option<u64>,
}

/// `questions` of the configuration.
#[derive(ToSchema)]
pub struct QuestionsConfig {
    /// How many questions a session may have pending; 1 by default.
    #[schema(nullable = false, minimum = 1, maximum = 1000)]
    pub max_pending_per_session: Option<u32>,
    /// How long a question waits that does not say so itself, in milliseconds; for ever by default.
    #[schema(nullable = false, minimum = 1)]
    pub default_timeout_ms: Option<u64>,
}

/// `executor` of the configuration.
#[derive(ToSchema)]
pub struct ExecutorConfig {
    /// How many workers may hold work at once.
    #[schema(nullable = false, minimum = 1)]
    pub max_workers: Option<u32>,
    /// How long a worker holds work without a heartbeat, in milliseconds.
    #[schema(nullable = false, minimum = 1)]
    pub lease_ms: Option<u64>,
}

/// A question that waits for a decision.
#[derive(ToSchema)]
pub struct Question {
    /// Question identifier.
    #[schema(example = "que_01HXYZABCDEFGHJKMNPQRSTVW")]
    pub id: String,
    /// The session that asks.
    #[schema(rename = "sessionID", example = "01HXYZABCDEFGHJKMNPQRSTVW")]
    pub session_id: String,
    /// What it asks.
    pub questions: Vec<Prompt>,
    /// The tool call it came from.
    #[schema(nullable = false)]
    pub tool: Option<ToolRef>,
}

/// One thing to decide.
#[derive(ToSchema)]
#[schema(as = QuestionPrompt)]
pub struct Prompt {
    /// The question in full.
    pub question: String,
    /// The question in a few words.
    #[schema(max_length = 128)]
    pub header: String,
    /// What there is to choose from.
    #[schema(max_items = 64)]
    pub options: Vec<Choice>,
    /// Whether more than one may be chosen.
    #[schema(required = false, default = false)]
    pub multiple: bool,
    /// Whether free text may be answered.
    #[schema(required = false, default = true)]
    pub custom: bool,
}

/// One thing to choose.
#[derive(ToSchema)]
#[schema(as = QuestionOption)]
pub struct Choice {
    /// What an answer names.
    pub label: String,
    /// What choosing it means.
    pub description: String,
}

/// The tool call that a question came from.
#[derive(ToSchema)]
#[schema(as = QuestionTool)]
pub struct ToolRef {
    /// The message the call stands in.
    #[schema(rename = "messageID", example = "msg_01HXYZMESSAGEID")]
    pub message_id: String,
    /// The call.
    #[schema(rename = "callID", example = "call_01HXYZCALLID")]
    pub call_id: String,
}

/// A question to ask.
#[derive(ToSchema)]
#[schema(as = AskQuestion)]
#[serde(deny_unknown_fields)]
pub struct Ask {
    /// The session that asks.
    #[schema(rename = "sessionID", example = "01HXYZABCDEFGHJKMNPQRSTVW")]
    pub session_id: String,
    /// What it asks.
    #[schema(min_items = 1, max_items = 16)]
    pub questions: Vec<Prompt>,
    /// The tool call it comes from.
    #[schema(nullable = false)]
    pub tool: Option<ToolRef>,
    /// How long it waits, in milliseconds.
    #[schema(nullable = false, minimum = 1)]
    pub expires_in_ms: Option<u64>,
}

/// One question.
#[derive(ToSchema)]
pub struct OneQuestion {
    /// The question.
    pub question: Question,
}

/// Questions.
#[derive(ToSchema)]
pub struct Questions {
    /// Oldest first.
    pub questions: Vec<Question>,
}

/// The answers to a question.
#[derive(ToSchema)]
#[schema(as = AnswerQuestion)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// One inner array of selected option labels per question in the request.
    pub answers: Vec<Vec<String>>,
}

/// The question is answered.
#[derive(ToSchema)]
pub struct Answered {
    /// Always true.
    pub answered: bool,
}

/// Why a question is not answered.
#[derive(ToSchema)]
#[schema(as = RejectQuestion)]
#[serde(deny_unknown_fields)]
pub struct Reject {
    /// In the person's words.
    #[schema(nullable = false)]
    pub reason: Option<String>,
}

/// The question is rejected.
#[derive(ToSchema)]
pub struct Rejected {
    /// Always true.
    pub rejected: bool,
}

/// The question is withdrawn.
#[derive(ToSchema)]
pub struct Cancelled {
    /// Always true.
    pub cancelled: bool,
}

/// How a question ended.
#[derive(ToSchema)]
#[schema(rename_all = "lowercase")]
pub enum OutcomeKind {
    /// A person answered.
    Answered,
    /// A person refused to answer.
    Rejected,
    /// It was withdrawn, or purged.
    Cancelled,
    /// Its deadline passed.
    Expired,
}

/// How a question ended, who ended it, and when.
#[derive(ToSchema)]
pub struct QuestionOutcome {
    /// How.
    pub outcome: OutcomeKind,
    /// Of an answered one.
    #[schema(nullable = false)]
    pub answers: Option<Vec<Vec<String>>>,
    /// Of a rejected one.
    #[schema(nullable = false)]
    pub reason: Option<String>,
    /// The subject of whoever did; `service` for an expired one.
    pub resolved_by: String,
    /// Epoch milliseconds.
    pub resolved_at: u64,
}

/// A question, and how it ended.
#[derive(ToSchema)]
pub struct ResolvedQuestion {
    /// The question.
    #[serde(flatten)]
    pub question: Question,
    /// When it was asked, epoch milliseconds.
    pub asked_at: u64,
    /// When it would have expired, epoch milliseconds.
    #[schema(nullable = false)]
    pub expires_at: Option<u64>,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: QuestionOutcome,
}

/// A page of resolved questions.
#[derive(ToSchema)]
pub struct QuestionHistory {
    /// Newest first.
    pub items: Vec<ResolvedQuestion>,
    /// Which page of how many.
    pub meta: PageMeta,
}

/// Which page of how many.
#[derive(ToSchema)]
pub struct PageMeta {
    /// This page, from 1.
    #[schema(example = 1)]
    pub page: u64,
    /// Items of a page.
    #[schema(example = 50)]
    pub limit: u64,
    /// Items of all pages.
    #[schema(example = 2)]
    pub total: u64,
    /// How many pages.
    #[schema(example = 1)]
    pub pages: u64,
}

/// What a purge cleared.
#[derive(ToSchema)]
pub struct Purged {
    /// Always the same, in this order.
    pub purged: Vec<String>,
}

/// What a restore made.
#[derive(ToSchema)]
pub struct Restored {
    /// Always true.
    pub restored: bool,
    /// The newest event's number.
    pub seq: u64,
}
