//! What is decided: one decision with a part per source (ACC-001), built from the application and the handler's input.

use std::collections::{BTreeMap, BTreeSet};

use kernel::{Date, FieldError};
use protocol::documents::{Condition, PermitVariable, SourceOutcome};
use serde::{Deserialize, Serialize};

use super::{Order, OrderItem, PartInput, ProposalInput};
use crate::change::{Op, OpKind};

/// The outcome of the whole (`access.md` section 13).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Everything.
    Granted,
    /// Something.
    GrantedInPart,
    /// Nothing.
    Refused,
    /// Statistics instead of data on persons.
    StatisticsInstead,
    /// Nothing, because the applicant did not complete the application.
    NotCompleted,
}

/// A decision.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct Decision {
    /// Outcome of the whole.
    pub outcome: Outcome,
    /// One part per source.
    pub parts: Vec<DecisionPart>,
    /// In a change: what is decided on the operations that no source stands for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub changes: Vec<ChangePart>,
    /// Conditions.
    pub conditions: Vec<Condition>,
    /// First day of the permit; the day of the decision when none is set.
    pub valid_from: Option<Date>,
    /// Last day of the permit; as applied for when none is set.
    pub valid_to: Option<Date>,
    /// Last day for the data; as applied for when none is set.
    pub delete_by: Option<Date>,
    /// Most persons; as applied for when none is set.
    pub max_persons: Option<u64>,
    /// A free paragraph, marked as such in the letter.
    pub paragraph: Option<String>,
    /// The template of the letter, by id: its text is the one in force on the day of the decision.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub template: Option<String>,
}

/// The part of one source.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct DecisionPart {
    /// The source.
    pub source: String,
    /// Outcome.
    pub outcome: SourceOutcome,
    /// What is granted, by collection. A collection of which nothing is granted stands here without variables.
    pub collections: Vec<GrantedCollection>,
    /// What is not granted.
    pub removed: Vec<Removed>,
    /// Reason.
    pub reason: String,
}

/// What is decided on one operation of a change.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ChangePart {
    /// What the operation does.
    pub op: OpKind,
    /// To what.
    pub path: String,
    /// Whether it may.
    pub granted: bool,
    /// Reason.
    pub reason: String,
}

/// What is granted of one collection.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct GrantedCollection {
    /// The collection.
    pub collection: String,
    /// First and last day.
    pub period: (Date, Date),
    /// The variables.
    pub variables: Vec<PermitVariable>,
}

/// A variable that is not granted.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Removed {
    /// Catalogue id.
    pub id: String,
    /// Its collection.
    pub collection: String,
    /// Reason code.
    pub reason: String,
    /// In words.
    pub text: String,
}

/// Kinds of conditions that are enforced by machine (ACC-142).
pub const TYPED_CONDITIONS: [&str; 8] = [
    "min_granularity",
    "remove_variable",
    "person_limit",
    "room_only",
    "publish_rule",
    "contact_ban",
    "report",
    "other",
];

/// Reason codes of variables that are not granted.
pub const REMOVAL_REASONS: [&str; 5] =
    ["not_necessary", "too_detailed", "outside_purpose", "not_deliverable", "confidentiality"];

/// Shortest reason of a part and of a criterion (ACC-140).
pub const MIN_REASON: usize = 20;

/// What was settled before a decision is proposed.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Before {
    /// Conditions that were set or under which criteria are fulfilled (ACC-142).
    pub conditions: Vec<Condition>,
    /// Sources for which the applicant agreed to statistics instead of data on persons (68(3)).
    pub statistics: BTreeSet<String>,
}

impl Decision {
    /// The decision that a case is not completed: nothing of any source, with one reason.
    pub fn not_completed(order: &Order, reason: &str) -> Self {
        let part = |source: &str| DecisionPart {
            source: source.to_owned(),
            outcome: SourceOutcome::NotCompleted,
            collections: Vec::new(),
            removed: Vec::new(),
            reason: reason.to_owned(),
        };
        Self {
            outcome: Outcome::NotCompleted,
            parts: order.sources().into_iter().map(part).collect(),
            changes: Vec::new(),
            conditions: Vec::new(),
            valid_from: None,
            valid_to: None,
            delete_by: None,
            max_persons: None,
            paragraph: None,
            template: None,
        }
    }

    /// Whether anything is granted.
    pub fn grants(&self) -> bool {
        matches!(self.outcome, Outcome::Granted | Outcome::GrantedInPart)
    }

    /// The decision that a proposal means for an order, after what was settled before.
    ///
    /// # Errors
    /// Every fault: sources without a part or with two, variables that were not applied for, an outcome that does not
    /// fit what is left, missing reasons, unknown conditions, dates the wrong way round.
    pub fn build(order: &Order, input: &ProposalInput, before: &Before) -> Result<Self, Vec<FieldError>> {
        Self::build_change(order, &[], input, before)
    }

    /// The decision that a proposal means for a change: `order` holds what its operations add, by source, and every
    /// other operation that needs a decision gets one of its own.
    ///
    /// # Errors
    /// As [`Decision::build`], and operations without a decision or with two.
    pub fn build_change(
        order: &Order,
        ops: &[Op],
        input: &ProposalInput,
        before: &Before,
    ) -> Result<Self, Vec<FieldError>> {
        let mut faults = Vec::new();
        let mut conditions = input.conditions.clone();
        conditions.extend(before.conditions.iter().filter(|c| !input.conditions.contains(c)).cloned());
        let changes = build_changes(ops, input, &mut faults);
        for source in order.sources() {
            let n = input.parts.iter().filter(|part| part.source == source).count();
            if n != 1 {
                faults.push(FieldError::new(
                    format!("parts.{source}"),
                    "one_part_per_source",
                    format!("exactly one part for {source} is needed, there are {n}"),
                ));
            }
        }
        for part in &input.parts {
            if !order.sources().contains(&part.source.as_str()) {
                let message = format!("{} was not applied for", part.source);
                faults.push(FieldError::new(format!("parts.{}", part.source), "unknown_source", message));
            }
        }
        check_conditions(order, &conditions, &mut faults);
        let coarser = granularities(&conditions);
        let parts = order
            .sources()
            .into_iter()
            .filter_map(|source| input.parts.iter().find(|part| part.source == source))
            .map(|part| build_part(order, part, &coarser, &before.statistics, &mut faults))
            .collect::<Vec<_>>();
        if let (Some(from), Some(to)) = (input.valid_from, input.valid_to)
            && to < from
        {
            faults.push(FieldError::new("valid_to", "reversed", "the permit ends before it starts"));
        }
        if let (Some(to), Some(delete)) = (input.valid_to, input.delete_by)
            && delete < to
        {
            faults.push(FieldError::new("delete_by", "reversed", "data are deleted when the permit ends or later"));
        }
        if input.template.as_deref().is_some_and(|id| !crate::letter::is_template(id)) {
            faults.push(FieldError::new("template", "unknown_template", "there is no such template"));
        }
        if input.max_persons == Some(0) {
            faults.push(FieldError::new("max_persons", "range", "at least 1 person"));
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        Ok(Self {
            outcome: overall(&parts, &changes),
            parts,
            changes,
            conditions,
            valid_from: input.valid_from,
            valid_to: input.valid_to,
            delete_by: input.delete_by,
            max_persons: input.max_persons,
            template: input.template.clone(),
            paragraph: input.paragraph.clone().filter(|text| !text.trim().is_empty()),
        })
    }
}

/// The coarser levels of detail that conditions set, by variable.
fn granularities(conditions: &[Condition]) -> BTreeMap<String, String> {
    let coarser = conditions.iter().filter(|condition| condition.kind == "min_granularity");
    coarser.map(|condition| (text(condition, "variable"), text(condition, "value"))).collect()
}

fn text(condition: &Condition, field: &str) -> String {
    condition.fields.get(field).and_then(|v| v.as_str()).unwrap_or_default().to_owned()
}

/// Conditions must be of a known type, and those that name a variable must name one that was applied for (ACC-142).
pub(super) fn check_conditions(order: &Order, conditions: &[Condition], faults: &mut Vec<FieldError>) {
    for (i, condition) in conditions.iter().enumerate() {
        let place = format!("conditions.{i}");
        let known = order.items.iter().any(|item| item.variable == text(condition, "variable"));
        match condition.kind.as_str() {
            "min_granularity" if !known || text(condition, "value").is_empty() => {
                let message = "names a variable that was applied for and a level (variable, value)";
                faults.push(FieldError::new(&place, "condition", message));
            }
            "remove_variable" if !known => {
                faults.push(FieldError::new(&place, "condition", "names a variable that was applied for (variable)"));
            }
            "person_limit"
                if condition.fields.get("value").and_then(serde_json::Value::as_u64).is_none_or(|n| n == 0) =>
            {
                faults.push(FieldError::new(&place, "condition", "names the most persons (value)"));
            }
            kind if !TYPED_CONDITIONS.contains(&kind) => {
                let message = format!("kinds are {}", TYPED_CONDITIONS.join(", "));
                faults.push(FieldError::new(&place, "unknown_condition", message));
            }
            _ => {}
        }
    }
}

fn build_part(
    order: &Order,
    input: &PartInput,
    coarser: &BTreeMap<String, String>,
    statistics: &BTreeSet<String>,
    faults: &mut Vec<FieldError>,
) -> DecisionPart {
    let place = format!("parts.{}", input.source);
    let mut fault = |rule: &str, message: String| faults.push(FieldError::new(&place, rule, message));
    if input.reason.trim().chars().count() < MIN_REASON {
        fault("reason", format!("a reason of at least {MIN_REASON} characters is needed"));
    }
    let items: Vec<&OrderItem> = order.items.iter().filter(|item| item.source == input.source).collect();
    let mut removed = Vec::new();
    for entry in &input.removed {
        if !REMOVAL_REASONS.contains(&entry.reason.as_str()) {
            fault("removal_reason", format!("{}: reasons are {}", entry.id, REMOVAL_REASONS.join(", ")));
        }
        match items.iter().find(|item| item.variable == entry.id) {
            Some(item) => removed.push(Removed {
                id: entry.id.clone(),
                collection: item.collection.clone(),
                reason: entry.reason.clone(),
                text: entry.text.clone(),
            }),
            None => fault("unknown_variable", format!("{} was not applied for", entry.id)),
        }
    }
    let grants = matches!(input.outcome, SourceOutcome::Granted | SourceOutcome::GrantedInPart);
    let is_left = |item: &&&OrderItem| grants && !removed.iter().any(|r| r.id == item.variable);
    let left = items.iter().filter(is_left).count();
    match input.outcome {
        SourceOutcome::Granted if !removed.is_empty() => {
            fault("outcome", "with variables removed the outcome is granted_in_part".into());
        }
        SourceOutcome::GrantedInPart if removed.is_empty() => {
            fault("outcome", "nothing is removed, so the outcome is granted".into());
        }
        SourceOutcome::GrantedInPart if left == 0 => {
            fault("outcome", "nothing is left, so the outcome is refused".into())
        }
        SourceOutcome::NotCompleted => fault("outcome", "not_completed has a command of its own".into()),
        SourceOutcome::StatisticsInstead if !statistics.contains(&input.source) => {
            fault("outcome", "statistics instead of data need an offer that the applicant has agreed to".into());
        }
        _ => {}
    }
    let mut collections: Vec<GrantedCollection> = Vec::new();
    for item in &items {
        if !collections.iter().any(|c| c.collection == item.collection) {
            // The form's check has made sure that every collection has a period.
            let Some(period) = order.periods.get(&item.collection).copied() else { continue };
            collections.push(GrantedCollection { collection: item.collection.clone(), period, variables: Vec::new() });
        }
        if is_left(&item)
            && let Some(collection) = collections.iter_mut().find(|c| c.collection == item.collection)
        {
            collection.variables.push(PermitVariable {
                id: item.variable.clone(),
                version: item.version,
                granularity: coarser.get(&item.variable).unwrap_or(&item.granularity).clone(),
            });
        }
    }
    DecisionPart {
        source: input.source.clone(),
        outcome: input.outcome,
        collections,
        removed,
        reason: input.reason.clone(),
    }
}

fn build_changes(ops: &[Op], input: &ProposalInput, faults: &mut Vec<FieldError>) -> Vec<ChangePart> {
    let open = |op: &&Op| !op.notification && !op.op.is_by_source();
    for change in &input.changes {
        let place = format!("changes.{}", change.path);
        if !ops.iter().filter(open).any(|op| op.path == change.path) {
            faults.push(FieldError::new(&place, "unknown_change", format!("{} was not applied for", change.path)));
        }
        if change.reason.trim().chars().count() < MIN_REASON {
            faults.push(FieldError::new(
                &place,
                "reason",
                format!("a reason of at least {MIN_REASON} characters is needed"),
            ));
        }
    }
    let mut parts = Vec::new();
    for op in ops.iter().filter(open) {
        let mut given = input.changes.iter().filter(|change| change.path == op.path);
        match (given.next(), given.next()) {
            (Some(change), None) => parts.push(ChangePart {
                op: op.op,
                path: op.path.clone(),
                granted: change.granted,
                reason: change.reason.clone(),
            }),
            (found, _) => {
                let n = if found.is_some() { "there are several" } else { "there is none" };
                let message = format!("exactly one decision on {} is needed, {n}", op.path);
                faults.push(FieldError::new(format!("changes.{}", op.path), "one_decision_per_change", message));
            }
        }
    }
    parts
}

/// All granted → granted; any granted beside anything else → granted in part; else statistics when there are any; else
/// refused. An operation of a change counts as a part.
fn overall(parts: &[DecisionPart], changes: &[ChangePart]) -> Outcome {
    let count = |outcome: SourceOutcome| parts.iter().filter(|part| part.outcome == outcome).count();
    let granted = count(SourceOutcome::Granted) + changes.iter().filter(|change| change.granted).count();
    if granted == parts.len() + changes.len() {
        Outcome::Granted
    } else if granted + count(SourceOutcome::GrantedInPart) > 0 {
        Outcome::GrantedInPart
    } else if count(SourceOutcome::StatisticsInstead) > 0 {
        Outcome::StatisticsInstead
    } else {
        Outcome::Refused
    }
}
