//! The feasibility count of a draft (ACC-045): who counts, how often, what is kept, and what the checks make of it. The
//! analysis itself is played here; the script and the gate have tests of their own.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Mutex};

use crate::support::{self, answers, cart, cast, run, service};
use access::{Access, CountAnswer, Feasibility, MOST_PER_DAY, NotCounted, Released};
use async_trait::async_trait;
use identity::Actor;
use kernel::Problem;
use kernel::criteria::Criteria;
use serde_json::json;

/// An analysis that gives what it is told to, and remembers who asked.
#[derive(Default)]
struct Played {
    next: Mutex<Option<Result<CountAnswer, Problem>>>,
    asked: Mutex<Vec<String>>,
}

impl Played {
    fn will(&self, answer: Result<CountAnswer, Problem>) {
        *self.next.lock().unwrap() = Some(answer);
    }
}

#[async_trait]
impl Feasibility for Played {
    fn script(&self, criteria: &Criteria) -> Result<String, NotCounted> {
        if criteria.variables().iter().any(|v| v.ends_with("dodssted")) {
            return Err(NotCounted { code: "no_dataset".into(), detail: "dar.main.dodssted".into() });
        }
        Ok(format!("// {criteria}\n"))
    }
    async fn count(&self, actor: &Actor, script: &str) -> Result<Released, Problem> {
        self.asked.lock().unwrap().push(format!("{} {script}", actor.account));
        let answer = self.next.lock().unwrap().clone().unwrap_or_else(|| Ok(persons(Some(1_234), Some(50_000))))?;
        Ok(Released { run: "run-1".into(), answer })
    }
}

const fn persons(persons: Option<u64>, population: Option<u64>) -> CountAnswer {
    CountAnswer::Counted { persons, population }
}

async fn connected(zone: &testkit::TestZone) -> (Access, Arc<Played>) {
    let played = Arc::new(Played::default());
    (service(zone).await.with_feasibility(played.clone()), played)
}

/// The checks that a draft raises.
async fn checks(access: &Access, actor: &Actor, id: access::CaseId) -> Vec<String> {
    access.check(actor, id).await.unwrap().faults.into_iter().map(|fault| fault.check).collect()
}

#[tokio::test]
async fn acc_045_a_count_is_kept_with_the_draft_and_the_checks_speak_of_it() {
    testkit::zones("centre", async |zone| {
        let ((access, played), cast) = (connected(&zone).await, cast());
        let who = &cast.applicant;
        let id = access.create(who, cart()).await.unwrap();
        let mut fields = answers();
        fields.insert("pop.size".into(), json!(5_000));
        access.save(who, id, fields).await.unwrap();
        let before = access.feasibility(who, id).await.unwrap();
        assert_eq!((before.last, before.left_today), (None, MOST_PER_DAY));
        assert!(before.script.unwrap().contains("npr.somatikk.hovedtilstand in ('I60'..'I64')"), "the script is shown");

        // CHK-20: 5 000 stated, 1 234 counted.
        let view = access.count(who, id).await.unwrap();
        assert_eq!(view.last.as_ref().unwrap().answer, persons(Some(1_234), Some(50_000)));
        assert_eq!((view.current, view.left_today), (true, MOST_PER_DAY - 1));
        assert_eq!(access.draft(who, id).await.unwrap().cohort.map(|c| c.persons), Some(1_234));
        let found = checks(&access, who, id).await;
        assert!(found.contains(&"CHK-20".to_owned()) && !found.contains(&"CHK-19".to_owned()), "{found:?}");
        assert!(played.asked.lock().unwrap()[0].starts_with(&who.account.to_string()), "metered by the account");

        // CHK-19: fewer than 10, and more than a fifth of the population.
        played.will(Ok(persons(None, Some(50_000))));
        access.count(who, id).await.unwrap();
        assert!(checks(&access, who, id).await.contains(&"CHK-19".to_owned()));
        played.will(Ok(persons(Some(20_000), Some(50_000))));
        access.count(who, id).await.unwrap();
        assert!(checks(&access, who, id).await.contains(&"CHK-19".to_owned()));

        // Other criteria were not counted.
        access
            .save(who, id, json!({"pop.criteria": "npr.somatikk.hovedtilstand = 'I63'"}).as_object().unwrap().clone())
            .await
            .unwrap();
        let view = access.feasibility(who, id).await.unwrap();
        assert!(view.last.is_some() && !view.current);
        assert!(!checks(&access, who, id).await.iter().any(|c| c == "CHK-19" || c == "CHK-20"));
        let log = zone.actions().await;
        assert_eq!(log.iter().filter(|entry| entry.starts_with("feasibility.count ok")).count(), 3, "{log:?}");
    })
    .await;
}

#[tokio::test]
async fn acc_045_an_empty_size_is_filled_rounded() {
    testkit::zones("centre", async |zone| {
        let ((access, _), cast) = (connected(&zone).await, cast());
        let who = &cast.applicant;
        let id = access.create(who, cart()).await.unwrap();
        let mut fields = answers();
        fields.remove("pop.size");
        fields.remove("pop.size_kind");
        access.save(who, id, fields).await.unwrap();
        access.count(who, id).await.unwrap();
        let draft = access.draft(who, id).await.unwrap();
        let value =
            |id: &str| draft.sections.iter().flat_map(|s| &s.fields).find(|f| f.field.id == id).unwrap().value.clone();
        assert_eq!((value("pop.size"), value("pop.size_kind")), (json!(1_200), json!("estimate")));
    })
    .await;
}

#[tokio::test]
async fn acc_045_at_most_twenty_counts_of_a_draft_in_a_day() {
    testkit::zones("centre", async |zone| {
        let ((access, played), cast) = (connected(&zone).await, cast());
        let who = &cast.applicant;
        let id = access.create(who, cart()).await.unwrap();
        access.save(who, id, support::attached(&access, who, id).await).await.unwrap();
        // What was not answered does not use up a turn.
        played.will(Err(Problem::unavailable("the data zone")));
        assert!(matches!(access.count(who, id).await, Err(Problem::Unavailable { .. })));
        played.will(Ok(persons(Some(100), None)));
        for left in (0..MOST_PER_DAY).rev() {
            assert_eq!(access.count(who, id).await.unwrap().left_today, left);
        }
        let refused = access.count(who, id).await.unwrap_err();
        let Problem::Conflict { code, remedy } = &refused else { panic!("{refused}") };
        let resets = access.feasibility(who, id).await.unwrap().resets_at;
        assert!(code == "feasibility_limit" && remedy.contains(&resets.to_string()), "{refused}");
        assert_eq!(played.asked.lock().unwrap().len() as u32, MOST_PER_DAY + 1, "nothing is asked beyond the limit");
        // The next day, and the last of the counts a year later: forgotten.
        zone.clock.advance_micros(86_400_000_000);
        assert_eq!(access.count(who, id).await.unwrap().left_today, MOST_PER_DAY - 1);
        zone.clock.advance_micros(366 * 86_400_000_000);
        assert_eq!(access.erase_old().await.unwrap().counts as u32, MOST_PER_DAY + 1);
    })
    .await;
}

#[tokio::test]
async fn acc_048_what_cannot_be_counted_does_not_block_the_application() {
    testkit::zones("centre", async |zone| {
        let ((access, played), cast) = (connected(&zone).await, cast());
        let who = &cast.applicant;
        let id = access.create(who, cart()).await.unwrap();
        access.save(who, id, support::attached(&access, who, id).await).await.unwrap();
        let with = async |text: &str| {
            let fields = json!({ "pop.criteria": text });
            access.save(who, id, fields.as_object().unwrap().clone()).await.unwrap();
            access.count(who, id).await
        };
        let view = with("dar.main.dodssted = '1'").await.unwrap();
        let told = view.last.unwrap();
        assert!(matches!(told.answer, CountAnswer::NotCountable(why) if why.code == "no_dataset"));
        assert_eq!(view.left_today, MOST_PER_DAY, "nothing was asked");
        assert!(access.draft(who, id).await.unwrap().complete, "the application is not blocked");
        // An unknown variable comes with the three nearest; a fault with its place.
        let refused = with("npr.somatikk.hovedtilstnd = 'I63'").await.unwrap_err().to_string();
        assert!(refused.contains("npr.somatikk.hovedtilstand"), "{refused}");
        let refused = with("npr.somatikk.hovedtilstand =").await.unwrap_err();
        let Problem::Invalid { fields } = &refused else { panic!("{refused}") };
        assert_eq!((fields[0].field.as_str(), fields[0].rule.as_str()), ("pop.criteria", "syntax"));
        assert!(played.asked.lock().unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn acc_045_only_who_writes_the_draft_counts() {
    testkit::zones("centre", async |zone| {
        let ((access, played), cast) = (connected(&zone).await, cast());
        let id = access.create(&cast.applicant, cart()).await.unwrap();
        access.save(&cast.applicant, id, support::attached(&access, &cast.applicant, id).await).await.unwrap();
        for actor in
            [&cast.handler, &cast.other_handler, &testkit::actor("stranger", identity::Role::Researcher, "uib")]
        {
            assert!(matches!(access.count(actor, id).await, Err(Problem::Forbidden { .. })));
            assert!(matches!(access.feasibility(actor, id).await, Err(Problem::Forbidden { .. })));
        }
        run(&access, &cast.applicant, id, "submit", json!({})).await.unwrap();
        assert!(matches!(access.count(&cast.applicant, id).await, Err(Problem::Conflict { .. })));
        assert!(played.asked.lock().unwrap().is_empty());
        // Without an analysis nothing pretends.
        let alone = service(&zone).await;
        assert!(!alone.counts());
        let again = alone.create(&cast.applicant, cart()).await.unwrap();
        assert_eq!(alone.count(&cast.applicant, again).await, Err(Problem::unavailable("the feasibility count")));
    })
    .await;
}

/// CHK-35: a second application of the same controller and leader with the same variables; CHK-22: finer than what a
/// project with the same purpose was granted.
#[tokio::test]
async fn chk_22_chk_35_what_the_installation_knows_of_other_cases() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let who = &cast.applicant;
        let first = support::proposed(&access, &cast).await;
        let number = access.case(who, first).await.unwrap().summary.number.unwrap();
        let second = access.create(who, cart()).await.unwrap();
        access.save(who, second, support::attached(&access, who, second).await).await.unwrap();
        let similar = async || {
            let report = access.check(who, second).await.unwrap();
            report.faults.into_iter().filter(|f| f.check == "CHK-35").map(|f| f.detail).collect::<Vec<_>>()
        };
        assert_eq!(similar().await, [number]);
        assert!(!checks(&access, who, second).await.contains(&"CHK-22".to_owned()), "nobody was granted anything yet");
        // Granted with the date of admission by year; this draft wants months.
        run(&access, &cast.decider, first, "issue_decision", json!({})).await.unwrap();
        let report = access.check(who, second).await.unwrap();
        let finer: Vec<_> = report.faults.iter().filter(|f| f.check == "CHK-22").map(|f| f.field.as_str()).collect();
        assert_eq!(finer, ["cart.items.npr.somatikk.innDato"]);
        // Another leader applies for something else.
        access
            .save(who, second, json!({"use.responsible": "arne@universitetet.no"}).as_object().unwrap().clone())
            .await
            .unwrap();
        assert!(similar().await.is_empty());
    })
    .await;
}
