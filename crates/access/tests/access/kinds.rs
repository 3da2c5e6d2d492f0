//! Drafts of other forms than that of data on persons, and what comes of them: statistics, new data under an unchanged
//! permit, an appeal that makes a decision void.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::support::{self, BODY, Cast, answers, cart, cast, command_id, run, service};
use access::form;
use access::model::{Standing, StateName};
use access::{Access, CaseId};
use identity::{Actor, Role};
use kernel::Problem;
use protocol::documents::Permit;
use serde_json::{Map, Value, json};

const SERIES: &str = "NO-2026-000001";
const APPEAL: &str = "K-2026-000001";
const REASON: &str = "En begrunnelse som er lang nok til å stå i vedtaket.";
const WHY: &str = "Prosjektet trenger data for det siste året, som nå er kommet inn til registrene.";

fn code(problem: &Problem) -> String {
    match problem {
        Problem::Forbidden { code } | Problem::Conflict { code, .. } => code.clone(),
        Problem::Invalid { fields } => format!("invalid {} {}", fields[0].field, fields[0].rule),
        other => other.to_string(),
    }
}

fn fields(value: Value) -> Map<String, Value> {
    value.as_object().unwrap().clone()
}

async fn permit(access: &Access) -> Permit {
    access.permit_current(SERIES).await.unwrap().permit.read_unverified().unwrap()
}

/// A case with a permit; `more` are answers beside the usual ones.
async fn issued(access: &Access, cast: &Cast, more: Value) -> CaseId {
    let id = access.create(&cast.applicant, cart()).await.unwrap();
    let mut written = support::attached(access, &cast.applicant, id).await;
    written.extend(fields(more));
    access.save(&cast.applicant, id, written).await.unwrap();
    run(access, &cast.applicant, id, "submit", json!({})).await.unwrap();
    decided(access, cast, id).await;
    id
}

async fn decided(access: &Access, cast: &Cast, id: CaseId) {
    let state = access.case(&cast.handler, id).await.unwrap().summary.state;
    if state != StateName::Processing {
        run(access, &cast.handler, id, "assign_case", json!({})).await.unwrap();
        run(access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
        run(access, &cast.handler, id, "assess_criterion", support::assessments()).await.unwrap();
    }
    run(access, &cast.handler, id, "calculate_fee", json!({})).await.unwrap();
    run(access, &cast.handler, id, "offer_terms", json!({})).await.unwrap();
    let hash = access.case(&cast.applicant, id).await.unwrap().offer.unwrap().hash;
    run(access, &cast.applicant, id, "accept_terms", json!({"terms_hash": hash})).await.unwrap();
    run(access, &cast.handler, id, "propose_decision", support::proposal()).await.unwrap();
    run(access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
}

/// Section 5: a request for statistics begins with the cart, is checked by its own form and has a number of its own.
#[tokio::test]
async fn acc_020_a_request_for_statistics_is_a_form_of_its_own() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let other = access.create_of(&cast.applicant, form::CHANGE, cart()).await.unwrap_err();
    assert_eq!(code(&other), "invalid form unknown_form");
    let id = access.create_of(&cast.applicant, form::STATISTICS, cart()).await.unwrap();
    let table = json!({"title": "Innlagte etter år", "population": support::application::CRITERIA,
        "rows": ["npr.somatikk.hovedtilstand"], "columns": [], "measure": "count_persons",
        "period": {"from": "2018-01-01", "to": "2024-12-31"}});
    let statistics = form::latest(form::STATISTICS);
    let mut written = support::attached(&access, &cast.applicant, id).await;
    written.retain(|field, _| statistics.field(field).is_some());
    written.extend(fields(json!({"tab.tables": [table], "tab.recur": "once", "tab.no_access": true})));
    access.save(&cast.applicant, id, written).await.unwrap();
    let draft = access.draft(&cast.applicant, id).await.unwrap();
    assert_eq!((draft.form.as_str(), draft.complete), ("statistics", true), "{:?}", draft.faults);
    let done = run(&access, &cast.applicant, id, "submit", json!({})).await.unwrap();
    assert_eq!(done.number.as_deref(), Some("R-2026-000001"));
}

async fn refresh(access: &Access, actor: &Actor, more: Value) -> Result<access::views::Done, Problem> {
    let id = access.open_change(actor, SERIES).await.unwrap();
    let mut saved = fields(json!({"chg.kind": "refresh", "chg.why": WHY, "chg.confirm": true}));
    saved.extend(fields(more));
    access.save(actor, id, saved).await.unwrap();
    run(access, actor, id, "submit", json!({})).await
}

/// ACC-065: no decision, no fee and no new permit id; inside days and recurrence of the permit alone.
#[tokio::test]
async fn acc_065_new_data_are_ordered_under_the_unchanged_permit() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = issued(&access, &cast, json!({"pop.recur": "yearly", "pop.recur_desc": "Nye innleggelser hvert år."}))
            .await;
        let before = permit(&access).await;
        assert_eq!(before.recurrence.kind, "yearly");
        let early = refresh(&access, &cast.applicant, json!({})).await.unwrap_err();
        assert_eq!(code(&early), "outside_permit", "its first day lies ahead");
        zone.clock.advance_micros(20 * 86_400 * 1_000_000);
        let shorter = json!({"proc.persons": [answers()["proc.persons"][0]]});
        let both = refresh(&access, &cast.applicant, shorter).await.unwrap_err();
        assert_eq!(code(&both), "outside_permit", "a change is no order of new data");
        let done = refresh(&access, &cast.applicant, json!({})).await.unwrap();
        assert_eq!((done.events, done.number), (vec!["change_took_effect".to_owned()], None));
        let after = access.after(&cast.applicant, id).await.unwrap();
        assert_eq!((after.refreshes.len(), after.refreshes[0].sources.clone()), (1, vec!["npr".into(), "dar".into()]));
        assert_eq!(permit(&access).await, before, "the permit is as it was");
        assert_eq!(
            access.case(&cast.applicant, id).await.unwrap().fee.map(|fee| fee.max_ore),
            Some(before.fee_max_ore)
        );
        access.verify(&cast.handler, id).await.unwrap();
        // The sources are asked by those who follow permits, once.
        let asked = Asked::default();
        access.announce(&asked).await.unwrap();
        assert_eq!(asked.0.lock().unwrap().as_slice(), ["changed", "ordered"]);
    })
    .await;
}

/// What a follower was told.
#[derive(Default)]
struct Asked(std::sync::Mutex<Vec<&'static str>>);

#[async_trait::async_trait]
impl access::PermitFollower for Asked {
    async fn permit_changed(
        &self,
        _: &protocol::calls::PermitCurrentAnswer,
        _: &[identity::AccountId],
    ) -> Result<(), String> {
        self.0.lock().unwrap().push("changed");
        Ok(())
    }

    async fn data_ordered(
        &self,
        _: &protocol::calls::PermitCurrentAnswer,
        _: &[identity::AccountId],
        _: kernel::Timestamp,
    ) -> Result<(), String> {
        self.0.lock().unwrap().push("ordered");
        Ok(())
    }
}

/// ACC-065: a permit that gives data once gives no more.
#[tokio::test]
async fn acc_065_a_permit_for_one_delivery_gives_no_new_data() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    issued(&access, &cast, json!({})).await;
    zone.clock.advance_micros(20 * 86_400 * 1_000_000);
    assert_eq!(code(&refresh(&access, &cast.applicant, json!({})).await.unwrap_err()), "outside_permit");
}

/// Section 14: a void decision opens the case again; the permit waits, and the next decision gives its next version.
#[tokio::test]
async fn acc_170_a_decision_that_is_made_void_is_decided_again() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = issued(&access, &cast, json!({})).await;
        let stranger = testkit::actor("stranger", Role::Researcher, "ntnu");
        assert_eq!(code(&access.open_appeal(&stranger, id).await.unwrap_err()), "forbidden");
        let draft = access.open_appeal(&cast.applicant, id).await.unwrap();
        let unsigned = run(&access, &cast.applicant, draft, "submit", json!({})).await.unwrap_err();
        assert_eq!(code(&unsigned), "invalid kla.parts required");
        let file =
            access.add_file(&cast.applicant, draft, "kla.files", "vedlegg.txt", b"Mer om formaal.").await.unwrap();
        let saved = json!({"kla.parts": ["dar"], "kla.wanted": "At dødssted blir innvilget.", "kla.sign": true,
            "kla.files": [{"id": file.id, "name": file.name, "size": file.size}]});
        access.save(&cast.applicant, draft, fields(saved)).await.unwrap();
        let done = run(&access, &cast.applicant, draft, "submit", json!({})).await.unwrap();
        assert_eq!(done.number.as_deref(), Some(APPEAL));
        let appeal = access.appeal(&cast.applicant, APPEAL).await.unwrap();
        assert_eq!(appeal.form.files[0].name, "vedlegg.txt");
        assert!(
            access.files(&cast.applicant, id).await.unwrap().iter().any(|f| f.id == file.id),
            "it lies with the case"
        );

        let deal = async |actor: &Actor, name: &str, payload: Value| {
            let version = access.appeal(actor, APPEAL).await.unwrap().version;
            access.appeal_command(actor, APPEAL, name, payload, &command_id(), version).await.unwrap()
        };
        let other = testkit::actor("decider-2", Role::DecisionMaker, BODY);
        let body = testkit::actor("helseklage", Role::AppealHandler, "helseklage");
        deal(&cast.handler, "admit", json!({})).await;
        deal(&cast.handler, "prepare", json!({"reason": REASON})).await;
        deal(&other, "forward", json!({})).await;
        deal(&body, "decide", json!({"outcome": "annulled_returned", "reason": REASON})).await;
        let case = access.case(&cast.handler, id).await.unwrap();
        assert_eq!(case.summary.state, StateName::Processing);
        assert!(access.permit_current(SERIES).await.unwrap().hold, "nobody gets more data under what is void");
        assert_eq!(code(&access.open_change(&cast.applicant, SERIES).await.unwrap_err()), "permit_standing");

        decided(&access, &cast, id).await;
        let decision = access.case(&cast.applicant, id).await.unwrap().decision.unwrap();
        assert_eq!(decision.number, "A-2026-000001/V2");
        let reference = decision.permit.unwrap();
        assert_eq!((reference.permit_id.as_str(), reference.standing), ("NO-2026-000001-02", Standing::Live));
        let current = permit(&access).await;
        assert_eq!((current.permit_id.as_str(), current.decision.as_str()), ("NO-2026-000001-02", "A-2026-000001/V2"));
        assert!(!access.permit_current(SERIES).await.unwrap().hold);
        let after = access.after(&cast.applicant, id).await.unwrap();
        assert_eq!(after.earlier[0].number, "A-2026-000001/V1");
        access.verify(&cast.handler, id).await.unwrap();
    })
    .await;
}
