//! The work of the access body on a case: assessments, source tasks, price, proposal.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Date, Timestamp};
use protocol::documents::Condition;
use serde::{Deserialize, Serialize};

use super::{Decision, SourceAnswer, SourceCost};

/// The work of the access body on a case.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
pub struct Work {
    /// Assessments by criterion.
    pub assessments: BTreeMap<String, Assessment>,
    /// Assessments of single sources, by criterion and source (ACC-141).
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub by_source: BTreeMap<String, BTreeMap<String, Assessment>>,
    /// The price.
    pub fee: Option<crate::fees::FeeEstimate>,
    /// The terms that the applicant accepted.
    pub accepted: Option<Accepted>,
    /// The decision that a case handler proposes.
    pub proposal: Option<Proposal>,
    /// The tasks of the sources, one for each that was asked.
    #[serde(default)]
    pub tasks: BTreeMap<String, SourceTask>,
    /// Conditions of the permit beside those of the criteria and of the proposal (ACC-142).
    #[serde(default)]
    pub conditions: Vec<Condition>,
    /// Statistics offered instead of data on persons.
    #[serde(default)]
    pub statistics: Option<StatisticsOffer>,
}

/// Terms as accepted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Accepted {
    /// Digest of the terms.
    pub hash: String,
    /// When.
    pub at: Timestamp,
    /// By which account.
    pub by: String,
    /// Sources for which statistics were accepted instead of data on persons.
    #[serde(default)]
    pub statistics: BTreeSet<String>,
}

/// A criterion as assessed (ACC-140).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Assessment {
    /// Outcome.
    pub outcome: CriterionOutcome,
    /// Reason, at least 20 characters.
    pub reason: String,
    /// Account of the assessor.
    pub by: String,
    /// When.
    pub at: Timestamp,
    /// Fields, files and task answers that it rests on.
    #[serde(default)]
    pub evidence: Vec<String>,
    /// The condition that makes it fulfilled.
    #[serde(default)]
    pub condition: Option<Condition>,
    /// Whether it follows from the assessments of the sources: it is their worst.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub of_sources: bool,
}

impl Work {
    /// Takes an assessment in. One of the whole case stands; those of the sources give that of the case when every source
    /// has its own: the worst of them (ACC-141).
    pub(crate) fn assess(&mut self, criterion: &str, source: Option<&str>, assessment: Assessment, sources: &[String]) {
        let Some(source) = source else {
            self.assessments.insert(criterion.to_owned(), assessment);
            return;
        };
        let known = self.by_source.entry(criterion.to_owned()).or_default();
        known.insert(source.to_owned(), assessment);
        if self.assessments.get(criterion).is_some_and(|set| !set.of_sources) {
            return;
        }
        let worst = sources.iter().map(|source| known.get(source)).collect::<Option<Vec<_>>>();
        if let Some(worst) = worst.and_then(|all| all.into_iter().max_by_key(|a| a.outcome.severity())) {
            let worst = Assessment { of_sources: true, ..worst.clone() };
            self.assessments.insert(criterion.to_owned(), worst);
        }
    }

    /// Conditions that criteria are fulfilled under (ACC-142). Where the case follows from its sources, each source's own
    /// condition holds.
    pub(crate) fn conditions_of_criteria(&self) -> Vec<Condition> {
        let mut found: Vec<Condition> = Vec::new();
        for (criterion, assessment) in &self.assessments {
            let of_sources = self.by_source.get(criterion).filter(|_| assessment.of_sources);
            let single = of_sources.is_none().then_some(assessment);
            let all = single.into_iter().chain(of_sources.into_iter().flat_map(BTreeMap::values));
            for condition in all.filter_map(|assessment| assessment.condition.clone()) {
                if !found.contains(&condition) {
                    found.push(condition);
                }
            }
        }
        found
    }
}

/// Outcome of a criterion.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CriterionOutcome {
    /// Fulfilled.
    Met,
    /// Fulfilled under a condition of the permit.
    MetWithCondition,
    /// Not fulfilled.
    NotMet,
    /// Does not apply.
    NotApplicable,
}

impl CriterionOutcome {
    /// How bad it is: the worst of several counts.
    pub const fn severity(self) -> u8 {
        match self {
            CriterionOutcome::NotApplicable => 0,
            CriterionOutcome::Met => 1,
            CriterionOutcome::MetWithCondition => 2,
            CriterionOutcome::NotMet => 3,
        }
    }
}

/// A proposed decision.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Proposal {
    /// Account of the one who proposed; may not be the one who issues (ACC-010).
    pub by: String,
    /// Account of the colleague for whom it was proposed: counts as the same person (ACC-104).
    #[serde(default)]
    pub on_behalf_of: Option<String>,
    /// When.
    pub at: Timestamp,
    /// The revision of the content that was assessed.
    pub revision: u32,
    /// What is proposed.
    pub decision: Decision,
}

/// The task of one source: all run at the same time (`access.md` section 8.2).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct SourceTask {
    /// Where it stands.
    pub state: TaskState,
    /// When it was created.
    pub created_at: Timestamp,
    /// Last day for the answer.
    pub due: Date,
    /// What was asked beside the usual questions.
    pub question: Option<String>,
    /// Account that took it on.
    pub accepted_by: Option<String>,
    /// The answer in force.
    pub answer: Option<SourceAnswer>,
    /// When it was answered.
    pub answered_at: Option<Timestamp>,
    /// Hours, price and days.
    pub cost: Option<SourceCost>,
    /// Why it was last sent back.
    pub returned: Option<String>,
    /// How often the source was reminded.
    pub reminders: u32,
    /// Why the case went on without the source's statement.
    pub waived: Option<String>,
}

impl SourceTask {
    /// Reminders after which a late source can be left out with a reason.
    pub const REMINDERS: u32 = 2;

    /// Whether the case has to wait for it: it is not answered, and the source was not reminded often enough.
    pub const fn holds_up(&self) -> bool {
        !self.is_settled() && self.reminders < Self::REMINDERS
    }

    /// Whether the case need not wait for it.
    pub const fn is_settled(&self) -> bool {
        matches!(self.state, TaskState::Answered | TaskState::Closed)
    }

    /// Whether the answer is late on `today`.
    pub fn is_overdue(&self, today: Date) -> bool {
        !self.is_settled() && today > self.due
    }
}

/// Where a source's task stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TaskState {
    /// The source was asked.
    Created,
    /// The source works on it.
    Accepted,
    /// The source has answered.
    Answered,
    /// Sent back: by the source, or by the handler who wants another answer.
    Returned,
    /// Over without an answer.
    Closed,
}

/// Statistics offered instead of data on persons.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct StatisticsOffer {
    /// The sources.
    pub sources: BTreeSet<String>,
    /// Why.
    pub reason: String,
}
