//! What people ask a case to do, with the names of the permission table.

use std::collections::BTreeMap;

use kernel::{Date, FieldError};
use protocol::documents::{Condition, SourceOutcome};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::{CriterionOutcome, InfoKind};

macro_rules! names {
    ($($(#[$doc:meta])* $variant:ident => $slug:literal),* $(,)?) => {
        /// The name of a command (`permissions.json`, `commands`): those that are built.
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum CommandName { $($(#[$doc])* $variant),* }

        impl CommandName {
            /// Every command that is built.
            pub const ALL: &'static [CommandName] = &[$(CommandName::$variant),*];

            /// The name in tables and interfaces.
            pub const fn slug(self) -> &'static str {
                match self { $(CommandName::$variant => $slug),* }
            }

            /// The command with this name.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($slug => Some(CommandName::$variant),)* _ => None }
            }
        }
    };
}
names! {
    /// Keep what was written in the draft.
    SaveDraft => "save_draft",
    /// Change the variables of the draft.
    EditCart => "edit_cart",
    /// Keep what was written in the fields asked about.
    SaveFlaggedFields => "save_flagged_fields",
    /// Hand in the application.
    Submit => "submit",
    /// Answer the questions.
    SendInfo => "send_info",
    /// Take the application back.
    Withdraw => "withdraw",
    /// Throw the draft away.
    DeleteDraft => "delete_draft",
    /// Accept price and terms.
    AcceptTerms => "accept_terms",
    /// Decline price and terms: the application is withdrawn.
    DeclineTerms => "decline_terms",
    /// Ask about price and terms.
    QueryTerms => "query_terms",
    /// Give the case to a case handler.
    AssignCase => "assign_case",
    /// Begin the completeness check.
    StartScreening => "start_screening",
    /// The application is complete.
    ConfirmComplete => "confirm_complete",
    /// Ask the applicant about fields.
    RequestInfo => "request_info",
    /// Take the questions back.
    CancelInfoRequest => "cancel_info_request",
    /// Assess criteria.
    AssessCriterion => "assess_criterion",
    /// Estimate the price.
    CalculateFee => "calculate_fee",
    /// Offer price and terms.
    OfferTerms => "offer_terms",
    /// Take the offer back.
    WithdrawTerms => "withdraw_terms",
    /// Propose a decision.
    ProposeDecision => "propose_decision",
    /// Send a proposal back.
    ReturnProposal => "return_proposal",
    /// Make the decision.
    IssueDecision => "issue_decision",
    /// Take the permit back.
    RevokePermit => "revoke_permit",
    /// Put the permit on hold.
    HoldPermit => "hold_permit",
    /// End the hold.
    ReleaseHold => "release_hold",
}

/// A command with what it needs.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(tag = "command", content = "payload", rename_all = "snake_case", deny_unknown_fields)]
pub enum Command {
    /// See [`CommandName::SaveDraft`].
    SaveDraft {
        /// Values by field id; null clears a field, fields left out stay.
        fields: Map<String, Value>,
    },
    /// See [`CommandName::EditCart`].
    EditCart {
        /// All variables of the cart.
        items: Vec<CartItem>,
    },
    /// See [`CommandName::SaveFlaggedFields`].
    SaveFlaggedFields {
        /// Values by field id.
        fields: Map<String, Value>,
    },
    /// See [`CommandName::Submit`].
    Submit {},
    /// See [`CommandName::SendInfo`].
    SendInfo {
        /// An answer to each open question.
        answers: Vec<Answer>,
    },
    /// See [`CommandName::Withdraw`].
    Withdraw {
        /// Why, if the applicant wants to say.
        #[serde(default)]
        reason: Option<String>,
    },
    /// See [`CommandName::DeleteDraft`].
    DeleteDraft {},
    /// See [`CommandName::AcceptTerms`].
    AcceptTerms {
        /// Digest of the terms that were shown.
        terms_hash: String,
    },
    /// See [`CommandName::DeclineTerms`].
    DeclineTerms {
        /// Why, if the applicant wants to say.
        #[serde(default)]
        reason: Option<String>,
    },
    /// See [`CommandName::QueryTerms`].
    QueryTerms {
        /// The question.
        question: String,
    },
    /// See [`CommandName::AssignCase`].
    AssignCase {
        /// Account of the handler; the actor when none is given.
        #[serde(default)]
        handler: Option<String>,
    },
    /// See [`CommandName::StartScreening`].
    StartScreening {},
    /// See [`CommandName::ConfirmComplete`].
    ConfirmComplete {},
    /// See [`CommandName::RequestInfo`].
    RequestInfo {
        /// Why.
        kind: InfoKind,
        /// The fields with a question each.
        questions: Vec<Question>,
        /// Last day for the answer; four weeks when none is given.
        #[serde(default)]
        deadline: Option<Date>,
    },
    /// See [`CommandName::CancelInfoRequest`].
    CancelInfoRequest {},
    /// See [`CommandName::AssessCriterion`].
    AssessCriterion {
        /// One or more criteria.
        assessments: Vec<AssessmentInput>,
    },
    /// See [`CommandName::CalculateFee`].
    CalculateFee {
        /// Hours of the access body; an estimate when none is given.
        #[serde(default)]
        case_hours: Option<f64>,
        /// Hours per source; an estimate for those not given.
        #[serde(default)]
        source_hours: BTreeMap<String, f64>,
        /// Hours of preparation and linkage; an estimate when none is given.
        #[serde(default)]
        preparation_hours: Option<f64>,
    },
    /// See [`CommandName::OfferTerms`].
    OfferTerms {},
    /// See [`CommandName::WithdrawTerms`].
    WithdrawTerms {
        /// Why.
        reason: String,
    },
    /// See [`CommandName::ProposeDecision`].
    ProposeDecision(ProposalInput),
    /// See [`CommandName::ReturnProposal`].
    ReturnProposal {
        /// Why.
        reason: String,
    },
    /// See [`CommandName::IssueDecision`].
    IssueDecision {},
    /// See [`CommandName::RevokePermit`].
    RevokePermit {
        /// Why.
        reason: String,
    },
    /// See [`CommandName::HoldPermit`].
    HoldPermit {
        /// Why.
        reason: String,
    },
    /// See [`CommandName::ReleaseHold`].
    ReleaseHold {
        /// Why.
        reason: String,
    },
}

/// A variable in the cart of a draft (ACC-040). Version, collection and source come from the catalogue.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CartItem {
    /// Catalogue id.
    pub variable_id: String,
    /// Role in the project; empty while not chosen.
    #[serde(default)]
    pub role: String,
    /// Why it is necessary.
    #[serde(default)]
    pub necessity: String,
    /// Level of detail; empty means the coarsest that is offered.
    #[serde(default)]
    pub granularity: String,
}

/// A question on a field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// The field.
    pub field: String,
    /// The question.
    pub question: String,
}

/// The answer to the open question on a field.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The field.
    pub field: String,
    /// The answer.
    pub answer: String,
}

/// A criterion with its outcome.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssessmentInput {
    /// Id of the criterion, e.g. `N-3`.
    pub criterion: String,
    /// Outcome.
    pub outcome: CriterionOutcome,
    /// Reason, at least 20 characters.
    pub reason: String,
}

/// A proposed decision as the case handler writes it; what is granted follows from the application.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposalInput {
    /// One part for each source.
    #[serde(default)]
    pub parts: Vec<PartInput>,
    /// In a change: one decision for each operation that no source stands for.
    #[serde(default)]
    pub changes: Vec<ChangeInput>,
    /// First day of the permit; the day of the decision when none is given.
    #[serde(default)]
    pub valid_from: Option<Date>,
    /// Last day of the permit; as applied for when none is given.
    #[serde(default)]
    pub valid_to: Option<Date>,
    /// Last day for the data; as applied for when none is given.
    #[serde(default)]
    pub delete_by: Option<Date>,
    /// Most persons; as applied for when none is given.
    #[serde(default)]
    pub max_persons: Option<u64>,
    /// Conditions; typed ones are enforced.
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// A free paragraph of the letter, marked as such.
    #[serde(default)]
    pub paragraph: Option<String>,
}

/// What is decided on one operation of a change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChangeInput {
    /// The operation's path.
    pub path: String,
    /// Whether it may.
    pub granted: bool,
    /// Reason.
    pub reason: String,
}

/// The part of one source.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PartInput {
    /// The source.
    pub source: String,
    /// Outcome.
    pub outcome: SourceOutcome,
    /// What is not granted.
    #[serde(default)]
    pub removed: Vec<RemovedInput>,
    /// Reason.
    pub reason: String,
}

/// A variable that is not granted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemovedInput {
    /// Catalogue id.
    pub id: String,
    /// Reason code, e.g. `not_necessary`.
    pub reason: String,
    /// In words.
    #[serde(default)]
    pub text: String,
}

impl Command {
    /// The command `name` with a JSON payload; an absent payload is an empty one.
    ///
    /// # Errors
    /// What the payload lacks or has too much.
    pub fn parse(name: CommandName, payload: Value) -> Result<Self, FieldError> {
        let payload = if payload.is_null() { Value::Object(Map::new()) } else { payload };
        let tagged = serde_json::json!({"command": name.slug(), "payload": payload});
        serde_json::from_value(tagged).map_err(|e| FieldError::new("payload", "schema", e.to_string()))
    }

    /// Its name.
    pub const fn name(&self) -> CommandName {
        match self {
            Command::SaveDraft { .. } => CommandName::SaveDraft,
            Command::EditCart { .. } => CommandName::EditCart,
            Command::SaveFlaggedFields { .. } => CommandName::SaveFlaggedFields,
            Command::Submit {} => CommandName::Submit,
            Command::SendInfo { .. } => CommandName::SendInfo,
            Command::Withdraw { .. } => CommandName::Withdraw,
            Command::DeleteDraft {} => CommandName::DeleteDraft,
            Command::AcceptTerms { .. } => CommandName::AcceptTerms,
            Command::DeclineTerms { .. } => CommandName::DeclineTerms,
            Command::QueryTerms { .. } => CommandName::QueryTerms,
            Command::AssignCase { .. } => CommandName::AssignCase,
            Command::StartScreening {} => CommandName::StartScreening,
            Command::ConfirmComplete {} => CommandName::ConfirmComplete,
            Command::RequestInfo { .. } => CommandName::RequestInfo,
            Command::CancelInfoRequest {} => CommandName::CancelInfoRequest,
            Command::AssessCriterion { .. } => CommandName::AssessCriterion,
            Command::CalculateFee { .. } => CommandName::CalculateFee,
            Command::OfferTerms {} => CommandName::OfferTerms,
            Command::WithdrawTerms { .. } => CommandName::WithdrawTerms,
            Command::ProposeDecision(_) => CommandName::ProposeDecision,
            Command::ReturnProposal { .. } => CommandName::ReturnProposal,
            Command::IssueDecision {} => CommandName::IssueDecision,
            Command::RevokePermit { .. } => CommandName::RevokePermit,
            Command::HoldPermit { .. } => CommandName::HoldPermit,
            Command::ReleaseHold { .. } => CommandName::ReleaseHold,
        }
    }

    /// Every free text in the command, with the place where it stands: what the scanner for identity numbers reads.
    pub fn texts(&self) -> Vec<(String, &str)> {
        fn one<'a>(place: &str, text: &'a str) -> Vec<(String, &'a str)> {
            vec![(place.to_owned(), text)]
        }
        match self {
            Command::SendInfo { answers } => {
                answers.iter().map(|a| (format!("answers.{}", a.field), a.answer.as_str())).collect()
            }
            Command::RequestInfo { questions, .. } => {
                questions.iter().map(|q| (format!("questions.{}", q.field), q.question.as_str())).collect()
            }
            Command::Withdraw { reason: Some(text) } | Command::DeclineTerms { reason: Some(text) } => {
                one("reason", text)
            }
            Command::QueryTerms { question } => one("question", question),
            Command::WithdrawTerms { reason }
            | Command::ReturnProposal { reason }
            | Command::RevokePermit { reason }
            | Command::HoldPermit { reason }
            | Command::ReleaseHold { reason } => one("reason", reason),
            Command::AssessCriterion { assessments } => {
                assessments.iter().map(|a| (format!("assessments.{}", a.criterion), a.reason.as_str())).collect()
            }
            Command::ProposeDecision(proposal) => {
                let parts = proposal.parts.iter().map(|p| (format!("parts.{}.reason", p.source), p.reason.as_str()));
                let removed = proposal.parts.iter().flat_map(|p| &p.removed);
                let removed = removed.map(|r| (format!("removed.{}", r.id), r.text.as_str()));
                let paragraph = proposal.paragraph.as_deref().map(|text| ("paragraph".to_owned(), text));
                let changes = proposal.changes.iter().map(|c| (format!("changes.{}", c.path), c.reason.as_str()));
                parts.chain(removed).chain(changes).chain(paragraph).collect()
            }
            _ => Vec::new(),
        }
    }
}
