//! What is published and kept: forecasts and statistics from the events, the archive package, what a person sees of what
//! is kept about them, and what is erased.
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::support::{self, cart, cast, command_id, proposed, run, service, submitted};
use access::clocks::EndEvent;
use access::{AuditOf, Finding, LabelElement, Matter, Supervised, SupervisionInput};
use kernel::Problem;
use serde_json::{Value, json};

const DAY: i64 = 86_400_000_000;

#[tokio::test]
async fn acc_131_forecasts_follow_events_and_days_and_their_history_is_kept() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = submitted(&access, &cast).await;
        access.create(&cast.applicant, cart()).await.unwrap();
        assert_eq!(access.make_forecasts().await.unwrap(), 1, "drafts have none");
        assert_eq!(access.make_forecasts().await.unwrap(), 0, "nothing has changed");
        let first = access.forecasts(&cast.applicant, id).await.unwrap().remove(0);
        let expected = first.decision.unwrap();
        assert_eq!(
            (first.based_on, expected.p50.to_string(), expected.p80.to_string()),
            (0, "2027-02-19".into(), "2027-04-20".into())
        );
        zone.clock.advance_micros(3_600_000_000);
        run(&access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
        assert_eq!(access.make_forecasts().await.unwrap(), 1, "after an event");
        zone.clock.advance_micros(DAY + 1);
        assert_eq!(access.make_forecasts().await.unwrap(), 1, "each day");
        assert_eq!(access.forecasts(&cast.applicant, id).await.unwrap().len(), 3);
        let stranger = testkit::actor("stranger", identity::Role::Researcher, "ntnu");
        assert!(matches!(access.forecasts(&stranger, id).await, Err(Problem::Forbidden { .. })));
    })
    .await;
}

#[tokio::test]
async fn acc_183_statistics_are_made_once_a_night_from_the_events() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        assert_eq!(access.statistics().await.unwrap().rows.len(), 0);
        let mut series = Vec::new();
        for _ in 0..3 {
            let id = proposed(&access, &cast).await;
            access.make_forecasts().await.unwrap();
            zone.clock.advance_micros(10 * DAY);
            run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
            let case = access.case(&cast.applicant, id).await.unwrap();
            series.push(case.decision.unwrap().permit.unwrap().series);
        }
        // Data are available with the last source, and stay so.
        access.data_delivered(&series[0], "npr", zone.now()).await.unwrap();
        assert_eq!(access.activity_report(2026, 2027).await.unwrap().days_to_access, None);
        access.data_delivered(&series[0], "dar", zone.now()).await.unwrap();
        access.data_delivered("NO-2026-999999", "dar", zone.now()).await.unwrap();
        assert!(access.make_statistics().await.unwrap());
        assert!(!access.make_statistics().await.unwrap(), "once a day");
        let statistics = access.statistics().await.unwrap();
        let all = statistics.rows.iter().find(|r| r.dimension == "all" && r.quarter == "all").unwrap();
        let durations = all.durations.as_ref().unwrap();
        assert_eq!((all.n, durations.median, durations.body, all.refused), (3, 10, 10, Some(0.0)));
        assert_eq!((durations.forecast_p50, durations.inside_decision), (Some(1.0), Some(1.0)));
        assert_eq!(durations.inside_data, None, "data of one case alone would tell of it");
        assert!(statistics.rows.iter().any(|r| r.dimension == "source" && r.value == "dar" && r.n == 3));
        zone.clock.advance_micros(9 * DAY);
        let report = access.activity_report(2026, 2027).await.unwrap();
        assert_eq!((report.permits, report.refusals, report.applications.get("public_body")), (3, 0, Some(&3)));
        assert_eq!(
            (report.purposes.get("e"), report.sources.get("npr"), report.days_to_access),
            (Some(&3), Some(&3), Some(30.0))
        );
        assert_eq!(report.not_recorded, ["requests_of_persons", "stakeholders"]);
        assert!(access.activity_report(2027, 2026).await.is_err());
    })
    .await;
}

fn fine(amount_ore: i64) -> SupervisionInput {
    SupervisionInput {
        on: "2026-11-02".parse().unwrap(),
        organisation: Some(Supervised { number: "310001015".into(), name: "Et selskap".into() }),
        permit: None,
        summary: "Selskapet koblet utleverte data med egne registre, i strid med vilkårene.".into(),
        language: kernel::Language::Nb,
        matter: Matter::Fine { amount_ore, legal_basis: "EHDS artikkel 64 nr. 4".into() },
        ground: Some(support::unheard()),
    }
}

/// ACC-184: fines, audits and labels are entered by those who decide for the body, are public at once, count in the
/// activity report of their year, and are withdrawn with a reason instead of being changed.
#[tokio::test]
async fn acc_184_fines_audits_and_labels_are_public_and_counted() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let of_room = Matter::Audit { of: AuditOf::RoomThirdParty, finding: Finding::Remarks };
        let of_user = Matter::Audit { of: AuditOf::User, finding: Finding::InOrder };
        let elements = [LabelElement::Coverage, LabelElement::TechnicalQuality].into();
        let label = Matter::Label { dataset: "npr.somatikk".into(), elements };
        let forbidden = Problem::forbidden("forbidden");
        for other in [&cast.handler, &cast.applicant] {
            assert_eq!(access.record_supervision(other, &fine(100)).await.unwrap_err(), forbidden);
        }
        let first = access.record_supervision(&cast.decider, &fine(25_000_000)).await.unwrap();
        assert_eq!(first, "T-2026-000001");
        let second = access.record_supervision(&cast.decider, &fine(9_000_000)).await.unwrap();
        for matter in [of_room.clone(), label] {
            access.record_supervision(&cast.decider, &SupervisionInput { matter, ..fine(1) }).await.unwrap();
        }
        // A natural person is not named, and the record of one is taken.
        let unnamed = SupervisionInput { matter: of_user, organisation: None, ..fine(1) };
        access.record_supervision(&cast.decider, &unnamed).await.unwrap();
        let report = access.activity_report(2026, 2027).await.unwrap();
        assert_eq!((report.fines, report.fines_ore, report.labels), (2, 34_000_000, 1));
        assert_eq!(report.audits, [("room_third_party".to_owned(), 1), ("user".to_owned(), 1)].into());
        assert_eq!(report.findings, [("in_order".to_owned(), 1), ("remarks".to_owned(), 1)].into());
        assert_eq!(report.label_elements, [("coverage".to_owned(), 1), ("technical_quality".to_owned(), 1)].into());
        assert_eq!(access.activity_report(2024, 2025).await.unwrap().fines, 0, "of their own years");

        let why = "Klagen førte frem, og gebyret er opphevet.";
        assert_eq!(access.withdraw_supervision(&cast.handler, &second, why).await, Err(forbidden));
        assert!(access.withdraw_supervision(&cast.decider, &second, "kort").await.is_err(), "with a reason");
        access.withdraw_supervision(&cast.decider, &second, why).await.unwrap();
        let again = access.withdraw_supervision(&cast.decider, &second, why).await;
        assert!(matches!(again, Err(Problem::NotFound { .. })));
        let report = access.activity_report(2026, 2027).await.unwrap();
        assert_eq!((report.fines, report.fines_ore), (1, 25_000_000), "what is withdrawn does not count");

        let all = access.supervision("", 0, 0).await.unwrap();
        assert_eq!((all.total, all.items[0].number.as_str()), (5, "T-2026-000005"));
        let fines = access.supervision("fine", 0, 1).await.unwrap();
        assert_eq!((fines.total, fines.items[0].withdrawn.as_ref().unwrap().reason.as_str()), (2, why));
        assert!(!serde_json::to_string(&all).unwrap().contains(&cast.decider.account.to_string()));
        assert!(access.supervision("gift", 0, 0).await.is_err());
        let actions = zone.actions().await;
        assert_eq!(actions.iter().filter(|a| *a == "supervision.record ok").count(), 5);
        assert_eq!(actions.iter().filter(|a| *a == "supervision.record refused forbidden").count(), 2);
    })
    .await;
}

/// ACC-184: what is wrong with a record is said field by field, and nothing is published.
#[tokio::test]
async fn acc_184_a_record_that_says_too_little_or_too_much_is_refused() {
    let zone = testkit::zone("centre").await;
    let (access, cast) = (service(&zone).await, cast());
    let named = |number: &str| Some(Supervised { number: number.into(), name: "Et selskap".into() });
    let number = kernel::IdentityNumber::synthetic(7, 3, 80, 100).unwrap();
    let label = |elements| Matter::Label { dataset: "npr.somatikk".into(), elements };
    for (input, field) in [
        (fine(0), "amount_ore"),
        (SupervisionInput { on: "2027-01-01".parse().unwrap(), ..fine(1) }, "on"),
        (SupervisionInput { organisation: named("310001016"), ..fine(1) }, "organisation"),
        (SupervisionInput { summary: "For kort.".into(), ..fine(1) }, "summary"),
        (
            SupervisionInput { summary: format!("Gjelder personen med nummer {}.", number.reveal()), ..fine(1) },
            "summary",
        ),
        (SupervisionInput { permit: Some("NO-2026-999999".into()), ..fine(1) }, "permit"),
        (SupervisionInput { matter: label([].into()), ..fine(1) }, "elements"),
        (
            SupervisionInput { matter: label([LabelElement::Access].into()), organisation: None, ..fine(1) },
            "organisation",
        ),
    ] {
        let Err(Problem::Invalid { fields }) = access.record_supervision(&cast.decider, &input).await else {
            panic!("{field} was taken");
        };
        assert_eq!(fields.iter().map(|f| f.field.as_str()).collect::<Vec<_>>(), [field]);
    }
    assert_eq!(access.supervision("", 0, 0).await.unwrap().total, 0);
}

#[tokio::test]
async fn acc_192_the_archive_package_holds_everything_with_checksums() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = proposed(&access, &cast).await;
        run(&access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
        let package = access.archive(&cast.handler, id).await.unwrap();
        assert_eq!(package.name, "A-2026-000001.zip");
        let mut archive = unpack::Archive::open(&package.bytes).unwrap();
        let mut member = |name: &str| archive.named(name).unwrap().unwrap_or_else(|| panic!("no {name}"));
        let manifest: Value = serde_json::from_slice(&member("manifest.json")).unwrap();
        let sums = String::from_utf8(member("SHA256SUMS")).unwrap();
        let files = manifest["files"].as_array().unwrap();
        let names = files.iter().map(|f| f["name"].as_str().unwrap());
        let names: Vec<&str> = names.filter(|name| !name.starts_with("files/")).collect();
        assert_eq!(
            names,
            [
                "events.jsonl",
                "application/revision-1.json",
                "decision/letter.json",
                "decision/letter.pdf",
                "decision/statement.json",
                "permit/NO-2026-000001-01.json"
            ]
        );
        for file in files {
            let name = file["name"].as_str().unwrap();
            let bytes = member(name);
            assert_eq!(file["sha256"], kernel::sha256_hex(&bytes));
            assert!(sums.contains(&format!("{}  {name}\n", kernel::sha256_hex(&bytes).trim_start_matches("sha256:"))));
        }
        // The log is the chain: each line names the digest of the one before, the last is the head.
        let log = String::from_utf8(member("events.jsonl")).unwrap();
        let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert!(lines.windows(2).all(|pair| pair[1]["prev"] == pair[0]["hash"]));
        assert_eq!(lines.last().unwrap()["hash"], manifest["head"]);
        assert_eq!(access.archive(&cast.handler, id).await.unwrap().bytes.len(), package.bytes.len());
        assert!(matches!(access.archive(&cast.applicant, id).await, Err(Problem::Forbidden { .. })));
        assert!(zone.actions().await.contains(&"case.archive ok".to_owned()));
    })
    .await;
}

#[tokio::test]
async fn acc_191_a_person_sees_what_is_kept_and_section_16_what_is_erased() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = submitted(&access, &cast).await;
        let draft = access.create(&cast.applicant, cart()).await.unwrap();
        access.save(&cast.applicant, draft, support::attached(&access, &cast.applicant, draft).await).await.unwrap();
        let export = access.export_person(&cast.applicant).await.unwrap();
        assert_eq!(export["contact"]["email"], "kari@universitetet.no");
        assert_eq!(export["applications"].as_array().unwrap().len(), 2);
        let title = |a: &Value| a["revisions"][0]["fields"]["pub.title"] == "Dødelighet etter hjerneslag";
        assert!(export["applications"].as_array().unwrap().iter().any(title));
        assert!(export["acts"].as_array().unwrap().iter().any(|act| act["event"] == "submitted"));
        let others = access.export_person(&cast.handler).await.unwrap();
        assert!(!others.to_string().contains("kari@"), "nothing of anybody else");

        run(&access, &cast.applicant, id, "withdraw", json!({})).await.unwrap();
        access
            .command(
                &cast.applicant,
                draft,
                "delete_draft",
                json!({}),
                &command_id(),
                version(&access, &cast, draft).await,
            )
            .await
            .unwrap();
        zone.clock.advance_micros(729 * DAY);
        assert_eq!(access.erase_old().await.unwrap().contacts, 0);
        zone.clock.advance_micros(3 * DAY);
        let erased = access.erase_old().await.unwrap();
        assert_eq!((erased.contacts, erased.applications), (1, 0));
        assert_eq!(access.erase_old().await.unwrap().contacts, 0, "once");
        let export = access.export_person(&cast.applicant).await.unwrap();
        assert_eq!(export["contact"], Value::Null);
        let text = export.to_string();
        assert!(!text.contains("universitetet.no") && text.contains("Dødelighet etter hjerneslag"));
        // The chain of events holds: it has digests and ids alone.
        access.verify(&cast.handler, id).await.unwrap();
        zone.clock.advance_micros(8 * 366 * DAY);
        assert_eq!(access.erase_old().await.unwrap().applications, 1);
        let export = access.export_person(&cast.applicant).await.unwrap();
        assert_eq!(export["applications"][0]["revisions"], json!([]));
        access.verify(&cast.handler, id).await.unwrap();
        assert!(access.case(&cast.handler, id).await.is_ok(), "the case is still there");
    })
    .await;
}

async fn version(access: &access::Access, cast: &support::Cast, id: access::CaseId) -> i64 {
    access.case(&cast.applicant, id).await.unwrap().summary.version
}

#[tokio::test]
async fn section_9_3_the_clock_of_a_case_is_shown_up_to_both_ends() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = submitted(&access, &cast).await;
        run(&access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
        let clocks = access.clocks(&cast.applicant, id).await.unwrap();
        let shown: Vec<_> = clocks.iter().map(|c| (c.ends, c.length, c.left)).collect();
        assert_eq!(shown, [(EndEvent::Decision, 30, 30), (EndEvent::DataAvailable, 60, 60)]);
    })
    .await;
}

#[tokio::test]
async fn acc_132_the_applicant_is_reminded_of_questions_and_each_reminder_is_an_event() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = submitted(&access, &cast).await;
        let question =
            json!({"kind": "clarification", "questions": [{"field": "use.why", "question": "Hvorfor så mange?"}]});
        run(&access, &cast.handler, id, "request_info", question).await.unwrap();
        // Asked on Saturday 21 November; 14 days later is a Saturday, so the Monday after reminds.
        zone.clock.advance_micros(14 * DAY);
        assert_eq!(access.remind().await.unwrap(), 0, "a Saturday");
        zone.clock.advance_micros(2 * DAY - 4 * 3_600_000_000);
        assert_eq!(access.remind().await.unwrap(), 0, "before 7 o'clock");
        zone.clock.advance_micros(4 * 3_600_000_000);
        assert_eq!(access.remind().await.unwrap(), 1);
        assert_eq!(access.remind().await.unwrap(), 0, "once");
        let events = access.events(&cast.handler, id, 0).await.unwrap();
        let last = events.last().unwrap();
        assert_eq!((last.event.name(), last.actor.as_str()), ("reminder_sent", "clock"));
        for days in [7, 3] {
            zone.clock.advance_micros(days * DAY);
            access.remind().await.unwrap();
        }
        let events = access.events(&cast.handler, id, 0).await.unwrap();
        assert_eq!(events.iter().filter(|e| e.event.name() == "reminder_sent").count(), 3, "after 14, 21 and 26 days");
        access.verify(&cast.handler, id).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn acc_027_drafts_lapse_after_notices_and_are_kept_a_month_to_take_them_up() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let left = access.create(&cast.applicant, cart()).await.unwrap();
        let taken_up = access.create(&cast.applicant, cart()).await.unwrap();
        let edited = access.create(&cast.applicant, cart()).await.unwrap();
        for days in [151, 2, 21] {
            zone.clock.advance_micros(days * DAY);
            access.remind().await.unwrap();
            assert_eq!(access.erase_old().await.unwrap().lapsed, 0);
        }
        let reminded = access.case(&cast.applicant, left).await.unwrap();
        let notices = reminded.timeline.iter().filter(|entry| entry.event == "reminder_sent").count();
        assert_eq!(notices, 2, "30 and 7 days before it lapses");
        access.save(&cast.applicant, edited, support::answers()).await.unwrap();
        zone.clock.advance_micros(8 * DAY);
        assert_eq!(access.erase_old().await.unwrap().lapsed, 2, "the one that was worked on goes on");
        let lapsed = access.case(&cast.applicant, left).await.unwrap();
        assert_eq!(lapsed.summary.state.slug(), "lapsed");
        zone.clock.advance_micros(29 * DAY);
        assert_eq!(access.erase_old().await.unwrap().drafts, 0);
        run(&access, &cast.applicant, taken_up, "restore", json!({})).await.unwrap();
        zone.clock.advance_micros(2 * DAY);
        assert_eq!(access.erase_old().await.unwrap().drafts, 1);
        let late = run(&access, &cast.applicant, left, "restore", json!({})).await;
        assert!(matches!(late, Err(Problem::Conflict { code, .. }) if code == "too_late"));
        assert_eq!(access.draft(&cast.applicant, taken_up).await.unwrap().cart.len(), cart().len(), "nothing was lost");
        let gone = access.export_person(&cast.applicant).await.unwrap();
        let of = |id: access::CaseId| {
            let applications = gone["applications"].as_array().unwrap();
            applications.iter().find(|a| a["id"] == json!(id)).unwrap_or_else(|| panic!("no {id}"))
        };
        assert_eq!((&of(left)["state"], &of(left)["draft"]), (&json!("lapsed"), &Value::Null));
        assert_eq!(of(taken_up)["state"], "draft");
    })
    .await;
}
