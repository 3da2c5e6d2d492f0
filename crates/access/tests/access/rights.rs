//! Who may do and see what: every command that is built, in every state that is built, for every role.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::support::{self, BODY, Cast, answers, cart, cast, proposed, run, service, submitted};
use access::model::StateName;
use access::permissions::{CaseRole, View, allows};
use access::views::CaseFilter;
use access::{Access, CaseId, CommandName};
use identity::{Actor, Role};
use kernel::Problem;
use serde_json::{Value, json};

/// Actors other than the applicant, with what they are in a case.
fn staff() -> Vec<(Actor, Option<CaseRole>)> {
    let scoped = |name: &str, role, scope: &str| {
        let mut actor = testkit::actor(name, role, "fhi");
        actor.grants[0].scope = Some(scope.to_owned());
        actor
    };
    vec![
        (testkit::actor("h", Role::CaseHandler, BODY), Some(CaseRole::CaseHandler)),
        (testkit::actor("d", Role::DecisionMaker, BODY), Some(CaseRole::DecisionMaker)),
        (scoped("r", Role::RegistryHandler, "npr"), Some(CaseRole::RegistryHandler)),
        (scoped("p", Role::DataPreparer, "npr"), Some(CaseRole::DataPreparer)),
        (scoped("other", Role::RegistryHandler, "krg"), Some(CaseRole::Outsider)),
        (testkit::actor("au", Role::Auditor, "riksrevisjonen"), Some(CaseRole::Auditor)),
        (testkit::actor("ad", Role::Administrator, BODY), Some(CaseRole::Administrator)),
        (testkit::actor("elsewhere", Role::CaseHandler, "another-body"), Some(CaseRole::Outsider)),
        (testkit::actor("someone", Role::Researcher, "uib"), Some(CaseRole::Outsider)),
        (testkit::citizen("citizen"), Some(CaseRole::Outsider)),
    ]
}

/// A payload of the right form for each command: what happens then is the guard's business.
fn payload(name: CommandName) -> Value {
    let reason = json!({"reason": "En grunn som er lang nok til å telle."});
    match name {
        CommandName::SaveDraft | CommandName::SaveFlaggedFields => json!({"fields": {"use.why": "x"}}),
        CommandName::EditCart => json!({"items": []}),
        CommandName::SendInfo => json!({"answers": [{"field": "use.why", "answer": "Fordi."}]}),
        CommandName::AcceptTerms => json!({"terms_hash": "sha256:00"}),
        CommandName::QueryTerms => json!({"question": "Hva koster det?"}),
        CommandName::RequestInfo => {
            json!({"kind": "clarification", "questions": [{"field": "use.why", "question": "Hvorfor?"}]})
        }
        CommandName::AssessCriterion => support::assessments(),
        CommandName::ProposeDecision => support::proposal(),
        CommandName::WithdrawTerms
        | CommandName::ReturnProposal
        | CommandName::RevokePermit
        | CommandName::HoldPermit
        | CommandName::ReleaseHold
        | CommandName::ProposeNotCompleted => reason,
        CommandName::InviteMember => json!({"kind": "co_applicant"}),
        CommandName::UninviteMember => json!({"invitation": "none"}),
        CommandName::RemoveMember | CommandName::ChangeApplicant => json!({"account": "nobody"}),
        CommandName::AddMember => json!({"account": "nobody", "kind": "co_applicant"}),
        CommandName::AcceptInvitation => json!({"token": "none"}),
        CommandName::ConfirmController => json!({"organisation": "310001007"}),
        CommandName::SendMessage => json!({"text": "Når kommer svaret?"}),
        CommandName::Remark => json!({"text": "Ringte søkeren.", "visibility": "staff"}),
        CommandName::SetTrack => json!({"track": "complex", "reason": reason["reason"]}),
        CommandName::AcceptSourceTask => json!({"source": "npr"}),
        CommandName::AnswerSourceTask => json!({"source": "npr", "answer": {"variables": {}}}),
        CommandName::ReturnSourceTask => json!({"source": "npr", "reason": reason["reason"]}),
        CommandName::EstimateSourceCost => json!({"source": "npr", "cost": {"hours": 4.0, "delivery_days": 20}}),
        CommandName::RequestReview => json!({"reviewers": ["somebody"]}),
        CommandName::Review => json!({"recommendation": "grant", "text": reason["reason"]}),
        CommandName::GiveDecisionAdvice => json!({"recommendation": "grant", "reason": reason["reason"]}),
        CommandName::Vote => json!({"ballot": "for"}),
        CommandName::DeclareInterest => json!({"interest": "none"}),
        CommandName::SetConditions => json!({"conditions": [{"type": "report", "every": "P12M"}]}),
        CommandName::OfferStatistics => json!({"sources": ["npr"], "reason": reason["reason"]}),
        CommandName::ExtendDeadline => json!({"code": "source", "days": 10, "reason": reason["reason"]}),
        CommandName::RedactAttachment => json!({"file": "none", "reason": reason["reason"]}),
        CommandName::AssignExternalId => json!({"system": "archive", "value": "2026/1"}),
        CommandName::AddTerms => json!({"text": reason["reason"]}),
        CommandName::DecideConfidentiality => {
            json!({"field": "pub.title", "confidential": true, "reason": reason["reason"]})
        }
        CommandName::SendReminder => json!({"reminder": "clock"}),
        CommandName::Configure => json!({"configuration": {}}),
        _ => json!({}),
    }
}

/// A case in each state that is built.
async fn in_state(access: &Access, cast: &Cast, state: StateName) -> CaseId {
    match state {
        StateName::Draft => access.create(&cast.applicant, cart()).await.unwrap(),
        StateName::Submitted => {
            // A variable of the criteria that is not in the cart warns, so that somebody has to look.
            let mut items = cart();
            items.remove(1);
            let id = access.create(&cast.applicant, items).await.unwrap();
            access.save(&cast.applicant, id, support::attached(access, &cast.applicant, id).await).await.unwrap();
            run(access, &cast.applicant, id, "submit", json!({})).await.unwrap();
            id
        }
        StateName::PreScreening => submitted(access, cast).await,
        StateName::AwaitingInfo => {
            let id = submitted(access, cast).await;
            run(access, &cast.handler, id, "request_info", payload(CommandName::RequestInfo)).await.unwrap();
            id
        }
        StateName::Processing => proposed(access, cast).await,
        StateName::AwaitingAcceptance => {
            let id = proposed(access, cast).await;
            run(access, &cast.handler, id, "offer_terms", json!({})).await.unwrap();
            id
        }
        StateName::Decided => {
            let id = proposed(access, cast).await;
            run(access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
            id
        }
        StateName::Withdrawn => {
            let id = submitted(access, cast).await;
            run(access, &cast.applicant, id, "withdraw", json!({})).await.unwrap();
            id
        }
        StateName::Lapsed => {
            let id = access.create(&cast.applicant, cart()).await.unwrap();
            run(access, &cast.applicant, id, "delete_draft", json!({})).await.unwrap();
            id
        }
        StateName::Closed => panic!("not built"),
    }
}

async fn version(access: &Access, cast: &Cast, id: CaseId) -> i64 {
    access.case(&cast.applicant, id).await.unwrap().summary.version
}

/// ACC-080, ACC-081, ACC-092: what the table denies is 403 and in the log; what it allows succeeds or fails by a guard of
/// its own, never with `forbidden`.
#[tokio::test]
async fn acc_092_every_cell_of_the_built_commands() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let mut denied = 0;
    for state in StateName::ALL.into_iter().filter(|s| *s != StateName::Closed) {
        let id = in_state(&access, &cast, state).await;
        assert_eq!(access.case(&cast.applicant, id).await.unwrap().summary.state, state);
        let mut actors = staff();
        actors.push((cast.applicant.clone(), Some(CaseRole::Applicant)));
        for (_, role) in &mut actors {
            // What a source has to do with a draft is not known before it is handed in.
            let of_source = matches!(role, Some(CaseRole::RegistryHandler | CaseRole::DataPreparer));
            if of_source && matches!(state, StateName::Draft | StateName::Lapsed) {
                *role = Some(CaseRole::Outsider);
            }
        }
        let now = version(&access, &cast, id).await;
        for (actor, role) in &actors {
            for name in CommandName::ALL.iter().filter(|name| name.is_built()) {
                let allowed = role.is_some_and(|role| allows(state, role, *name));
                if allowed {
                    continue;
                }
                let answer = access.command(actor, id, name.slug(), payload(*name), &support::command_id(), now).await;
                assert_eq!(answer, Err(Problem::forbidden("forbidden")), "{state:?} {role:?} {name:?}");
                denied += 1;
            }
        }
        // Allowed cells; what a guard refused has changed nothing, so the case serves for the next one.
        let mut own = None;
        for (actor, role) in &actors {
            let built = CommandName::ALL.iter().filter(|name| name.is_built());
            for name in built.filter(|name| role.is_some_and(|role| allows(state, role, **name))) {
                let case = match own {
                    Some(case) => case,
                    None => in_state(&access, &cast, state).await,
                };
                let now = version(&access, &cast, case).await;
                let answer =
                    access.command(actor, case, name.slug(), payload(*name), &support::command_id(), now).await;
                assert_ne!(answer, Err(Problem::forbidden("forbidden")), "{state:?} {role:?} {name:?}");
                assert!(!matches!(&answer, Err(Problem::NotFound { .. } | Problem::Unavailable { .. })), "{answer:?}");
                own = answer.is_err().then_some(case);
            }
        }
    }
    assert!(denied > 2_000, "{denied}");
    let refused = zone.actions().await.into_iter().filter(|a| a == "case.command refused forbidden").count();
    assert_eq!(refused, denied);
}

#[tokio::test]
async fn what_each_role_sees() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let draft = access.create(&cast.applicant, cart()).await.unwrap();
        let decided = in_state(&access, &cast, StateName::Decided).await;
        for (actor, role) in staff() {
            assert!(access.case(&actor, draft).await.is_err(), "nobody sees a draft: {role:?}");
            assert!(access.draft(&actor, draft).await.is_err());
            let seen = access.case(&actor, decided).await;
            let listed = access.cases(&actor, &CaseFilter::default()).await;
            match role {
                Some(CaseRole::CaseHandler | CaseRole::DecisionMaker | CaseRole::Auditor) => {
                    let seen = seen.unwrap();
                    assert_eq!((seen.view, seen.items.len(), listed.unwrap().total), (View::ViewFull, 4, 1));
                    assert!(seen.criteria.len() == 5 && seen.timeline.len() > 8);
                    access.letter_pdf(&actor, decided).await.unwrap();
                }
                Some(CaseRole::RegistryHandler | CaseRole::DataPreparer) => {
                    let seen = seen.unwrap();
                    assert_eq!((seen.view, seen.items.len(), listed.unwrap().total), (View::ViewSourcePart, 2, 1));
                    assert!(seen.items.iter().all(|item| item.order.source == "npr"));
                    assert!(seen.timeline.is_empty() && seen.decision.is_none() && seen.comments.is_empty());
                    assert!(seen.sections.iter().all(|s| s.id != "app"), "no contacts");
                    assert_eq!(access.letter_pdf(&actor, decided).await.unwrap_err().status(), 403);
                }
                _ => {
                    assert_eq!(seen.unwrap_err().status(), 403, "{role:?}");
                    let none = listed.map(|page| page.total);
                    assert!(matches!(none, Err(Problem::Forbidden { .. }) | Ok(0)), "{none:?}");
                }
            }
        }
        let own = access.case(&cast.applicant, decided).await.unwrap();
        assert!(own.proposal.is_none() && own.view == View::ViewOwn);
        let inner = ["criterion_assessed", "decision_proposed"];
        assert!(own.timeline.iter().all(|entry| !inner.contains(&entry.event)));
        assert_eq!(access.own_cases(&cast.applicant, &CaseFilter::default()).await.unwrap().total, 2);
        assert!(zone.actions().await.contains(&"case.view refused forbidden".to_owned()));
    })
    .await;
}

/// ACC-009: who prepares data or runs a room assesses nothing.
#[tokio::test]
async fn acc_009_assessing_and_preparing_are_apart() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let id = submitted(&access, &cast).await;
    let mut both = testkit::actor("both", Role::CaseHandler, BODY);
    both.grants.extend(testkit::actor("both", Role::DataPreparer, "fhi").grants);
    let answer = run(&access, &both, id, "confirm_complete", json!({})).await;
    assert_eq!(answer, Err(Problem::forbidden("role_separation")));
    assert!(access.case(&both, id).await.unwrap().commands.is_empty(), "and is offered nothing");
}

/// A handler who applies is an applicant in the own case and nothing else.
#[tokio::test]
async fn nobody_handles_the_own_application() {
    let zone = testkit::zone("centre").await;
    let (access, mut cast) = (service(&zone).await, cast());
    cast.applicant = cast.handler.clone();
    let id = submitted(&access, &cast).await;
    let answer = run(&access, &cast.handler, id, "confirm_complete", json!({})).await;
    assert_eq!(answer, Err(Problem::forbidden("forbidden")));
    run(&access, &cast.other_handler, id, "confirm_complete", json!({})).await.unwrap();
}

/// IDN-020: identity numbers are stopped in the form and in what people write to each other, and nothing of them is kept.
#[tokio::test]
async fn identity_numbers_are_stopped() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let number = kernel::identity_number::IdentityNumber::synthetic(14, 5, 72, 345)
        .or_else(|| kernel::identity_number::IdentityNumber::synthetic(14, 5, 72, 346))
        .unwrap();
    let text = format!("Gjelder fødselsnummer {}, som vi kjenner fra før av.", number.reveal());
    let id = access.create(&cast.applicant, cart()).await.unwrap();
    let mut fields = answers();
    fields.insert("use.why".into(), json!(format!("{text} {text} {text}")));
    access.save(&cast.applicant, id, fields).await.unwrap();
    let draft = access.draft(&cast.applicant, id).await.unwrap();
    assert!(draft.faults.iter().any(|f| f.field == "use.why" && f.rule == "identity_number"));
    assert!(run(&access, &cast.applicant, id, "submit", json!({})).await.is_err());
    let other = submitted(&access, &cast).await;
    let question = json!({"kind": "clarification", "questions": [{"field": "use.why", "question": text}]});
    let answer = run(&access, &cast.handler, other, "request_info", question).await.unwrap_err();
    assert!(matches!(&answer, Problem::Invalid { fields } if fields[0].rule == "identity_number"), "{answer}");
    assert!(!answer.to_string().contains(number.reveal()));
}
