//! The public register (ACC-180 to ACC-182): what everybody may know of applications, decisions and results. An entry
//! follows its case in the transaction of the event, and shows itself from its day on. What is masked or not public is
//! not stored in it, so that no search finds it.

use std::collections::BTreeSet;

use kernel::{Date, Problem, workdays};
use protocol::documents::Permit;
use serde_json::{Map, Value, json};
use store::{Row, Tx, params};

use super::Access;
use crate::AccessError;
use crate::content::Content;
use crate::form::{self, Audience};
use crate::model::{Case, Dossier, Recorded};
use crate::sql::{self, like, parse};
use crate::views::{Page, RegisterEntry, public_decision};

/// Most entries of a file or feed of the register.
const WHOLE: i64 = 100_000;

impl Access {
    /// What follows from events of a case for others: the public register, addresses, messages.
    pub(super) async fn tell_others(
        &self,
        tx: &mut Tx,
        after: &sql::Loaded,
        events: &[Recorded],
        content: Option<&Content>,
        permit: Option<&Permit>,
    ) -> Result<(), AccessError> {
        let Some(dossier) = after.case.dossier() else { return Ok(()) };
        let (number, now) = (&dossier.number, self.zone.now());
        // A change is public with its permit.
        if dossier.change.is_some() {
            return self.notify(tx, after, events, now).await;
        }
        let happened = |names: &[&str]| events.iter().any(|event| names.contains(&event.event.name()));
        if let Some(content) = content
            && happened(&["submitted", "info_received"])
        {
            self.keep_contact(tx, after.case.applicant(), content, now).await?;
            self.publish_application(tx, dossier, content).await?;
        } else if happened(&["confidentiality_decided"]) {
            let content = sql::revision(tx, &self.zone, after.id, dossier.revision).await?;
            if let Some(content) = content {
                self.publish_application(tx, dossier, &content).await?;
            }
        }
        if let Case::Decided(decided) = &after.case
            && happened(&[
                "decision_issued",
                "permit_issued",
                "permit_revoked",
                "permit_expired",
                "permit_version_issued",
                "decision_corrected",
                "decision_reversed",
            ])
        {
            let on = workdays::add_working_days(self.zone.clock.today(), self.settings.publish_decision_after);
            let issued = decided.issued_at.date_in_oslo();
            let decision = public_decision(&decided.decision, permit, &decided.number, issued);
            decide(tx, number, on, &decision).await?;
        }
        if let Case::Withdrawn(_) = &after.case
            && !events.is_empty()
        {
            withdraw(tx, number).await?;
        }
        self.notify(tx, after, events, now).await
    }

    async fn publish_application(&self, tx: &mut Tx, dossier: &Dossier, content: &Content) -> Result<(), AccessError> {
        let submitted = dossier.submitted_at.date_in_oslo();
        let on = workdays::add_working_days(submitted, self.settings.publish_after);
        let masked = masked(dossier, content);
        let entry = application(content, &dossier.number, submitted, &masked);
        let masked: Vec<&String> = masked.iter().collect();
        put(tx, &dossier.number, on, &entry, &masked).await
    }

    /// The public register, newest first. No login.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn register(&self, q: &str, from: i64, size: i64) -> Result<Page<RegisterEntry>, Problem> {
        self.register_part(q, from, if size <= 0 { 25 } else { size.min(100) }).await
    }

    /// The whole register, for files: newest first.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn whole_register(&self, q: &str) -> Result<Vec<RegisterEntry>, Problem> {
        Ok(self.register_part(q, 0, WHOLE).await?.items)
    }

    async fn register_part(&self, q: &str, from: i64, size: i64) -> Result<Page<RegisterEntry>, Problem> {
        let (today, from) = (self.zone.clock.today(), from.max(0));
        let found =
            self.zone.store.read("access.register", async |tx: &mut Tx| search(tx, today, q, from, size).await).await;
        let (rows, total) = found.map_err(Problem::from)?;
        Ok(Page { items: rows.into_iter().map(|row| entry(row, today)).collect(), total, more: false, from, size })
    }

    /// One entry of the public register.
    ///
    /// # Errors
    /// Not found while it is not public.
    pub async fn register_entry(&self, number: &str) -> Result<RegisterEntry, Problem> {
        let today = self.zone.clock.today();
        let found = self.zone.store.read("access.register", async |tx: &mut Tx| one(tx, today, number).await).await;
        let row = found.map_err(Problem::from)?.ok_or_else(|| Problem::not_found("entry"))?;
        Ok(entry(row, today))
    }

    /// Adds a result to the entry of a case: title, address, summary. Called when a report with results is accepted.
    ///
    /// # Errors
    /// Those of the database; not found without an entry.
    pub async fn publish_result(&self, tx: &mut Tx, number: &str, result: &Value) -> Result<(), AccessError> {
        let row = tx.query_opt("SELECT results FROM access_register WHERE number = $1", params![number]).await?;
        let row = row.ok_or_else(|| Problem::not_found("entry"))?;
        let mut results: Vec<Value> = row.get::<Option<String>>(0)?.map(|t| parse(&t)).transpose()?.unwrap_or_default();
        if !results.contains(result) {
            results.push(without_addresses(result));
        }
        let results = Value::Array(results).to_string();
        tx.execute("UPDATE access_register SET results = $2 WHERE number = $1", params![number, results]).await?;
        Ok(())
    }
}

/// The fields that the register leaves out: those the applicant asks for, until the handler has decided (ACC-181). The
/// title is always shown.
fn masked(dossier: &Dossier, content: &Content) -> BTreeSet<String> {
    let asked = content.fields.get("add.confidential").and_then(Value::as_array).into_iter().flatten();
    let asked = asked.filter_map(|row| row.get("field").and_then(Value::as_str)).map(str::to_owned);
    let mut masked: BTreeSet<String> = asked.collect();
    for (field, decided) in &dossier.confidentiality {
        if decided.confidential {
            masked.insert(field.clone());
        } else {
            masked.remove(field);
        }
    }
    masked.remove("pub.title");
    masked
}

/// The fields that everybody may see (audience P) minus the masked ones, with the sources and variables.
fn application(content: &Content, number: &str, submitted: Date, masked: &BTreeSet<String>) -> Value {
    let form = form::form(&content.form, &content.form_version).unwrap_or_else(|| form::short_form());
    let is_masked = |id: &str| masked.contains(id) || masked.iter().any(|m| id.starts_with(&format!("{m}.")));
    let mut fields = Map::new();
    for field in form.fields().filter(|field| field.audience == Audience::Public && !is_masked(&field.id)) {
        if let Some(value) = content.fields.get(&field.id) {
            fields.insert(field.id.clone(), without_addresses(value));
        }
    }
    // The responsible person is public by name, never by address (ACC-182).
    match content.responsible().filter(|_| !is_masked("use.responsible")) {
        Some(person) => drop(fields.insert("use.responsible".into(), Value::String(person.name.clone()))),
        None => drop(fields.remove("use.responsible")),
    }
    if content.text("app.kind") == "natural" {
        fields.remove("app.orgnr");
    }
    if let Some(size) = content.fields.get("pop.size").and_then(Value::as_u64).filter(|_| !is_masked("pop.size")) {
        fields.insert("pop.size".into(), Value::String(size_class(size).into()));
    }
    let mut sources: Vec<Value> = Vec::new();
    let mut variables: Vec<Value> = Vec::new();
    if !is_masked("cart.sources") {
        for source in content.order().sources() {
            sources.push(json!({"id": source, "name": content.source_name(source)}));
        }
    }
    if !is_masked("cart.items") {
        let variable = |item: &crate::content::ContentItem| json!({"id": item.order.variable, "label": item.label, "source": item.order.source});
        variables.extend(content.items.iter().map(variable));
    }
    json!({"number": number, "title": content.text("pub.title"), "submitted_on": submitted,
        "fields": fields, "sources": sources, "variables": variables})
}

/// A value without e-mail addresses: they are never public (ACC-182), even when somebody wrote one into a text.
fn without_addresses(value: &Value) -> Value {
    match value {
        Value::String(text) if text.contains('@') => {
            let word = |word: &str| {
                let core = word.trim_matches(|c: char| !c.is_alphanumeric());
                let is_address = core.split_once('@').is_some_and(|(a, b)| !a.is_empty() && b.contains('.'));
                if is_address { "(…)".to_owned() } else { word.to_owned() }
            };
            Value::String(text.split(' ').map(word).collect::<Vec<_>>().join(" "))
        }
        Value::Array(items) => items.iter().map(without_addresses).collect(),
        Value::Object(map) => {
            let public = map.iter().filter(|(key, _)| !matches!(key.as_str(), "email" | "phone"));
            Value::Object(public.map(|(key, value)| (key.clone(), without_addresses(value))).collect())
        }
        other => other.clone(),
    }
}

fn size_class(n: u64) -> &'static str {
    match n {
        0..=999 => "<1000",
        1_000..=9_999 => "1000-9999",
        10_000..=99_999 => "10000-99999",
        100_000..=999_999 => "100000-999999",
        _ => ">=1000000",
    }
}

/// A withdrawn case shows title and status only; a decision from its day on (ACC-181).
fn entry(row: RegisterRow, today: Date) -> RegisterEntry {
    let text = |name: &str| row.entry[name].as_str().unwrap_or_default().to_owned();
    let decision = row.decision.filter(|(on, _)| *on <= today && !row.withdrawn);
    let decided_on = decision.as_ref().map(|(on, _)| *on);
    let status = match (row.withdrawn, &decision) {
        (true, _) => "withdrawn",
        (false, Some(_)) => "decided",
        (false, None) => "received",
    };
    let application = match (&row.entry, row.withdrawn) {
        (Value::Object(map), false) => map.clone(),
        _ => Map::new(),
    };
    RegisterEntry {
        number: text("number"),
        title: text("title"),
        status,
        published_on: row.published_on,
        decided_on,
        application,
        decision: decision.map(|(_, decision)| decision),
        masked: if row.withdrawn { Vec::new() } else { row.masked },
        results: if row.withdrawn { Vec::new() } else { row.results },
    }
}

/// A row of the public register.
struct RegisterRow {
    entry: Value,
    published_on: Date,
    decision: Option<(Date, Value)>,
    withdrawn: bool,
    masked: Vec<String>,
    results: Vec<Value>,
}

const COLUMNS: &str = "entry, decided_on, decision, withdrawn, published_on, masked, results";

fn register_row(row: &Row) -> Result<RegisterRow, AccessError> {
    let decision = match (row.get::<Option<Date>>(1)?, row.get::<Option<String>>(2)?) {
        (Some(on), Some(decision)) => Some((on, parse(&decision)?)),
        _ => None,
    };
    Ok(RegisterRow {
        entry: parse(&row.get::<String>(0)?)?,
        decision,
        withdrawn: row.get(3)?,
        published_on: row.get(4)?,
        masked: row.get::<Option<String>>(5)?.map(|text| parse(&text)).transpose()?.unwrap_or_default(),
        results: row.get::<Option<String>>(6)?.map(|text| parse(&text)).transpose()?.unwrap_or_default(),
    })
}

/// Every text of an entry, for the search.
fn words(value: &Value, out: &mut String) {
    match value {
        Value::String(text) => {
            out.push_str(text);
            out.push(' ');
        }
        Value::Array(items) => items.iter().for_each(|item| words(item, out)),
        Value::Object(map) => map.values().for_each(|item| words(item, out)),
        _ => {}
    }
}

async fn put(
    tx: &mut Tx,
    number: &str,
    published_on: Date,
    entry: &Value,
    masked: &[&String],
) -> Result<(), AccessError> {
    let mut search = String::new();
    words(entry, &mut search);
    tx.execute(
        "INSERT INTO access_register (number, published_on, withdrawn, entry, search, masked)
         VALUES ($1, $2, 0, $3, $4, $5)
         ON CONFLICT (number) DO UPDATE SET entry = excluded.entry, search = excluded.search, masked = excluded.masked",
        params![number, published_on, entry.to_string(), search.to_lowercase(), sql::text(&masked)?],
    )
    .await?;
    Ok(())
}

async fn decide(tx: &mut Tx, number: &str, on: Date, decision: &Value) -> Result<(), AccessError> {
    tx.execute(
        "UPDATE access_register SET decided_on = COALESCE(decided_on, $2), decision = $3 WHERE number = $1",
        params![number, on, decision.to_string()],
    )
    .await?;
    Ok(())
}

/// Title and number alone stay, for the eye and for the search.
async fn withdraw(tx: &mut Tx, number: &str) -> Result<(), AccessError> {
    let row = tx.query_opt("SELECT entry FROM access_register WHERE number = $1", params![number]).await?;
    let Some(row) = row else { return Ok(()) };
    let entry: Value = parse(&row.get::<String>(0)?)?;
    let kept = json!({"number": number, "title": entry["title"], "submitted_on": entry["submitted_on"]});
    let search = format!("{number} {}", kept["title"].as_str().unwrap_or_default()).to_lowercase();
    tx.execute(
        "UPDATE access_register SET withdrawn = 1, entry = $2, search = $3 WHERE number = $1",
        params![number, kept.to_string(), search],
    )
    .await?;
    Ok(())
}

async fn search(
    tx: &mut Tx,
    today: Date,
    q: &str,
    from: i64,
    size: i64,
) -> Result<(Vec<RegisterRow>, i64), AccessError> {
    let like = like(q);
    let filter = "published_on <= $1 AND search LIKE $2 ESCAPE '!'";
    let count = format!("SELECT COUNT(*) FROM access_register WHERE {filter}");
    let total = tx.query_one(&count, params![today, &like]).await?.get(0)?;
    let page = format!(
        "SELECT {COLUMNS} FROM access_register WHERE {filter} ORDER BY published_on DESC, number DESC LIMIT $3 OFFSET $4"
    );
    let rows = tx.query(&page, params![today, &like, size, from]).await?;
    Ok((rows.iter().map(register_row).collect::<Result<_, _>>()?, total))
}

async fn one(tx: &mut Tx, today: Date, number: &str) -> Result<Option<RegisterRow>, AccessError> {
    let sql = format!("SELECT {COLUMNS} FROM access_register WHERE published_on <= $1 AND number = $2");
    tx.query_opt(&sql, params![today, number]).await?.map(|row| register_row(&row)).transpose()
}

/// When an entry last changed for the public, for feeds of news.
pub fn changed_on(entry: &RegisterEntry) -> Date {
    entry.decided_on.unwrap_or(entry.published_on)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(fields: Value) -> Content {
        let Value::Object(fields) = fields else { panic!("an object") };
        let form = form::short_form();
        Content {
            form: form.id.clone(),
            form_version: form.version.clone(),
            profile: "NO/1".into(),
            applicant: "a".into(),
            fields,
            items: Vec::new(),
            periods: Default::default(),
            persons: Vec::new(),
            checks: Vec::new(),
        }
    }

    #[test]
    fn acc_181_masked_fields_are_not_in_the_entry_nor_found() {
        let content =
            content(json!({"pub.title": "Hjerneslag", "pub.summary": "Hemmelig metode", "app.name": "Universitetet",
            "use.why": "Bare for saksbehandler", "pop.size": 5000}));
        let none = application(&content, "A-2026-000001", Date::from_days(20_000), &BTreeSet::new());
        assert_eq!(none["fields"]["pub.summary"], "Hemmelig metode");
        assert_eq!(none["fields"]["pop.size"], "1000-9999");
        assert!(none["fields"].get("use.why").is_none(), "audience R");
        let masked = ["pub.summary", "pop.size"].map(str::to_owned).into();
        let masked = application(&content, "A-2026-000001", Date::from_days(20_000), &masked);
        let mut found = String::new();
        words(&masked, &mut found);
        assert!(masked["fields"].get("pub.summary").is_none() && masked["fields"].get("pop.size").is_none());
        assert!(found.contains("Universitetet") && !found.contains("Hemmelig") && !found.contains("1000"));
    }

    #[test]
    fn acc_182_addresses_are_taken_out_of_texts() {
        let value = json!({"text": "Spør kari@universitetet.no, eller ring.", "email": "x@y.no", "rows": [{"a": "b@c.de"}], "at": "5 @ 10"});
        let expected = json!({"text": "Spør (…) eller ring.", "rows": [{"a": "(…)"}], "at": "5 @ 10"});
        assert_eq!(without_addresses(&value), expected);
    }
}
