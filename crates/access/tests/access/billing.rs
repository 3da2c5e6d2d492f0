//! What a case costs in the end: the accepted maximum binds, one invoice settles between the bodies, the applicant can
//! dispute the fee, and criteria are assessed for each source (ACC-141, ACC-152 to ACC-155).
#![expect(clippy::unwrap_used, reason = "tests")]

use crate::support::{Cast, SmallCatalogue, assessments, cast, proposed, run, service, settings, submitted};
use access::model::{CriterionOutcome, StateName};
use access::views::BillingView;
use access::{Access, CaseId, Settings};
use kernel::Problem;
use serde_json::{Value, json};

const REASON: &str = "Arbeidet ble større enn det så ut til.";
const DAY: i64 = 86_400_000_000;

fn code(problem: &Problem) -> String {
    match problem {
        Problem::Forbidden { code } | Problem::Conflict { code, .. } => code.clone(),
        Problem::Invalid { fields } => format!("invalid {} {}", fields[0].field, fields[0].rule),
        other => format!("{other:?}"),
    }
}

async fn issued(access: &Access, cast: &Cast) -> CaseId {
    let id = proposed(access, cast).await;
    run(access, &cast.decider, id, "issue_decision", json!({})).await.unwrap();
    id
}

async fn billing(access: &Access, cast: &Cast, id: CaseId) -> BillingView {
    access.case(&cast.applicant, id).await.unwrap().billing.unwrap()
}

async fn refused(access: &Access, actor: &identity::Actor, id: CaseId, name: &str, payload: Value) -> String {
    code(&run(access, actor, id, name, payload).await.unwrap_err())
}

#[tokio::test]
async fn acc_152_an_invoice_above_the_accepted_maximum_needs_a_new_acceptance() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = issued(&access, &cast).await;
        let most = billing(&access, &cast, id).await.most_ore.unwrap();
        let hours = json!({"case_hours": 60});
        assert_eq!(refused(&access, &cast.handler, id, "issue_invoice", hours.clone()).await, "above_maximum");
        let less = json!({"max_ore": most, "reason": REASON});
        assert_eq!(refused(&access, &cast.handler, id, "propose_maximum", less).await, "invalid max_ore range");
        let more = json!({"max_ore": most + 10_000_000, "reason": REASON});
        run(&access, &cast.handler, id, "propose_maximum", more).await.unwrap();
        assert_eq!(refused(&access, &cast.handler, id, "issue_invoice", hours.clone()).await, "above_maximum");
        let other = json!({"max_ore": most + 1});
        assert_eq!(refused(&access, &cast.applicant, id, "accept_maximum", other).await, "terms_changed");
        let accepted = json!({"max_ore": most + 10_000_000});
        assert_eq!(refused(&access, &cast.handler, id, "accept_maximum", accepted.clone()).await, "forbidden");
        run(&access, &cast.applicant, id, "accept_maximum", accepted).await.unwrap();
        run(&access, &cast.handler, id, "issue_invoice", hours.clone()).await.unwrap();
        let sent = billing(&access, &cast, id).await;
        let [issued] = &sent.billing.invoices[..] else { panic!("one invoice") };
        assert!(issued.invoice.number.ends_with("/F1") && issued.by.is_empty() && issued.paid_on.is_none());
        assert_eq!(issued.invoice.settlement.values().sum::<i64>(), issued.invoice.net_ore);
        assert_eq!(issued.invoice.settlement.len(), 3, "ACC-153: the access body and both sources");
        assert_eq!(refused(&access, &cast.handler, id, "issue_invoice", hours).await, "already_invoiced");
        run(&access, &cast.handler, id, "settle_invoice", json!({})).await.unwrap();
        assert_eq!(refused(&access, &cast.handler, id, "settle_invoice", json!({})).await, "no_invoice");
        assert!(billing(&access, &cast, id).await.billing.is_settled());
        access.verify(&cast.handler, id).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn acc_155_the_fee_is_disputed_within_a_month_and_set_by_the_access_body() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = issued(&access, &cast).await;
        run(&access, &cast.handler, id, "issue_invoice", json!({})).await.unwrap();
        let invoiced = billing(&access, &cast, id).await.owed_ore;
        let dispute = json!({"reason": REASON, "wanted_ore": invoiced / 2});
        run(&access, &cast.applicant, id, "dispute_fee", dispute.clone()).await.unwrap();
        assert_eq!(refused(&access, &cast.applicant, id, "dispute_fee", dispute.clone()).await, "dispute_open");
        let set = |ore: i64| json!({"fee_ore": ore, "reason": REASON});
        assert_eq!(refused(&access, &cast.handler, id, "decide_dispute", set(0)).await, "forbidden");
        let above = set(invoiced * 10);
        assert_eq!(refused(&access, &cast.decider, id, "decide_dispute", above).await, "invalid fee_ore range");
        run(&access, &cast.decider, id, "decide_dispute", set(invoiced - 100_000)).await.unwrap();
        let after = billing(&access, &cast, id).await;
        assert_eq!((after.owed_ore, after.billing.disputes.len()), (invoiced - 100_000, 1));
        let told = access.case(&cast.applicant, id).await.unwrap().timeline;
        let names: Vec<&str> = told.iter().map(|entry| entry.event).take(3).collect();
        assert!(names.contains(&"fee_dispute_decided") && names.contains(&"credit_note_issued"), "{names:?}");
        // What was invoiced too much is given back, with the share of each body.
        let [credited] = &after.billing.credits[..] else { panic!("one credit note") };
        assert!(credited.note.number.ends_with("/K1") && credited.note.invoice.ends_with("/F1"));
        assert_eq!(credited.note.net_ore, 100_000);
        assert_eq!(credited.note.settlement.values().sum::<i64>(), 100_000);
        run(&access, &cast.applicant, id, "dispute_fee", dispute.clone()).await.unwrap();
        run(&access, &cast.decider, id, "decide_dispute", set(invoiced - 150_000)).await.unwrap();
        let credits = billing(&access, &cast, id).await.billing.credits;
        assert_eq!(credits.iter().map(|c| c.note.net_ore).collect::<Vec<_>>(), [100_000, 50_000], "the rest alone");
        access.verify(&cast.handler, id).await.unwrap();
        // Decided on Saturday 21 November: the month ends on Monday 21 December.
        assert_eq!(after.dispute_until.unwrap().to_string(), "2026-12-21");
        zone.clock.advance_micros(31 * DAY);
        assert_eq!(refused(&access, &cast.applicant, id, "dispute_fee", dispute).await, "too_late");
    })
    .await;
}

#[tokio::test]
async fn acc_151_who_withdraws_pays_the_hours_so_far_alone() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let early = submitted(&access, &cast).await;
        run(&access, &cast.applicant, early, "withdraw", json!({})).await.unwrap();
        assert_eq!(
            refused(&access, &cast.handler, early, "issue_invoice", json!({"case_hours": 1})).await,
            "fee_missing"
        );
        let id = proposed(&access, &cast).await;
        run(&access, &cast.applicant, id, "withdraw", json!({})).await.unwrap();
        assert_eq!(refused(&access, &cast.handler, id, "issue_invoice", json!({})).await, "nothing_to_invoice");
        let hours = json!({"case_hours": 2, "source_hours": {"npr": 1}});
        run(&access, &cast.handler, id, "issue_invoice", hours).await.unwrap();
        assert_eq!(billing(&access, &cast, id).await.owed_ore, (2 * 1_155 + 1_115) * 100, "no base fee");
        access.verify(&cast.handler, id).await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn acc_153_154_each_body_sends_its_own_invoice_and_classes_pay_less_where_that_is_set() {
    let zone = testkit::zone("centre").await;
    Access::migrate(&zone.store).await.unwrap();
    let settings = Settings { separate_invoices: true, ..settings() };
    let (access, cast) = (Access::new(zone.zone(), std::sync::Arc::new(SmallCatalogue), settings), cast());
    let id = issued(&access, &cast).await;
    run(&access, &cast.handler, id, "issue_invoice", json!({})).await.unwrap();
    let invoices = billing(&access, &cast, id).await.billing.invoices;
    assert_eq!(invoices.len(), 3);
    assert!(invoices.iter().all(|issued| issued.invoice.settlement.len() == 1));
    let other = submitted(&access, &cast).await;
    run(&access, &cast.other_handler, other, "confirm_complete", json!({})).await.unwrap();
    let unknown = refused(&access, &cast.other_handler, other, "calculate_fee", json!({"class": "friend"})).await;
    assert_eq!(unknown, "invalid class unknown_class");
    run(&access, &cast.other_handler, other, "calculate_fee", json!({"class": "student"})).await.unwrap();
    assert_eq!(access.case(&cast.applicant, other).await.unwrap().fee.unwrap().max_ore, 0);
}

#[tokio::test]
async fn acc_141_a_criterion_is_as_its_worst_source_unless_it_is_set() {
    testkit::zones("centre", async |zone| {
        let (access, cast) = (service(&zone).await, cast());
        let id = submitted(&access, &cast).await;
        run(&access, &cast.handler, id, "confirm_complete", json!({})).await.unwrap();
        run(&access, &cast.handler, id, "calculate_fee", json!({})).await.unwrap();
        let one = |source: Option<&str>, outcome: &str| {
            json!({"assessments": [{"criterion": "N-3", "outcome": outcome, "reason": REASON, "source": source}]})
        };
        let unknown = refused(&access, &cast.handler, id, "assess_criterion", one(Some("lmr"), "met")).await;
        assert_eq!(unknown, "invalid assessments.N-3 unknown_source");
        let mut others = assessments();
        others["assessments"].as_array_mut().unwrap().retain(|a| a["criterion"] != "N-3");
        run(&access, &cast.handler, id, "assess_criterion", others).await.unwrap();
        run(&access, &cast.handler, id, "assess_criterion", one(Some("npr"), "met")).await.unwrap();
        assert_eq!(refused(&access, &cast.handler, id, "offer_terms", json!({})).await, "not_all_assessed");
        run(&access, &cast.handler, id, "assess_criterion", one(Some("dar"), "not_met")).await.unwrap();
        let criterion = async || {
            let case = access.case(&cast.handler, id).await.unwrap();
            case.criteria.into_iter().find(|c| c.id == "N-3").unwrap()
        };
        let derived = criterion().await;
        assert_eq!((derived.outcome, derived.of_sources), (Some(CriterionOutcome::NotMet), true));
        assert_eq!(derived.sources.len(), 2);
        run(&access, &cast.handler, id, "assess_criterion", one(None, "met")).await.unwrap();
        run(&access, &cast.handler, id, "assess_criterion", one(Some("npr"), "not_met")).await.unwrap();
        let set = criterion().await;
        assert_eq!((set.outcome, set.of_sources), (Some(CriterionOutcome::Met), false), "what was set stands");
        run(&access, &cast.handler, id, "offer_terms", json!({})).await.unwrap();
        let case = access.case(&cast.handler, id).await.unwrap();
        assert_eq!(case.summary.state, StateName::AwaitingAcceptance);
        access.verify(&cast.handler, id).await.unwrap();
    })
    .await;
}
