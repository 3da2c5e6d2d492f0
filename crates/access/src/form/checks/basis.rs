//! Legal grounds: purposes, prohibited use, consent, ethics approval, dispensation, relatives and external data
//! (CHK-04, 05, 07, 09, 10, 16, 26, 38, 39).

use serde_json::Value;

use super::super::check::Level;
use super::{Reader, day, part};

pub(super) fn run(r: &mut Reader<'_>) {
    purposes(r);
    prohibited(r);
    consent(r);
    ethics(r);
    relatives(r);
    external(r);
    if r.text("no.dpia") == "in_progress" {
        r.find_at(Level::Warn, "CHK-26", "no.dpia", "the assessment is not finished");
    }
}

/// CHK-04: article 53(2).
fn purposes(r: &mut Reader<'_>) {
    let entitled = r.yes("app.public_body") || !r.text("app.mandate_ref").trim().is_empty();
    let reserved = ["a", "b", "c"].into_iter().find(|purpose| r.chose("pub.purposes", purpose));
    if let Some(purpose) = reserved
        && !entitled
    {
        r.find("CHK-04", "pub.purposes", format!("purpose {purpose} is for public bodies and their mandates"));
    }
}

/// CHK-05: article 54.
fn prohibited(r: &mut Reader<'_>) {
    let answers = r.value("use.prohibited").as_object().into_iter().flatten();
    let yes: Vec<&String> = answers.filter(|(_, value)| **value == Value::Bool(true)).map(|(name, _)| name).collect();
    for name in yes {
        r.find("CHK-05", format!("use.prohibited.{name}"), "this use is prohibited");
    }
}

/// CHK-07 and CHK-10.
fn consent(r: &mut Reader<'_>) {
    let consented = r.yes("pop.consented");
    for field in ["proc.gdpr6", "no.gdpr9"] {
        if r.chose(field, "a") && !consented {
            r.find("CHK-07", field, "consent is the basis of a cohort that is not formed by consent");
        }
    }
    let covered = consented && r.yes("pop.consent_covers");
    let prior = !r.rows("pop.prior_permit").is_empty();
    let answered = r.value("no.dispensation").is_boolean();
    if r.asks("no.dispensation")
        && answered
        && r.text("use.format") == "pseudonymised"
        && !covered
        && !prior
        && !r.yes("no.dispensation")
    {
        r.find("CHK-10", "no.dispensation", "neither consent nor dispensation nor an earlier permit");
    }
}

/// CHK-09 and CHK-16.
fn ethics(r: &mut Reader<'_>) {
    if let (Some(valid), Some((_, end))) = (day(r.value("no.rek"), "valid_to"), r.period())
        && part(r.value("no.rek"), "status") == "approved"
        && valid < end
    {
        r.find("CHK-09", "no.rek.valid_to", format!("the approval ends on {valid}, access on {end}"));
    }
    const TOO_OFTEN: [&str; 12] = [
        "måned",
        "månad",
        "monthly",
        "every month",
        "uke",
        "veke",
        "weekly",
        "every week",
        "daglig",
        "dagleg",
        "daily",
        "every day",
    ];
    let described = r.text("pop.recur_desc").to_lowercase();
    // "every six months" is no more often than quarterly; a bare "monthly" is.
    let counted = described.chars().any(|c| c.is_ascii_digit());
    if r.text("pop.recur") == "other" && !counted && TOO_OFTEN.iter().any(|word| described.contains(word)) {
        r.find("CHK-16", "pop.recur", "more often than every quarter");
    }
}

/// CHK-38: relatives are persons of their own.
fn relatives(r: &mut Reader<'_>) {
    let relatives = r.value("pop.relatives");
    let asked = relatives.get("yes_no").and_then(Value::as_bool) == Some(true);
    let basis = r.yes("no.dispensation") || !part(relatives, "prior_permit").is_empty();
    if asked && r.asks("no.dispensation") && !basis {
        r.find("CHK-38", "pop.relatives", "relatives have no legal basis of their own");
    }
}

/// CHK-39: data with direct identifiers.
fn external(r: &mut Reader<'_>) {
    let direct = r.rows("ext.items").iter().any(|item| part(item, "identifiers") == "direct");
    if direct && r.rows("ext.permits").is_empty() && !r.yes("pop.consented") {
        r.find("CHK-39", "ext.permits", "data with direct identifiers need a permit or consent");
    }
}
