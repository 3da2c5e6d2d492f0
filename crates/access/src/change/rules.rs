//! What an operation sets in motion, by the table of `access.md` section 6, which is data (ACC-005).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::LazyLock;

use protocol::documents::PermitStatus;
use serde::Deserialize;

use super::{Op, OpKind};
use crate::content::{Content, ContentPerson};

#[derive(Deserialize)]
struct Rules {
    version: String,
    operations: BTreeMap<OpKind, Rule>,
    groups: BTreeMap<String, Vec<String>>,
}

#[derive(Deserialize)]
struct Rule {
    groups: Vec<String>,
    asks: Asks,
    status: PermitStatus,
}

/// Whose answer an operation needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Asks {
    Nobody,
    OwnSource,
    AllSources,
}

static RULES: LazyLock<Rules> = LazyLock::new(|| {
    #[expect(clippy::unwrap_used, reason = "the rules are part of the program and are read by their tests")]
    serde_json::from_str(include_str!("../../data/change-rules.json")).unwrap()
});

/// Version of the table, which a case of a change keeps (ACC-005).
pub fn version() -> &'static str {
    &RULES.version
}

/// The criteria of the profile that the operations touch (ACC-062), in the order of the profile.
pub fn touched_criteria(ops: &[Op], profile: &str) -> Vec<String> {
    let rules = &*RULES;
    let mut touched = BTreeSet::new();
    let mut all = false;
    for op in ops.iter().filter(|op| !op.notification) {
        let Some(rule) = rules.operations.get(&op.op) else { continue };
        for group in &rule.groups {
            all |= group == "all";
            touched.extend(rules.groups.get(group).into_iter().flatten().cloned());
        }
    }
    let known = crate::rules::criteria(profile).iter().map(|criterion| criterion.id.clone());
    known.filter(|id| all || touched.contains(id)).collect()
}

/// Whether more than half of the criteria are open again: then a new application is the better way.
pub fn advises_new_application(ops: &[Op], profile: &str) -> bool {
    2 * touched_criteria(ops, profile).len() > crate::rules::criteria(profile).len()
}

/// The sources that are asked, each once, in the order of the content.
pub fn sources_asked(ops: &[Op], wanted: &Content) -> Vec<String> {
    let mut asked = BTreeSet::new();
    let order = wanted.order();
    for op in ops.iter().filter(|op| !op.notification) {
        match RULES.operations.get(&op.op).map(|rule| rule.asks) {
            Some(Asks::AllSources) => asked.extend(order.sources().into_iter().map(str::to_owned)),
            Some(Asks::OwnSource) => asked.extend(source_of(op, wanted)),
            Some(Asks::Nobody) | None => {}
        }
    }
    order.sources().into_iter().filter(|source| asked.contains(*source)).map(str::to_owned).collect()
}

/// The source of an operation; of a period it is that of the collection.
pub(super) fn source_of(op: &Op, wanted: &Content) -> Option<String> {
    if let Some(source) = op.source() {
        return Some(source.to_owned());
    }
    let collection = op.path.strip_prefix("periods/")?;
    wanted.items.iter().find(|item| item.order.collection == collection).map(|item| item.order.source.clone())
}

/// The status of the new version of the permit.
pub fn status(ops: &[Op]) -> PermitStatus {
    let renewed = |op: &Op| RULES.operations.get(&op.op).is_some_and(|rule| rule.status == PermitStatus::Renewed);
    if ops.iter().any(renewed) { PermitStatus::Renewed } else { PermitStatus::Amended }
}

/// Whether an operation takes effect without a decision (ACC-063): less data, fewer persons, or somebody of an
/// organisation that the permit has already.
pub(super) fn is_notification(op: &Op, base: &Content, wanted: &Content) -> bool {
    match op.op {
        OpKind::RemoveVariable | OpKind::RemoveSource | OpKind::RemovePerson | OpKind::ShortenPeriod => true,
        OpKind::AddPerson => {
            let added = wanted.persons.iter().find(|person| op.path == format!("persons/{}", person.id));
            added.is_some_and(|person| in_permitted_organisation(person, base))
        }
        _ => false,
    }
}

/// An affiliation that is not told is none that the permit has; a country outside the EEA always needs a decision.
fn in_permitted_organisation(person: &ContentPerson, base: &Content) -> bool {
    if !person.country.is_empty() && !EEA.contains(&person.country.as_str()) {
        return false;
    }
    let same = |known: &str| !known.is_empty() && known.trim().eq_ignore_ascii_case(person.affiliation.trim());
    ["app.orgnr", "app.name", "no.controller", "pub.leader_org"].iter().any(|field| same(base.text(field)))
        || base.persons.iter().any(|known| same(&known.affiliation))
}

/// The states of the European Economic Area (ISO 3166-1).
const EEA: [&str; 30] = [
    "AT", "BE", "BG", "CY", "CZ", "DE", "DK", "EE", "ES", "FI", "FR", "GR", "HR", "HU", "IE", "IS", "IT", "LI", "LT",
    "LU", "LV", "MT", "NL", "NO", "PL", "PT", "RO", "SE", "SI", "SK",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn acc_061_every_operation_has_a_rule_and_every_group_is_known() {
        for kind in OpKind::ALL {
            let rule = &RULES.operations[&kind];
            for group in &rule.groups {
                assert!(group == "all" || RULES.groups.contains_key(group), "{group}");
            }
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.slug());
        }
        assert_eq!(RULES.operations.len(), OpKind::ALL.len());
        assert_eq!(version(), "change-rules/1");
    }
}
