//! The way from draft to permit through the public surface, on both databases.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::support::{self, answers, cart, cast, command_id, proposed, run, service, submitted};
use access::model::StateName;
use access::views::CaseFilter;
use kernel::{Problem, Timestamp, Verifier};
use protocol::documents::{Permit, PermitStatus, SourceOutcome};
use serde_json::{Value, json};

fn code(problem: &Problem) -> String {
    match problem {
        Problem::Forbidden { code } | Problem::Conflict { code, .. } => code.clone(),
        Problem::Invalid { fields } => format!("invalid {}", fields[0].rule),
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

#[tokio::test]
async fn from_draft_to_permit() {
    testkit::zones("centre", async |zone| {
        let access = service(&zone).await;
        let cast = cast();
        // Draft: the check names what is missing, the submission is refused with every fault.
        let id = access.create(&cast.applicant, cart()).await.unwrap();
        let draft = access.draft(&cast.applicant, id).await.unwrap();
        assert!(!draft.complete && draft.faults.iter().any(|f| f.field == "pub.title" && f.rule == "required"));
        assert_eq!(draft.collections, ["dar.main", "npr.somatikk"]);
        let refused = run(&access, &cast.applicant, id, "submit", json!({})).await.unwrap_err();
        assert!(matches!(&refused, Problem::Invalid { fields } if fields.len() > 10));
        access.save(&cast.applicant, id, support::attached(&access, &cast.applicant, id).await).await.unwrap();
        let draft = access.draft(&cast.applicant, id).await.unwrap();
        let verified = draft.faults.iter().filter(|fault| fault.rule != "not_verified").count();
        assert_eq!(verified, 0, "{:?}", draft.faults);
        assert!(draft.complete);

        // Submitted: no check is open, so the screening starts by itself.
        let done = run(&access, &cast.applicant, id, "submit", json!({})).await.unwrap();
        assert_eq!(done.number.as_deref(), Some("A-2026-000001"));
        assert_eq!(done.events, ["submitted", "screening_started"]);
        assert_eq!(done.state, StateName::PreScreening);
        let list =
            access.cases(&cast.handler, &CaseFilter { q: "hjerneslag".into(), ..CaseFilter::default() }).await.unwrap();
        assert_eq!((list.total, list.items[0].sources.clone()), (1, vec!["npr".to_owned(), "dar".to_owned()]));
        assert!(access.register_entry("A-2026-000001").await.is_err(), "public after one working day");

        // A question on a field, and the answer: a new revision, only the field asked about can change.
        let question =
            json!({"kind": "clarification", "questions": [{"field": "use.why", "question": "Hvorfor så mange år?"}]});
        run(&access, &cast.handler, id, "request_info", question).await.unwrap();
        let draft = access.draft(&cast.applicant, id).await.unwrap();
        assert_eq!(draft.request.as_ref().unwrap().fields, ["use.why"]);
        let not_flagged = access
            .save(&cast.applicant, id, json!({"pub.title": "Noe annet enn før"}).as_object().unwrap().clone())
            .await;
        assert_eq!(code(&not_flagged.unwrap_err()), "invalid not_flagged");
        let unanswered = run(&access, &cast.applicant, id, "send_info", json!({"answers": []})).await.unwrap_err();
        assert_eq!(code(&unanswered), "invalid not_answered");
        let why = format!("{} Sju år gir nok dødsfall.", answers()["use.why"].as_str().unwrap());
        access.save(&cast.applicant, id, json!({"use.why": why}).as_object().unwrap().clone()).await.unwrap();
        let answer = json!({"answers": [{"field": "use.why", "answer": "Fordi dødsfall er sjeldne."}]});
        run(&access, &cast.applicant, id, "send_info", answer).await.unwrap();
        let case = access.case(&cast.handler, id).await.unwrap();
        // Section 10: what the checks said is kept with the revision, for staff.
        let told: Vec<&str> = case.checks.iter().map(|found| found.check.as_str()).collect();
        assert_eq!(told, ["CHK-14", "CHK-30", "CHK-31"]);
        assert!(access.case(&cast.applicant, id).await.unwrap().checks.is_empty());
        assert_eq!(case.changed, ["use.why"]);
        assert_eq!(case.comments[0].answer.as_deref(), Some("Fordi dødsfall er sjeldne."));

        // Assessment, price, terms: each guard has its own code.
        run(&access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
        let early = run(&access, &cast.handler, id, "offer_terms", json!({})).await.unwrap_err();
        assert_eq!(code(&early), "not_all_assessed");
        run(&access, &cast.handler, id, "assess_criterion", support::assessments()).await.unwrap();
        assert_eq!(code(&run(&access, &cast.handler, id, "offer_terms", json!({})).await.unwrap_err()), "fee_missing");
        run(&access, &cast.handler, id, "calculate_fee", json!({"case_hours": 6.5})).await.unwrap();
        let clock = access.case(&cast.handler, id).await.unwrap().summary.clock.unwrap();
        assert_eq!((clock.length, clock.left, clock.due.to_string().as_str()), (60, 60, "2027-02-16"));
        run(&access, &cast.handler, id, "offer_terms", json!({})).await.unwrap();
        let changed =
            run(&access, &cast.applicant, id, "accept_terms", json!({"terms_hash": "sha256:00"})).await.unwrap_err();
        assert_eq!(code(&changed), "terms_changed");
        let hash = access.case(&cast.applicant, id).await.unwrap().offer.unwrap().hash;
        run(&access, &cast.applicant, id, "accept_terms", json!({"terms_hash": hash})).await.unwrap();

        // Four eyes: proposed by one, issued by another.
        assert_eq!(
            code(&run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap_err()),
            "no_proposal"
        );
        run(&access, &cast.handler, id, "propose_decision", support::proposal()).await.unwrap();
        let issued = run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
        assert_eq!(issued.events, ["decision_issued", "permit_issued"]);
        issued_permit(&access, &zone, &cast, id).await;

        // The history holds, and the log tells every step without personal data.
        assert_eq!(access.verify(&cast.handler, id).await.unwrap(), issued.version);
        let actions = zone.actions().await;
        for expected in
            ["case.create ok", "case.command ok", "permit.issue ok", "case.command refused not_all_assessed"]
        {
            assert!(actions.iter().any(|a| a == expected), "{expected} in {actions:?}");
        }
    })
    .await;
}

async fn issued_permit(access: &access::Access, zone: &testkit::TestZone, cast: &support::Cast, id: access::CaseId) {
    let case = access.case(&cast.applicant, id).await.unwrap();
    let decision = case.decision.unwrap();
    assert_eq!(decision.number, "A-2026-000001/V1");
    let reference = decision.permit.unwrap();
    assert_eq!((reference.permit_id.as_str(), reference.series.as_str()), ("NO-2026-000001-01", "NO-2026-000001"));
    let current = access.permit_current("NO-2026-000001").await.unwrap();
    current.permit.verify(&Own(zone.signer.as_ref())).unwrap();
    let permit: Permit = current.permit.read_unverified().unwrap();
    assert_eq!(kernel::sha256_hex(&current.permit.payload.0), reference.sha256);
    assert_eq!(
        (permit.status, current.hold, current.title.as_str()),
        (PermitStatus::Granted, false, "Dødelighet etter hjerneslag")
    );
    assert!(permit.is_live(false, "2027-01-01".parse().unwrap()));
    assert!(!permit.is_live(false, "2026-11-30".parse().unwrap()), "access begins when it was applied for");
    assert_eq!(permit.population.expr, support::application::CRITERIA);
    assert_eq!(permit.population.max_persons, 65_000);
    assert_eq!(permit.granted_sources(), ["npr", "dar"]);
    let npr: Vec<(&str, &str)> =
        permit.sources[0].variables.iter().map(|v| (v.id.as_str(), v.granularity.as_str())).collect();
    assert_eq!(
        npr,
        [("npr.somatikk.hovedtilstand", "as_is"), ("npr.somatikk.innDato", "year")],
        "a condition coarsens"
    );
    assert_eq!(permit.sources[1].outcome, SourceOutcome::GrantedInPart);
    assert_eq!(permit.sources[1].removed[0].id, "dar.main.dodssted");
    assert!(permit.persons.iter().all(|p| p.id.starts_with("person:")), "no names in permits (ACC-190)");
    let text = serde_json::to_string(&permit).unwrap();
    assert!(!text.contains("Liv") && !text.contains('@'), "{text}");

    let pdf = access.letter_pdf(&cast.applicant, id).await.unwrap();
    assert!(pdf.starts_with(b"%PDF-1.7") && pdf.len() > 3_000);
    assert_eq!(kernel::sha256_hex(&pdf), decision.letter.pdf);
    let json: Value = serde_json::from_slice(&access.letter_json(&cast.decider, id).await.unwrap()).unwrap();
    assert_eq!((json["permit"].as_str(), json["language"].as_str()), (Some("NO-2026-000001-01"), Some("nb")));
    let statement = access.decision_statement(&cast.applicant, id).await.unwrap();
    statement.verify(&Own(zone.signer.as_ref())).unwrap();
    let said: Value = serde_json::from_slice(&statement.payload.0).unwrap();
    assert_eq!(said["pdf"], decision.letter.pdf);
}

/// ACC-160: the same letter in every language, and a refusal without a permit.
#[tokio::test]
async fn acc_160_a_refusal_has_a_letter_and_no_permit() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    for (i, language) in ["nb", "nn", "en"].into_iter().enumerate() {
        let id = access.create(&cast.applicant, cart()).await.unwrap();
        let mut fields = support::attached(&access, &cast.applicant, id).await;
        fields.insert("no.language".into(), json!(language));
        access.save(&cast.applicant, id, fields).await.unwrap();
        run(&access, &cast.applicant, id, "submit", json!({})).await.unwrap();
        support::screened(&access, &cast, id).await;
        run(&access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
        run(&access, &cast.handler, id, "assess_criterion", support::assessments()).await.unwrap();
        let refuse = |source: &str| json!({"source": source, "outcome": "refused", "reason": "Formålet er ikke godt nok beskrevet."});
        let proposal = json!({"parts": [refuse("npr"), refuse("dar")]});
        run(&access, &cast.handler, id, "propose_decision", proposal).await.unwrap();
        let issued = run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
        assert_eq!(issued.events, ["decision_issued"], "terms are not needed for a refusal");
        let json: Value = serde_json::from_slice(&access.letter_json(&cast.applicant, id).await.unwrap()).unwrap();
        assert_eq!((json["outcome"].as_str(), json["permit"].as_str()), (Some("refused"), None));
        let heading = json["sections"][2]["heading"].as_str().unwrap();
        assert_eq!(heading, ["Avgjørelsen", "Avgjerda", "The decision"][i]);
        assert!(access.letter_pdf(&cast.applicant, id).await.unwrap().starts_with(b"%PDF"));
        let hold =
            run(&access, &cast.handler, id, "hold_permit", json!({"reason": "Et avvik er meldt i rommet."})).await;
        assert_eq!(code(&hold.unwrap_err()), "no_permit");
    }
    assert!(access.permit_current("NO-2026-000001").await.is_err());
}

/// ACC-162 to ACC-164: hold, release, revocation; the key role is told each time.
#[tokio::test]
async fn acc_164_hold_and_revocation_reach_the_key_role() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = proposed(&access, &cast).await;
        run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
        let keys = Told::default();
        assert_eq!(access.tell_keys(&keys).await.unwrap(), 1);
        let reason = json!({"reason": "Et avvik i rommet undersøkes nå."});
        run(&access, &cast.handler, id, "hold_permit", reason.clone()).await.unwrap();
        assert!(access.permit_current("NO-2026-000001").await.unwrap().hold);
        run(&access, &cast.decider, id, "release_hold", reason.clone()).await.unwrap();
        assert!(!access.permit_current("NO-2026-000001").await.unwrap().hold);
        let unheard = run(&access, &cast.decider, id, "revoke_permit", reason.clone()).await.unwrap_err();
        assert_eq!(code(&unheard), "hearing_missing");
        let revoke = json!({"reason": reason["reason"], "hearing": {"kind": "left_out", "why": reason["reason"]}});
        run(&access, &cast.decider, id, "revoke_permit", revoke).await.unwrap();
        let current = access.permit_current("NO-2026-000001").await.unwrap();
        current.permit.verify(&Own(zone.signer.as_ref())).unwrap();
        let permit: Permit = current.permit.read_unverified().unwrap();
        assert_eq!(permit.status, PermitStatus::Revoked);
        let again = run(&access, &cast.decider, id, "release_hold", reason).await.unwrap_err();
        assert_eq!(code(&again), "permit_standing");
        assert_eq!(access.tell_keys(&keys).await.unwrap(), 3);
        assert_eq!(access.tell_keys(&keys).await.unwrap(), 0);
        assert_eq!(keys.0.lock().unwrap().len(), 4);
        // Unreachable: the job stays and is tried again later.
        let other = proposed(&access, &cast).await;
        run(&access, &cast.decider, other, "issue_decision", json!({})).await.unwrap();
        assert_eq!(access.tell_keys(&Deaf).await.unwrap(), 0);
        assert_eq!(access.tell_keys(&keys).await.unwrap(), 0, "not due yet");
        zone.clock.advance_micros(10 * 1_000_000);
        assert_eq!(access.tell_keys(&keys).await.unwrap(), 1);
        access.verify(&cast.handler, id).await.unwrap();
    })
    .await;
}

#[derive(Default)]
struct Told(std::sync::Mutex<Vec<bool>>);

#[async_trait::async_trait]
impl protocol::Channel for Told {
    async fn call(
        &self,
        to: &protocol::Party,
        kind: &str,
        body: bytes::Bytes,
    ) -> Result<bytes::Bytes, protocol::CallError> {
        assert_eq!((to, kind), (&protocol::Party::Keys, "permit/changed"));
        let said: Value = serde_json::from_slice(&body).unwrap();
        self.0.lock().unwrap().push(said["hold"].as_bool().unwrap());
        Ok(bytes::Bytes::from_static(b"{}"))
    }
}

/// ACC-164: news that a killed process was telling are told by the next one at once, not when its lease has run out.
#[tokio::test]
async fn acc_164_news_held_by_a_killed_process_are_taken_up_at_the_start() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let id = proposed(&access, &cast).await;
    run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
    tokio::select! {
        biased;
        _ = access.tell_keys(&Silent) => panic!("nobody answered"),
        () = tokio::time::sleep(std::time::Duration::from_millis(200)) => {}
    }
    let keys = Told::default();
    assert_eq!(access.tell_keys(&keys).await.unwrap(), 0, "held");
    access.recover().await.unwrap();
    assert_eq!(access.tell_keys(&keys).await.unwrap(), 1);
}

struct Silent;

#[async_trait::async_trait]
impl protocol::Channel for Silent {
    async fn call(&self, _: &protocol::Party, _: &str, _: bytes::Bytes) -> Result<bytes::Bytes, protocol::CallError> {
        std::future::pending().await
    }
}

struct Deaf;

#[async_trait::async_trait]
impl protocol::Channel for Deaf {
    async fn call(&self, to: &protocol::Party, _: &str, _: bytes::Bytes) -> Result<bytes::Bytes, protocol::CallError> {
        Err(protocol::CallError::Unreachable { party: to.clone(), reason: "off".into() })
    }
}

/// ACC-181: one working day after submission, decisions later, withdrawn cases with title only.
#[tokio::test]
async fn acc_181_the_register_opens_on_its_days() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let decided = proposed(&access, &cast).await;
        run(&access, &cast.decider, decided, "issue_decision", json!({})).await.unwrap();
        let withdrawn = submitted(&access, &cast).await;
        run(&access, &cast.applicant, withdrawn, "withdraw", json!({"reason": "Vi fikk data fra et annet sted."}))
            .await
            .unwrap();
        assert_eq!(access.register("", 0, 0).await.unwrap().total, 0);
        // Saturday to Monday.
        advance_days(&zone, 2);
        let page = access.register("hjerneslag", 0, 10).await.unwrap();
        assert_eq!(page.total, 2);
        let [second, first] = page.items.as_slice() else { panic!("{page:?}") };
        assert_eq!((first.status, second.status), ("received", "withdrawn"));
        assert!(second.application.is_empty() && first.decision.is_none());
        let public = serde_json::to_string(first).unwrap();
        assert!(public.contains("Liv Leder") && public.contains("10000-99999"));
        for hidden in ["Arne", "Kari", "@", "use.why", "65000", "npr.somatikk.hovedtilstand in"] {
            assert!(!public.contains(hidden), "{hidden} in {public}");
        }
        advance_days(&zone, 7);
        let entry = access.register_entry("A-2026-000001").await.unwrap();
        assert_eq!(
            (entry.status, entry.decision.unwrap()["permit"]["permit_id"].clone()),
            ("decided", json!("NO-2026-000001-01"))
        );
        assert_eq!(access.register("ingenting", 0, 10).await.unwrap().total, 0);
    })
    .await;
}

fn advance_days(zone: &testkit::TestZone, days: i64) {
    zone.clock.advance_micros(days * 86_400_000_000);
}

/// ACC-004: the same command twice is one command; another content under its id is refused.
#[tokio::test]
async fn acc_004_a_double_submission_is_one() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = access.create(&cast.applicant, cart()).await.unwrap();
        access.save(&cast.applicant, id, support::attached(&access, &cast.applicant, id).await).await.unwrap();
        let version = access.draft(&cast.applicant, id).await.unwrap().version;
        let once = command_id();
        let first = access.submit(&cast.applicant, id, &once, version).await.unwrap();
        let second = access.submit(&cast.applicant, id, &once, version).await.unwrap();
        assert!(!first.repeated && second.repeated);
        assert_eq!((&first.number, first.version, &first.events), (&second.number, second.version, &second.events));
        let reused =
            access.command(&cast.applicant, id, "withdraw", json!({}), &once, first.version).await.unwrap_err();
        assert_eq!(code(&reused), "command_id_reused");
        let bad = access.submit(&cast.applicant, id, "once", version).await.unwrap_err();
        assert_eq!(code(&bad), "invalid form");
        let other = submitted(&access, &cast).await;
        assert_eq!(access.case(&cast.applicant, other).await.unwrap().summary.number.as_deref(), Some("A-2026-000002"));
    })
    .await;
}

/// ACC-004: a command on an older version says which events were missed, and changes nothing.
#[tokio::test]
async fn acc_004_a_stale_version_is_a_conflict() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = submitted(&access, &cast).await;
        let seen = access.case(&cast.handler, id).await.unwrap().summary.version;
        run(&access, &cast.other_handler, id, "assign_case", json!({})).await.unwrap();
        let stale =
            access.command(&cast.handler, id, "confirm_complete", json!({}), &command_id(), seen).await.unwrap_err();
        let Problem::Conflict { code, remedy } = &stale else { panic!("{stale}") };
        assert!(code == "version_conflict" && remedy.contains("case_assigned"), "{remedy}");
        run(&access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
        // A second confirmation on the old page is told of the newer state, not of missing rights.
        let late =
            access.command(&cast.handler, id, "confirm_complete", json!({}), &command_id(), seen).await.unwrap_err();
        assert_eq!(self::code(&late), "version_conflict");
    })
    .await;
}

/// ACC-010: the decision maker who proposed (holding both roles) may not issue; another one may.
#[tokio::test]
async fn acc_010_nobody_decides_alone() {
    testkit::zones("centre", async |zone| {
        let (access, mut cast) = (service(&zone).await, cast());
        cast.handler.grants.extend(cast.decider.grants.clone());
        let id = proposed(&access, &cast).await;
        let same = run(&access, &cast.handler, id, "issue_decision", json!({})).await.unwrap_err();
        assert_eq!(same, Problem::forbidden("same_person"));
        assert_eq!(same.status(), 403);
        let view = access.case(&cast.handler, id).await.unwrap();
        let issue = view.commands.iter().find(|c| c.name.slug() == "issue_decision").unwrap();
        assert_eq!(issue.blocked, Some("same_person"));
        let returned =
            run(&access, &cast.decider, id, "return_proposal", json!({"reason": "Begrunnelsen må bli tydeligere."}))
                .await;
        returned.unwrap();
        run(&access, &cast.handler, id, "propose_decision", support::proposal()).await.unwrap();
        run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
        assert!(zone.actions().await.contains(&"case.command refused same_person".to_owned()));
    })
    .await;
}

/// ACC-007: the times of a case are UTC, its days Norwegian: an application at 23:30 UTC in November is of the next day.
#[tokio::test]
async fn acc_007_days_are_counted_in_oslo() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let to_half_past_eleven = "2026-11-21T23:30:00Z".parse::<Timestamp>().unwrap().micros() - zone.now().micros();
    zone.clock.advance_micros(to_half_past_eleven);
    let id = submitted(&access, &cast).await;
    run(&access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
    let clock = access.case(&cast.handler, id).await.unwrap().summary.clock.unwrap();
    assert_eq!(clock.started.to_string(), "2026-11-22");
}

/// ACC-166: a condition that nothing can enforce gives no permit, and no number is taken.
#[tokio::test]
async fn acc_166_what_cannot_be_enforced_is_not_issued() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let id = proposed(&access, &cast).await;
    let mut proposal = support::proposal();
    proposal["conditions"] = json!([{"type": "room_only", "value": true}]);
    run(&access, &cast.handler, id, "propose_decision", proposal.clone()).await.unwrap();
    let refused = run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap_err();
    assert_eq!(code(&refused), "permit_not_enforceable");
    proposal["conditions"] = json!([{"type": "made_up"}]);
    let unknown = run(&access, &cast.handler, id, "propose_decision", proposal.clone()).await.unwrap_err();
    assert_eq!(code(&unknown), "invalid unknown_condition");
    proposal["conditions"] = json!([]);
    proposal["parts"][0]["outcome"] = json!("granted_in_part");
    let nothing_removed = run(&access, &cast.handler, id, "propose_decision", proposal.clone()).await.unwrap_err();
    assert_eq!(code(&nothing_removed), "invalid outcome");
    proposal["parts"][0]["outcome"] = json!("granted");
    run(&access, &cast.handler, id, "propose_decision", proposal).await.unwrap();
    run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
    assert!(access.permit_current("NO-2026-000001").await.is_ok());
}

/// ACC-003: whoever changes the history in the database is found out.
#[tokio::test]
async fn acc_003_a_changed_event_breaks_the_chain() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        for change in [
            "UPDATE access_event SET data = replace(data, 'N-3', 'N-4') WHERE name = 'criterion_assessed'",
            "UPDATE access_event SET actor = 'somebody' WHERE seq = 3",
            "UPDATE access_event SET at = at + 1 WHERE seq = 2",
            "DELETE FROM access_event WHERE seq = 5",
            "UPDATE access_case SET body = replace(body, 'N-3', 'N-9')",
        ] {
            let id = proposed(&access, &cast).await;
            access.verify(&cast.handler, id).await.unwrap();
            let done: Result<u64, store::StoreError> =
                zone.store.tx("tamper", async |tx: &mut store::Tx| tx.execute(change, store::params![]).await).await;
            assert!(done.unwrap() > 0, "{change}");
            assert!(access.verify(&cast.handler, id).await.is_err(), "{change}");
        }
    })
    .await;
}

/// Personal data at rest are sealed: neither names nor addresses stand in the database file.
#[tokio::test]
async fn names_are_sealed_at_rest() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let id = proposed(&access, &cast).await;
    run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
    let draft = access.create(&cast.applicant, cart()).await.unwrap();
    access.save(&cast.applicant, draft, support::attached(&access, &cast.applicant, draft).await).await.unwrap();
    for file in ["zone.db", "zone.db-wal"] {
        let bytes = std::fs::read(zone.folder.path().join(file)).unwrap_or_default();
        for secret in ["arne@universitetet.no", "Arne Analyse", "Kari Kontakt"] {
            let found = bytes.windows(secret.len()).any(|window| window == secret.as_bytes());
            assert!(!found, "{secret} in {file}");
        }
    }
}
