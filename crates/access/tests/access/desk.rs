//! Work lists: what each of those who handle cases has to do, what is late and why; roles handed over; the exclusion list.

use crate::support::{cast, proposed, run, service, submitted, unheard};
use access::Excluded;
use access::model::Outcome;
use access::permissions::CaseRole;
use access::views::WaitKind;
use identity::{Actor, Role};
use kernel::Problem;
use serde_json::json;

const REASON: &str = "En grunn som er lang nok til å telle.";

fn registry(source: &str) -> Actor {
    let mut actor = testkit::actor(source, Role::RegistryHandler, "fhi");
    actor.grants[0].scope = Some(source.to_owned());
    actor
}

fn advance_days(zone: &testkit::TestZone, days: i64) {
    zone.clock.advance_micros(days * 86_400_000_000);
}

/// ACC-106: each case says what it waits for, what is late first; the applicant is told nothing of it, a source its own
/// part alone (ACC-001).
#[tokio::test]
async fn acc_106_a_case_says_what_is_late_and_why() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let expert = testkit::actor("expert", Role::Reviewer, "uib");
    let (npr, stranger) = (registry("npr"), registry("kpr"));
    let id = submitted(&access, &cast).await;
    let waits = async |who: &Actor| access.case(who, id).await.unwrap().summary.waits;
    assert_eq!(waits(&cast.handler).await[0].on, WaitKind::Handler, "nobody has taken it");
    run(&access, &cast.handler, id, "assign_case", json!({})).await.unwrap();
    assert_eq!(waits(&cast.handler).await[0].on, WaitKind::Screening);
    run(&access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
    assert_eq!(waits(&cast.handler).await[0].on, WaitKind::Assessment);
    let today = kernel::Clock::today(zone.clock.as_ref());
    let ask = json!({"reviewers": [expert.account], "due": today.plus_days(40)});
    let past = json!({"reviewers": [expert.account], "due": today});
    let refused = run(&access, &cast.handler, id, "request_review", past).await.unwrap_err();
    assert!(matches!(refused, Problem::Invalid { .. }));
    run(&access, &cast.handler, id, "request_review", ask).await.unwrap();
    run(&access, &cast.handler, id, "dispatch_source_tasks", json!({"due": today.plus_days(10)})).await.unwrap();
    advance_days(&zone, 11);
    let found = waits(&cast.handler).await;
    assert_eq!(
        found.iter().map(|w| (w.on, w.late)).collect::<Vec<_>>(),
        [(WaitKind::Source, true), (WaitKind::Source, true), (WaitKind::Review, false)]
    );
    assert!(waits(&cast.applicant).await.is_empty());
    assert_eq!(waits(&npr).await.iter().filter_map(|w| w.source.as_deref()).collect::<Vec<_>>(), ["npr"]);

    let tasks = access.source_tasks(&npr).await.unwrap();
    assert_eq!(tasks.iter().map(|t| (t.source.as_str(), t.late)).collect::<Vec<_>>(), [("npr", true)]);
    assert!(access.source_tasks(&stranger).await.unwrap().is_empty(), "another source has no task here");
    assert_eq!(access.source_tasks(&cast.handler).await.unwrap_err().status(), 403);

    let reviews = access.reviews(&expert).await.unwrap();
    assert_eq!((reviews.len(), reviews[0].due, reviews[0].open), (1, Some(today.plus_days(40)), true));
    run(&access, &expert, id, "declare_interest", json!({"interest": "none"})).await.unwrap();
    run(&access, &expert, id, "review", json!({"recommendation": "grant", "text": REASON})).await.unwrap();
    let reviews = access.reviews(&expert).await.unwrap();
    assert!(reviews[0].given_at.is_some() && reviews[0].opinions == (1, 1));
    assert!(access.reviews(&stranger).await.unwrap().is_empty());
}

/// ACC-010: the proposals wait for a second person, and the one who proposed is told that it is not them.
#[tokio::test]
async fn acc_010_proposals_wait_for_a_second_person() {
    let zone = testkit::zone("centre").await;
    let (access, mut cast) = (service(&zone).await, cast());
    let id = proposed(&access, &cast).await;
    let list = access.proposals(&cast.decider).await.unwrap();
    assert_eq!(list.iter().map(|p| (p.case.id, p.own)).collect::<Vec<_>>(), [(id, false)]);
    assert_eq!(list[0].outcome, Outcome::GrantedInPart);
    assert_eq!(access.case(&cast.decider, id).await.unwrap().summary.waits[0].on, WaitKind::Decision);
    assert_eq!(access.proposals(&cast.handler).await.unwrap_err().status(), 403);
    cast.handler.grants.extend(cast.decider.grants.clone());
    assert!(access.proposals(&cast.handler).await.unwrap()[0].own);
    run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
    assert!(access.proposals(&cast.decider).await.unwrap().is_empty());
}

/// ACC-104: the auditor sees who stands in for whom; others see their own.
#[tokio::test]
async fn acc_104_the_auditor_sees_who_stands_in_for_whom() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let auditor = testkit::actor("auditor", Role::Auditor, "riksrevisjonen");
    let today = kernel::Clock::today(zone.clock.as_ref());
    let valid = (today, today.plus_days(14));
    let given = access.delegate(&cast.handler, &cast.other_handler, CaseRole::CaseHandler, None, valid).await.unwrap();
    assert_eq!(access.all_delegations(&auditor).await.unwrap()[0].id, given);
    assert_eq!(access.all_delegations(&cast.handler).await.unwrap_err().status(), 403);
    let id = submitted(&access, &cast).await;
    let chain = access.chain(&auditor, id).await.unwrap();
    assert!(chain.iter().any(|line| line.role == "applicant" && line.hash.len() > 32));
    assert_eq!(access.chain(&cast.handler, id).await.unwrap_err().status(), 403);
    assert_eq!(
        access.end_delegation(&cast.other_handler, &given).await.unwrap_err().status(),
        404,
        "not theirs to end"
    );
    access.end_delegation(&cast.handler, &given).await.unwrap();
    assert!(access.all_delegations(&auditor).await.unwrap().is_empty());
}

/// ACC-084: decision makers put on the list and take off it, with a reason; the list keeps what is over; on both databases.
#[tokio::test]
async fn acc_084_an_exclusion_is_ended_with_a_reason() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let until = kernel::Clock::today(zone.clock.as_ref()).plus_days(400);
        let party = Excluded::Organisation("310001007");
        let wrong =
            access.exclude(&cast.decider, Excluded::Organisation("310001008"), until, REASON, Some(&unheard())).await;
        assert!(matches!(wrong.unwrap_err(), Problem::Invalid { .. }), "the check digit is wrong");
        access.exclude(&cast.decider, party, until, REASON, Some(&unheard())).await.unwrap();
        let list = access.exclusions(&cast.handler).await.unwrap();
        assert_eq!((list.len(), list[0].party.as_str()), (1, "310001007"));
        assert!(list[0].holds(until) && !list[0].holds(until.plus_days(1)));
        assert_eq!(access.exclusions(&cast.applicant).await.unwrap_err().status(), 403);
        assert_eq!(access.end_exclusion(&cast.handler, party, REASON).await.unwrap_err().status(), 403);
        assert_eq!(access.end_exclusion(&cast.decider, party, "kort").await.unwrap_err().status(), 422);
        access.end_exclusion(&cast.decider, party, REASON).await.unwrap();
        assert_eq!(access.end_exclusion(&cast.decider, party, REASON).await.unwrap_err().status(), 404);
        assert!(!access.is_excluded(party).await.unwrap());
        let ended = access.exclusions(&cast.decider).await.unwrap().remove(0).ended.unwrap();
        assert_eq!((ended.by, ended.reason.as_str()), (cast.decider.account.to_string(), REASON));
        access.exclude(&cast.decider, party, until, REASON, Some(&unheard())).await.unwrap();
        assert!(access.is_excluded(party).await.unwrap(), "put on the list again");
    })
    .await;
}
