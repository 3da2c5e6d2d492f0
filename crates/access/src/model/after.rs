//! What comes after a decision: versions of it, who has accepted the conditions, appeals, reports; and what a change of a
//! permit carries through its case.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Date, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Assessment, Decision, HolderDelivery, LetterRef, PermitRef, SanctionNotice};
use crate::change::Op;

/// The permit that a draft changes.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChangeLink {
    /// `NO-2026-000045`.
    pub series: String,
    /// Number of the case that the permit belongs to.
    pub case: String,
    /// Form of the content that is edited.
    pub form: String,
    /// Version of that form.
    pub form_version: String,
}

/// What a change applies for (`access.md` section 6).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct ChangeOf {
    /// The permit.
    pub link: ChangeLink,
    /// The version that was edited.
    pub base: String,
    /// What needs a decision, as computed.
    pub ops: Vec<Op>,
    /// Why, in the applicant's words.
    pub why: String,
    /// The criteria that are assessed again (ACC-062).
    pub touched: BTreeSet<String>,
    /// The others with their original dates.
    pub carried: BTreeMap<String, Assessment>,
    /// Version of the table of operations (ACC-005).
    pub rules: String,
    /// What took effect at once, by path, and the version of the permit that it gave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub took_effect: Option<(String, Vec<String>)>,
}

impl ChangeOf {
    /// Whether the change uses the one extension of the permit.
    pub fn extends(&self) -> bool {
        self.ops.iter().any(|op| op.op == crate::change::OpKind::ExtendDuration)
    }
}

/// What comes after a decision.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct After {
    /// Earlier versions of the decision, the oldest first.
    pub earlier: Vec<EarlierDecision>,
    /// When the decision in force was told of: start of the time for an appeal (ACC-161).
    pub notified_at: Option<Timestamp>,
    /// Persons who have accepted the conditions (ACC-165), by id.
    pub persons: BTreeMap<String, PersonTerms>,
    /// Why the permit was put on hold or taken back, and who was heard.
    pub measures: Vec<Measure>,
    /// Appeals by number, with the stage they are at.
    pub appeals: BTreeMap<String, String>,
    /// Reports, the oldest first.
    pub reports: Vec<Report>,
    /// Orders of new data under the unchanged permit, the oldest first (ACC-065).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub refreshes: Vec<Refresh>,
    /// Reactions that the parties were told of, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<SanctionNotice>,
    /// More time to publish the results, the oldest first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub results_longer: Vec<ResultsExtension>,
    /// How holders deliver, by source; those about whom something was said.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub holders: BTreeMap<String, HolderDelivery>,
}

/// More time to publish the results.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ResultsExtension {
    /// The last day from then on.
    pub until: Date,
    /// Why.
    pub reason: String,
    /// Account.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// An order of new data under the unchanged permit.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Refresh {
    /// 1, 2 … in the case.
    pub number: u32,
    /// The sources that were asked.
    pub sources: Vec<String>,
    /// Why, in the applicant's words.
    pub reason: String,
    /// Account.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What a decision that was made void leaves to the next one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Annulled {
    /// The permit, on hold until the case is decided again.
    pub permit: Option<PermitRef>,
    /// Earlier decisions, the void one last; persons, appeals, reports.
    pub after: After,
}

/// A version of the decision that another has replaced.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct EarlierDecision {
    /// `A-2026-000123/V1`.
    pub number: String,
    /// What was decided.
    pub decision: Decision,
    /// The letter.
    pub letter: LetterRef,
    /// Why it was replaced.
    pub replaced: Replaced,
    /// In words.
    pub reason: String,
    /// When it was replaced.
    pub until: Timestamp,
}

/// Why a decision was replaced.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "how", rename_all = "snake_case")]
pub enum Replaced {
    /// An obvious fault was put right.
    Corrected,
    /// The body changed its mind.
    Reversed,
    /// The appeal body made it void.
    Annulled {
        /// `K-2026-000001`.
        appeal: String,
    },
    /// After an appeal.
    ByAppeal {
        /// `K-2026-000001`.
        appeal: String,
    },
}

/// A person's acceptance.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct PersonTerms {
    /// Account that accepted.
    pub account: String,
    /// Version of the terms.
    pub terms: String,
    /// When.
    pub at: Timestamp,
}

/// Whether the parties were heard before a permit was taken back or put on hold (ACC-164).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Hearing {
    /// They were.
    Held {
        /// When.
        on: Date,
        /// What they said.
        statement: String,
    },
    /// They were told beforehand and had time to comment.
    Notice {
        /// Number of the notice.
        notice: u32,
    },
    /// They were not: it could not wait, or was not needed.
    LeftOut {
        /// Why.
        why: String,
    },
}

/// The hearing before a reaction that is entered outside the case: an exclusion, a fine.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Ground {
    /// How the parties were heard.
    pub hearing: Hearing,
    /// Number of the case in which they were told, for a notice.
    #[serde(default)]
    pub case: Option<String>,
}

impl Hearing {
    /// What was written freely, with its place.
    pub(crate) fn text(&self) -> Option<(&'static str, &str)> {
        match self {
            Hearing::Held { statement, .. } => Some(("hearing.statement", statement)),
            Hearing::LeftOut { why } => Some(("hearing.why", why)),
            Hearing::Notice { .. } => None,
        }
    }
}

/// A hold or a revocation with its reason.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Measure {
    /// `held`, `released`, `revoked`.
    pub kind: String,
    /// Why.
    pub reason: String,
    /// Whether the parties were heard.
    pub hearing: Option<Hearing>,
    /// Account.
    pub by: String,
    /// When.
    pub at: Timestamp,
}

/// What a report is about (ACC-171).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ReportKind {
    /// How the project goes, every year.
    Progress,
    /// Results, at the latest 18 months after the end.
    Results,
    /// The project is over, the data are deleted.
    CloseOut,
    /// Something went wrong: within 24 hours.
    Incident,
    /// A finding that matters for the health of persons.
    SignificantFinding,
}

/// What somebody reports.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportInput {
    /// About what.
    pub kind: ReportKind,
    /// In words; of results a summary that everybody understands.
    pub summary: String,
    /// Addresses of what was published.
    #[serde(default)]
    pub links: Vec<String>,
    /// How many of each: publications, policy documents, regulatory procedures, products.
    #[serde(default)]
    pub counts: BTreeMap<String, u32>,
    /// When it happened, of an incident.
    #[serde(default)]
    pub happened_at: Option<Timestamp>,
    /// Of a close-out: the receipt of the room that the data are deleted, as its digest.
    #[serde(default)]
    pub deletion_receipt: Option<String>,
}

/// A report.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Report {
    /// 1, 2 … in the case.
    pub number: u32,
    /// What was reported.
    pub report: ReportInput,
    /// Account.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Whether it came later than it should.
    pub late: bool,
    /// When it was accepted.
    pub accepted_at: Option<Timestamp>,
}

/// A new version of a decision.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct NewDecision {
    /// `A-2026-000123/V2`.
    pub number: String,
    /// What is decided now.
    pub decision: Decision,
    /// The letter.
    pub letter: LetterRef,
    /// Why.
    pub reason: String,
}
