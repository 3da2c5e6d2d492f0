//! A small synthetic Norway in memory, a runner over it, and two zones that speak through signed messages.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use disclosure::{GateKeys, Ledger, MemoryLedger, Policy};
use engine::ImportCache;
use engine::memory::{Fact, MemorySource};
use explore::meters::{MeterService, Meters};
use explore::{RunService, Runner, RunnerParts, SnapshotBudget, Workspace};
use kernel::{Date, LangMap};
use protocol::calls::{self, Call as _, Metadata, MetadataAnswer};
use protocol::{Party, Refusal, Service};
use script::program::Literal;
use script::{CodeEntry, CodeList, CodePeriod, DataType, Temporality, UnitType, VariableInfo};
use testkit::{Net, TestZone};

/// Persons of the small country.
pub const PERSONS: u32 = 6000;
/// The gate's dataset key.
pub const DATASET_KEY: [u8; 32] = [7; 32];

/// A script that uses every kind of result.
pub const SCRIPT: &str = "\
// Inntekt etter kjønn
require no.test:1 as db
create-dataset voksne
import db/KJOENN as kjønn
import db/INNTEKT 2020-06-01 as inntekt
generate høy = inntekt > 500000
keep if inntekt > 0
recode høy (0 = 0 'Under') (1 = 1 'Over')
tabulate kjønn høy, rowpct freq
summarize inntekt
barchart (mean) inntekt, over(kjønn)
";

/// A variable of [`source`]'s store, about persons.
pub fn info(name: &str, temporality: Temporality, data_type: DataType) -> VariableInfo {
    VariableInfo {
        store: "no.test".into(),
        version: "1.0.0.0".into(),
        name: name.into(),
        title: LangMap::of(name, name, name),
        description: LangMap::default(),
        unit_type: Arc::new(UnitType::built_in("PERSON").unwrap()),
        temporality,
        data_type,
        covered_from: (temporality != Temporality::Fixed).then(|| "2019-01-01".parse().unwrap()),
        covered_until: (temporality != Temporality::Fixed).then(|| "2020-12-31".parse().unwrap()),
        status_dates: Vec::new(),
        code_list: None,
    }
}

fn sex() -> VariableInfo {
    let entry = |code: &str, label: &str| CodeEntry {
        code: code.into(),
        label: LangMap::of(label, label, label),
        missing: false,
    };
    let codes = vec![entry("1", "Mann"), entry("2", "Kvinne")];
    let mut sex = info("KJOENN", Temporality::Fixed, DataType::Text);
    sex.code_list =
        Some(CodeList { periods: vec![CodePeriod { from: None, until: None, codes }], changes: Vec::new() });
    sex
}

/// Half men, half women; incomes from 1000 in steps; 12 persons live in the small place `9`.
pub fn source(synthetic: bool) -> MemorySource {
    of_a_space(synthetic, PERSONS)
}

/// The same persons in a unit space with room for more.
pub fn of_a_space(synthetic: bool, size: u32) -> MemorySource {
    let date = |text: &str| text.parse::<Date>().ok();
    let fixed = |unit: u32, value: Literal| Fact { unit, value, start: None, stop: None };
    let sexes = (0..PERSONS).map(|p| fixed(p, Literal::Text(if p % 2 == 0 { "1" } else { "2" }.into())));
    let incomes = (0..PERSONS).map(|p| Fact {
        unit: p,
        value: Literal::Integer(1000 + i64::from(p) * 173),
        start: date("2020-01-01"),
        stop: date("2020-12-31"),
    });
    let places = (0..PERSONS).map(|p| fixed(p, Literal::Text(if p < 12 { "9" } else { "1" }.into())));
    let mut place = info("STED", Temporality::Fixed, DataType::Text);
    place.code_list = sex().code_list;
    MemorySource::new(synthetic)
        .space("FNR", size, &DATASET_KEY)
        .variable(sex(), sexes.collect())
        .variable(info("INNTEKT", Temporality::Accumulated, DataType::Integer), incomes.collect())
        .variable(place, places.collect())
}

/// A runner over [`source`] with this ledger.
pub fn runner(zone: &TestZone, ledger: Box<dyn Ledger>) -> Arc<Runner> {
    runner_keeping(zone, ledger, SnapshotBudget::default())
}

/// The same, with a budget for what is kept between runs.
pub fn runner_keeping(zone: &TestZone, ledger: Box<dyn Ledger>, snapshots: SnapshotBudget) -> Arc<Runner> {
    runner_metered(zone, ledger, snapshots, Arc::new(Meters::in_memory(&Policy::standard())))
}

/// The same, with these meters.
pub fn runner_metered(
    zone: &TestZone,
    ledger: Box<dyn Ledger>,
    snapshots: SnapshotBudget,
    meters: Arc<Meters>,
) -> Arc<Runner> {
    runner_of(zone, source(true), ledger, snapshots, meters)
}

/// A runner over other data.
pub fn runner_over(
    zone: &TestZone,
    source: MemorySource,
    ledger: Box<dyn Ledger>,
    snapshots: SnapshotBudget,
) -> Arc<Runner> {
    runner_of(zone, source, ledger, snapshots, Arc::new(Meters::in_memory(&Policy::standard())))
}

fn runner_of(
    zone: &TestZone,
    source: MemorySource,
    ledger: Box<dyn Ledger>,
    snapshots: SnapshotBudget,
    meters: Arc<Meters>,
) -> Arc<Runner> {
    Arc::new(Runner::new(RunnerParts {
        source: Arc::new(source),
        cache: Arc::new(ImportCache::new(64 << 20)),
        policy: Policy::standard(),
        keys: Arc::new(GateKeys::new(DATASET_KEY, [9; 32])),
        ledger,
        meters,
        signer: zone.signer.clone(),
        clock: zone.clock.clone(),
        snapshots,
    }))
}

/// The data zone: answers `run` with the real service, `metadata` with the variables of [`source`].
struct DataZone {
    run: RunService,
    meters: MeterService,
}

#[async_trait]
impl Service for DataZone {
    async fn handle(&self, from: &Party, kind: &str, body: Bytes) -> Result<Bytes, Refusal> {
        if MeterService::KINDS.contains(&kind) {
            return self.meters.handle(from, kind, body).await;
        }
        if kind != Metadata::KIND {
            return self.run.handle(from, kind, body).await;
        }
        let dataset = |name: &str, temporality: &str, data_type: &str, codes: serde_json::Value| {
            serde_json::json!({
                "name": name, "version": 1, "temporality": temporality, "unit_type": "PERSON", "id_type": "FNR",
                "data_type": data_type, "title": {"nb": name}, "from": "2019-01-01", "to": "2020-12-31", "codes": codes
            })
        };
        let codes =
            serde_json::json!([{"code": "1", "label": {"nb": "Mann"}}, {"code": "2", "label": {"nb": "Kvinne"}}]);
        let answer: MetadataAnswer = serde_json::from_value(serde_json::json!({
            "etag": "1",
            "stores": [{"store": "no.test", "version": "1.0.0.0", "released_at": "2026-11-21T09:15:00Z", "datasets": [
                dataset("KJOENN", "FIXED", "STRING", codes.clone()),
                dataset("INNTEKT", "ACCUMULATED", "LONG", serde_json::json!([])),
                dataset("STED", "FIXED", "STRING", codes),
            ]}]
        }))
        .unwrap();
        calls::write(&answer)
    }
}

/// A centre and a data zone that speak through signed messages.
pub struct TwoZones {
    pub centre: TestZone,
    pub data: TestZone,
    pub net: Net,
    pub workspace: Workspace,
}

/// The two zones; the data zone answers only when `connected`.
pub async fn two_zones(connected: bool) -> TwoZones {
    two_zones_with(connected, Box::new(MemoryLedger::new()), 2).await
}

/// The two zones, with this ledger and so many runs at a time.
pub async fn two_zones_with(connected: bool, ledger: Box<dyn Ledger>, at_once: usize) -> TwoZones {
    two_zones_metered(connected, ledger, at_once, Arc::new(Meters::in_memory(&Policy::standard()))).await
}

/// The same, with these meters.
pub async fn two_zones_metered(
    connected: bool,
    ledger: Box<dyn Ledger>,
    at_once: usize,
    meters: Arc<Meters>,
) -> TwoZones {
    let (centre, data) = (testkit::zone("centre").await, testkit::zone("data").await);
    let net = Net::of(&[(Party::Centre, &centre), (Party::Data, &data)]);
    Workspace::migrate(&centre.store).await.unwrap();
    if connected {
        let runner = runner_metered(&data, ledger, SnapshotBudget::default(), meters);
        let meters = MeterService::new(Arc::clone(runner.meters()), data.zone());
        let run = RunService::new(runner, data.zone(), net.directory(), at_once);
        net.serve(&Party::Data, &data, Arc::new(DataZone { run, meters }));
    }
    let channel = net.channel(&Party::Centre, &centre);
    let workspace = Workspace::new(centre.zone(), channel, net.directory());
    TwoZones { centre, data, net, workspace }
}
