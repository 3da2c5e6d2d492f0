//! What a case carries: a draft, and the dossier that it becomes when it is submitted.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Date, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Annulled, Billing, ChangeLink, ChangeOf, ExtensionReason, Folder, Opinions, Proposal, Track, Work};

/// A draft.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Draft {
    /// Account of the applicant.
    pub applicant: String,
    /// When it was begun.
    pub created_at: Timestamp,
    /// Id of the form, e.g. `person-level`.
    pub form: String,
    /// Legal profile, e.g. `NO/1`.
    pub profile: String,
    /// When `draft_saved` was last written down (ACC-024).
    pub saved_at: Option<Timestamp>,
    /// When it lapsed; it can be taken up again for a while (ACC-027).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lapsed_at: Option<Timestamp>,
    /// The permit that it changes, in the draft of a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<ChangeLink>,
    /// What belongs to the case in every state.
    #[serde(default)]
    pub folder: Folder,
}

/// What every case carries from its submission on.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Dossier {
    /// Account of the applicant.
    pub applicant: String,
    /// `A-2026-000123`.
    pub number: String,
    /// Id of the form.
    pub form: String,
    /// Legal profile and version, fixed at submission.
    pub profile: String,
    /// When it was submitted.
    pub submitted_at: Timestamp,
    /// The content in force: the revision with this number and digest.
    pub revision: u32,
    /// SHA-256 over the canonical content.
    pub sha256: String,
    /// What is applied for.
    pub order: Order,
    /// Account of the case handler.
    pub handler: Option<String>,
    /// When the application was complete: start of the statutory clock (ACC-120).
    pub complete_at: Option<Timestamp>,
    /// When an answer to a completeness request came: then complete at the earliest.
    pub completed_by: Option<Timestamp>,
    /// Days on which the clock stood still for the applicant (ACC-121).
    pub pauses: Vec<Pause>,
    /// Questions and answers on fields.
    pub comments: Vec<FieldComment>,
    /// The requests for information, the oldest first.
    #[serde(default)]
    pub requests: Vec<InfoRequest>,
    /// Whether a completeness request after the confirmation has been used (ACC-121).
    #[serde(default)]
    pub confirmed_again: bool,
    /// The decision maker's consent to one further completeness request, until it is used (ACC-121).
    #[serde(default)]
    pub completeness_consent: Option<Consented>,
    /// What belongs to the case in every state.
    #[serde(default)]
    pub folder: Folder,
    /// Expert opinions and votes.
    #[serde(default)]
    pub opinions: Opinions,
    /// How the case is treated.
    #[serde(default)]
    pub track: Track,
    /// Names of the case in other systems.
    #[serde(default)]
    pub external_ids: BTreeMap<String, String>,
    /// Terms beside the general ones.
    #[serde(default)]
    pub extra_terms: Vec<ExtraTerm>,
    /// What the public register leaves out, or not, by field.
    #[serde(default)]
    pub confidentiality: BTreeMap<String, Confidentiality>,
    /// More time for the body (ACC-123).
    #[serde(default)]
    pub extensions: Vec<Extension>,
    /// The proposal to end the case because it was not completed.
    #[serde(default)]
    pub not_completed: Option<Box<Proposal>>,
    /// What had been done when the case went back to the completeness check.
    #[serde(default)]
    pub shelved: Option<Box<Work>>,
    /// What a decision that was made void has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub annulled: Option<Box<Annulled>>,
    /// What a change applies for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<Box<ChangeOf>>,
    /// Invoices and disputes about the fee.
    #[serde(default, skip_serializing_if = "Billing::is_empty")]
    pub billing: Billing,
    /// What the statutory clock measures up to where the installation said so at the submission.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_end: Option<crate::clocks::EndEvent>,
}

impl Dossier {
    /// The dossier of a draft that was handed in.
    pub fn new(draft: Draft, number: String, sha256: String, order: Order, at: Timestamp) -> Self {
        Self {
            applicant: draft.applicant,
            number,
            form: draft.form,
            profile: draft.profile,
            submitted_at: at,
            revision: 1,
            sha256,
            order,
            handler: None,
            complete_at: None,
            completed_by: None,
            pauses: Vec::new(),
            comments: Vec::new(),
            requests: Vec::new(),
            confirmed_again: false,
            completeness_consent: None,
            folder: draft.folder,
            opinions: Opinions::default(),
            track: Track::default(),
            external_ids: BTreeMap::new(),
            extra_terms: Vec::new(),
            confidentiality: BTreeMap::new(),
            extensions: Vec::new(),
            not_completed: None,
            shelved: None,
            annulled: None,
            change: None,
            clock_end: None,
            billing: Billing::default(),
        }
    }
}

/// A stop of the clock; open while it has no end.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Pause {
    /// The day on which the applicant was asked; it counts.
    pub from: Date,
    /// The day of the answer; it does not count.
    pub to: Option<Date>,
}

/// What is applied for, without personal data: the variables and their periods.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct Order {
    /// The variables, versions frozen at submission (ACC-043).
    pub items: Vec<OrderItem>,
    /// First and last day for each collection.
    pub periods: BTreeMap<String, (Date, Date)>,
}

/// One variable of the order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderItem {
    /// Catalogue id.
    pub variable: String,
    /// Version of the catalogue record.
    pub version: i64,
    /// Collection.
    pub collection: String,
    /// Source.
    pub source: String,
    /// Level of detail.
    pub granularity: String,
}

impl Order {
    /// The sources, each once, in the order of the items.
    pub fn sources(&self) -> Vec<&str> {
        let mut seen = BTreeSet::new();
        self.items.iter().map(|item| item.source.as_str()).filter(|source| seen.insert(*source)).collect()
    }
}

/// A question on a field and its answer.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct FieldComment {
    /// The field.
    pub field: String,
    /// 1, 2 … per field.
    pub seq: u32,
    /// The question.
    pub question: String,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// The answer.
    pub answer: Option<String>,
    /// Where it stands.
    pub status: CommentStatus,
}

/// Where a question stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CommentStatus {
    /// Asked.
    Open,
    /// Answered.
    Answered,
    /// The answer is good.
    Accepted,
    /// The answer is not good: the field was asked about again.
    Reopened,
    /// No longer asked.
    Cancelled,
}

/// Why information is asked for (ACC-121).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InfoKind {
    /// Something the form requires was missing: the clock starts anew.
    Completeness,
    /// Something is unclear: the clock pauses.
    Clarification,
}

/// A request for information.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InfoRequest {
    /// Why.
    pub kind: InfoKind,
    /// When.
    pub asked_at: Timestamp,
    /// Last day for the answer.
    pub deadline: Date,
    /// Whether the applicant got more time.
    #[serde(default)]
    pub extended: bool,
    /// The source that wanted to know.
    pub on_behalf_of: Option<String>,
    /// When the applicant was last reminded.
    pub reminded_at: Option<Timestamp>,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// When it was taken back.
    pub cancelled_at: Option<Timestamp>,
}

/// A consent, until it is used.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Consented {
    /// Account of the decision maker.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// A term beside the general ones.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExtraTerm {
    /// What the applicant accepts.
    pub text: String,
    /// Account of the handler.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// Whether a field is left out of the public register.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Confidentiality {
    /// Whether it is left out.
    pub confidential: bool,
    /// Why.
    pub reason: String,
    /// Account of the handler.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// More time for the body.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Extension {
    /// Why, as counted.
    pub code: ExtensionReason,
    /// Why, in words.
    pub reason: String,
    /// Working days more.
    pub days: u32,
    /// Account of the decision maker.
    pub by: String,
    /// When.
    pub at: Timestamp,
}
