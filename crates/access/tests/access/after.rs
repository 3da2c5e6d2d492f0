//! What comes after a decision, through the public surface, on both databases: changes with their versions of the permit,
//! extensions, acceptance by persons, appeals, new decisions, expiry, reports and close-out.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::support::{self, BODY, Cast, answers, cast, command_id, proposed, run, service};
use access::appeal::Stage;
use access::model::{Standing, StateName};
use access::{Access, CaseId};
use identity::{Actor, Role};
use kernel::{Problem, Verifier, sha256_hex};
use protocol::documents::{Permit, PermitStatus};
use serde_json::{Map, Value, json};
use testkit::TestZone;

const SERIES: &str = "NO-2026-000001";
const REASON: &str = "En begrunnelse som er lang nok til å stå i vedtaket.";
const WHY: &str =
    "Prosjektet har fått en medarbeider til og trenger dødssted for å skille dødsfall i sykehus fra andre.";

fn code(problem: &Problem) -> String {
    match problem {
        Problem::Forbidden { code } | Problem::Conflict { code, .. } => code.clone(),
        Problem::Invalid { fields } => format!("invalid {} {}", fields[0].field, fields[0].rule),
        other => other.to_string(),
    }
}

/// The test zone's own key.
struct Own<'a>(&'a dyn kernel::Signer);
impl Verifier for Own<'_> {
    fn verify(&self, key: &kernel::KeyId, message: &[u8], signature: &[u8; 64]) -> Result<(), kernel::CryptoError> {
        assert_eq!(*key, self.0.key_id());
        protocol::dsse::verify_ed25519(&self.0.public_key(), message, signature)
    }
}

async fn issued(access: &Access, cast: &Cast) -> CaseId {
    let id = proposed(access, cast).await;
    run(access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
    id
}

/// The permit in force with its digest; its signature holds.
async fn current(access: &Access, zone: &TestZone) -> (Permit, String) {
    let current = access.permit_current(SERIES).await.unwrap();
    current.permit.verify(&Own(zone.signer.as_ref())).unwrap();
    (current.permit.read_unverified().unwrap(), sha256_hex(&current.permit.payload.0))
}

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

fn person(name: &str, affiliation: &str) -> Value {
    json!({"name": name, "email": format!("{}@universitetet.no", name.to_lowercase()), "role": "analytiker",
        "affiliation": affiliation})
}

/// Everybody of the application and one more.
fn persons(more: &[Value]) -> Value {
    let mut all = answers()["proc.persons"].as_array().unwrap().clone();
    all.extend(more.iter().cloned());
    Value::Array(all)
}

async fn take_back(access: &Access, actor: &Actor, id: CaseId, variable: &str) {
    let item = json!({"variable_id": variable, "role": "covariate", "granularity": "as_is",
        "necessity": "Dødssted skiller dødsfall i sykehus fra andre dødsfall."});
    let draft = access.draft(actor, id).await.unwrap();
    let mut cart: Vec<access::CartItem> = draft
        .cart
        .iter()
        .map(|line| serde_json::from_value(serde_json::to_value(&line.item).unwrap()).unwrap())
        .collect();
    cart.push(serde_json::from_value(item).unwrap());
    access.save_cart(actor, id, cart).await.unwrap();
}

/// The completeness check begins by hand when a check has warned.
async fn screened(access: &Access, cast: &Cast, id: CaseId) {
    if access.case(&cast.handler, id).await.unwrap().summary.state == StateName::Submitted {
        run(access, &cast.handler, id, "start_screening", json!({})).await.unwrap();
    }
}

/// Puts a file into a field with files.
async fn document(access: &Access, actor: &Actor, id: CaseId, field: &str) {
    let file = access.add_file(actor, id, field, "vedlegg.txt", b"Prosjektet er forsinket.").await.unwrap();
    let value = json!([{"id": file.id, "name": file.name, "size": file.size}]);
    access.save(actor, id, Map::from_iter([(field.to_owned(), value)])).await.unwrap();
}

/// A change that was handed in, brought to the point where its decision is to be issued.
async fn change_proposed(access: &Access, cast: &Cast, id: CaseId, criteria: &[&str], proposal: Value) {
    let one = |id: &&str| json!({"criterion": id, "outcome": "met", "reason": REASON});
    let assessments: Vec<Value> = criteria.iter().map(one).collect();
    run(access, &cast.handler, id, "assign_case", json!({})).await.unwrap();
    screened(access, cast, id).await;
    for (name, payload) in [
        ("confirm_complete", json!({})),
        ("assess_criterion", json!({"assessments": assessments})),
        ("calculate_fee", json!({"case_hours": 2.0})),
        ("offer_terms", json!({})),
    ] {
        run(access, &cast.handler, id, name, payload).await.unwrap_or_else(|e| panic!("{name}: {e} {}", code(&e)));
    }
    let hash = access.case(&cast.applicant, id).await.unwrap().offer.unwrap().hash;
    run(access, &cast.applicant, id, "accept_terms", json!({"terms_hash": hash})).await.unwrap();
    run(access, &cast.handler, id, "propose_decision", proposal)
        .await
        .unwrap_or_else(|e| panic!("propose: {}", code(&e)));
}

/// The example of `access.md` section 6: a person of the same organisation is in the permit the same day, in `-02`; the
/// variable comes with `-03`, after a decision in which only what it touches is assessed again.
#[tokio::test]
async fn acc_060_to_063_a_change_is_edited_and_decided() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let case = issued(&access, &cast).await;
        let (first, first_digest) = current(&access, &zone).await;
        assert!(matches!(access.open_change(&cast.handler, SERIES).await, Err(Problem::Forbidden { .. })));

        let id = access.open_change(&cast.applicant, SERIES).await.unwrap();
        let draft = access.draft(&cast.applicant, id).await.unwrap();
        assert_eq!(draft.cart.len(), 3, "the copy holds what is granted and no more");
        let nothing = run(&access, &cast.applicant, id, "submit", json!({})).await.unwrap_err();
        assert_eq!(code(&nothing), "invalid chg.ops required");
        take_back(&access, &cast.applicant, id, "dar.main.dodssted").await;
        let saved =
            json!({"proc.persons": persons(&[person("Nora", "310001007")]), "chg.why": WHY, "chg.confirm": true});
        access.save(&cast.applicant, id, fields(saved)).await.unwrap();
        let unexplained = run(&access, &cast.applicant, id, "submit", json!({})).await.unwrap_err();
        assert_eq!(code(&unexplained), "invalid chg.why_per_op length");
        let reasons = json!({"sources/dar/dar.main.dodssted": "Skiller dødsfall i sykehus fra dødsfall hjemme."});
        access
            .save(&cast.applicant, id, fields(json!({"chg.why_per_op": reasons, "chg.rek": {"status": "exempt"}})))
            .await
            .unwrap();
        let done = run(&access, &cast.applicant, id, "submit", json!({})).await.unwrap();
        assert_eq!(done.number.as_deref(), Some("C-2026-000001"));

        // The person is in -02 at once, and not active before the own acceptance (ACC-165).
        let (second, second_digest) = current(&access, &zone).await;
        assert_eq!((second.permit_id.as_str(), second.status), ("NO-2026-000001-02", PermitStatus::Amended));
        assert_eq!(second.supersedes.as_deref(), Some("NO-2026-000001-01"));
        assert_eq!(second.hash_prev.as_ref().map(ToString::to_string), Some(first_digest));
        assert_eq!((second.first_issued_at, second.valid_to), (first.first_issued_at, first.valid_to));
        assert_eq!(second.sources, first.sources, "the data are as before");
        assert!(["npr", "dar"].iter().all(|source| second.asks_the_same(&first, source)));
        let waiting: Vec<&str> = second.persons.iter().filter(|p| !p.active).map(|p| p.id.as_str()).collect();
        assert_eq!((second.persons.len(), waiting.len()), (3, 2));
        let accept = json!({"person": waiting[1], "accept": true});
        let refused =
            run(&access, &cast.applicant, case, "confirm_own_access", json!({"person": waiting[1], "accept": false}));
        assert_eq!(code(&refused.await.unwrap_err()), "invalid accept required");
        run(&access, &cast.applicant, case, "confirm_own_access", accept.clone()).await.unwrap();
        let again =
            run(&access, &cast.applicant, case, "confirm_own_access", json!({"person": waiting[0], "accept": true}));
        assert_eq!(code(&again.await.unwrap_err()), "same_person", "one login is one person");
        let (active, active_digest) = current(&access, &zone).await;
        assert_eq!(active.permit_id, second.permit_id);
        assert!(active.persons.iter().any(|p| p.id == waiting[1] && p.active));
        assert_ne!(active_digest, second_digest);

        // Only what is touched is assessed; the rest is carried over.
        let proposal = json!({"parts": [{"source": "dar", "outcome": "granted", "reason": REASON}]});
        run(&access, &cast.handler, id, "assign_case", json!({})).await.unwrap();
        screened(&access, &cast, id).await;
        run(&access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
        let early = run(&access, &cast.handler, id, "propose_decision", proposal.clone()).await.unwrap_err();
        let Problem::Conflict { code: early, remedy } = early else { panic!() };
        assert_eq!((early.as_str(), remedy.as_str()), ("not_all_assessed", "assess N-3, N-8 first"));
        let one = |id: &str| json!({"criterion": id, "outcome": "met", "reason": REASON});
        let assessed = json!({"assessments": [one("N-3"), one("N-8")]});
        run(&access, &cast.handler, id, "assess_criterion", assessed).await.unwrap();
        run(&access, &cast.handler, id, "calculate_fee", json!({"case_hours": 2.0})).await.unwrap();
        run(&access, &cast.handler, id, "offer_terms", json!({})).await.unwrap();
        let hash = access.case(&cast.applicant, id).await.unwrap().offer.unwrap().hash;
        run(&access, &cast.applicant, id, "accept_terms", json!({"terms_hash": hash})).await.unwrap();
        run(&access, &cast.handler, id, "propose_decision", proposal).await.unwrap();
        run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();

        let (third, _) = current(&access, &zone).await;
        assert_eq!((third.permit_id.as_str(), third.case.as_str()), ("NO-2026-000001-03", "A-2026-000001"));
        assert_eq!(third.decision, "C-2026-000001/V1");
        assert_eq!(third.hash_prev.as_ref().map(ToString::to_string), Some(active_digest));
        let dar = third.sources.iter().find(|s| s.source == "dar").unwrap();
        let ids: Vec<&str> = dar.variables.iter().map(|v| v.id.as_str()).collect();
        assert_eq!(ids, ["dar.main.dodsdato", "dar.main.dodssted"]);
        assert!(dar.removed.is_empty(), "what was refused before is granted now");
        assert!(
            !third.asks_the_same(&second, "dar") && third.asks_the_same(&second, "npr"),
            "only one source has more"
        );
        assert!(third.persons.iter().any(|p| p.id == waiting[1] && p.active), "who has accepted stays active");
        assert_eq!(third.conditions.len(), first.conditions.len());
        // The case of the permit knows its version; both histories hold.
        let reference = access.case(&cast.handler, case).await.unwrap().decision.unwrap().permit.unwrap();
        assert_eq!((reference.permit_id.as_str(), reference.standing), ("NO-2026-000001-03", Standing::Live));
        access.verify(&cast.handler, case).await.unwrap();
        access.verify(&cast.handler, id).await.unwrap();
        assert!(access.letter_pdf(&cast.applicant, id).await.unwrap().starts_with(b"%PDF-1.7"));
        // ACC-163: exactly one version is current, the earlier ones can still be read.
        for (version, n) in [("NO-2026-000001-01", 1), ("NO-2026-000001-02", 2), ("NO-2026-000001-03", 3)] {
            let view = access.permit_version(&cast.applicant, version).await.unwrap();
            assert_eq!((view.permit_id.as_str(), view.current), (version, n == 3));
        }
        // The change has no permit of its own to take back.
        let linked = run(&access, &cast.handler, id, "hold_permit", json!({"reason": REASON})).await.unwrap_err();
        assert_eq!(code(&linked), "linked_case");
    })
    .await;
}

/// ACC-063: less data and fewer persons need no decision and no case of their own.
#[tokio::test]
async fn acc_063_notifications_take_effect_at_once() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let case = issued(&access, &cast).await;
        let id = access.open_change(&cast.applicant, SERIES).await.unwrap();
        let mut persons = answers()["proc.persons"].as_array().unwrap().clone();
        persons.truncate(1);
        let periods = json!({"npr.somatikk": {"from": "2020-01-01", "to": "2024-12-31"},
            "dar.main": {"from": "2018-01-01", "to": "2025-12-31"}});
        let saved = json!({"proc.persons": persons, "cart.periods": periods, "chg.why": WHY, "chg.confirm": true});
        access.save(&cast.applicant, id, fields(saved)).await.unwrap();
        let done = run(&access, &cast.applicant, id, "submit", json!({})).await.unwrap();
        assert_eq!(
            (done.events, done.state, done.number),
            (vec!["change_took_effect".to_owned()], StateName::Lapsed, None)
        );
        let (permit, _) = current(&access, &zone).await;
        assert_eq!(permit.permit_id, "NO-2026-000001-02");
        assert_eq!(permit.decision, "A-2026-000001/V1", "it rests on the same decision");
        assert_eq!(permit.persons.len(), 1);
        assert_eq!(permit.sources[0].period.0.to_string(), "2020-01-01");
        let events = access.events(&cast.handler, case, 0).await.unwrap();
        let names: Vec<String> = events.iter().map(|e| e.event.name().to_owned()).collect();
        assert_eq!(names.last().map(String::as_str), Some("permit_version_issued"));
        // The permit lists it among its changes, with what it changed.
        let series = access.series(&cast.applicant, SERIES).await.unwrap();
        let [change] = &series.changes[..] else { panic!("one change") };
        assert_eq!((change.took_effect.as_deref(), &change.number), (Some("NO-2026-000001-02"), &None));
        assert!(!change.ops.is_empty() && change.ops.iter().all(|op| op.notification));
        access.verify(&cast.handler, case).await.unwrap();
    })
    .await;
}

async fn extension(access: &Access, cast: &Cast, to: &str) -> Result<CaseId, Problem> {
    let id = access.open_change(&cast.applicant, SERIES).await.unwrap();
    let saved = json!({"proc.period": {"from": "2026-12-01", "to": to}, "no.delete_date": "2032-05-31", "chg.why": WHY, "chg.confirm": true});
    access.save(&cast.applicant, id, fields(saved)).await.unwrap();
    document(access, &cast.applicant, id, "chg.docs").await;
    run(access, &cast.applicant, id, "submit", json!({})).await.map(|_| id)
}

/// ACC-064, ACC-066: once for each series, a month before the end; two open changes keep out of each other's way.
#[tokio::test]
async fn acc_064_a_permit_is_extended_once() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        issued(&access, &cast).await;
        let too_long = extension(&access, &cast, "2041-01-01").await.unwrap_err();
        let Problem::Invalid { fields: faults } = too_long else { panic!("{too_long}") };
        assert!(faults.iter().any(|f| f.field == "proc.period" && f.rule == "range"), "{faults:?}");
        let first = extension(&access, &cast, "2031-11-30").await.unwrap();
        let clash = extension(&access, &cast, "2030-11-30").await.unwrap_err();
        assert_eq!(code(&clash), "conflicting_change");
        // A change of another place is open at the same time, and is decided first.
        let other = access.open_change(&cast.applicant, SERIES).await.unwrap();
        take_back(&access, &cast.applicant, other, "dar.main.dodssted").await;
        let reasons = json!({"sources/dar/dar.main.dodssted": "Skiller dødsfall i sykehus fra dødsfall hjemme."});
        access.save(&cast.applicant, other, fields(json!({"chg.why": WHY, "chg.confirm": true, "chg.rek": {"status": "exempt"}, "chg.why_per_op": reasons}))).await.unwrap();
        run(&access, &cast.applicant, other, "submit", json!({})).await.unwrap();
        let granted = json!({"parts": [{"source": "dar", "outcome": "granted", "reason": REASON}]});
        change_proposed(&access, &cast, other, &["N-3", "N-8"], granted).await;
        run(&access, &cast.decider, other, "issue_decision", json!({})).await.unwrap();
        let extend = json!({"changes": [{"path": "valid_to", "granted": true, "reason": REASON}]});
        change_proposed(&access, &cast, first, &["N-1", "N-3", "N-4"], extend).await;
        run(&access, &cast.decider, first, "issue_decision", json!({})).await.unwrap();
        let (permit, _) = current(&access, &zone).await;
        assert_eq!((permit.permit_id.as_str(), permit.status), ("NO-2026-000001-03", PermitStatus::Renewed));
        assert!(permit.extension_used);
        assert_eq!(
            (permit.valid_to.to_string(), permit.delete_by.to_string()),
            ("2031-11-30".into(), "2032-05-31".into())
        );
        let rebased = permit.sources.iter().flat_map(|s| &s.variables).any(|v| v.id == "dar.main.dodssted");
        assert!(rebased, "the change decided in between is kept (ACC-066)");
        assert_eq!(code(&extension(&access, &cast, "2032-11-30").await.unwrap_err()), "already_extended");
    })
    .await;
}

#[tokio::test]
async fn acc_064_an_extension_is_asked_for_a_month_before() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    issued(&access, &cast).await;
    advance_to(&zone, "2029-11-01");
    assert_eq!(code(&extension(&access, &cast, "2031-11-30").await.unwrap_err()), "too_late");
}

fn today(zone: &TestZone) -> kernel::Date {
    use kernel::Clock as _;
    zone.clock.now().date_in_oslo()
}

fn advance_to(zone: &TestZone, day: &str) {
    let day: kernel::Date = day.parse().unwrap();
    let days = i64::from(day.days() - today(zone).days());
    zone.clock.advance_micros(days * 86_400 * 1_000_000);
}

/// ACC-162, ACC-172: the permit ends by its last day; the case closes with an accepted close-out, and opens again.
#[tokio::test]
async fn acc_162_172_expiry_and_close_out() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = issued(&access, &cast).await;
        assert_eq!(access.expire_permits().await.unwrap(), 0, "it runs");
        let close = |report: Value| json!({"reason": REASON, "accept_report": report});
        let live = run(&access, &cast.handler, id, "close_case", close(Value::Null)).await.unwrap_err();
        assert_eq!(code(&live), "permit_live");
        advance_to(&zone, "2029-11-30");
        assert_eq!(access.expire_permits().await.unwrap(), 0, "the last day counts");
        advance_to(&zone, "2029-12-01");
        assert_eq!(access.expire_permits().await.unwrap(), 1);
        assert_eq!(access.expire_permits().await.unwrap(), 0);
        let (permit, _) = current(&access, &zone).await;
        assert_eq!((permit.status, permit.permit_id.as_str()), (PermitStatus::Expired, "NO-2026-000001-01"));
        assert_eq!(code(&access.open_change(&cast.applicant, SERIES).await.unwrap_err()), "permit_standing");
        let revoke = json!({"reason": REASON, "hearing": {"kind": "left_out", "why": REASON}});
        let over = run(&access, &cast.decider, id, "revoke_permit", revoke).await.unwrap_err();
        assert_eq!(code(&over), "permit_standing");

        let missing = run(&access, &cast.handler, id, "close_case", close(Value::Null)).await.unwrap_err();
        assert_eq!(code(&missing), "report_missing");
        let summary = "Prosjektet er ferdig. Resultatene er publisert, og dataene er slettet i analyserommet.";
        let bare = json!({"kind": "close_out", "summary": summary});
        let unconfirmed = run(&access, &cast.applicant, id, "submit_report", bare).await.unwrap_err();
        assert_eq!(code(&unconfirmed), "invalid deletion_receipt required");
        let receipt = format!("sha256:{}", "ab".repeat(32));
        let report = json!({"kind": "close_out", "summary": summary, "deletion_receipt": receipt,
            "links": ["https://example.org/artikkel"], "counts": {"publications": 2}});
        run(&access, &cast.applicant, id, "submit_report", report).await.unwrap();
        let incident = json!({"kind": "incident", "summary": summary, "happened_at": "2029-11-29T08:00:00.000000Z"});
        run(&access, &cast.applicant, id, "submit_report", incident).await.unwrap();
        let wrong = run(&access, &cast.handler, id, "close_case", close(json!(2))).await.unwrap_err();
        assert_eq!(code(&wrong), "invalid accept_report kind");
        let unpaid = run(&access, &cast.handler, id, "close_case", close(json!(1))).await.unwrap_err();
        assert_eq!(code(&unpaid), "fee_open");
        run(&access, &cast.handler, id, "issue_invoice", json!({})).await.unwrap();
        run(&access, &cast.handler, id, "settle_invoice", json!({})).await.unwrap();
        let done = run(&access, &cast.handler, id, "close_case", close(json!(1))).await.unwrap();
        assert_eq!(done.state, StateName::Closed);
        let after = access.after(&cast.handler, id).await.unwrap();
        assert!(after.reports[0].accepted_at.is_some() && !after.reports[0].late);
        assert!(after.reports[1].late, "an incident is reported within 24 hours (ACC-171)");
        run(&access, &cast.decider, id, "reopen_case", json!({"reason": REASON})).await.unwrap();
        assert_eq!(access.case(&cast.handler, id).await.unwrap().summary.state, StateName::Decided);
        access.verify(&cast.handler, id).await.unwrap();
    })
    .await;
}

fn appeal_form(part: &str) -> Value {
    json!({"parts": [part], "grounds": "Dødssted trengs.", "wanted": "At dødssted blir innvilget.", "suspend": false,
        "signed": true})
}

async fn appeal_run(access: &Access, actor: &Actor, name: &str, payload: Value) -> Result<access::AppealView, Problem> {
    let version = access.appeal(actor, "K-2026-000001").await.map_or(1, |appeal| appeal.version);
    access.appeal_command(actor, "K-2026-000001", name, payload, &command_id(), version).await
}

fn everything() -> Value {
    json!({"parts": [{"source": "npr", "outcome": "granted", "reason": REASON},
                     {"source": "dar", "outcome": "granted", "reason": REASON}]})
}

/// ACC-170: lodged in time, prepared by the first handler, reversed by somebody else: a new decision and a new permit.
#[tokio::test]
async fn acc_170_an_appeal_that_is_upheld_by_nobody_gives_a_new_permit() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = issued(&access, &cast).await;
        let unknown = run(&access, &cast.applicant, id, "lodge_appeal", appeal_form("lmr")).await.unwrap_err();
        assert_eq!(code(&unknown), "invalid kla.parts unknown_part");
        let done = run(&access, &cast.applicant, id, "lodge_appeal", appeal_form("dar")).await.unwrap();
        assert_eq!(done.events, ["appeal_lodged"]);
        let open = run(&access, &cast.applicant, id, "lodge_appeal", appeal_form("dar")).await.unwrap_err();
        assert_eq!(code(&open), "appeal_open");
        let appeal = access.appeal(&cast.applicant, "K-2026-000001").await.unwrap();
        assert_eq!((appeal.appeal.stage.clone(), appeal.commands.clone()), (Stage::Lodged, vec!["withdraw"]));
        let stranger = testkit::actor("stranger", Role::Researcher, "ntnu");
        assert_eq!(code(&access.appeal(&stranger, "K-2026-000001").await.unwrap_err()), "forbidden");
        let body = testkit::actor("helseklage", Role::AppealHandler, "helseklage");
        assert_eq!(code(&access.appeal(&body, "K-2026-000001").await.unwrap_err()), "forbidden", "not sent on yet");

        // ACC-081: who may look only is refused whatever stands in the payload.
        let auditor = testkit::actor("auditor", Role::Auditor, BODY);
        for (who, name) in [(&auditor, "prepare"), (&auditor, "no_such"), (&cast.applicant, "prepare")] {
            let refused = appeal_run(&access, who, name, json!({"nothing": 1})).await.unwrap_err();
            assert_eq!(code(&refused), "forbidden", "{name}");
        }
        let wrong = appeal_run(&access, &cast.handler, "prepare", json!({"nothing": 1})).await.unwrap_err();
        assert_eq!(wrong.status(), 422);
        appeal_run(&access, &cast.handler, "admit", json!({})).await.unwrap();
        let prepared = json!({"reason": REASON, "proposal": everything()});
        appeal_run(&access, &cast.handler, "prepare", prepared).await.unwrap();
        let same = appeal_run(&access, &cast.decider, "reverse", json!({})).await.unwrap_err();
        assert_eq!(code(&same), "same_person");
        let other = testkit::actor("decider-2", Role::DecisionMaker, BODY);
        let handler = appeal_run(&access, &cast.other_handler, "reverse", json!({})).await.unwrap_err();
        assert_eq!(code(&handler), "forbidden");
        let reversed = appeal_run(&access, &other, "reverse", json!({})).await.unwrap();
        assert_eq!(reversed.appeal.stage, Stage::Reversed { decision: "A-2026-000001/V2".into() });

        let (permit, _) = current(&access, &zone).await;
        assert_eq!((permit.permit_id.as_str(), permit.decision.as_str()), ("NO-2026-000001-02", "A-2026-000001/V2"));
        assert!(permit.sources.iter().flat_map(|s| &s.variables).any(|v| v.id == "dar.main.dodssted"));
        assert!(permit.conditions.is_empty(), "the conditions of the first decision went with it");
        let case = access.case(&cast.handler, id).await.unwrap();
        assert_eq!(case.decision.unwrap().number, "A-2026-000001/V2");
        let after = access.after(&cast.applicant, id).await.unwrap();
        assert_eq!(after.earlier[0].number, "A-2026-000001/V1");
        assert_eq!(after.appeals["K-2026-000001"], "reversed");
        assert!(access.letter_pdf(&cast.applicant, id).await.unwrap().starts_with(b"%PDF"));
        access.verify(&cast.handler, id).await.unwrap();
        assert_eq!(access.verify_appeal("K-2026-000001").await.unwrap(), 4);
    })
    .await;
}

/// A late appeal says why; upheld by the body it goes to the appeal body, which decides; the permit waits meanwhile.
#[tokio::test]
async fn acc_170_a_late_appeal_goes_to_the_appeal_body() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = issued(&access, &cast).await;
        let limit = access::appeal::limit(today(&zone));
        advance_to(&zone, &limit.plus_days(1).to_string());
        let late = run(&access, &cast.applicant, id, "lodge_appeal", appeal_form("dar")).await.unwrap_err();
        assert_eq!(code(&late), "invalid kla.late_why late");
        let mut form = appeal_form("conditions");
        form["late_why"] = json!("Brevet kom bort i overgangen mellom to prosjektledere.");
        run(&access, &cast.applicant, id, "lodge_appeal", form).await.unwrap();
        let other = testkit::actor("decider-2", Role::DecisionMaker, BODY);
        appeal_run(&access, &cast.handler, "admit", json!({"reason": REASON})).await.unwrap();
        appeal_run(&access, &other, "suspend", json!({"granted": true, "reason": REASON})).await.unwrap();
        assert!(access.permit_current(SERIES).await.unwrap().hold);
        appeal_run(&access, &cast.handler, "prepare", json!({"reason": REASON})).await.unwrap();
        appeal_run(&access, &other, "forward", json!({})).await.unwrap();
        let body = testkit::actor("helseklage", Role::AppealHandler, "helseklage");
        appeal_run(&access, &body, "suspend", json!({"granted": false, "reason": REASON})).await.unwrap();
        assert!(!access.permit_current(SERIES).await.unwrap().hold);
        let changed = json!({"outcome": "changed", "reason": REASON, "proposal": everything()});
        let decided = appeal_run(&access, &body, "decide", changed).await.unwrap();
        assert_eq!(decided.appeal.stage.slug(), "decided_by_appeal_body");
        let (permit, _) = current(&access, &zone).await;
        assert_eq!(permit.decision, "A-2026-000001/V2");
        let closed = appeal_run(&access, &cast.applicant, "withdraw", json!({})).await.unwrap_err();
        assert_eq!(code(&closed), "wrong_state");
        access.verify_appeal("K-2026-000001").await.unwrap();
        access.verify(&cast.handler, id).await.unwrap();
    })
    .await;
}

/// A correction keeps the outcome; a reversal by the body changes it; neither is done by the proposer (ACC-010).
#[tokio::test]
async fn acc_010_decisions_are_corrected_and_reversed_by_somebody_else() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = issued(&access, &cast).await;
        let other_outcome = json!({"reason": REASON, "proposal": everything()});
        let refused = run(&access, &cast.decider, id, "correct_decision", other_outcome.clone()).await.unwrap_err();
        assert_eq!(code(&refused), "not_a_correction");
        let mut proposal = support::proposal();
        proposal["conditions"] = json!([{"type": "report", "every": "P12M"}]);
        run(&access, &cast.decider, id, "correct_decision", json!({"reason": REASON, "proposal": proposal}))
            .await
            .unwrap();
        let (permit, _) = current(&access, &zone).await;
        assert_eq!((permit.permit_id.as_str(), permit.conditions.len()), ("NO-2026-000001-02", 1));
        run(&access, &cast.decider, id, "reverse_decision", other_outcome).await.unwrap();
        let case = access.case(&cast.applicant, id).await.unwrap();
        assert_eq!(case.decision.unwrap().number, "A-2026-000001/V3");
        assert_eq!(current(&access, &zone).await.0.permit_id, "NO-2026-000001-03");
        access.verify(&cast.handler, id).await.unwrap();
    })
    .await;
}
