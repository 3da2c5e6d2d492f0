//! What the body does after a decision beside changing it: the hearing before a reaction, more time for results, and the
//! time of holders to deliver.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::support::{self, BODY, Cast, cast, proposed, run, service};
use access::clocks::holder::HolderClock;
use access::model::Hearing;
use access::{Access, CaseId, Excluded, Ground, Matter, Supervised, SupervisionInput};
use identity::{Actor, Role};
use kernel::{Date, Problem};
use serde_json::{Value, json};
use testkit::TestZone;

const SERIES: &str = "NO-2026-000001";
const REASON: &str = "En begrunnelse som er lang nok til å stå i saken.";

fn code(problem: &Problem) -> String {
    match problem {
        Problem::Forbidden { code } | Problem::Conflict { code, .. } => code.clone(),
        Problem::Invalid { fields } => format!("invalid {} {}", fields[0].field, fields[0].rule),
        other => other.to_string(),
    }
}

async fn refused(access: &Access, actor: &Actor, id: CaseId, name: &str, payload: Value) -> String {
    code(&run(access, actor, id, name, payload).await.unwrap_err())
}

async fn issued(access: &Access, cast: &Cast) -> CaseId {
    let id = proposed(access, cast).await;
    run(access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
    id
}

fn today(zone: &TestZone) -> Date {
    use kernel::Clock as _;
    zone.clock.now().date_in_oslo()
}

fn advance_to(zone: &TestZone, day: Date) {
    zone.clock.advance_micros(i64::from(day.days() - today(zone).days()) * 86_400 * 1_000_000);
}

fn of_source(source: &str) -> Actor {
    let mut actor = testkit::actor(source, Role::RegistryHandler, "fhi");
    actor.grants[0].scope = Some(source.to_owned());
    actor
}

/// ACC-164, `access.md` section 9.3: the parties are told of a revocation, have four weeks to say what they think, and only
/// then the permit is taken back; the hearing is recorded with it.
#[tokio::test]
async fn acc_164_a_permit_is_taken_back_after_a_hearing() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = issued(&access, &cast).await;
        let reason = json!({"reason": REASON});
        assert_eq!(refused(&access, &cast.decider, id, "revoke_permit", reason.clone()).await, "hearing_missing");
        let comment = json!({"text": "Vi har rettet avviket samme dag."});
        assert_eq!(refused(&access, &cast.applicant, id, "comment_sanction", comment.clone()).await, "no_hearing");

        let last = kernel::workdays::Calendar::default().add_weeks(today(&zone), 4);
        let too_long = json!({"sanction": "revoke_permit", "reason": REASON, "deadline": last.plus_days(1)});
        let long = refused(&access, &cast.handler, id, "notify_sanction", too_long).await;
        assert_eq!(long, "invalid deadline range", "at most four weeks");
        let notice = json!({"sanction": "revoke_permit", "reason": REASON});
        run(&access, &cast.handler, id, "notify_sanction", notice.clone()).await.unwrap();
        assert_eq!(refused(&access, &cast.decider, id, "notify_sanction", notice).await, "hearing_open");

        let seen = access.case(&cast.applicant, id).await.unwrap();
        assert_eq!(seen.after.unwrap().notices[0].deadline, last);
        assert!(seen.timeline.iter().any(|entry| entry.event == "sanction_notified" && entry.details[0] == REASON));
        assert!(access.series(&cast.applicant, SERIES).await.unwrap().may.iter().any(|m| m.slug() == "comment"));
        assert_eq!(refused(&access, &cast.handler, id, "comment_sanction", comment.clone()).await, "forbidden");
        run(&access, &cast.applicant, id, "comment_sanction", comment).await.unwrap();

        advance_to(&zone, last);
        let early = refused(&access, &cast.decider, id, "revoke_permit", reason.clone()).await;
        assert_eq!(early, "hearing_open", "the last day counts");
        let waits = access.case(&cast.handler, id).await.unwrap().summary.waits;
        assert!(waits.iter().any(|wait| wait.on.slug() == "hearing" && wait.due == Some(last)));
        advance_to(&zone, last.plus_days(1));
        let waits = access.case(&cast.handler, id).await.unwrap().summary.waits;
        assert!(waits.iter().any(|wait| wait.on.slug() == "sanction"), "now the body is waited for");
        run(&access, &cast.decider, id, "revoke_permit", reason).await.unwrap();
        let after = access.after(&cast.applicant, id).await.unwrap();
        assert_eq!(after.measures[0].hearing, Some(Hearing::Notice { notice: 1 }));
        let notice = &after.notices[0];
        assert_eq!(notice.comments[0].text, "Vi har rettet avviket samme dag.");
        assert!(notice.ended.as_ref().unwrap().imposed);
        assert_eq!(access.verify_all().await.unwrap().cases, 1, "the history gives the state back");
    })
    .await;
}

/// EHDS article 63: other reactions are decided by somebody else than the one who gave notice, and can be dropped at once.
#[tokio::test]
async fn acc_164_who_wants_a_reaction_does_not_decide_on_it() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let id = issued(&access, &cast).await;
    let second = testkit::actor("decider-2", Role::DecisionMaker, BODY);
    let fine = json!({"sanction": "fine", "reason": REASON, "deadline": today(&zone).plus_days(14)});
    run(&access, &cast.decider, id, "notify_sanction", fine).await.unwrap();
    let impose = json!({"imposed": true, "reason": REASON});
    assert_eq!(refused(&access, &second, id, "decide_sanction", impose.clone()).await, "hearing_open");
    advance_to(&zone, today(&zone).plus_days(15));
    assert_eq!(refused(&access, &cast.decider, id, "decide_sanction", impose.clone()).await, "same_person");
    assert_eq!(refused(&access, &cast.handler, id, "decide_sanction", impose.clone()).await, "forbidden");
    run(&access, &second, id, "decide_sanction", impose.clone()).await.unwrap();
    assert_eq!(refused(&access, &second, id, "decide_sanction", impose.clone()).await, "no_hearing");
    for sanction in ["revoke_permit", "exclude"] {
        let notice = json!({"sanction": sanction, "reason": REASON});
        run(&access, &cast.other_handler, id, "notify_sanction", notice).await.unwrap();
    }
    let two = refused(&access, &second, id, "decide_sanction", impose).await;
    assert_eq!(two, "invalid notice required", "two are open");
    let revoke = json!({"notice": 2, "imposed": true, "reason": REASON});
    assert_eq!(refused(&access, &second, id, "decide_sanction", revoke).await, "own_command");
    for notice in [2, 3] {
        let drop = json!({"notice": notice, "imposed": false, "reason": REASON});
        run(&access, &second, id, "decide_sanction", drop).await.unwrap();
    }
    let ended = access.after(&cast.applicant, id).await.unwrap().notices;
    let imposed: Vec<bool> = ended.iter().map(|notice| notice.ended.as_ref().unwrap().imposed).collect();
    assert_eq!(imposed, [true, false, false]);
}

/// ACC-164, EHDS article 63: nobody comes on the exclusion list and no fine is made public before it is told how the one whom
/// it hits was heard; a notice carries it when it was decided on in the case, and only for those who were told there.
#[tokio::test]
async fn acc_164_an_exclusion_and_a_fine_rest_on_a_hearing() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = issued(&access, &cast).await;
        let number = access.case(&cast.decider, id).await.unwrap().summary.number;
        let second = testkit::actor("decider-2", Role::DecisionMaker, BODY);
        let until = today(&zone).plus_days(400);
        let of = |notice: u32| Ground { hearing: Hearing::Notice { notice }, case: number.clone() };
        let exclude = async |party: Excluded<'_>, ground: Option<Ground>| {
            let done = access.exclude(&second, party, until, REASON, ground.as_ref()).await;
            done.map_or_else(|problem| code(&problem), |()| "done".into())
        };
        let applies = Excluded::Organisation("310001007");
        assert_eq!(exclude(applies, None).await, "hearing_missing");
        assert_eq!(exclude(applies, Some(of(1))).await, "invalid notice no_notice");
        let nowhere = Ground { case: None, ..of(1) };
        assert_eq!(exclude(applies, Some(nowhere)).await, "invalid case required");
        let short = Ground { hearing: Hearing::LeftOut { why: "Hastet.".into() }, case: None };
        assert_eq!(exclude(applies, Some(short)).await, "invalid hearing.why required");
        let ahead = Hearing::Held { on: today(&zone).plus_days(1), statement: "De var uenige.".into() };
        assert_eq!(exclude(applies, Some(Ground { hearing: ahead, case: None })).await, "invalid hearing.on range");

        let day = today(&zone).plus_days(14);
        for sanction in ["exclude", "fine"] {
            let notice = json!({"sanction": sanction, "reason": REASON, "deadline": day});
            run(&access, &cast.decider, id, "notify_sanction", notice).await.unwrap();
        }
        assert_eq!(exclude(applies, Some(of(2))).await, "invalid notice no_notice", "that one is of a fine");
        assert_eq!(exclude(applies, Some(of(1))).await, "sanction_open");
        advance_to(&zone, day.plus_days(1));
        for (notice, imposed) in [(1, true), (2, false)] {
            let decide = json!({"notice": notice, "imposed": imposed, "reason": REASON});
            run(&access, &second, id, "decide_sanction", decide).await.unwrap();
        }
        assert_eq!(exclude(Excluded::Organisation("310001015"), Some(of(1))).await, "invalid party not_told");
        assert_eq!(exclude(Excluded::Person("another"), Some(of(1))).await, "invalid party not_told");
        assert!(access.exclusions(&cast.handler).await.unwrap().is_empty(), "nothing was written until now");
        assert_eq!(exclude(applies, Some(of(1))).await, "done");
        assert_eq!(exclude(Excluded::Person(&cast.applicant.account.to_string()), Some(of(1))).await, "done");
        let list = access.exclusions(&cast.handler).await.unwrap();
        assert!(list.iter().all(|line| line.ground == Some(of(1))) && list.len() == 2);

        let fine = |ground| SupervisionInput {
            on: today(&zone),
            organisation: Some(Supervised { number: "310001007".into(), name: "Universitetet".into() }),
            permit: None,
            summary: "Virksomheten koblet utleverte data med egne registre.".into(),
            language: kernel::Language::Nb,
            matter: Matter::Fine { amount_ore: 100_000, legal_basis: "EHDS artikkel 64".into() },
            ground,
        };
        let record = async |ground| {
            let done = access.record_supervision(&second, &fine(ground)).await;
            done.unwrap_or_else(|problem| code(&problem))
        };
        assert_eq!(record(None).await, "hearing_missing");
        assert_eq!(record(Some(of(2))).await, "sanction_dropped");
        let held = Hearing::Held { on: today(&zone), statement: "De erkjente bruddet i et møte.".into() };
        assert_eq!(record(Some(Ground { hearing: held, case: None })).await, "T-2026-000001");
        let public = serde_json::to_string(&access.supervision("", 0, 0).await.unwrap().items).unwrap();
        assert!(public.contains("egne registre") && !public.contains("i et møte"), "what was said there is not public");
        let grounds = access.supervision_grounds(&cast.handler).await.unwrap();
        assert!(matches!(&grounds["T-2026-000001"].hearing, Hearing::Held { statement, .. } if statement.contains("et møte")));
        assert_eq!(access.supervision_grounds(&cast.applicant).await.unwrap_err().status(), 403);
    })
    .await;
}

/// ACC-171, `access.md` section 9.3: results are due 18 months after the end of the permit, later with a reason.
#[tokio::test]
async fn acc_171_more_time_for_results() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = issued(&access, &cast).await;
        let series = access.series(&cast.applicant, SERIES).await.unwrap();
        let ends = series.versions[0].permit.valid_to;
        let due = ends.plus_months(18);
        assert_eq!(series.results_due, Some(due));
        let longer = |until: Date| json!({"until": until, "reason": REASON});
        let later = due.plus_months(6);
        assert_eq!(refused(&access, &cast.handler, id, "extend_results", longer(later)).await, "forbidden");
        assert_eq!(refused(&access, &cast.decider, id, "extend_results", longer(due)).await, "invalid until range");
        run(&access, &cast.decider, id, "extend_results", longer(later)).await.unwrap();
        let series = access.series(&cast.applicant, SERIES).await.unwrap();
        assert_eq!((series.results_due, series.after.results_longer[0].reason.as_str()), (Some(later), REASON));
        assert_eq!(refused(&access, &cast.decider, id, "extend_results", longer(later)).await, "invalid until range");
        // It is asked for before the later day, not before the first one.
        let told = async || {
            let timeline = access.case(&cast.handler, id).await.unwrap().timeline;
            timeline.iter().filter(|entry| entry.event == "reminder_sent").count()
        };
        let calendar = kernel::workdays::Calendar::default();
        advance_to(&zone, calendar.next_working_day(due.plus_days(-14)));
        access.expire_permits().await.unwrap();
        access.remind().await.unwrap();
        assert_eq!(told().await, 0, "nothing is due");
        advance_to(&zone, calendar.next_working_day(later.plus_days(-14)));
        access.remind().await.unwrap();
        assert_eq!(told().await, 1);
        let report = json!({"kind": "results", "summary": REASON.repeat(2), "links": ["https://example.org/1"]});
        run(&access, &cast.applicant, id, "submit_report", report).await.unwrap();
        let over = refused(&access, &cast.decider, id, "extend_results", longer(later.plus_months(1))).await;
        assert_eq!(over, "results_came");
    })
    .await;
}

async fn clock(access: &Access, cast: &Cast, id: CaseId, source: &str) -> HolderClock {
    let holders = access.case(&cast.handler, id).await.unwrap().holders;
    holders.into_iter().find(|clock| clock.source == source).unwrap()
}

/// Section 9.3, "holder delivers": under Norwegian law the days that the source itself has estimated, from the decision on;
/// stopped with a reason, made longer, late, over with the delivery.
#[tokio::test]
async fn section_9_3_a_holder_has_the_time_that_it_has_estimated() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let (npr, dar) = (of_source("npr"), of_source("dar"));
        let id = support::submitted(&access, &cast).await;
        run(&access, &cast.handler, id, "assign_case", json!({})).await.unwrap();
        run(&access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
        run(&access, &cast.handler, id, "dispatch_source_tasks", json!({"sources": ["npr"]})).await.unwrap();
        let answer = json!({"source": "npr", "cost": {"hours": 12, "delivery_days": 25}, "answer": {"variables": {
            "npr.somatikk.hovedtilstand": {"answer": "deliverable"}, "npr.somatikk.innDato": {"answer": "deliverable"}}}});
        run(&access, &npr, id, "answer_source_task", answer).await.unwrap();
        for (name, payload) in
            [("assess_criterion", support::assessments()), ("calculate_fee", json!({})), ("offer_terms", json!({}))]
        {
            run(&access, &cast.handler, id, name, payload).await.unwrap();
        }
        let hash = access.case(&cast.applicant, id).await.unwrap().offer.unwrap().hash;
        run(&access, &cast.applicant, id, "accept_terms", json!({"terms_hash": hash})).await.unwrap();
        run(&access, &cast.handler, id, "propose_decision", support::proposal()).await.unwrap();
        run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();

        let began = today(&zone);
        let due = kernel::workdays::add_working_days(began, 25);
        let first = clock(&access, &cast, id, "npr").await;
        assert_eq!((first.started, first.due, first.left, first.late), (began, Some(due), Some(25), false));
        assert_eq!(clock(&access, &cast, id, "dar").await.due, None, "it was not asked and has no day");
        let own = access.case(&npr, id).await.unwrap().holders;
        assert_eq!(own.iter().map(|clock| clock.source.as_str()).collect::<Vec<_>>(), ["npr"]);
        assert_eq!(access.holder_deliveries(&npr).await.unwrap().len(), 1);

        // Stopped on the fifth day for ten working days: what is left runs on.
        advance_to(&zone, kernel::workdays::add_working_days(began, 5));
        let pause = json!({"source": "npr", "code": "applicant", "reason": REASON});
        assert_eq!(refused(&access, &dar, id, "pause_delivery", pause.clone()).await, "other_source");
        assert_eq!(refused(&access, &cast.handler, id, "pause_delivery", pause.clone()).await, "forbidden");
        run(&access, &npr, id, "pause_delivery", pause.clone()).await.unwrap();
        assert_eq!(refused(&access, &npr, id, "pause_delivery", pause).await, "paused");
        advance_to(&zone, kernel::workdays::add_working_days(began, 15));
        assert_eq!(clock(&access, &cast, id, "npr").await.paused.unwrap().reason, REASON);
        run(&access, &npr, id, "resume_delivery", json!({"source": "npr"})).await.unwrap();
        let due = kernel::workdays::add_working_days(began, 35);
        assert_eq!(clock(&access, &cast, id, "npr").await.due, Some(due));

        // Late, then longer, then delivered.
        advance_to(&zone, due.plus_days(1));
        assert!(clock(&access, &cast, id, "npr").await.late);
        let waits = access.case(&cast.handler, id).await.unwrap().summary.waits;
        assert!(waits.iter().any(|w| w.on.slug() == "delivery" && w.late && w.source.as_deref() == Some("npr")));
        // The applicant is told once, at the next hour of work, by e-mail and in the case, and sees it there.
        let told = async || {
            access.remind().await.unwrap();
            let seen = access.case(&cast.applicant, id).await.unwrap();
            assert!(seen.holders.iter().any(|holder| holder.source == "npr" && holder.late));
            let late = |entry: &&access::views::TimelineEntry| entry.text.text(kernel::Language::En).contains("not delivered");
            seen.timeline.iter().filter(late).map(|entry| entry.details.clone()).collect::<Vec<_>>()
        };
        while !kernel::workdays::is_working_day(today(&zone)) {
            advance_to(&zone, today(&zone).plus_days(1));
        }
        assert_eq!(told().await, [["npr"]]);
        assert_eq!(told().await.len(), 1, "once");
        let outbox = access.outbox(&testkit::actor("admin", Role::Administrator, BODY), 0, 0).await.unwrap().items;
        let account = cast.applicant.account.to_string();
        let mails = outbox.iter().filter(|mail| mail.kind == "reminder_sent" && mail.account == account).count();
        assert_eq!(mails, 1, "the handler's is another");
        let until = due.plus_days(30);
        let longer = json!({"source": "npr", "until": until, "reason": REASON});
        assert_eq!(refused(&access, &npr, id, "extend_delivery", longer.clone()).await, "forbidden");
        run(&access, &cast.handler, id, "extend_delivery", longer.clone()).await.unwrap();
        let now = clock(&access, &cast, id, "npr").await;
        assert_eq!((now.due, now.late, now.longer.len()), (Some(until), false, 1));
        assert_eq!(refused(&access, &cast.handler, id, "extend_delivery", longer).await, "invalid until range");
        run(&access, &npr, id, "report_delivery", json!({"source": "npr"})).await.unwrap();
        let over = clock(&access, &cast, id, "npr").await;
        assert_eq!((over.delivered, over.late), (Some(today(&zone)), false));
        assert_eq!(refused(&access, &npr, id, "report_delivery", json!({"source": "npr"})).await, "delivered");

        // What lies ready in the room ends the clock of its source by itself, and the last of them that of the case.
        let runs = async || !access.case(&cast.applicant, id).await.unwrap().summary.clock.unwrap().ended;
        assert!(runs().await);
        access.data_delivered(SERIES, "dar", zone.now()).await.unwrap();
        access.data_delivered(SERIES, "dar", zone.now()).await.unwrap();
        assert_eq!(clock(&access, &cast, id, "dar").await.delivered, Some(today(&zone)));
        assert!(!runs().await);
        access.verify_all().await.unwrap();
    })
    .await;
}
