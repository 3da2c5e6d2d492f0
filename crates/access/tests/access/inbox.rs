//! The inbox: what is due first, filters, words, saved views, several cases at once (ACC-105, ACC-106).

#![expect(clippy::unwrap_used, reason = "tests")]

use crate::support::{self, cast, run, service, submitted};
use access::views::CaseFilter;
use access::{Access, CaseId, CommandName};
use identity::{Actor, Role};
use kernel::Problem;
use serde_json::json;
use testkit::zones;

const DAY: i64 = 24 * 60 * 60 * 1_000_000;

async fn listed(access: &Access, actor: &Actor, filter: CaseFilter) -> Vec<CaseId> {
    access.cases(actor, &filter).await.unwrap().items.into_iter().map(|case| case.id).collect()
}

fn registry_grant(source: &str) -> identity::Grant {
    identity::Grant { role: Role::RegistryHandler, organisation: "fhi".into(), scope: Some(source.into()) }
}

fn words(q: &str) -> CaseFilter {
    CaseFilter { q: q.into(), ..CaseFilter::default() }
}

#[tokio::test]
async fn acc_106_what_is_due_first_stands_first_and_filters_narrow() {
    zones("inbox", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let first = submitted(&access, &cast).await;
        run(&access, &cast.handler, first, "assign_case", json!({})).await.unwrap();
        run(&access, &cast.handler, first, "confirm_complete", json!({})).await.unwrap();
        zone.clock.advance_micros(3 * DAY);
        let second = submitted(&access, &cast).await;
        run(&access, &cast.other_handler, second, "confirm_complete", json!({})).await.unwrap();
        let gone = submitted(&access, &cast).await;
        run(&access, &cast.applicant, gone, "withdraw", json!({})).await.unwrap();
        zone.clock.advance_micros(1);
        let draft = access.create(&cast.applicant, support::cart()).await.unwrap();
        // The older clock runs out first; what is over stands last; drafts are nobody's but the applicant's.
        assert_eq!(listed(&access, &cast.handler, CaseFilter::default()).await, [first, second, gone]);
        let which = |which: &str| CaseFilter { which: Some(which.into()), ..CaseFilter::default() };
        assert_eq!(listed(&access, &cast.handler, which("open")).await, [first, second]);
        assert_eq!(listed(&access, &cast.handler, which("over")).await, [gone]);
        assert_eq!(listed(&access, &cast.handler, which("")).await.len(), 3);
        let mine = CaseFilter { handler: Some("me".into()), ..CaseFilter::default() };
        assert_eq!(listed(&access, &cast.handler, mine.clone()).await, [first]);
        assert_eq!(listed(&access, &cast.other_handler, mine).await, []);
        let state = CaseFilter { state: Some("withdrawn".into()), ..CaseFilter::default() };
        assert_eq!(listed(&access, &cast.handler, state).await, [gone]);
        let source = |id: &str| CaseFilter { source: Some(id.into()), ..which("open") };
        assert_eq!(listed(&access, &cast.handler, source("npr")).await, [first, second]);
        assert_eq!(listed(&access, &cast.handler, source("np")).await, []);
        let page = access.cases(&cast.handler, &which("open")).await.unwrap();
        let due = page.items[0].due.unwrap();
        assert!(due < page.items[1].due.unwrap());
        let by = CaseFilter { due_by: Some(due), ..CaseFilter::default() };
        assert_eq!(listed(&access, &cast.handler, by).await, [first]);
        let second_page = CaseFilter { from: 1, size: 1, ..which("open") };
        let page = access.cases(&cast.handler, &second_page).await.unwrap();
        assert_eq!((page.items[0].id, page.total, page.more), (second, 2, false));
        let own = access.own_cases(&cast.applicant, &CaseFilter::default()).await.unwrap();
        assert_eq!(own.items.iter().map(|case| case.id).next(), Some(draft));
        assert_eq!(own.total, 4);
        for (name, filter) in [
            ("state", CaseFilter { state: Some("nowhere".into()), ..CaseFilter::default() }),
            ("track", CaseFilter { track: Some("fast".into()), ..CaseFilter::default() }),
            ("which", which("some")),
        ] {
            let refused = access.cases(&cast.handler, &filter).await.unwrap_err();
            assert!(matches!(&refused, Problem::Invalid { fields } if fields[0].field == name), "{refused:?}");
        }
    })
    .await;
}

#[tokio::test]
async fn acc_106_words_find_cases_by_their_beginnings() {
    zones("words", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let one = submitted(&access, &cast).await;
        let number = access.case(&cast.handler, one).await.unwrap().summary.number.unwrap();
        let two = access.create(&cast.applicant, support::cart()).await.unwrap();
        let mut answers = support::attached(&access, &cast.applicant, two).await;
        answers.insert("pub.title".into(), "Ærlige svar om søvn – og hvile".into());
        access.save(&cast.applicant, two, answers).await.unwrap();
        run(&access, &cast.applicant, two, "submit", json!({})).await.unwrap();
        for (q, expected) in [
            ("hjerneslag", vec![one]),
            ("HJERNE død", vec![one]),
            ("søvn", vec![two]),
            ("ærl hvi", vec![two]),
            ("slag", vec![]),
            ("hjerneslag søvn", vec![]),
            (number.as_str(), vec![one]),
            (&number[7..], vec![one]),
            ("100 %", vec![]),
        ] {
            assert_eq!(listed(&access, &cast.handler, words(q)).await, expected, "{q}");
        }
        // Anything else than words narrows nothing.
        assert_eq!(listed(&access, &cast.handler, words(" – _ ")).await.len(), 2);
        // A registry handler finds the cases of the own source alone.
        let registry = Actor { grants: vec![registry_grant("npr")], ..cast.handler.clone() };
        run(&access, &cast.handler, one, "confirm_complete", json!({})).await.unwrap();
        assert_eq!(listed(&access, &registry, words("hjerneslag")).await, [one]);
        let other = Actor { grants: vec![registry_grant("krg")], ..cast.handler.clone() };
        assert_eq!(listed(&access, &other, words("hjerneslag")).await, []);
    })
    .await;
}

#[tokio::test]
async fn acc_106_views_are_kept_shared_and_deleted() {
    zones("views", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let late = CaseFilter { which: Some("open".into()), q: "slag".into(), ..CaseFilter::default() };
        access.save_view(&cast.handler, "Mine sene", &late, false).await.unwrap();
        let shared = access.save_view(&cast.handler, "Til tavlemøtet", &late, true).await.unwrap();
        let names = async |actor: &Actor| -> Vec<(String, bool)> {
            let views = access.saved_views(actor).await.unwrap();
            views.into_iter().map(|view| (view.name, view.own)).collect()
        };
        assert_eq!(names(&cast.handler).await, [("Mine sene".into(), true), ("Til tavlemøtet".into(), true)]);
        assert_eq!(names(&cast.decider).await, [("Til tavlemøtet".into(), false)]);
        assert_eq!(names(&cast.applicant).await, []);
        // The same name again replaces.
        let other = CaseFilter { q: "søvn".into(), ..CaseFilter::default() };
        assert_eq!(access.save_view(&cast.handler, "Til tavlemøtet", &other, true).await.unwrap().id, shared.id);
        assert_eq!(access.saved_views(&cast.decider).await.unwrap()[0].filter, other);
        assert!(matches!(access.delete_view(&cast.decider, &shared.id).await, Err(Problem::NotFound { .. })));
        access.delete_view(&cast.handler, &shared.id).await.unwrap();
        assert_eq!(names(&cast.decider).await, []);
        assert!(matches!(access.save_view(&cast.handler, "  ", &late, false).await, Err(Problem::Invalid { .. })));
    })
    .await;
}

#[tokio::test]
async fn acc_105_a_refusal_in_one_case_does_not_stop_the_others() {
    zones("bulk", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let mut ids = Vec::new();
        for _ in 0..3 {
            let id = submitted(&access, &cast).await;
            run(&access, &cast.handler, id, "declare_interest", json!({"interest": "none"})).await.unwrap();
            ids.push(id);
        }
        ids.sort();
        run(&access, &cast.applicant, ids[1], "withdraw", json!({})).await.unwrap();
        let lines = access.bulk(&cast.handler, &ids, CommandName::AssignCase, &json!({})).await.unwrap();
        assert_eq!(lines.iter().map(|line| line.id).collect::<Vec<_>>(), ids);
        assert_eq!(lines.iter().map(|line| line.refused.is_none()).collect::<Vec<_>>(), [true, false, true]);
        let account = cast.handler.account.to_string();
        let mine = CaseFilter { handler: Some(account), ..CaseFilter::default() };
        let mut assigned = listed(&access, &cast.decider, mine).await;
        assigned.sort();
        assert_eq!(assigned, [ids[0], ids[2]]);
        // Somebody without a part in a case is told nothing of it.
        let stranger = testkit::actor("stranger", Role::Researcher, "uib");
        let lines = access.bulk(&stranger, &ids[..1], CommandName::AssignCase, &json!({})).await.unwrap();
        assert!(lines[0].refused.is_some() && lines[0].title.is_empty() && lines[0].number.is_none());
        assert!(matches!(
            access.bulk(&cast.handler, &[], CommandName::AssignCase, &json!({})).await,
            Err(Problem::Invalid { .. })
        ));
        // ACC-003: what is stored is what the events give, in every case.
        let replayed = access.verify_all().await.unwrap();
        assert!(replayed.cases == 3 && replayed.events > 9, "{replayed:?}");
    })
    .await;
}
