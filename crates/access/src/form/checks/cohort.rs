//! Numbers and detail: the feasibility count, samples, granularity, roles, the size of the cart, tables
//! (CHK-19, 20, 21, 22, 23, 24, 40).

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::check::Level;
use super::Reader;
use kernel::criteria::VariableKind;

pub(super) fn run(r: &mut Reader<'_>) {
    count(r);
    sample(r);
    detail(r);
    roles(r);
    share(r);
    tables(r);
}

/// CHK-19 and CHK-20: what the count says.
fn count(r: &mut Reader<'_>) {
    let Some(counted) = r.env.outside.counted() else { return };
    if !r.asks("pop.criteria") {
        return;
    }
    let n = counted.persons;
    if n < 50 {
        let shown = if n == 0 { "fewer than 10".to_owned() } else { n.to_string() };
        r.find("CHK-19", "pop.criteria", format!("{shown} persons"));
    } else if counted.population.is_some_and(|all| n * 5 > all) && r.text("pop.whole_why").is_empty() {
        r.find("CHK-19", "pop.criteria", format!("{n} persons are more than a fifth of the population"));
    }
    let stated = r.value("pop.size").as_u64().unwrap_or(0);
    if stated > 0 && n > 0 && stated.abs_diff(n) * 4 > n {
        r.find("CHK-20", "pop.size", format!("{stated} stated, {n} counted"));
    }
}

/// CHK-21: no sample is larger than the cohort.
fn sample(r: &mut Reader<'_>) {
    let sample = r.value("pop.sample_size");
    let persons = sample.get("unit").and_then(Value::as_str) == Some("persons");
    let wanted = sample.get("amount").and_then(Value::as_f64).unwrap_or(0.0);
    let size = r.value("pop.size").as_f64().unwrap_or(0.0);
    if persons && size > 0.0 && wanted > size {
        let level = if r.text("pop.size_kind") == "exact" { Level::Block } else { Level::Warn };
        r.find_at(level, "CHK-21", "pop.sample_size", format!("{wanted} of {size}"));
    }
}

/// CHK-22: detail that others did not need, and combinations that recognise persons.
fn detail(r: &mut Reader<'_>) {
    const FROM_FINE: [&str; 4] = ["day", "month", "quarter", "year"];
    let rank = |level: &str| FROM_FINE.iter().position(|known| *known == level);
    let lines: Vec<_> = r.cart().collect();
    for (item, facts) in &lines {
        if let Some(peer) = r.env.outside.peer_granularity(&facts.id)
            && let (Some(own), Some(others)) = (rank(&item.granularity), rank(&peer))
            && own < others
        {
            r.find("CHK-22", format!("cart.items.{}", facts.id), format!("others needed no more than {peer}"));
        }
    }
    let days = lines.iter().any(|(item, _)| item.granularity == "day");
    let place = lines.iter().any(|(_, f)| f.id.to_lowercase().contains("kommune"));
    let diagnosis = lines.iter().any(|(_, f)| f.sensitive && f.kind == VariableKind::Code);
    if days && place && diagnosis {
        r.find("CHK-22", "cart.items", "dates to the day, municipality and diagnosis together");
    }
}

/// CHK-23: the plan mentions every role that a variable has.
fn roles(r: &mut Reader<'_>) {
    if !r.asks("use.aim") {
        return;
    }
    let plan = ["use.aim", "use.why", "use.why_pseudo"].map(|id| r.text(id).to_lowercase()).join(" ");
    let words = |role: &str| -> &[&str] {
        match role {
            "exposure" => &["ekspon", "exposure", "exposed", "behandling", "treatment", "risiko", "risk"],
            "outcome" => &["utfall", "outcome", "endepunkt", "endpoint", "dør", "døyr", "død", "death", "resultat"],
            "covariate" => {
                &["kovariat", "covariate", "juster", "adjust", "konfund", "confound", "forskjell", "skilnad"]
            }
            "control_matching" => &["kontroll", "control", "match"],
            _ => &[""],
        }
    };
    let roles: BTreeMap<&str, &str> = r.cart().map(|(item, f)| (item.role.as_str(), f.id.as_str())).collect();
    for (role, variable) in roles.into_iter().filter(|(role, _)| !role.is_empty()) {
        if !words(role).iter().any(|word| plan.contains(word)) {
            r.find("CHK-23", "use.aim", format!("{variable} is a variable of the role {role}"));
        }
    }
}

/// CHK-24: no more than three fifths of a collection.
fn share(r: &mut Reader<'_>) {
    let mut taken: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, facts) in r.cart() {
        *taken.entry(&facts.collection).or_default() += 1;
    }
    for (collection, n) in taken {
        // Of a handful of variables most may be needed.
        let size = r.env.outside.collection_size(collection).filter(|size| *size >= 10);
        if let Some(size) = size
            && n * 5 > size * 3
        {
            r.find("CHK-24", "cart.items", format!("{n} of the {size} variables of {collection}"));
        }
    }
}

/// CHK-40: tables of which little would be shown.
fn tables(r: &mut Reader<'_>) {
    for (i, _) in r.rows("tab.tables").iter().enumerate() {
        match r.env.outside.small_cells(i) {
            Some(share) if share > 30 => {
                r.find("CHK-40", format!("tab.tables.{i}"), format!("{share} per cent of the cells"));
            }
            Some(_) => {}
            None => r.unverified("CHK-40", format!("tab.tables.{i}")),
        }
    }
}
