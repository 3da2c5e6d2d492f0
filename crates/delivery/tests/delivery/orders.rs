//! What the compiler makes of permits, and that neither node nor room trusts it.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use delivery::State;
use identity::Role;
use kernel::Id;
use protocol::calls::{Extract, PlanCurrent, ask};
use protocol::documents::{Condition, ExtractionOrder, Permit, PermitPerson};
use protocol::peer::{Identity, Peer};
use protocol::{Channel, Envelope, Party};

use crate::common::{Facts, RULE, SERIES, World, part, permit, usual_permit};

fn world(permit: &Permit) -> impl Future<Output = World> + use<> {
    let permit = permit.clone();
    async move { World::new(&permit, Arc::new(Facts::random(5, 30).source())).await }
}

fn codes(world: &World, ordered: &delivery::Ordered) -> Vec<String> {
    let _ = world;
    ordered.not_deliverable.iter().map(|n| format!("{} {}", n.code, n.what)).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn del_015_what_cannot_be_delivered_is_not_ordered() {
    let period = ("2018-01-01", "2020-12-31");
    let cases = [
        (vec![("lopenr", "as_is")], "not_deliverable npr.somatikk.lopenr"),
        (vec![("nonsens", "as_is")], "unknown_variable npr.somatikk.nonsens"),
        (vec![("innDato", "hour")], "bad_granularity npr.somatikk.innDato"),
    ];
    for (variables, wanted) in cases {
        let world = world(&permit(RULE, vec![part("npr.somatikk", period, &variables)])).await;
        let ordered = world.deliver().await;
        assert!(ordered.orders.is_empty());
        assert_eq!(codes(&world, &ordered), [wanted]);
        assert!(world.centre_zone.actions().await.contains(&"delivery.not_deliverable refused not_deliverable".into()));
    }
    let odd = permit("npr.somatikk.ukjent = 'I60'", vec![part("npr.somatikk", period, &[("innDato", "month")])]);
    let world = world(&odd).await;
    assert_eq!(codes(&world, &world.deliver().await), ["unknown_variable npr.somatikk.ukjent"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_condition_makes_the_level_coarser() {
    let mut permit = permit(
        RULE,
        vec![part("npr.somatikk", ("2018-01-01", "2020-12-31"), &[("hovedtilstand", "as_is"), ("innDato", "day")])],
    );
    let condition = |variable: &str, value: &str| Condition {
        kind: "min_granularity".into(),
        fields: [("variable", variable), ("value", value)]
            .map(|(k, v)| (k.to_owned(), serde_json::Value::from(v)))
            .into_iter()
            .collect(),
    };
    permit.conditions = vec![condition("npr.somatikk.innDato", "year")];
    let facts = Facts::random(5, 30);
    let world = World::new(&permit, Arc::new(facts.source())).await;
    world.deliver().await;
    let rows = world.rows(&facts, "npr", "npr.somatikk").await;
    assert!(!rows.is_empty());
    assert!(rows.keys().all(|r| ["2018", "2019", "2020"].contains(&r[2].as_str())), "{rows:?}");

    permit.conditions =
        vec![condition("npr.somatikk.hovedtilstand", "county"), condition("npr.somatikk.innDato", "county")];
    let world = World::new(&permit, Arc::new(facts.source())).await;
    let ordered = world.deliver().await;
    assert_eq!(codes(&world, &ordered), ["permit_not_enforceable npr.somatikk.innDato"]);
}

/// A level that the node cannot make of the values stops the delivery: nothing is sent finer than it may be.
#[tokio::test(flavor = "multi_thread")]
async fn a_level_that_does_not_fit_stops_the_delivery() {
    let permit = permit(RULE, vec![part("npr.somatikk", ("2018-01-01", "2020-12-31"), &[("hovedtilstand", "county")])]);
    let world = world(&permit).await;
    world.deliver().await;
    assert_eq!(state(&world, "npr").await, failed("sealed", "granularity_not_supported"));
    assert!(!world.inbox.exists());
}

fn failed(step: &str, code: &str) -> State {
    State::Failed { step: step.into(), code: code.into(), retry_at: None }
}

async fn state(world: &World, source: &str) -> State {
    world.deliveries().states(SERIES).await.unwrap()[source].clone()
}

/// The centre's key signs it, and still the node does not carry it out: an order is compared with the permit (DEL-011).
#[tokio::test(flavor = "multi_thread")]
async fn an_order_beyond_the_permit_is_refused_by_the_node() {
    let world = world(&usual_permit()).await;
    let first = world.deliveries().order(&world.permit, &[]).await.unwrap().orders[0];
    let channel: Arc<dyn Channel> = Arc::new(Peer::new(
        Identity {
            party: Party::Centre,
            signer: world.centre_zone.signer.clone(),
            directory: world.directory.clone(),
            clock: world.centre_zone.zone().clock,
            random: world.centre_zone.random.clone(),
        },
        world.switchboard.clone(),
    ));
    let order: String = world
        .centre_zone
        .store
        .read("order", async |tx: &mut store::Tx| {
            let sql = "SELECT order_envelope FROM delivery WHERE order_id = $1";
            tx.query_one(sql, store::params![first]).await?.get::<String>(0)
        })
        .await
        .unwrap();
    let good: ExtractionOrder = Envelope::parse(order.as_bytes()).unwrap().open(&world.directory).unwrap();
    let plan = ask(&*channel, &Party::Keys, &PlanCurrent { series: SERIES.into() }).await.unwrap().plan;
    type Change = fn(&mut ExtractionOrder);
    let changes: [(&str, Change); 8] = [
        ("column", |o| {
            let mut more = o.tables[0].columns[0].clone();
            more.id = "npr.somatikk.liggetid".into();
            more.dataset = "no.fhi.npr/LIGGETID".into();
            o.tables[0].columns.push(more);
        }),
        ("granularity", |o| o.tables[0].columns[1].granularity = "day".into()),
        ("version", |o| o.tables[0].columns[1].version = 9),
        ("period", |o| o.tables[0].period.0 = o.tables[0].period.0.plus_days(-1)),
        ("undated", |o| o.tables[0].undated = "include".into()),
        ("population", |o| o.population.expr = "ssb_fdb.main.kjonn = '1'".into()),
        ("cap", |o| o.population.max_persons = 100_000),
        ("opt-out", |o| o.optout.rule = "exempt".into()),
    ];
    for (what, change) in changes {
        let mut order = good.clone();
        order.order_id = Id::new(&*world.centre_zone.zone().clock, &*world.centre_zone.random);
        change(&mut order);
        let order = Envelope::of(&order, &*world.centre_zone.signer).unwrap();
        let call = Extract { order, permit: world.permit.clone(), plan: plan.clone() };
        let error = ask(&*channel, &Party::Data, &call).await.unwrap_err();
        assert_eq!(error.refusal_code(), Some("permit_not_live"), "{what}");
    }
    let refused = world.data_zone.actions().await;
    assert_eq!(refused.iter().filter(|a| *a == "delivery.refuse refused permit_not_live").count(), 8);
    // Anyone but the centre is refused before anything is read.
    let call =
        Extract { order: Envelope::of(&good, &*world.room_zone.signer).unwrap(), permit: world.permit.clone(), plan };
    let error = world.extraction.accept(&Party::Centre, &call).await.unwrap_err();
    assert_eq!(error.code(), "unknown_key");
    let error = world.extraction.accept(&Party::Keys, &call).await.unwrap_err();
    assert_eq!(error.code(), "wrong_party");
}

/// A version that changes persons alone, or more data than before from one source: only who is asked for something else
/// extracts anew. New data under an unchanged permit are ordered once for each order of them (ACC-065).
#[tokio::test(flavor = "multi_thread")]
async fn acc_163_only_who_is_asked_for_something_else_extracts_anew() {
    let mut world = world(&usual_permit()).await;
    let first = world.deliveries().order(&world.permit, &[]).await.unwrap().orders;
    let mut persons = usual_permit();
    persons.permit_id = format!("{SERIES}-02");
    let analyst = PermitPerson { id: "person:new".into(), role: "analyst".into(), active: true };
    persons.persons.push(analyst);
    persons.issued_at = persons.issued_at.plus_seconds(60);
    world.amend(&persons, false);
    assert_eq!(world.deliveries().order(&world.permit, &[]).await.unwrap().orders, first);
    let mut shorter = persons.clone();
    shorter.permit_id = format!("{SERIES}-03");
    let source = shorter.sources[0].source.clone();
    shorter.sources[0].period.0 = shorter.sources[0].period.0.plus_days(1);
    world.amend(&shorter, false);
    let third = world.deliveries().order(&world.permit, &[]).await.unwrap().orders;
    let changed = shorter.granted_sources().iter().position(|name| *name == source).unwrap();
    for (n, order) in third.iter().enumerate() {
        assert_eq!(*order != first[n], n == changed, "{n}");
    }
    let since = world.centre_zone.zone().now().plus_seconds(1);
    world.centre_zone.clock.advance_micros(2_000_000);
    let again = world.deliveries().order_again(&world.permit, &[], since).await.unwrap().orders;
    assert!(again.iter().all(|order| !third.contains(order) && !first.contains(order)), "every source is asked again");
    assert_eq!(world.deliveries().order_again(&world.permit, &[], since).await.unwrap().orders, again, "once");
}

#[tokio::test(flavor = "multi_thread")]
async fn deliveries_are_seen_by_those_who_may() {
    let world = world(&usual_permit()).await;
    let applicant = testkit::actor("applicant", Role::Researcher, "ntnu");
    let stranger = testkit::actor("stranger", Role::Researcher, "uio");
    let ordered = world.deliveries().order(&world.permit, &[applicant.account]).await.unwrap();
    let all = world.deliveries();
    for actor in
        [&applicant, &testkit::actor("d", Role::DecisionMaker, "hds"), &testkit::actor("a", Role::Auditor, "x")]
    {
        assert_eq!(all.of_series(actor, SERIES).await.unwrap().deliveries.len(), 2);
        assert_eq!(all.list(actor).await.unwrap().len(), 2);
    }
    assert_eq!(all.of_series(&stranger, SERIES).await.unwrap_err().code(), "not_found");
    assert_eq!(all.get(&stranger, ordered.orders[0]).await.unwrap_err().code(), "not_found");
    assert!(all.list(&stranger).await.unwrap().is_empty());
    let mut register = testkit::actor("register", Role::RegistryHandler, "fhi");
    register.grants[0].scope = Some("npr".into());
    let seen = all.of_series(&register, SERIES).await.unwrap();
    assert_eq!(seen.deliveries.iter().map(|d| d.source.as_str()).collect::<Vec<_>>(), ["npr"]);
    let log = world.centre_zone.actions().await;
    assert!(log.contains(&"delivery.view refused not_found".to_owned()));
}
