//! The permit compiler: from the application and the decision to the signed document that keys, delivery and rooms obey
//! (`access.md` section 13). It refuses what cannot be enforced.

use kernel::{Date, Timestamp};
use protocol::documents::{
    Controller, KeyRetention, Linkage, OptOut, Permit, PermitOutput, PermitPerson, PermitPopulation, PermitRoom,
    PermitSource, PermitStatus, Purpose, Recurrence, RemovedVariable,
};

use crate::content::Content;
use crate::model::Decision;

/// What the numbers and the clock add.
#[derive(Clone, Debug)]
pub struct Numbers<'a> {
    /// `NO-2026-000045`.
    pub series: &'a str,
    /// `A-2026-000123`.
    pub case: &'a str,
    /// `A-2026-000123/V1`.
    pub decision: &'a str,
    /// The present instant.
    pub now: Timestamp,
    /// The present date in Oslo.
    pub today: Date,
    /// The largest fee that the applicant accepted.
    pub fee_max_ore: i64,
}

/// Why a decision gives no permit.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CompileError {
    /// The application lacks something that a permit must have: its check has been passed by.
    #[error("the application has no {0}")]
    Missing(&'static str),
    /// A condition that the room or the delivery cannot enforce (ACC-166).
    #[error("condition {0} cannot be enforced")]
    NotEnforceable(String),
    /// The permit would end before it starts.
    #[error("the permit would end before it starts")]
    Reversed,
}

/// Conditions that delivery and the room of this installation enforce, or that oblige persons and not machines.
const ENFORCED: [&str; 5] = ["min_granularity", "remove_variable", "person_limit", "report", "other"];

/// Version 01 of a permit.
///
/// # Errors
/// [`CompileError`].
pub fn compile(content: &Content, decision: &Decision, numbers: &Numbers<'_>) -> Result<Permit, CompileError> {
    if let Some(condition) = decision.conditions.iter().find(|c| !ENFORCED.contains(&c.kind.as_str())) {
        return Err(CompileError::NotEnforceable(condition.kind.clone()));
    }
    let (asked_from, asked_to) = content.access_period().ok_or(CompileError::Missing("access period"))?;
    let valid_from = decision.valid_from.unwrap_or(numbers.today.max(asked_from));
    let valid_to = decision.valid_to.unwrap_or(asked_to);
    let delete_by = decision.delete_by.or_else(|| content.text("no.delete_date").parse().ok());
    let delete_by = delete_by.ok_or(CompileError::Missing("date of deletion"))?.max(valid_to);
    if valid_to < valid_from {
        return Err(CompileError::Reversed);
    }
    let asked_persons = content.fields.get("pop.size").and_then(serde_json::Value::as_u64);
    let max_persons = decision.max_persons.or(asked_persons).ok_or(CompileError::Missing("size of the population"))?;
    let pi = content.responsible().ok_or(CompileError::Missing("responsible person"))?;
    // The whole population of the sources is an empty expression.
    let criteria = content.text("pop.formation") == "criteria";
    let expr = if criteria { content.text("pop.criteria").to_owned() } else { String::new() };
    if criteria && expr.is_empty() {
        return Err(CompileError::Missing("population expression"));
    }
    let sources = decision
        .parts
        .iter()
        .flat_map(|part| {
            part.collections.iter().map(|collection| PermitSource {
                source: part.source.clone(),
                collection: collection.collection.clone(),
                outcome: part.outcome,
                period: collection.period,
                variables: collection.variables.clone(),
                removed: part
                    .removed
                    .iter()
                    .filter(|removed| removed.collection == collection.collection)
                    .map(|removed| RemovedVariable { id: removed.id.clone(), reason: removed.reason.clone() })
                    .collect(),
            })
        })
        .collect();
    Ok(Permit {
        permit_id: format!("{}-01", numbers.series),
        series: numbers.series.to_owned(),
        status: PermitStatus::Granted,
        supersedes: None,
        case: numbers.case.to_owned(),
        decision: numbers.decision.to_owned(),
        first_issued_at: numbers.now,
        issued_at: numbers.now,
        valid_from,
        valid_to,
        extension_used: false,
        delete_by,
        profile: content.profile.clone(),
        purpose: Purpose {
            ehds: content.texts("pub.purposes").into_iter().map(str::to_owned).collect(),
            text: content.text("pub.title").to_owned(),
        },
        controller: Controller { orgnr: content.text("app.orgnr").to_owned() },
        pi: pi.id.clone(),
        format: content.text("use.format").to_owned(),
        population: PermitPopulation { expr, max_persons, optout: OptOut::Exclude, optout_reference: None },
        sources,
        linkage: Some(Linkage {
            method: "project_key".into(),
            body: "key-service".into(),
            key_retention: KeyRetention::DeleteAfterDelivery,
            keep_until: None,
        }),
        external_data: Vec::new(),
        recurrence: Recurrence { kind: "once".into(), until: None },
        // The responsible person answered for the application and accepted the terms; others become active by own
        // login and acceptance (ACC-165).
        persons: content
            .persons
            .iter()
            .map(|person| PermitPerson {
                id: person.id.clone(),
                role: if person.id == pi.id { "pi".into() } else { "analyst".into() },
                active: person.id == pi.id,
            })
            .collect(),
        room: PermitRoom { id: content.text("proc.room").to_owned(), tools: Vec::new(), cpu: 0, mem_gb: 0 },
        output: PermitOutput { rules: "default-2026".into(), min_cell: 10, review: "two_blind".into() },
        conditions: decision.conditions.clone(),
        fee_max_ore: numbers.fee_max_ore,
        hash_prev: None,
    })
}
