//! What happens by itself when a time limit has passed: offers lapse, questions without an answer become a task, the
//! applicant hears that the body is late, clocks are made longer as their law allows, reports are asked for.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::support::{self, Cast, SmallCatalogue, cast, proposed, run, service, settings, submitted};
use access::clocks::{EndEvent, statutory};
use access::model::{Case, CommandName, Recorded, Reminder, Report, ReportInput, ReportKind, evolve, replay};
use access::{Access, CaseId, Settings, reports_due};
use kernel::{Date, Problem};
use serde_json::{Value, json};
use testkit::TestZone;

const DAY: i64 = 86_400_000_000;

fn code<T>(answer: Result<T, Problem>) -> String {
    match answer {
        Err(Problem::Conflict { code, .. } | Problem::Forbidden { code }) => code,
        Err(other) => other.to_string(),
        Ok(_) => "done".into(),
    }
}

/// A day at a time, at noon: reminders go out and what is over lapses.
async fn days(zone: &TestZone, access: &Access, n: i64) -> usize {
    let mut lapsed = 0;
    for _ in 0..n {
        zone.clock.advance_micros(DAY);
        access.remind().await.unwrap();
        lapsed += access.lapse_terms().await.unwrap();
    }
    lapsed
}

async fn reminders(access: &Access, cast: &Cast, id: CaseId, of: &Reminder) -> Vec<Date> {
    let events = access.events(&cast.handler, id, 0).await.unwrap();
    let said = |e: &Recorded| matches!(&e.event, access::model::Event::ReminderSent { reminder } if reminder == of);
    events.iter().filter(|e| said(e)).map(|e| e.at.date_in_oslo()).collect()
}

async fn offered(access: &Access, cast: &Cast) -> CaseId {
    let id = submitted(access, cast).await;
    for (name, payload) in [
        ("assign_case", json!({})),
        ("confirm_complete", json!({})),
        ("assess_criterion", support::assessments()),
        ("calculate_fee", json!({})),
        ("offer_terms", json!({})),
    ] {
        run(access, &cast.handler, id, name, payload).await.unwrap();
    }
    id
}

#[tokio::test]
async fn section_9_3_an_offer_without_an_answer_lapses_after_twenty_working_days_and_two_reminders() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = offered(&access, &cast).await;
        let deadline = access.case(&cast.applicant, id).await.unwrap().offer.unwrap().deadline;
        // Offered on Saturday 21 November 2026: 10, 17 and 20 working days later.
        assert_eq!(deadline.to_string(), "2026-12-18");
        assert_eq!(days(&zone, &access, 27).await, 0, "the last day is the applicant's");
        let said = reminders(&access, &cast, id, &Reminder::Terms).await;
        assert_eq!(said.iter().map(Date::to_string).collect::<Vec<_>>(), ["2026-12-04", "2026-12-15"]);
        assert_eq!(days(&zone, &access, 1).await, 1);
        let case = access.case(&cast.applicant, id).await.unwrap();
        assert_eq!(case.summary.state.slug(), "withdrawn");
        assert_eq!(case.timeline[0].event, "terms_lapsed");
        assert_eq!(days(&zone, &access, 1).await, 0, "once");
        access.verify(&cast.other_handler, id).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn section_9_3_nobody_loses_an_offer_without_reminders_that_did_not_go_out() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = offered(&access, &cast).await;
        // The program stood still for six weeks.
        zone.clock.advance_micros(44 * DAY);
        assert_eq!(access.lapse_terms().await.unwrap(), 0);
        assert_eq!(days(&zone, &access, 1).await, 0, "one reminder");
        assert_eq!(days(&zone, &access, 1).await, 1, "another one, and it lapses");
        assert_eq!(reminders(&access, &cast, id, &Reminder::Terms).await.len(), 2);
        assert_eq!(access.case(&cast.applicant, id).await.unwrap().summary.state.slug(), "withdrawn");
    })
    .await;
}

#[tokio::test]
async fn section_9_3_questions_without_an_answer_become_the_handlers_task_and_four_weeks_are_added_once() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = submitted(&access, &cast).await;
        run(&access, &cast.handler, id, "assign_case", json!({})).await.unwrap();
        let question =
            json!({"kind": "completeness", "questions": [{"field": "use.why", "question": "Hvorfor så mange?"}]});
        run(&access, &cast.handler, id, "request_info", question).await.unwrap();
        let reason = json!({"reason": "Søkeren har bedt om mer tid til å svare."});
        let longer = run(&access, &cast.handler, id, "extend_answer", reason.clone()).await;
        longer.unwrap();
        assert_eq!(code(run(&access, &cast.handler, id, "extend_answer", reason.clone()).await), "already_extended");
        let request = access.case(&cast.applicant, id).await.unwrap().request.unwrap();
        assert_eq!(request.deadline.to_string(), "2027-01-18", "21 November and eight weeks is a Saturday");
        days(&zone, &access, 57).await;
        assert_eq!(access.case(&cast.handler, id).await.unwrap().summary.next, None);
        assert_eq!(
            code(run(&access, &cast.handler, id, "propose_not_completed", reason.clone()).await),
            "answer_not_due"
        );
        days(&zone, &access, 3).await;
        assert_eq!(reminders(&access, &cast, id, &Reminder::NotCompleted).await.len(), 1);
        let next = access.case(&cast.handler, id).await.unwrap().summary.next;
        assert_eq!(next, Some(CommandName::ProposeNotCompleted));
        run(&access, &cast.handler, id, "propose_not_completed", reason).await.unwrap();
        run(&access, &cast.decider, id, "declare_interest", json!({"interest": "none"})).await.unwrap();
        let next = access.case(&cast.decider, id).await.unwrap().summary.next;
        assert_eq!(next, Some(CommandName::IssueNotCompleted));
    })
    .await;
}

#[tokio::test]
async fn section_9_3_the_applicant_is_told_once_that_the_time_limit_has_passed() {
    testkit::zones("centre", async |zone| {
        Access::migrate(&zone.store).await.unwrap();
        let until_decision = Settings { clock_end: Some(EndEvent::Decision), ..settings() };
        let access = Access::new(zone.zone(), std::sync::Arc::new(SmallCatalogue), until_decision);
        let cast = cast();
        let id = submitted(&access, &cast).await;
        run(&access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
        let clock = access.case(&cast.applicant, id).await.unwrap().summary.clock.unwrap();
        assert_eq!((clock.ends, clock.length), (EndEvent::Decision, 30), "as the installation says");
        assert_eq!(access.clocks(&cast.applicant, id).await.unwrap().len(), 2, "both ends are reported");
        let reason = json!({"code": "complicated", "reason": "Koblingen er uvanlig krevende.", "days": 5});
        run(&access, &cast.decider, id, "extend_deadline", reason).await.unwrap();
        let longer = access.case(&cast.applicant, id).await.unwrap().summary.clock.unwrap();
        assert_eq!((longer.length, longer.left), (35, 35));
        assert!(longer.due > clock.due, "the clock moved");
        days(&zone, &access, i64::from(longer.due.days() - clock.started.days())).await;
        assert_eq!(reminders(&access, &cast, id, &Reminder::Late).await, []);
        days(&zone, &access, 10).await;
        assert_eq!(reminders(&access, &cast, id, &Reminder::Late).await.len(), 1);
        assert!(reminders(&access, &cast, id, &Reminder::Clock).await.len() >= 4, "10, 5 and 1 day before, on the day");
    })
    .await;
}

#[tokio::test]
async fn acc_171_reports_are_asked_for_60_and_14_days_before_until_they_come() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = proposed(&access, &cast).await;
        run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
        let events = access.events(&cast.handler, id, 0).await.unwrap();
        let Case::Decided(mut decided) = replay(&events).unwrap() else { panic!("not decided") };
        let ends: Date = "2029-11-30".parse().unwrap();
        let due = |decided: &access::model::Decided| -> Vec<String> {
            reports_due(decided, Some(ends)).iter().map(Date::to_string).collect()
        };
        assert_eq!(
            due(&decided),
            ["2027-11-21", "2028-11-21", "2029-11-21", "2031-05-30"],
            "each year, and results after 18 months"
        );
        let report = |kind, day: &str| Report {
            number: 1,
            report: ReportInput {
                kind,
                summary: String::new(),
                links: vec![],
                counts: Default::default(),
                happened_at: None,
                deletion_receipt: None,
            },
            by: "researcher".into(),
            at: format!("{day}T10:00:00Z").parse().unwrap(),
            late: false,
            accepted_at: None,
        };
        decided.after.reports.push(report(ReportKind::Progress, "2027-09-30"));
        assert_eq!(due(&decided), ["2028-11-21", "2029-11-21", "2031-05-30"]);
        decided.after.reports.push(report(ReportKind::Results, "2029-12-30"));
        assert_eq!(due(&decided), ["2028-11-21", "2029-11-21"]);
        zone.clock.advance_micros((365 - 62) * DAY);
        days(&zone, &access, 60).await;
        assert_eq!(reminders(&access, &cast, id, &Reminder::Report).await.len(), 2);
    })
    .await;
}

/// A case of the EHDS profile as its events make it.
fn ehds(track: Option<&str>, more: &[(&str, Value)]) -> Case {
    let order = json!({"items": [{"variable": "npr.main.a", "version": 1, "collection": "npr.main", "source": "npr",
        "granularity": "as_is"}], "periods": {}});
    let mut events = vec![
        ("created", json!({"form": "person-level", "profile": "EHDS/1"})),
        ("submitted", json!({"number": "A-2029-000001", "sha256": "sha256:00", "order": order})),
        ("screening_started", json!({"automatic": true})),
    ];
    events.extend(track.map(|track| ("track_changed", json!({"track": track, "reason": "As the law allows it."}))));
    events.push(("completeness_confirmed", json!({"complete_at": "2029-04-02T10:00:00.000000Z"})));
    events.extend(more.iter().cloned());
    let mut case = None;
    for (n, (event, data)) in events.into_iter().enumerate() {
        let at = if n > 5 { "2029-05-15T10:00:00.000000Z" } else { "2029-04-03T10:00:00.000000Z" };
        let recorded = json!({"seq": n + 1, "at": at, "actor": "somebody", "event": {"event": event, "data": data}});
        case = Some(evolve(case, &serde_json::from_value(recorded).unwrap()).unwrap());
    }
    case.unwrap()
}

#[test]
fn acc_123_a_clock_of_months_is_made_longer_once_by_what_the_law_allows() {
    use access::model::{Command, Context, Refusal, decide};
    use access::permissions::CaseRole;
    let extend = |case: &Case, days: u32| {
        let payload = json!({"code": "complicated", "reason": "Koblingen er uvanlig krevende.", "days": days});
        let command = Command::parse(CommandName::ExtendDeadline, payload).unwrap();
        let now = "2029-04-20T10:00:00Z".parse().unwrap();
        decide(case, &command, &Context::new(now, "clock", CaseRole::SystemClock))
    };
    let refused = |case: &Case, days: u32| match extend(case, days) {
        Err(Refusal::Conflict { code, .. }) => code,
        other => panic!("{other:?}"),
    };
    let (normal, accelerated) = (ehds(None, &[]), ehds(Some("accelerated"), &[]));
    assert!(extend(&normal, 60).is_ok() && extend(&accelerated, 20).is_ok(), "three months, one month");
    assert_eq!((refused(&normal, 61), refused(&accelerated, 21)), ("not_extendable", "not_extendable"));
    let once = json!({"code": "complicated", "reason": "Koblingen er uvanlig krevende.", "days": 60});
    let again = ehds(None, &[("deadline_extended", once)]);
    assert_eq!(refused(&again, 20), "not_extendable");
    let today = "2029-04-20".parse().unwrap();
    let due = |case: &Case| statutory(case, today).unwrap().due.to_string();
    assert_eq!((due(&normal).as_str(), due(&again).as_str()), ("2029-07-02", "2029-10-02"));
}

#[test]
fn section_9_3_a_trusted_holder_has_two_months_and_the_body_two_after_them() {
    let asked = ("source_task_created", json!({"source": "npr", "due": "2029-06-04", "question": null}));
    let answer = json!({"source": "npr", "answer": {"variables": {"npr.main.a": {"answer": "deliverable"}}}});
    let today = "2029-05-20".parse().unwrap();
    let clock = |more: &[(&str, Value)]| statutory(&ehds(Some("trusted_holder"), more), today).unwrap();
    let (before, during, after) =
        (clock(&[]), clock(std::slice::from_ref(&asked)), clock(&[asked.clone(), ("source_task_answered", answer)]));
    assert_eq!((before.rule.as_str(), before.due.to_string().as_str()), ("application", "2029-07-02"));
    assert_eq!((during.rule.as_str(), during.due.to_string().as_str()), ("trusted_holder", "2029-06-04"));
    assert_eq!((after.rule.as_str(), after.due.to_string().as_str()), ("trusted_holder_decision", "2029-07-16"));
}
