//! The permit compiler: from the application and the decision to the signed document that keys, delivery and rooms obey
//! (`access.md` section 13). It refuses what cannot be enforced.

use kernel::{Date, Timestamp};
use protocol::documents::{
    Condition, Controller, KeyRetention, Linkage, OptOut, Permit, PermitOutput, PermitPerson, PermitPopulation,
    PermitRoom, PermitSource, PermitStatus, Purpose, Recurrence, RemovedVariable, SourceOutcome,
};
use protocol::form::Digest;
use serde_json::{Value, json};

use crate::content::Content;
use crate::model::{Decision, Removed};

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
    enforceable(&decision.conditions)?;
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
    let expr = population(content)?;
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
        purpose: purpose(content),
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
        external_data: external_data(content),
        recurrence: recurrence(content, valid_to),
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

/// What a new version of a permit is made from.
#[derive(Clone, Debug)]
pub struct Next<'a> {
    /// The version before, with the digest of its payload.
    pub previous: &'a Permit,
    /// Digest of the payload of the version before.
    pub previous_digest: Digest,
    /// What is in force now.
    pub content: &'a Content,
    /// AMENDED or RENEWED.
    pub status: PermitStatus,
    /// Number of the decision; that of the version before for a notification.
    pub decision: &'a str,
    /// Conditions in force now.
    pub conditions: &'a [Condition],
    /// Last day, most persons and day of deletion, where a decision sets them.
    pub set: Option<&'a Decision>,
    /// What was applied for and not granted in this round.
    pub removed: &'a [Removed],
    /// Whether this version uses the one extension.
    pub extends: bool,
    /// The largest fee accepted in this round, in øre.
    pub fee_max_ore: i64,
    /// The present instant.
    pub now: Timestamp,
}

/// The version of a permit after `previous` (ACC-162): a new id, chained to the one before.
///
/// # Errors
/// [`CompileError`].
pub fn next(next: &Next<'_>) -> Result<Permit, CompileError> {
    let Next { previous, content, .. } = next;
    enforceable(next.conditions)?;
    let (_, asked_to) = content.access_period().ok_or(CompileError::Missing("access period"))?;
    let valid_to = next.set.and_then(|decision| decision.valid_to).unwrap_or(asked_to);
    if valid_to < previous.valid_from {
        return Err(CompileError::Reversed);
    }
    let asked_delete = content.text("no.delete_date").parse().ok();
    let delete_by = next.set.and_then(|decision| decision.delete_by).or(asked_delete);
    let delete_by = delete_by.ok_or(CompileError::Missing("date of deletion"))?.max(valid_to);
    let asked_persons = content.fields.get("pop.size").and_then(Value::as_u64);
    let expr = population(content)?;
    // A size that a decision has set stands until the population itself changes.
    let same_population = expr == previous.population.expr;
    let max_persons = next.set.and_then(|decision| decision.max_persons);
    let max_persons =
        max_persons.or(if same_population { Some(previous.population.max_persons) } else { asked_persons });
    let pi = content.responsible().ok_or(CompileError::Missing("responsible person"))?;
    let active = |id: &str| previous.persons.iter().any(|person| person.id == id && person.active);
    let version = previous.permit_id.rsplit('-').next().and_then(|n| n.parse::<u32>().ok()).unwrap_or(1) + 1;
    Ok(Permit {
        permit_id: format!("{}-{version:02}", previous.series),
        status: next.status,
        supersedes: Some(previous.permit_id.clone()),
        decision: next.decision.to_owned(),
        issued_at: next.now,
        valid_to,
        extension_used: previous.extension_used || next.extends,
        delete_by,
        purpose: purpose(content),
        controller: Controller { orgnr: content.text("app.orgnr").to_owned() },
        pi: pi.id.clone(),
        format: content.text("use.format").to_owned(),
        population: PermitPopulation {
            expr,
            max_persons: max_persons.ok_or(CompileError::Missing("size of the population"))?,
            ..previous.population.clone()
        },
        sources: sources(previous, content, next.removed),
        external_data: external_data(content),
        recurrence: recurrence(content, valid_to),
        persons: content
            .persons
            .iter()
            .map(|person| PermitPerson {
                id: person.id.clone(),
                role: if person.id == pi.id { "pi".into() } else { "analyst".into() },
                active: active(&person.id),
            })
            .collect(),
        room: PermitRoom { id: content.text("proc.room").to_owned(), ..previous.room.clone() },
        conditions: next.conditions.to_vec(),
        fee_max_ore: previous.fee_max_ore + next.fee_max_ore,
        hash_prev: Some(next.previous_digest.clone()),
        ..(*previous).clone()
    })
}

fn enforceable(conditions: &[Condition]) -> Result<(), CompileError> {
    match conditions.iter().find(|c| !ENFORCED.contains(&c.kind.as_str())) {
        Some(condition) => Err(CompileError::NotEnforceable(condition.kind.clone())),
        None => Ok(()),
    }
}

/// The rule of the population; the whole population of the sources is an empty expression.
fn population(content: &Content) -> Result<String, CompileError> {
    if !matches!(content.text("pop.formation"), "criteria" | "both") {
        return Ok(String::new());
    }
    match content.text("pop.criteria") {
        "" => Err(CompileError::Missing("population expression")),
        expression => Ok(expression.to_owned()),
    }
}

fn purpose(content: &Content) -> Purpose {
    Purpose {
        ehds: content.texts("pub.purposes").into_iter().map(str::to_owned).collect(),
        text: content.text("pub.title").to_owned(),
    }
}

/// What is brought along, without the names of those who hold it.
fn external_data(content: &Content) -> Vec<Value> {
    if content.fields.get("ext.combine").and_then(Value::as_bool) != Some(true) {
        return Vec::new();
    }
    let items = content.fields.get("ext.items").and_then(Value::as_array).into_iter().flatten();
    let text = |item: &Value, name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    items
        .map(|item| {
            json!({"register": text(item, "register"), "dataset": text(item, "dataset"),
                "country": text(item, "country"), "method": text(item, "method")})
        })
        .collect()
}

fn recurrence(content: &Content, valid_to: Date) -> Recurrence {
    match content.text("pop.recur") {
        kind @ ("yearly" | "half_yearly" | "quarterly") => Recurrence { kind: kind.to_owned(), until: Some(valid_to) },
        _ => Recurrence { kind: "once".into(), until: None },
    }
}

/// The granted collections as the content in force has them, with what was refused before and in this round.
fn sources(previous: &Permit, content: &Content, removed: &[Removed]) -> Vec<PermitSource> {
    let mut out: Vec<PermitSource> = Vec::new();
    for item in &content.items {
        let order = &item.order;
        let Some(period) = content.periods.get(&order.collection).copied() else { continue };
        let variable = protocol::documents::PermitVariable {
            id: order.variable.clone(),
            version: order.version,
            granularity: order.granularity.clone(),
        };
        match out.iter_mut().find(|entry| entry.collection == order.collection) {
            Some(entry) => entry.variables.push(variable),
            None => out.push(PermitSource {
                source: order.source.clone(),
                collection: order.collection.clone(),
                outcome: SourceOutcome::Granted,
                period,
                variables: vec![variable],
                removed: Vec::new(),
            }),
        }
    }
    // What was never granted stays on record; what was given up goes.
    for old in previous.sources.iter().filter(|old| old.variables.is_empty()) {
        if !out.iter().any(|entry| entry.collection == old.collection) {
            out.push(old.clone());
        }
    }
    for entry in &mut out {
        let before = previous.sources.iter().filter(|old| old.collection == entry.collection);
        let before = before.flat_map(|old| old.removed.iter().cloned());
        let now = removed.iter().filter(|r| r.collection == entry.collection);
        let now = now.map(|r| RemovedVariable { id: r.id.clone(), reason: r.reason.clone() });
        let mut refused: Vec<RemovedVariable> = Vec::new();
        for one in now.chain(before) {
            let granted = entry.variables.iter().any(|variable| variable.id == one.id);
            if !granted && !refused.iter().any(|known| known.id == one.id) {
                refused.push(one);
            }
        }
        entry.removed = refused;
        if !entry.variables.is_empty() {
            let partly = !entry.removed.is_empty();
            entry.outcome = if partly { SourceOutcome::GrantedInPart } else { SourceOutcome::Granted };
        }
    }
    out
}
