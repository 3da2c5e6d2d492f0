//! A delivery from permit to opened data, through all zones: what arrives is exactly what the permit grants.

#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::Arc;

use delivery::State;
use identity::Role;
use kernel::Date;
use protocol::Envelope;
use protocol::documents::Receipt;

use crate::common::{Facts, SERIES, World, Zones, bag, day, expected_persons, usual_permit};

fn month(d: Date) -> String {
    let (y, m, _) = d.ymd();
    format!("{y:04}-{m:02}-01")
}

/// Everything that the usual permit grants about `persons`, computed row by row from the facts.
async fn assert_exact(world: &World, facts: &Facts, persons: &BTreeSet<u32>) {
    let population = bag(persons.iter().map(|p| vec![p.to_string()]));
    for source in ["npr", "ssb_fdb"] {
        assert_eq!(world.rows(facts, source, "population").await, population, "{source}: persons");
    }

    let (from, to) = (day("2018-01-01"), day("2020-12-31"));
    let episodes = facts.episodes.iter().filter(|(p, code, at, _)| {
        persons.contains(p) && at.is_some_and(|d| from <= d && d <= to) && (code.is_some() || at.is_some())
    });
    let wanted = bag(episodes.map(|(p, c, d, _)| vec![p.to_string(), c.unwrap_or("").to_owned(), month(d.unwrap())]));
    assert_eq!(world.header("npr", "npr.somatikk"), ["person_id", "hovedtilstand", "innDato"]);
    assert_eq!(world.rows(facts, "npr", "npr.somatikk").await, wanted, "episodes");

    let band = |d: Date| {
        let low = d.year() / 10 * 10;
        format!("{low}-{}", low + 9)
    };
    let wanted = bag(persons
        .iter()
        .map(|p| vec![p.to_string(), facts.sex[*p as usize].to_owned(), band(facts.born[*p as usize])]));
    assert_eq!(world.header("ssb_fdb", "ssb_fdb.main"), ["person_id", "kjonn", "fodselsdato"]);
    assert_eq!(world.rows(facts, "ssb_fdb", "ssb_fdb.main").await, wanted, "fixed facts");

    let (from, to) = (day("2018-01-01"), day("2019-06-30"));
    let cut = |p: u32, value: String, start: Date, stop: Option<Date>| {
        let stop = stop.unwrap_or(to).min(to);
        (persons.contains(&p) && start <= to && from <= stop)
            .then(|| vec![p.to_string(), value, start.max(from).to_string(), stop.to_string()])
    };
    let wanted = bag(facts.income.iter().filter_map(|(p, y, n)| {
        cut(*p, n.to_string(), Date::new(*y, 1, 1).unwrap(), Some(Date::new(*y, 12, 31).unwrap()))
    }));
    let header = ["person_id", "inntekt", "start", "stop"];
    assert_eq!(world.header("ssb_fdb", "ssb_fdb.main.accumulated"), header);
    assert_eq!(world.rows(facts, "ssb_fdb", "ssb_fdb.main.accumulated").await, wanted, "periods");
    let wanted = bag(facts.marital.iter().filter_map(|(p, c, a, b)| cut(*p, (*c).to_owned(), *a, *b)));
    assert_eq!(world.rows(facts, "ssb_fdb", "ssb_fdb.main.sivilstand").await, wanted, "spells");
    let wanted = bag(facts.wealth.iter().filter_map(|(p, d, n)| {
        let inside = persons.contains(p) && from <= *d && *d <= to;
        inside.then(|| vec![p.to_string(), n.to_string(), d.to_string(), d.to_string()])
    }));
    assert_eq!(world.rows(facts, "ssb_fdb", "ssb_fdb.main.status").await, wanted, "status dates");
}

async fn whole_chain(zones: Zones) {
    let facts = Facts::random(7, 60);
    let world = World::with(&usual_permit(), Arc::new(facts.source()), zones).await;
    // One of those whom the rule means has reserved herself; another has too, but is not meant.
    let meant = expected_persons(&facts);
    let reserved = *meant.iter().next().unwrap();
    world.keys.reserved.lock().unwrap().extend([reserved, 59]);
    let ordered = world.deliver().await;
    assert_eq!(ordered.orders.len(), 2);
    assert!(ordered.not_deliverable.is_empty());

    let handler = testkit::actor("handler", Role::CaseHandler, "helsedataservice");
    let seen = world.deliveries().of_series(&handler, SERIES).await.unwrap();
    assert_eq!(seen.deliveries.len(), 2);
    for delivery in &seen.deliveries {
        assert_eq!(delivery.state, State::Opened, "{:?}", delivery.timeline);
        let states: Vec<&str> = delivery.timeline.iter().map(|e| e.state.as_str()).collect();
        for state in ["ordered", "accepted", "extracting", "sealed", "sending", "delivered", "opened"] {
            assert!(states.contains(&state), "{state} in {states:?}");
        }
        // DEL-100: every receipt is there, signed.
        for receipt in &delivery.receipts {
            let envelope: Envelope = serde_json::from_value(receipt.envelope.clone().unwrap()).unwrap();
            let content: Receipt = envelope.open(&world.directory).unwrap();
            assert_eq!(Some(content.delivery_id.to_string()), delivery.delivery_id);
        }
    }

    let persons: BTreeSet<u32> = meant.difference(&world.keys.reserved.lock().unwrap().clone()).copied().collect();
    assert!(persons.len() > 3 && !persons.contains(&reserved));
    assert_exact(&world, &facts, &persons).await;

    // DEL-023, KEY-100: the ledger knows exactly those persons, from the room's own list.
    let kept = world.keys.kept.lock().unwrap().clone();
    assert_eq!(kept.len(), 2);
    assert!(kept.values().all(|k| *k == persons));

    // KEY-043: the room said that its key came.
    let installed = world.keys.installed.lock().unwrap().clone();
    assert_eq!(installed.len(), 2);
    assert!(installed.iter().all(|r| r.holder == Some(crate::common::room()) && r.series == SERIES));

    // Every zone wrote its log, without personal data (checked inside `actions`).
    let centre = world.centre_zone.actions().await;
    assert!(centre.iter().filter(|a| *a == "delivery.order ok").count() == 2, "{centre:?}");
    assert!(centre.contains(&"delivery.view ok".to_owned()));
    let data = world.data_zone.actions().await;
    for action in ["delivery.accept ok", "delivery.extract ok", "delivery.seal ok", "delivery.deliver ok"] {
        assert_eq!(data.iter().filter(|a| *a == action).count(), 2, "{action} in {data:?}");
    }
    assert_eq!(world.room_zone.actions().await.iter().filter(|a| *a == "intake.open ok").count(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn del_160_exactly_the_permit_arrives() {
    whole_chain(Zones::default()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_runs_on_both_databases_in_the_centre() {
    testkit::zones("centre", async |zone| {
        whole_chain(Zones { centre: Some(zone), ..Zones::default() }).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_runs_on_both_databases_in_the_data_zone() {
    testkit::zones("data", async |zone| {
        whole_chain(Zones { data: Some(zone), ..Zones::default() }).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_chain_runs_on_both_databases_in_the_room() {
    testkit::zones("room", async |zone| {
        whole_chain(Zones { room: Some(zone), ..Zones::default() }).await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn del_135_opening_again_gives_the_same_receipt_and_changes_nothing() {
    let facts = Facts::random(3, 40);
    let world = World::new(&usual_permit(), Arc::new(facts.source())).await;
    world.deliver().await;
    let status = world.intake.status(None).await.unwrap();
    assert_eq!(status.len(), 2);
    for delivery in status {
        assert_eq!(delivery.state, "opened");
        let id = delivery.delivery_id.parse().unwrap();
        let before = std::fs::metadata(world.out.join(SERIES).join("npr/1")).unwrap().modified().unwrap();
        let first = world.intake.open(id).await.unwrap();
        let again = world.intake.open(id).await.unwrap();
        assert_eq!(first, again);
        assert!(!again.now);
        assert_eq!(delivery::exit_code(&Ok(again)), 0);
        let after = std::fs::metadata(world.out.join(SERIES).join("npr/1")).unwrap().modified().unwrap();
        assert_eq!(before, after);
    }
    // The same permit again gives the same orders.
    let first = world.deliver().await;
    assert_eq!(world.deliver().await, first);
    assert_eq!(world.intake.status(None).await.unwrap().len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_room_gets_its_papers_and_read_only_files() {
    let facts = Facts::random(3, 40);
    let world = World::new(&usual_permit(), Arc::new(facts.source())).await;
    world.deliver().await;
    let project = world.out.join(SERIES);
    let conditions = std::fs::read_to_string(project.join("CONDITIONS.md")).unwrap();
    assert!(conditions.contains("Stroke outcome") && conditions.contains("2031-12-09"));
    let views = std::fs::read_to_string(project.join("room.duckdb.sql")).unwrap();
    assert!(views.contains("read_parquet('npr/*/npr.somatikk.parquet'"));
    let codebook: serde_json::Value =
        serde_json::from_slice(&std::fs::read(project.join("npr/1/codebook.json")).unwrap()).unwrap();
    assert_eq!(codebook["variables"][1]["granularity"], "month");
    let readme = std::fs::read_to_string(project.join("npr/1/README.txt")).unwrap();
    assert!(readme.lines().count() <= 40 && readme.contains("NORSK") && readme.contains("ENGLISH"));
    for name in ["npr.somatikk.parquet", "npr.somatikk.csv", "population.parquet"] {
        let meta = std::fs::metadata(project.join("npr/1").join(name)).unwrap();
        assert!(meta.permissions().readonly(), "{name}");
    }
    // No file in the room tells a pseudonym, a value of the source, or an ordinal's place in the person table.
    assert!(!project.join("npr/1/persons.bin").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn del_060_the_outside_tells_no_table_and_file_sizes_are_padded() {
    let facts = Facts::random(3, 40);
    let world = World::new(&usual_permit(), Arc::new(facts.source())).await;
    world.deliver().await;
    for entry in std::fs::read_dir(&world.outbox).unwrap() {
        let dir = entry.unwrap().path();
        let verified = delivery::verify_package(&dir, &world.directory).unwrap();
        assert_eq!(verified.room, "room:tsd");
        for name in ["bag-info.txt", "manifest-sha256.txt", "ro-crate-metadata.json", "hap-manifest.dsse.json"] {
            let text = std::fs::read_to_string(dir.join(name)).unwrap();
            for secret in ["somatikk", "hovedtilstand", "inntekt", "main"] {
                assert!(!text.contains(secret), "{name} tells {secret}");
            }
        }
        for object in std::fs::read_dir(dir.join("data")).unwrap() {
            let meta = object.unwrap().metadata().unwrap();
            let plain = meta.len() - 124 - meta.len().div_ceil(65_564) * 28;
            assert!(plain.is_power_of_two() || plain % (1 << 20) == 0, "{plain}");
            let fixed = std::time::UNIX_EPOCH + std::time::Duration::from_secs(315_532_800);
            assert_eq!(meta.modified().unwrap(), fixed);
        }
    }
}
