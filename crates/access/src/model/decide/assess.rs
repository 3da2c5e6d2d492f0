//! Assessing: criteria, conditions, price (ACC-140, ACC-142, ACC-150).

use std::collections::BTreeMap;

use kernel::FieldError;

use super::{Context, Refusal, wrong_state};
use crate::fees::{self, FeeEstimate, Hours};
use crate::model::decision::{MIN_REASON, check_conditions};
use crate::model::{
    AssessmentInput, AwaitingAcceptance, Case, Command, CriterionOutcome, Dossier, Event, Processing, Work,
};
use crate::rules;

pub(super) fn decide(case: &Case, command: &Command, _: &Context<'_>) -> Result<Vec<Event>, Refusal> {
    match (case, command) {
        (Case::Processing(at), Command::AssessCriterion { assessments }) => assess(&at.dossier, assessments),
        (Case::AwaitingInfo(at), Command::AssessCriterion { assessments }) if case.work().is_some() => {
            assess(&at.dossier, assessments)
        }
        (Case::Processing(at), Command::SetConditions { conditions }) => {
            let mut faults = Vec::new();
            check_conditions(&at.dossier.order, conditions, &mut faults);
            if !faults.is_empty() {
                return Err(Refusal::Invalid { fields: faults });
            }
            Ok(vec![Event::ConditionsSet { conditions: conditions.clone() }])
        }
        (
            Case::Processing(Processing { dossier, work })
            | Case::AwaitingAcceptance(AwaitingAcceptance { dossier, work, .. }),
            Command::CalculateFee { case_hours, source_hours, preparation_hours, class },
        ) => {
            let events = calculate_fee(dossier, work, *case_hours, source_hours, *preparation_hours)?;
            reduced(events, class.as_deref())
        }
        _ => Err(wrong_state(case, command)),
    }
}

fn assess(dossier: &Dossier, assessments: &[AssessmentInput]) -> Result<Vec<Event>, Refusal> {
    let known = rules::criteria(&dossier.profile);
    let mut fields = Vec::new();
    if assessments.is_empty() {
        fields.push(FieldError::new("assessments", "required", "assess at least one criterion"));
    }
    for assessment in assessments {
        let place = format!("assessments.{}", assessment.criterion);
        if !known.iter().any(|criterion| criterion.id == assessment.criterion) {
            fields.push(FieldError::new(&place, "unknown_criterion", "the profile has no such criterion"));
        }
        if let Some(source) = &assessment.source
            && !dossier.order.sources().contains(&source.as_str())
        {
            fields.push(FieldError::new(&place, "unknown_source", format!("{source} was not applied for")));
        }
        if assessment.reason.trim().chars().count() < MIN_REASON {
            let message = format!("a reason of at least {MIN_REASON} characters is needed");
            fields.push(FieldError::new(&place, "reason", message));
        }
        match (&assessment.condition, assessment.outcome) {
            (Some(condition), CriterionOutcome::MetWithCondition) => {
                check_conditions(&dossier.order, std::slice::from_ref(condition), &mut fields);
            }
            (Some(_), _) => fields.push(FieldError::new(&place, "condition", "the outcome has no condition")),
            (None, _) => {}
        }
    }
    if !fields.is_empty() {
        return Err(Refusal::Invalid { fields });
    }
    let event = |a: &AssessmentInput| Event::CriterionAssessed {
        criterion: a.criterion.clone(),
        outcome: a.outcome,
        reason: a.reason.clone(),
        evidence: a.evidence.clone(),
        condition: a.condition.clone(),
        source: a.source.clone(),
    };
    Ok(assessments.iter().map(event).collect())
}

/// The criteria of the case that are not assessed yet.
pub fn missing_criteria(dossier: &Dossier, work: &Work) -> Vec<String> {
    let open = |id: &String| !work.assessments.contains_key(id);
    // A change opens only what its operations touch (ACC-062).
    let touched = |id: &String| dossier.change.as_ref().is_none_or(|change| change.touched.contains(id));
    rules::criteria(&dossier.profile).iter().map(|c| c.id.clone()).filter(touched).filter(open).collect()
}

/// `not_all_assessed` while a criterion has no outcome.
pub(super) fn all_assessed(dossier: &Dossier, work: &Work) -> Result<(), Refusal> {
    let missing = missing_criteria(dossier, work);
    if missing.is_empty() {
        return Ok(());
    }
    Err(Refusal::conflict("not_all_assessed", format!("assess {} first", missing.join(", "))))
}

/// The estimate at the rate of a class of applicants (ACC-154).
fn reduced(events: Vec<Event>, class: Option<&str>) -> Result<Vec<Event>, Refusal> {
    let Some(class) = class else { return Ok(events) };
    if !fees::classes().any(|known| known == class) {
        let known: Vec<&str> = fees::classes().collect();
        return Err(Refusal::invalid("class", "unknown_class", format!("classes are {}", known.join(", "))));
    }
    let of_class = |event| match event {
        Event::FeeEstimated { fee } => Event::FeeEstimated { fee: FeeEstimate::of_lines(fee.lines, Some(class)) },
        other => other,
    };
    Ok(events.into_iter().map(of_class).collect())
}

fn calculate_fee(
    dossier: &Dossier,
    work: &Work,
    case_hours: Option<f64>,
    source_hours: &BTreeMap<String, f64>,
    preparation_hours: Option<f64>,
) -> Result<Vec<Event>, Refusal> {
    let sources = dossier.order.sources();
    let mut fields = Vec::new();
    let mut hundredths = |place: &str, given: Option<f64>, usual: i64| match given {
        None => usual,
        Some(hours) if (0.0..=10_000.0).contains(&hours) => (hours * 100.0).round() as i64,
        Some(_) => {
            fields.push(FieldError::new(place, "range", "between 0 and 10 000 hours"));
            0
        }
    };
    let of_source = |source: &&str| {
        // What the source itself has estimated goes before the usual hours.
        if let Some(cost) = work.tasks.get(*source).and_then(|task| task.cost.as_ref()) {
            return (cost.hours * 100.0).round() as i64;
        }
        let variables = dossier.order.items.iter().filter(|item| item.source == **source).count() as i64;
        fees::usual_source_hours(variables)
    };
    let hours = Hours {
        case: hundredths("case_hours", case_hours, fees::USUAL_CASE_HOURS),
        sources: sources
            .iter()
            .map(|s| ((*s).to_owned(), hundredths("source_hours", source_hours.get(*s).copied(), of_source(s))))
            .collect(),
        preparation: hundredths(
            "preparation_hours",
            preparation_hours,
            fees::usual_preparation_hours(sources.len() as i64),
        ),
    };
    for source in source_hours.keys().filter(|source| !sources.contains(&source.as_str())) {
        fields.push(FieldError::new("source_hours", "unknown_source", format!("{source} was not applied for")));
    }
    if !fields.is_empty() {
        return Err(Refusal::Invalid { fields });
    }
    Ok(vec![Event::FeeEstimated { fee: fees::estimate(&hours) }])
}
