//! The steps of the tour, in the order of the chain.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::Guide;
use super::client::{Persona, Site};

/// What the researcher wants: three registers around strokes.
const WANTED: [(&str, &str); 6] = [
    ("npr.somatikk.hovedtilstand", "population"),
    ("npr.somatikk.innDato", "exposure"),
    ("lmr.main.ATCKode", "covariate"),
    ("lmr.main.UtleveringDato", "covariate"),
    ("ssb_fdb.main.BEFOLKNING_KJOENN", "covariate"),
    ("dar.main.DODSDATO", "outcome"),
];

const SCRIPT: &str = "require no.ssb.fdb:1 as db
create-dataset people
import db/BEFOLKNING_KJOENN as sex
import db/SIVSTANDFDT_SIVSTAND 2020-01-01 as marital
import db/INNTEKT_WLONN 2020-01-01 as wage
generate high = wage > 500000
tabulate marital sex
summarize wage
barchart (percent) marital
";

pub async fn walk(site: &Site, guide: &mut Guide) -> anyhow::Result<()> {
    let mut researcher = Persona::nobody(site)?;
    let wanted = find(&mut researcher, guide).await?;
    explore(site, &mut researcher, guide).await?;
    let case = apply(&researcher, &wanted, guide).await?;
    let series = decide(site, &researcher, &case, guide).await?;
    deliver(&researcher, &series, wanted.sources.len(), guide).await?;
    let before = citizen(site, &series, guide).await?;
    child(site, guide).await?;
    let second = again(site, &mut researcher, &wanted, guide).await?;
    left_out(site, &second, before, guide).await?;
    oversight(site, guide).await
}

/// What was put in the cart.
struct Wanted {
    variables: Vec<(String, String)>,
    sources: Vec<String>,
}

async fn find(researcher: &mut Persona, guide: &mut Guide) -> anyhow::Result<Wanted> {
    let right = researcher.get("/api/v1/catalogue/search?q=sivilstand").await?;
    let typo = researcher.get("/api/v1/catalogue/search?q=sivilstnad").await?;
    ensure!(right["total"].as_u64() > Some(0), "no variable is called sivilstand");
    ensure!(typo["total"].as_u64() > Some(0), "a typing error finds nothing");
    guide.step(format!(
        "found {} variables for «sivilstand», and {} with a typing error",
        right["total"], typo["total"]
    ));
    let wanted = put_in_cart(researcher).await?;
    guide.step(format!(
        "{} variables of {} sources are in the cart, without login",
        wanted.variables.len(),
        wanted.sources.len()
    ));
    Ok(wanted)
}

/// Fills the cart with what the researcher wants; a name that is spelled otherwise here is found by search.
async fn put_in_cart(researcher: &Persona) -> anyhow::Result<Wanted> {
    let mut wanted = Wanted { variables: Vec::new(), sources: Vec::new() };
    for (id, role) in WANTED {
        let variable = match researcher.get(&format!("/api/v1/catalogue/variables/{id}")).await {
            Ok(variable) => variable,
            Err(_) => nearest(researcher, id).await?,
        };
        let id = variable["id"].as_str().context("a variable has an id")?.to_owned();
        researcher.post("/api/v1/cart", json!({ "variable": id })).await?;
        let source = variable["source"].as_str().unwrap_or_default().to_owned();
        if !wanted.sources.contains(&source) {
            wanted.sources.push(source);
        }
        wanted.variables.push((id, role.to_owned()));
    }
    let cart = researcher.get("/api/v1/cart").await?;
    ensure!(cart.as_array().map(Vec::len) == Some(WANTED.len()), "the cart does not hold what was put in it");
    Ok(wanted)
}

async fn nearest(researcher: &Persona, id: &str) -> anyhow::Result<Value> {
    let source = id.split('.').next().unwrap_or_default();
    let name = id.rsplit('.').next().unwrap_or_default();
    let found = researcher.get(&format!("/api/v1/catalogue/search?q={name}&source={source}&available=yes")).await?;
    let first =
        found["hits"][0]["variable"].as_str().with_context(|| format!("{id} is not in the catalogue"))?.to_owned();
    researcher.get(&format!("/api/v1/catalogue/variables/{first}")).await
}

async fn explore(site: &Site, researcher: &mut Persona, guide: &mut Guide) -> anyhow::Result<()> {
    let checked = researcher.post("/api/v1/explore/check", json!({"script": "tabulate kjoen\n"})).await?;
    ensure!(checked["problems"][0]["line"] == 1, "an error in a script has no place");
    let (status, _) = researcher.refused("/api/v1/explore/run", json!({ "script": SCRIPT })).await?;
    ensure!(status == 401, "a script ran without login");
    researcher.become_persona("researcher").await?;
    let run = researcher.post("/api/v1/explore/run", json!({ "script": SCRIPT })).await?;
    ensure!(run["state"] == "finished", "the script did not finish: {}", run["diagnostics"]);
    let results = run["released"]["results"].as_array().map(Vec::len).unwrap_or_default();
    ensure!(results >= 3, "table, summary and bar chart were expected, {results} results came");
    guide.step(format!("a script over linked registers ran through the gate: {results} released results"));
    let again = researcher.post("/api/v1/explore/run", json!({ "script": SCRIPT })).await?;
    ensure!(again["released"]["results"] == run["released"]["results"], "the same script gave other numbers");
    guide.step("the same question gives the same numbers: noise cannot be averaged away");
    let tiny = format!("{SCRIPT}keep if wage == 123456789\n");
    let tiny = researcher.post("/api/v1/explore/run", json!({ "script": tiny })).await?;
    let refused = tiny["diagnostics"].as_array().is_some_and(|d| !d.is_empty());
    ensure!(refused, "a dataset of almost nobody was allowed");
    guide.step("a dataset of almost nobody is refused, with the reason");
    let student = Persona::login(site, "student").await?;
    let id = run["id"].as_str().unwrap_or_default();
    let status = student.status(&format!("/api/v1/explore/runs/{id}")).await?;
    ensure!(status == 404 || status == 403, "another account could open the run: {status}");
    guide.step("nobody else can open the researcher's run");
    Ok(())
}

/// The answers of the form, for the sources in the cart.
fn answers(collections: &[String], title: &str, today: kernel::Date) -> Value {
    let period = |c: &String| (c.clone(), json!({"from": "2018-01-01", "to": "2022-12-31"}));
    let periods: serde_json::Map<String, Value> = collections.iter().map(period).collect();
    let mut fields = access::form::example(today);
    fields.insert("cart.periods".into(), Value::Object(periods));
    fields.insert("pub.title".into(), json!(title));
    Value::Object(fields)
}

async fn apply(researcher: &Persona, wanted: &Wanted, guide: &mut Guide) -> anyhow::Result<String> {
    let case = fill_in(researcher, wanted, "Dødelighet etter hjerneslag").await?;
    let (status, code) = command_refused(researcher, &case, "submit", json!({}), 1).await?;
    ensure!(status == 409 && code == "version_conflict", "a stale version was accepted: {status} {code}");
    guide.step("the form is filled in from the cart; a stale version is refused");
    let number = command(researcher, &case, "submit", json!({})).await?;
    let number = number["number"].as_str().context("a submitted case has a number")?.to_owned();
    guide.step(format!("application {number} is submitted"));
    Ok(case)
}

async fn fill_in(researcher: &Persona, wanted: &Wanted, title: &str) -> anyhow::Result<String> {
    let made = researcher.post("/api/v1/cases", json!({})).await?;
    let case = made["id"].as_str().context("a case has an id")?.to_owned();
    let draft = researcher.get(&format!("/api/v1/cases/{case}/draft")).await?;
    let collections: Vec<String> =
        draft["collections"].as_array().into_iter().flatten().filter_map(|c| c.as_str().map(str::to_owned)).collect();
    let saved_at = draft["saved_at"].as_str().context("a draft says when it was saved")?;
    let today = saved_at.get(..10).context("a time begins with a date")?.parse()?;
    let mut fields = answers(&collections, title, today);
    attach(researcher, &case, &mut fields).await?;
    researcher.post(&format!("/api/v1/cases/{case}/fields"), json!({ "fields": fields })).await?;
    let items: Vec<Value> = draft["cart"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|line| {
            let id = line["variable_id"].as_str().unwrap_or_default();
            let role = wanted.variables.iter().find(|(v, _)| v == id).map_or("other", |(_, r)| r);
            let level = if id.ends_with("innDato") { "month" } else { line["granularity"].as_str().unwrap_or("as_is") };
            json!({"variable_id": id, "role": role, "granularity": level,
                   "necessity": "Nødvendig for å finne slagene og beskrive behandlingen i prosjektet."})
        })
        .collect();
    command(researcher, &case, "edit_cart", json!({ "items": items })).await?;
    let report = researcher.get(&format!("/api/v1/cases/{case}/check")).await?;
    let draft = researcher.get(&format!("/api/v1/cases/{case}/draft")).await?;
    ensure!(draft["complete"] == true, "the form is not complete: {report}");
    Ok(case)
}

/// Attaches the files that the answers name, and names them by the ids that they get.
async fn attach(researcher: &Persona, case: &str, fields: &mut Value) -> anyhow::Result<()> {
    const TEXT: &[u8] = "Vedlegg til en søknad om syntetiske data.\n".as_bytes();
    for field in ["use.plan", "no.dpo_assessment", "no.rek", "no.dpia_file"] {
        let Some(answer) = fields.get_mut(field) else { continue };
        let file = if answer.get("file").is_some() { &mut answer["file"] } else { answer };
        let name = format!("{}.txt", file["id"].as_str().context("a file of the example has an id")?);
        let sent = researcher.upload(&format!("/api/v1/cases/{case}/files?field={field}&name={name}"), TEXT).await?;
        for part in ["id", "name", "size"] {
            file[part] = sent[part].clone();
        }
    }
    Ok(())
}

async fn version(who: &Persona, case: &str) -> anyhow::Result<i64> {
    let path = format!("/api/v1/cases/{case}");
    let view = match who.get(&path).await {
        Ok(view) => view,
        Err(_) => who.get(&format!("{path}/draft")).await?,
    };
    view["version"].as_i64().context("a case has a version")
}

fn command_id() -> String {
    let mut bytes = [0u8; 16];
    kernel::Random::fill(&crate::system::OsRandom, &mut bytes);
    let h = hex::encode(bytes);
    format!("{}-{}-4{}-8{}-{}", &h[..8], &h[8..12], &h[13..16], &h[17..20], &h[20..32])
}

async fn command(who: &Persona, case: &str, name: &str, payload: Value) -> anyhow::Result<Value> {
    let version = version(who, case).await?;
    let body = json!({"command_id": command_id(), "expected_version": version, "payload": payload});
    who.post(&format!("/api/v1/cases/{case}/commands/{name}"), body).await
}

async fn command_refused(
    who: &Persona,
    case: &str,
    name: &str,
    payload: Value,
    behind: i64,
) -> anyhow::Result<(u16, String)> {
    let version = version(who, case).await? - behind;
    let body = json!({"command_id": command_id(), "expected_version": version, "payload": payload});
    who.refused(&format!("/api/v1/cases/{case}/commands/{name}"), body).await
}

async fn decide(site: &Site, researcher: &Persona, case: &str, guide: &mut Guide) -> anyhow::Result<String> {
    let handler = Persona::login(site, "case-handler-1").await?;
    let decider = Persona::login(site, "decision-maker").await?;
    let (status, _) = command_refused(researcher, case, "start_screening", json!({}), 0).await?;
    ensure!(status == 403, "the applicant could handle the own case");
    let (status, code) = command_refused(&handler, case, "assign_case", json!({}), 0).await?;
    ensure!(status == 409 && code == "interest_not_declared", "staff acted before they declared their interests");
    impartial(&[&handler, &decider], case).await?;
    // Statistics Norway decides on its own data: that warning is looked at by somebody (CHK-37).
    command(&handler, case, "start_screening", json!({})).await?;
    command(&handler, case, "assign_case", json!({})).await?;
    let questions = json!({"kind": "clarification", "questions": [{"field": "use.why", "question": "Hvilke legemidler gjelder det?"}]});
    command(&handler, case, "request_info", questions).await?;
    command(
        researcher,
        case,
        "send_info",
        json!({"answers": [{"field": "use.why", "answer": "Blodfortynnende og blodtrykksmedisin."}]}),
    )
    .await?;
    guide.step("one field was asked about and answered; the clock paused");
    let series = decision(&handler, &decider, researcher, case, guide).await?;
    Ok(series)
}

/// Staff say that they have no conflict of interest in the case.
async fn impartial(staff: &[&Persona], case: &str) -> anyhow::Result<()> {
    for who in staff {
        command(who, case, "declare_interest", json!({"interest": "none"})).await?;
    }
    Ok(())
}

/// From an answered application to the permit; gives its series.
async fn decision(
    handler: &Persona,
    decider: &Persona,
    researcher: &Persona,
    case: &str,
    guide: &mut Guide,
) -> anyhow::Result<String> {
    command(handler, case, "confirm_complete", json!({})).await?;
    let view = handler.get(&format!("/api/v1/cases/{case}")).await?;
    let assess = |c: &Value| json!({"criterion": c["id"], "outcome": "met", "reason": "Vurdert og funnet oppfylt for dette prosjektet."});
    let assessments: Vec<Value> = view["criteria"].as_array().into_iter().flatten().map(assess).collect();
    command(handler, case, "assess_criterion", json!({ "assessments": assessments })).await?;
    command(handler, case, "calculate_fee", json!({})).await?;
    command(handler, case, "offer_terms", json!({})).await?;
    let offer = researcher.get(&format!("/api/v1/cases/{case}")).await?;
    command(researcher, case, "accept_terms", json!({"terms_hash": offer["offer"]["hash"]})).await?;
    let parts: Vec<Value> = view["sources"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|s| json!({"source": s, "outcome": "granted", "reason": "Alle variabler er nødvendige for formålet."}))
        .collect();
    command(handler, case, "propose_decision", json!({ "parts": parts })).await?;
    let (status, _) = command_refused(handler, case, "issue_decision", json!({}), 0).await?;
    ensure!(status == 403, "the one who proposed the decision could issue it");
    command(decider, case, "issue_decision", json!({})).await?;
    guide.step("decided by two persons: the one who proposed could not issue (four eyes)");
    let view = researcher.get(&format!("/api/v1/cases/{case}")).await?;
    let series = view["decision"]["permit"]["series"].as_str().context("a granted case has a permit")?.to_owned();
    let (kind, letter) = researcher.bytes(&format!("/api/v1/cases/{case}/letter.pdf")).await?;
    ensure!(kind == "application/pdf" && letter.starts_with(b"%PDF"), "the decision letter is no PDF");
    guide.step(format!("permit {series} is signed; the letter has {} bytes of PDF", letter.len()));
    Ok(series)
}

async fn deliver(who: &Persona, series: &str, sources: usize, guide: &mut Guide) -> anyhow::Result<()> {
    let path = format!("/api/v1/permits/{series}/deliveries");
    let mut seen = Value::Null;
    for _ in 0..600 {
        // Not found until the permit has become orders.
        seen = who.get(&path).await.unwrap_or_default();
        let deliveries = seen["deliveries"].as_array().cloned().unwrap_or_default();
        let opened = deliveries.iter().filter(|d| d["state"] == "opened" || d["state"]["state"] == "opened").count();
        if opened == sources {
            let receipts = deliveries.iter().map(|d| d["receipts"].as_array().map_or(0, Vec::len)).sum::<usize>();
            guide.step(format!("{opened} registers delivered encrypted packages; the room verified and opened them ({receipts} receipts)"));
            return Ok(());
        }
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    anyhow::bail!("after two minutes not every register's delivery was opened: {seen}")
}

/// Uses that the citizen sees, before she says no.
async fn citizen(site: &Site, series: &str, guide: &mut Guide) -> anyhow::Result<usize> {
    let citizen = Persona::login(site, "citizen").await?;
    let registers = citizen.get("/api/v1/me/registers").await?;
    let found = registers["registers"].as_array().into_iter().flatten().filter(|r| r["status"] == "found").count();
    ensure!(found >= 3, "the citizen is in few registers: {registers}");
    guide.step(format!("the citizen sees that {found} registers hold data about her, and no values"));
    let uses = citizen.get("/api/v1/me/usage").await?;
    let mine = uses["uses"].as_array().into_iter().flatten().filter(|u| u["series"] == series).count();
    ensure!(mine >= 1, "the citizen does not see the use of her data: {uses}");
    guide.step(format!("she sees {mine} uses of her data by this project: what, why, where, until when"));
    let choice = json!({"choice": "reservation", "scope": "npr", "value": true});
    let receipt = citizen.post("/api/v1/me/choices", choice.clone()).await?;
    let repeated = citizen.post("/api/v1/me/choices", choice).await?;
    ensure!(receipt["number"] == repeated["number"], "the same choice twice gave two receipts");
    guide.step(format!(
        "she reserves against the patient register; receipt {}",
        receipt["number"].as_str().unwrap_or_default()
    ));
    Ok(mine)
}

/// A parent looks and chooses for the child, and nobody else can.
async fn child(site: &Site, guide: &mut Guide) -> anyhow::Result<()> {
    let parent = Persona::login(site, "citizen").await?;
    let children = parent.get("/api/v1/me/represented").await?;
    let child = children[0]["account"].as_str().context("the citizen has no child to act for")?.to_owned();
    let stranger = Persona::login(site, "citizen-2").await?;
    let (status, _) = stranger.refused("/api/v1/me/represent", json!({ "account": child })).await?;
    ensure!(status == 403, "another citizen could act for the child: {status}");
    let own = parent.get("/api/v1/me/choices").await?["receipts"].as_array().map_or(0, Vec::len);
    parent.post("/api/v1/me/represent", json!({ "account": child })).await?;
    let registers = parent.get("/api/v1/me/registers").await?;
    ensure!(registers["on_behalf"] == true, "the page is not about the child: {registers}");
    let found = registers["registers"].as_array().into_iter().flatten().filter(|r| r["status"] == "found").count();
    ensure!(found >= 1, "no register holds anything about the child: {registers}");
    let choice = |value: bool| json!({"choice": "reservation", "scope": "npr", "value": value});
    let receipt = parent.post("/api/v1/me/choices", choice(true)).await?;
    let number = receipt["number"].as_str().context("a choice has a receipt")?.to_owned();
    parent.post("/api/v1/me/choices", choice(false)).await?;
    parent.post("/api/v1/me/represent", json!({ "account": null })).await?;
    let after = parent.get("/api/v1/me/choices").await?["receipts"].as_array().map_or(0, Vec::len);
    ensure!(after == own, "the choice for the child was counted as the parent's own");
    guide.step(format!("she acts for her child: {found} registers, receipt {number}; another citizen is refused"));
    Ok(())
}

/// A second application of the same researcher, decided the same way.
async fn again(site: &Site, researcher: &mut Persona, _: &Wanted, guide: &mut Guide) -> anyhow::Result<String> {
    let wanted = put_in_cart(researcher).await?;
    let case = fill_in(researcher, &wanted, "Legemidler etter hjerneslag").await?;
    command(researcher, &case, "submit", json!({})).await?;
    let handler = Persona::login(site, "case-handler-1").await?;
    let decider = Persona::login(site, "decision-maker").await?;
    impartial(&[&handler, &decider], &case).await?;
    // The same leader has a live permit with the same variables: that warning is looked at by somebody.
    command(&handler, &case, "start_screening", json!({})).await?;
    command(&handler, &case, "assign_case", json!({})).await?;
    let series = decision(&handler, &decider, researcher, &case, guide).await?;
    deliver(researcher, &series, wanted.sources.len(), guide).await?;
    Ok(series)
}

async fn left_out(site: &Site, series: &str, before: usize, guide: &mut Guide) -> anyhow::Result<()> {
    ensure!(before > 0, "nothing to compare with");
    let citizen = Persona::login(site, "citizen").await?;
    let uses = citizen.get("/api/v1/me/usage").await?;
    let npr = |u: &&Value| u["series"] == series && u["source"] == "npr";
    let mine = uses["uses"].as_array().into_iter().flatten().filter(npr).count();
    ensure!(mine == 0, "the patient register delivered data about her although she had said no");
    guide.step("the next delivery of the patient register left her out");
    let choice = json!({"choice": "reservation", "scope": "npr", "value": false});
    citizen.post("/api/v1/me/choices", choice).await?;
    guide.step("she changes her mind again: the reservation is withdrawn, with a receipt");
    Ok(())
}

async fn oversight(site: &Site, guide: &mut Guide) -> anyhow::Result<()> {
    let anyone = Persona::nobody(site)?;
    let register = anyone.get("/api/v1/register?q=hjerneslag").await?;
    ensure!(register["total"].as_i64() >= Some(1), "the public register does not show the application: {register}");
    guide.step(format!("{} applications stand in the public register", register["total"]));
    let auditor = Persona::login(site, "auditor").await?;
    let entries = auditor.get("/api/v1/audit/entries").await?;
    let count = entries.as_array().map_or(0, Vec::len);
    ensure!(count > 20, "the audit log holds too little: {count}");
    let text = entries.to_string();
    ensure!(
        kernel::identity_number::scan(&text, kernel::identity_number::Accept::Both).is_empty(),
        "an identity number stands in the audit log"
    );
    let status = anyone.status("/api/v1/audit/entries").await?;
    ensure!(status == 401, "the log can be read without login");
    let state = anyone.get("/api/v1/audit/status").await?;
    guide.step(format!("the audit log has {} entries, no identity number among the newest {count}", state["size"]));
    Ok(())
}
