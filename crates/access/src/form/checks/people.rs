//! Persons, organisations, rooms and invoices (CHK-13, 14, 15, 27, 28, 29, 30, 31, 35, 37).

use std::collections::BTreeSet;

use super::super::check::Level;
use super::super::outside::{Decides, OrganisationState};
use super::super::range;
use super::{Reader, part};
use crate::rules;

pub(super) fn run(r: &mut Reader<'_>) {
    affiliations(r);
    exclusion(r);
    room(r);
    period(r);
    organisations(r);
    invoice(r);
    other_cases(r);
}

/// CHK-13: every organisation of a person takes part in the project.
fn affiliations(r: &mut Reader<'_>) {
    let name = |value: &serde_json::Value| part(value, "name").to_lowercase();
    let mut known: BTreeSet<String> = [r.text("app.name").trim().to_lowercase()].into();
    known.extend(r.rows("proc.controllers").iter().chain(r.rows("app.consortium")).map(name));
    known.extend([r.value("pub.leader_org"), r.value("no.controller")].map(name));
    known.extend(r.rows("no.processors").iter().filter_map(|row| row.get("organisation")).map(name));
    for (i, person) in r.rows("proc.persons").iter().enumerate() {
        let own = part(person, "affiliation").to_lowercase();
        if !own.is_empty() && !known.contains(&own) {
            r.find("CHK-13", format!("proc.persons.{i}.affiliation"), "the organisation takes no part in the project");
        }
    }
}

/// CHK-14: nobody is on the exclusion list.
fn exclusion(r: &mut Reader<'_>) {
    if !r.asks("proc.controllers") {
        return;
    }
    let persons =
        r.rows("proc.persons").iter().enumerate().map(|(i, p)| (format!("proc.persons.{i}"), part(p, "email")));
    let named: Vec<(String, &str)> = persons.chain([("app.orgnr".to_owned(), r.text("app.orgnr"))]).collect();
    let mut unknown = false;
    for (place, who) in named.into_iter().filter(|(_, who)| !who.is_empty()) {
        match r.env.outside.excluded(who) {
            Some(true) => r.find("CHK-14", place, "on the exclusion list"),
            Some(false) => {}
            None => unknown = true,
        }
    }
    if unknown {
        r.unverified("CHK-14", "proc.persons");
    }
}

/// CHK-27, CHK-28 and CHK-29.
fn room(r: &mut Reader<'_>) {
    let id = r.text("proc.room");
    if id.is_empty() || !r.asks("proc.room_needs") {
        return;
    }
    let Some(room) = r.env.outside.room(id) else {
        r.unverified("CHK-28", "proc.room");
        return;
    };
    if r.yes("proc.third_country") && !room.third_countries {
        r.find("CHK-27", "proc.third_country", "the room lets nobody in from outside the European Economic Area");
    }
    if !room.person_level {
        r.find("CHK-28", "proc.room", "the room is not approved for person-level health data");
    }
    if let (Some(until), Some((_, end))) = (room.approved_until, r.period())
        && until < end
    {
        r.find("CHK-28", "proc.room", format!("the room is approved until {until}, access ends on {end}"));
    }
    const TOOLS: [&str; 10] = ["r", "python", "stata", "sas", "spss", "matlab", "julia", "gpu", "spark", "tensorflow"];
    let needs = r.text("proc.room_needs").to_lowercase();
    // "no GPU" asks for none.
    let words: Vec<&str> = needs.split(|c: char| !c.is_alphanumeric()).filter(|w| !w.is_empty()).collect();
    let denied =
        |i: usize| i > 0 && matches!(words[i - 1], "ingen" | "ikke" | "ikkje" | "no" | "without" | "uten" | "utan");
    let asked = words.iter().enumerate().filter(|(i, word)| TOOLS.contains(word) && !denied(*i)).map(|(_, word)| *word);
    let missing: BTreeSet<&str> = asked.filter(|tool| !room.tools.iter().any(|known| known == tool)).collect();
    if !room.tools.is_empty() && !missing.is_empty() {
        let list: Vec<&str> = missing.into_iter().collect();
        r.find("CHK-29", "proc.room_needs", list.join(", "));
    }
}

/// CHK-15: access does not end before the last extraction that is asked for.
fn period(r: &mut Reader<'_>) {
    let periods = r.value("cart.periods").as_object().into_iter().flatten();
    let last = periods.filter_map(|(_, value)| range(value)).map(|(_, to)| to).max();
    if let (Some(last), Some((_, end))) = (last, r.period())
        && end < last
    {
        r.find("CHK-15", "proc.period", format!("data are asked for until {last}, access ends on {end}"));
    }
}

/// CHK-30: numbers that are in the Entity Register.
fn organisations(r: &mut Reader<'_>) {
    if !r.asks("app.functions") {
        return;
    }
    let numbers: Vec<(&str, &str)> = ["app.orgnr", "pay.orgnr"].map(|id| (id, r.text(id))).to_vec();
    let mut asked = BTreeSet::new();
    for (field, number) in numbers.into_iter().filter(|(_, number)| rules::is_orgnr(number)) {
        if !asked.insert(number) {
            continue;
        }
        match r.env.outside.organisation(number) {
            None => r.unverified("CHK-30", field),
            Some(OrganisationState::Active) => {}
            Some(OrganisationState::Bankrupt) => r.find_at(Level::Warn, "CHK-30", field, "bankrupt or being wound up"),
            Some(OrganisationState::Deleted) => r.find("CHK-30", field, "deleted in the register"),
            Some(OrganisationState::Unknown) => r.find("CHK-30", field, "not in the register"),
        }
    }
}

/// CHK-31: an e-invoice reaches its receiver.
fn invoice(r: &mut Reader<'_>) {
    let endpoint = r.text("pay.endpoint").trim();
    if r.text("pay.type") != "ehf" || endpoint.is_empty() {
        return;
    }
    // 0192 is the scheme of Norwegian organisation numbers.
    if let Some(number) = endpoint.strip_prefix("0192:")
        && !rules::is_orgnr(number)
    {
        r.find("CHK-31", "pay.endpoint", "0192 is followed by an organisation number");
        return;
    }
    match r.env.outside.receives_invoice(endpoint) {
        Some(true) => {}
        Some(false) => r.find("CHK-31", "pay.endpoint", "the receiver receives no e-invoices"),
        None => r.unverified("CHK-31", "pay.endpoint"),
    }
}

/// CHK-35 and CHK-37.
fn other_cases(r: &mut Reader<'_>) {
    let similar = r.env.outside.similar_cases().unwrap_or_default();
    if !similar.is_empty() {
        r.find("CHK-35", "cart.items", similar.join(", "));
    }
    let sources: BTreeSet<&str> = r.cart().map(|(_, facts)| facts.source.as_str()).collect();
    if !r.asks("cart.bodies") {
        return;
    }
    let mut unknown = false;
    for source in sources {
        match r.env.outside.decides(source) {
            Some(Decides::ThisBody) => {}
            Some(Decides::Other(body)) => r.find("CHK-37", "cart.bodies", format!("{source}: {body}")),
            None => unknown = true,
        }
    }
    if unknown {
        r.unverified("CHK-37", "cart.bodies");
    }
}
