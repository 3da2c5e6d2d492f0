//! What happens around a case: sources, experts, members, messages, colleagues, exclusions, time limits.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::support::{self, BODY, Cast, cart, cast, command_id, proposed, run, service, submitted};
use access::Excluded;
use access::model::{Command, CommandName, Reminder, StateName, TaskState};
use access::permissions::CaseRole;
use access::{Access, CaseId};
use identity::{Actor, Role};
use kernel::Problem;
use serde_json::{Value, json};

const REASON: &str = "En grunn som er lang nok til å telle.";

fn code(problem: &Problem) -> String {
    match problem {
        Problem::Forbidden { code } | Problem::Conflict { code, .. } => code.clone(),
        Problem::Invalid { fields } => format!("invalid {}", fields[0].rule),
        other => other.to_string(),
    }
}

async fn refused(access: &Access, actor: &Actor, id: CaseId, name: &str, payload: Value) -> String {
    code(&run(access, actor, id, name, payload).await.unwrap_err())
}

fn registry(source: &str) -> Actor {
    let mut actor = testkit::actor(source, Role::RegistryHandler, "fhi");
    actor.grants[0].scope = Some(source.to_owned());
    actor
}

/// A case in processing.
async fn processing(access: &Access, cast: &Cast) -> CaseId {
    let id = submitted(access, cast).await;
    run(access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
    id
}

fn advance_days(zone: &testkit::TestZone, days: i64) {
    zone.clock.advance_micros(days * 86_400_000_000);
}

/// ACC-083: nothing before the declaration; a conflict ends the role in this case and in no other.
#[tokio::test]
async fn acc_083_interests_come_first() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let id = submitted(&access, &cast).await;
    let view = access.case(&cast.handler, id).await.unwrap();
    assert_eq!(view.summary.next, Some(CommandName::DeclareInterest));
    assert!(view.commands.iter().all(|c| c.name == CommandName::DeclareInterest || c.blocked.is_some()));
    let early =
        access.command(&cast.handler, id, "confirm_complete", json!({}), &command_id(), view.summary.version).await;
    assert_eq!(code(&early.unwrap_err()), "interest_not_declared");
    let conflict = json!({"interest": "conflict"});
    assert_eq!(refused(&access, &cast.handler, id, "declare_interest", conflict).await, "invalid required");
    let conflict = json!({"interest": "conflict", "reason": "Søkeren er min søster."});
    run(&access, &cast.handler, id, "declare_interest", conflict).await.unwrap();
    assert_eq!(access.case(&cast.handler, id).await.unwrap_err().status(), 403);
    let late = access.command(&cast.handler, id, "confirm_complete", json!({}), &command_id(), 1).await.unwrap_err();
    assert_eq!(code(&late), "conflict_of_interest");
    let give = json!({"handler": cast.handler.account});
    assert_eq!(refused(&access, &cast.other_handler, id, "assign_case", give).await, "conflict_of_interest");
    let other = submitted(&access, &cast).await;
    run(&access, &cast.handler, other, "confirm_complete", json!({})).await.unwrap();
}

/// Section 8.2: every source has its own task and clock; silence never stops the case.
#[tokio::test]
async fn source_tasks_run_at_the_same_time() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let (npr, dar) = (registry("npr"), registry("dar"));
        let id = processing(&access, &cast).await;
        let none = json!({"source": "npr"});
        assert_eq!(refused(&access, &npr, id, "accept_source_task", none.clone()).await, "no_task");
        let done = run(&access, &cast.handler, id, "dispatch_source_tasks", json!({})).await.unwrap();
        assert_eq!(done.events, ["source_task_created", "source_task_created"]);
        assert_eq!(refused(&access, &cast.handler, id, "dispatch_source_tasks", json!({})).await, "already_dispatched");
        run(&access, &npr, id, "accept_source_task", none.clone()).await.unwrap();
        assert_eq!(refused(&access, &dar, id, "accept_source_task", none).await, "other_source");
        let answer = json!({"variables": {"npr.somatikk.hovedtilstand": {"answer": "deliverable"},
            "npr.somatikk.innDato": {"answer": "deliverable_changed", "proposal": "Bare måned."}}});
        let lacks = json!({"source": "npr", "answer": {"variables": {}}});
        assert_eq!(refused(&access, &npr, id, "answer_source_task", lacks).await, "invalid required");
        let answer = json!({"source": "npr", "answer": answer});
        assert_eq!(refused(&access, &npr, id, "answer_source_task", answer.clone()).await, "cost_missing");
        let cost = json!({"source": "npr", "cost": {"hours": 12.5, "delivery_days": 25}});
        run(&access, &npr, id, "estimate_source_cost", cost).await.unwrap();
        run(&access, &npr, id, "answer_source_task", answer).await.unwrap();
        // Registry handlers see their own task, the applicant none (ACC-001).
        let seen = access.case(&npr, id).await.unwrap().involved.tasks;
        assert_eq!((seen.len(), seen["npr"].state), (1, TaskState::Answered));
        let own = access.case(&cast.applicant, id).await.unwrap();
        assert!(own.involved.tasks.is_empty());
        assert!(own.timeline.iter().all(|entry| !entry.event.starts_with("source_task")));
        // The source's own estimate is what the price rests on.
        run(&access, &cast.handler, id, "assess_criterion", support::assessments()).await.unwrap();
        run(&access, &cast.handler, id, "calculate_fee", json!({})).await.unwrap();
        let events = access.events(&cast.handler, id, 0).await.unwrap();
        let fee = serde_json::to_string(&events.last().unwrap().event).unwrap();
        assert!(fee.contains(r#""source":"npr","hours":13"#), "12.5 hours are 13 begun ones: {fee}");
        // The silent source: late, reminded twice, then left out with a reason.
        let without = json!({"without_statement": {"dar": REASON}});
        assert_eq!(refused(&access, &cast.handler, id, "offer_terms", without.clone()).await, "sources_pending");
        advance_days(&zone, 30);
        assert_eq!(refused(&access, &cast.handler, id, "offer_terms", without.clone()).await, "sources_pending");
        // The page says so beside the command (ACC-080), until the source was reminded often enough.
        let blocked = async || {
            let case = access.case(&cast.handler, id).await.unwrap();
            case.commands.iter().find(|c| c.name == CommandName::OfferTerms).unwrap().blocked
        };
        assert_eq!(blocked().await, Some("sources_pending"));
        for _ in 0..2 {
            let reminder = Command::SendReminder { reminder: Reminder::Source("dar".into()) };
            access.by_clock(id, reminder, Some("handler")).await.unwrap();
        }
        assert_eq!(blocked().await, None);
        assert_eq!(refused(&access, &cast.handler, id, "offer_terms", json!({})).await, "sources_pending");
        let offered = run(&access, &cast.handler, id, "offer_terms", without).await.unwrap();
        assert_eq!(offered.events, ["source_task_waived", "terms_offered"]);
        let events = access.events(&cast.handler, id, 0).await.unwrap();
        let reminded = events.iter().find(|e| e.event.name() == "reminder_sent").unwrap();
        assert_eq!((reminded.actor.as_str(), reminded.on_behalf_of.as_deref()), ("clock", Some("handler")));
        access.verify(&cast.handler, id).await.unwrap();
    })
    .await;
}

/// ACC-101: opinions change no state, and in blind mode stay hidden until the own one is given.
#[tokio::test]
async fn acc_101_opinions_are_blind() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let (anna, berit) =
        (testkit::actor("expert-1", Role::Reviewer, "uib"), testkit::actor("expert-2", Role::Reviewer, "ntnu"));
    let id = processing(&access, &cast).await;
    assert_eq!(access.case(&anna, id).await.unwrap_err().status(), 403, "only those who were asked");
    let ask = json!({"reviewers": [anna.account, berit.account], "blind": true, "anonymous": true});
    run(&access, &cast.handler, id, "request_review", ask.clone()).await.unwrap();
    assert_eq!(refused(&access, &cast.handler, id, "request_review", ask).await, "already_asked");
    let party = json!({"reviewers": [cast.applicant.account]});
    assert_eq!(refused(&access, &cast.handler, id, "request_review", party).await, "conflict_of_interest");
    let opinion = json!({"recommendation": "grant", "text": REASON});
    let done = run(&access, &anna, id, "review", opinion.clone()).await.unwrap();
    assert_eq!(done.state, StateName::Processing);
    let given = |view: &access::views::CaseView| view.involved.opinions.iter().filter(|o| o.opinion.is_some()).count();
    assert_eq!(given(&access.case(&anna, id).await.unwrap()), 1);
    assert_eq!(given(&access.case(&berit, id).await.unwrap()), 0, "hidden until the own one is given");
    run(&access, &berit, id, "review", opinion.clone()).await.unwrap();
    assert_eq!(given(&access.case(&berit, id).await.unwrap()), 2);
    let again = access.command(&anna, id, "review", opinion, &command_id(), done.version + 2).await.unwrap_err();
    assert_eq!(again.status(), 403, "an opinion is given once: {again}");
    run(&access, &anna, id, "vote", json!({"ballot": "for"})).await.unwrap();
    let own = access.case(&cast.applicant, id).await.unwrap();
    assert!(own.involved.opinions.is_empty());
    assert!(own.timeline.iter().all(|e| !["reviewed", "voted", "review_requested"].contains(&e.event)));
}

/// Members come by invitation; the token is told once and kept nowhere; an applicant can be followed by a member.
#[tokio::test]
async fn members_join_with_the_token_of_a_link() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let colleague = testkit::actor("colleague", Role::Researcher, "uio");
        let id = access.create(&cast.applicant, cart()).await.unwrap();
        let invite = json!({"kind": "co_applicant", "email": "kollega@universitetet.no"});
        let version = access.draft(&cast.applicant, id).await.unwrap().version;
        let once = command_id();
        let made = access.command(&cast.applicant, id, "invite_member", invite.clone(), &once, version).await.unwrap();
        let token = made.token.unwrap();
        let again = access.command(&cast.applicant, id, "invite_member", invite, &once, version).await.unwrap();
        assert!(again.repeated && again.token.is_none(), "told once");
        let wrong = access.accept_invitation(&colleague, "wrong", &command_id()).await.unwrap_err();
        assert_eq!(wrong.status(), 404);
        access.accept_invitation(&colleague, &token, &command_id()).await.unwrap();
        let used = access.accept_invitation(&cast.other_handler, &token, &command_id()).await.unwrap_err();
        assert_eq!(used.status(), 404, "an invitation is used once");
        // A member works on the draft, and may not hand it in.
        access.save(&colleague, id, support::attached(&access, &colleague, id).await).await.unwrap();
        let version = access.case(&colleague, id).await.unwrap().summary.version;
        let no = access.submit(&colleague, id, &command_id(), version).await.unwrap_err();
        assert_eq!(no, Problem::forbidden("forbidden"));
        let organisation = json!({"organisation": "310001007"});
        run(&access, &colleague, id, "confirm_controller", organisation).await.unwrap();
        run(&access, &cast.applicant, id, "submit", json!({})).await.unwrap();
        let stranger = json!({"account": "stranger"});
        assert_eq!(refused(&access, &cast.handler, id, "change_applicant", stranger).await, "not_a_member");
        let change = json!({"account": colleague.account});
        run(&access, &cast.handler, id, "change_applicant", change).await.unwrap();
        assert!(access.is_applicant(&colleague, id).await.unwrap());
        let view = access.case(&cast.applicant, id).await.unwrap();
        assert_eq!(view.roles, [CaseRole::CoApplicant]);
        run(&access, &colleague, id, "remove_member", json!({"account": cast.applicant.account})).await.unwrap();
        assert_eq!(access.case(&cast.applicant, id).await.unwrap_err().status(), 403);
        access.verify(&cast.handler, id).await.unwrap();
        let bytes = std::fs::read(zone.folder.path().join("zone.db")).unwrap_or_default();
        assert!(!bytes.windows(token.len()).any(|w| w == token.as_bytes()), "the token is kept nowhere");
    })
    .await;
}

/// ACC-103, ACC-102, ACC-190: messages with receipts, remarks by visibility; the texts are sealed beside the events.
#[tokio::test]
async fn acc_103_messages_are_read_and_remarks_are_for_some() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let npr = registry("npr");
        let id = processing(&access, &cast).await;
        run(&access, &cast.handler, id, "send_message", json!({"text": "Vi ringer i morgen."})).await.unwrap();
        let sent = access.messages(&cast.handler, id).await.unwrap();
        assert_eq!((sent.len(), sent[0].read.len()), (1, 0), "the own message is not read by reading it");
        assert_eq!(access.messages(&cast.applicant, id).await.unwrap()[0].text, "Vi ringer i morgen.");
        let sent = access.messages(&cast.handler, id).await.unwrap();
        assert_eq!(sent[0].read[0].0, cast.applicant.account.to_string());
        assert_eq!(access.messages(&npr, id).await.unwrap_err().status(), 403);
        for (text, visibility) in [
            ("Bare for oss.", json!("staff")),
            ("Til NPR.", json!({"source": "npr"})),
            ("Til DÅR.", json!({"source": "dar"})),
            ("Til alle.", json!("parties")),
        ] {
            let remark = json!({"text": text, "visibility": visibility});
            run(&access, &cast.handler, id, "remark", remark).await.unwrap();
        }
        let count = async |actor: &Actor| access.remarks(actor, id).await.unwrap().len();
        assert_eq!((count(&cast.handler).await, count(&npr).await, count(&cast.applicant).await), (4, 2, 1));
        let own = access.case(&cast.applicant, id).await.unwrap();
        assert_eq!(own.timeline.iter().filter(|entry| entry.event == "remarked").count(), 1);
        let events = serde_json::to_string(&access.events(&cast.handler, id, 0).await.unwrap()).unwrap();
        assert!(!events.contains("Bare for oss") && !events.contains("ringer"));
        access.verify(&cast.handler, id).await.unwrap();
    })
    .await;
}

/// ACC-104, ACC-010: who stands in for a colleague is named with them, and both count as one person.
#[tokio::test]
async fn acc_104_a_colleague_stands_in() {
    let zone = testkit::zone("centre").await;
    let (access, mut cast) = (service(&zone).await, cast());
    // The decision maker is a handler, too, and has handed the handling to a colleague.
    cast.handler.grants.extend(cast.decider.grants.clone());
    let today = kernel::Clock::today(zone.clock.as_ref());
    let valid = (today, today.plus_days(14));
    let role = CaseRole::CaseHandler;
    let stranger = testkit::actor("stranger", Role::CaseHandler, "another-body");
    let no = access.delegate(&cast.handler, &stranger, role, None, valid).await.unwrap_err();
    assert_eq!(no, Problem::forbidden("not_a_colleague"));
    let id = submitted(&access, &cast).await;
    run(&access, &cast.handler, id, "assign_case", json!({})).await.unwrap();
    let delegation = access.delegate(&cast.handler, &cast.other_handler, role, None, valid).await.unwrap();
    assert_eq!(access.delegations(&cast.other_handler).await.unwrap().len(), 1);
    for (name, payload) in [
        ("confirm_complete", json!({})),
        ("assess_criterion", support::assessments()),
        ("calculate_fee", json!({})),
        ("offer_terms", json!({})),
    ] {
        run(&access, &cast.other_handler, id, name, payload).await.unwrap();
    }
    let hash = access.case(&cast.applicant, id).await.unwrap().offer.unwrap().hash;
    run(&access, &cast.applicant, id, "accept_terms", json!({"terms_hash": hash})).await.unwrap();
    run(&access, &cast.other_handler, id, "propose_decision", support::proposal()).await.unwrap();
    let events = access.events(&cast.decider, id, 0).await.unwrap();
    let last = events.last().unwrap();
    let (colleague, handler) = (cast.other_handler.account.to_string(), cast.handler.account.to_string());
    assert_eq!((last.actor.as_str(), last.on_behalf_of.as_deref()), (colleague.as_str(), Some(handler.as_str())));
    assert_eq!(refused(&access, &cast.handler, id, "issue_decision", json!({})).await, "same_person");
    run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
    access.verify(&cast.decider, id).await.unwrap();
    access.end_delegation(&cast.handler, &delegation).await.unwrap();
    assert!(access.delegations(&cast.handler).await.unwrap().is_empty());
}

/// ACC-084: who is excluded cannot submit, be let in, or be decided for.
#[tokio::test]
async fn acc_084_the_excluded_are_kept_out() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let account = cast.applicant.account.to_string();
    let until = kernel::Clock::today(zone.clock.as_ref()).plus_days(400);
    let party = Excluded::Person(&account);
    let no = access.exclude(&cast.handler, party, until, REASON, None).await.unwrap_err();
    assert_eq!(no, Problem::forbidden("forbidden"));
    let open = proposed(&access, &cast).await;
    access.exclude(&cast.decider, party, until, REASON, Some(&support::unheard())).await.unwrap();
    assert!(access.is_excluded(party).await.unwrap());
    assert_eq!(refused(&access, &cast.decider, open, "issue_decision", json!({})).await, "excluded_party");
    let id = access.create(&cast.applicant, cart()).await.unwrap();
    access.save(&cast.applicant, id, support::attached(&access, &cast.applicant, id).await).await.unwrap();
    assert_eq!(refused(&access, &cast.applicant, id, "submit", json!({})).await, "excluded_party");
    advance_days(&zone, 401);
    assert!(!access.is_excluded(party).await.unwrap(), "the time is over");
    let mut other = cast;
    other.applicant = testkit::actor("another", Role::Researcher, "uio");
    let id = access.create(&other.applicant, cart()).await.unwrap();
    access.save(&other.applicant, id, support::attached(&access, &other.applicant, id).await).await.unwrap();
    let later = kernel::Clock::today(zone.clock.as_ref()).plus_days(400);
    access
        .exclude(&other.decider, Excluded::Organisation("310001007"), later, REASON, Some(&support::unheard()))
        .await
        .unwrap();
    assert_eq!(refused(&access, &other.applicant, id, "submit", json!({})).await, "excluded_party");
}

/// ACC-121: after the confirmation one more completeness request, with the decision maker's consent; then the clock starts
/// anew and nothing of the work is lost.
#[tokio::test]
async fn acc_121_completeness_is_asked_for_again_only_with_consent() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let id = processing(&access, &cast).await;
    run(&access, &cast.handler, id, "assess_criterion", support::assessments()).await.unwrap();
    let ask = json!({"kind": "completeness", "questions": [{"field": "use.why", "question": "Hva med barn?"}]});
    assert_eq!(refused(&access, &cast.handler, id, "request_info", ask.clone()).await, "consent_missing");
    let consent = json!({"text": "Greit.", "visibility": "staff", "consents": "completeness_request"});
    assert_eq!(refused(&access, &cast.handler, id, "remark", consent.clone()).await, "not_decision_maker");
    run(&access, &cast.decider, id, "remark", consent.clone()).await.unwrap();
    run(&access, &cast.handler, id, "request_info", ask.clone()).await.unwrap();
    advance_days(&zone, 7);
    let answers = json!({"answers": [{"field": "use.why", "answer": "Bare voksne."}]});
    let done = run(&access, &cast.applicant, id, "send_info", answers).await.unwrap();
    assert_eq!(done.state, StateName::PreScreening);
    run(&access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
    let view = access.case(&cast.handler, id).await.unwrap();
    assert!(view.criteria.iter().all(|c| c.outcome.is_some()), "the work goes on from where it was");
    assert_eq!(view.summary.clock.unwrap().started, kernel::Clock::today(zone.clock.as_ref()));
    run(&access, &cast.decider, id, "remark", consent).await.unwrap();
    assert_eq!(refused(&access, &cast.handler, id, "request_info", ask).await, "already_complete");
}

/// ACC-160: a question that begins from a template keeps its version; one that there is not is refused.
#[tokio::test]
async fn acc_160_a_question_keeps_the_version_of_its_template() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let id = submitted(&access, &cast).await;
    let ask = |template: &str| {
        let question = json!({"field": "use.why", "question": "Begrunn dette nærmere.", "template": template});
        json!({"kind": "completeness", "questions": [question]})
    };
    let unknown = refused(&access, &cast.handler, id, "request_info", ask("nothing")).await;
    assert_eq!(unknown, "invalid unknown_template");
    run(&access, &cast.handler, id, "request_info", ask("necessity")).await.unwrap();
    let events = access.events(&cast.handler, id, 0).await.unwrap();
    let asked = events.iter().map(|event| serde_json::to_string(event).unwrap()).find(|e| e.contains("info_requested"));
    assert!(asked.unwrap().contains("\"necessity/1.0.0\""));
}

/// Section 8.2: a case that is not completed ends after four weeks and a reminder, by two persons, with a letter.
#[tokio::test]
async fn a_case_that_is_not_completed_ends() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = submitted(&access, &cast).await;
        let reason = json!({"reason": REASON});
        assert_eq!(refused(&access, &cast.handler, id, "propose_not_completed", reason.clone()).await, "nothing_asked");
        let ask = json!({"kind": "completeness", "questions": [{"field": "use.why", "question": "Hva med barn?"}]});
        run(&access, &cast.handler, id, "request_info", ask).await.unwrap();
        assert_eq!(
            refused(&access, &cast.handler, id, "propose_not_completed", reason.clone()).await,
            "answer_not_due"
        );
        advance_days(&zone, 40);
        assert_eq!(refused(&access, &cast.handler, id, "propose_not_completed", reason.clone()).await, "not_reminded");
        access.by_clock(id, Command::SendReminder { reminder: Reminder::Info }, None).await.unwrap();
        assert_eq!(refused(&access, &cast.decider, id, "issue_not_completed", json!({})).await, "no_proposal");
        run(&access, &cast.handler, id, "propose_not_completed", reason).await.unwrap();
        let done = run(&access, &cast.decider, id, "issue_not_completed", json!({})).await.unwrap();
        assert_eq!((done.state, done.events), (StateName::Decided, vec!["decision_issued".to_owned()]));
        assert!(access.letter_pdf(&cast.applicant, id).await.unwrap().starts_with(b"%PDF"));
        let letter: Value = serde_json::from_slice(&access.letter_json(&cast.applicant, id).await.unwrap()).unwrap();
        assert_eq!(letter["outcome"], "not_completed");
        access.verify(&cast.handler, id).await.unwrap();
    })
    .await;
}

/// 68(3), ACC-142, ACC-123, ACC-082: statistics instead need the applicant's agreement; conditions of criteria come into
/// the decision; more time once for each reason; cells are removed, never added.
#[tokio::test]
async fn offers_conditions_extensions_and_cells() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let id = processing(&access, &cast).await;
    let mut assessed = support::assessments();
    assessed["assessments"][2] = json!({"criterion": "N-3", "outcome": "met_with_condition", "reason": REASON,
        "condition": {"type": "min_granularity", "variable": "npr.somatikk.innDato", "value": "year"}});
    run(&access, &cast.handler, id, "assess_criterion", assessed).await.unwrap();
    let made_up = json!({"conditions": [{"type": "made_up"}]});
    assert_eq!(refused(&access, &cast.handler, id, "set_conditions", made_up).await, "invalid unknown_condition");
    let set = json!({"conditions": [{"type": "report", "every": "P6M"}]});
    run(&access, &cast.handler, id, "set_conditions", set).await.unwrap();
    let statistics = json!({"parts": [
        {"source": "npr", "outcome": "granted", "reason": REASON},
        {"source": "dar", "outcome": "statistics_instead", "reason": REASON}]});
    let early = refused(&access, &cast.handler, id, "propose_decision", statistics.clone()).await;
    assert_eq!(early, "invalid outcome");
    let offer = json!({"sources": ["dar"], "reason": REASON});
    run(&access, &cast.handler, id, "offer_statistics", offer).await.unwrap();
    run(&access, &cast.handler, id, "add_terms", json!({"text": "Resultater sendes til kilden."})).await.unwrap();
    run(&access, &cast.handler, id, "calculate_fee", json!({})).await.unwrap();
    run(&access, &cast.handler, id, "offer_terms", json!({})).await.unwrap();
    let terms = access.case(&cast.applicant, id).await.unwrap().offer.unwrap();
    assert!(terms.terms.statistics.contains("dar") && terms.terms.extra.len() == 1);
    run(&access, &cast.applicant, id, "accept_terms", json!({"terms_hash": terms.hash})).await.unwrap();
    run(&access, &cast.handler, id, "propose_decision", statistics).await.unwrap();
    let decision = access.case(&cast.decider, id).await.unwrap().proposal.unwrap().decision;
    let kinds: Vec<&str> = decision.conditions.iter().map(|c| c.kind.as_str()).collect();
    assert_eq!(kinds, ["report", "min_granularity"]);
    let more = json!({"code": "source", "days": 10, "reason": REASON});
    run(&access, &cast.decider, id, "extend_deadline", more.clone()).await.unwrap();
    assert_eq!(refused(&access, &cast.decider, id, "extend_deadline", more).await, "already_extended");
    let own = access.case(&cast.applicant, id).await.unwrap();
    assert_eq!(own.involved.extensions.len(), 1, "told at once");
    // An administrator, who sees nothing of the case, removes a cell.
    let admin = testkit::actor("admin", Role::Administrator, BODY);
    let cell = |command: &str| json!({"state": "processing", "role": "case_handler", "command": command});
    let add = json!({"configuration": {"removed": [cell("issue_decision")]}});
    let unknown = access.command(&admin, id, "configure", add, &command_id(), 0).await.unwrap_err();
    assert_eq!(code(&unknown), "invalid unknown_cell");
    let remove = json!({"configuration": {"removed": [cell("set_track")]}});
    access.command(&admin, id, "configure", remove, &command_id(), 0).await.unwrap();
    let track = json!({"track": "complex", "reason": REASON});
    assert_eq!(refused(&access, &cast.handler, id, "set_track", track).await, "forbidden");
    let copy = run(&access, &cast.applicant, id, "copy_as_new", json!({})).await.unwrap().copy.unwrap();
    let draft = access.draft(&cast.applicant, copy).await.unwrap();
    // Files stay with the case that they were attached to; all else is there.
    let missing: Vec<&str> =
        draft.faults.iter().filter(|f| f.level == access::form::Level::Block).map(|f| f.field.as_str()).collect();
    let files = ["use.plan", "no.dpo_assessment", "no.rek", "no.rek.file", "no.dpia_file"];
    assert!(draft.cart.len() == 4 && missing.iter().all(|f| files.contains(f)), "{:?}", draft.faults);
}

/// ACC-004: of two who act at once on what they both saw, one wins, and the other is told what was missed.
#[tokio::test]
async fn acc_004_two_at_once_lose_nothing() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = processing(&access, &cast).await;
        run(&access, &cast.other_handler, id, "remark", json!({"text": "Først.", "visibility": "staff"}))
            .await
            .unwrap();
        for round in 0..5 {
            let version = access.case(&cast.handler, id).await.unwrap().summary.version;
            let id_of = |n: i64| json!({"system": "archive", "value": format!("{round}-{n}")});
            let (one, two) = (command_id(), command_id());
            let (first, second) = tokio::join!(
                access.command(&cast.handler, id, "assign_external_id", id_of(1), &one, version),
                access.command(&cast.other_handler, id, "assign_external_id", id_of(2), &two, version),
            );
            let (won, lost) = if first.is_ok() { (first, second) } else { (second, first) };
            assert_eq!(won.unwrap().version, version + 1);
            let Problem::Conflict { code, remedy } = lost.unwrap_err() else { panic!("a conflict") };
            assert!(code == "version_conflict" && remedy.contains("external_id_assigned"), "{code} {remedy}");
        }
        let events = access.events(&cast.handler, id, 0).await.unwrap();
        assert_eq!(events.iter().filter(|e| e.event.name() == "external_id_assigned").count(), 5);
        access.verify(&cast.handler, id).await.unwrap();
    })
    .await;
}
