//! Issue Gate, SDC-180, SDC-184, SDC-185: everything that a script's run gives to anybody is searched for values that only
//! raw data hold: values of single records, true counts, unrounded statistics, fingerprints. And when the program itself
//! fails, what it was working on is in no answer (SDC-006).
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::common::{self, PERSONS, SCRIPT, two_zones, two_zones_with};
use disclosure::{Candidate, Fingerprint, KnownSet, Ledger, LedgerEntry, LedgerError, Sketch, Stored, ValueKey};
use engine::raw::{PersonSet, RawMagnitude, RawTable};
use engine::{ImportCache, Outcome, Parameters, SourceCatalogue, Unattended};
use explore::{RunRequest, RunState};
use figures::{Format, Origin};
use identity::Role;
use kernel::Language;
use roaring::RoaringBitmap;
use testkit::actor;

/// More of everything, and at the end something that is refused.
const MORE: &str = "\
import db/STED as sted
tabulate sted kjønn, missing
tabulate kjønn, summarize(inntekt) mean std sum gini p25 p50 iqr
summarize inntekt, gini iqr
generate lav = 1 if inntekt < 300000
tabulate kjønn høy, chi2
keep if inntekt > 1038000
";

/// What nobody may see.
#[derive(Default)]
struct Secrets {
    /// Numbers, as they are.
    numbers: Vec<f64>,
    /// True counts.
    counts: BTreeSet<u64>,
    /// Texts.
    texts: Vec<String>,
}

/// Whether a number has more digits than any statistic is shown with.
fn exact(x: f64) -> bool {
    let rounded: f64 = format!("{x:.3e}").parse().unwrap();
    x.is_finite() && (rounded - x).abs() > 1e-9 * x.abs()
}

impl Secrets {
    fn number(&mut self, x: f64) {
        if exact(x) {
            self.numbers.push(x);
        }
    }

    fn set(&mut self, set: &PersonSet) {
        if set.persons >= 100 {
            self.counts.insert(set.persons);
        }
        if set.persons > 0 {
            self.texts.push(format!("{:032x}", set.fingerprint));
            self.texts.push(set.fingerprint.to_string());
        }
    }

    fn magnitude(&mut self, group: &RawMagnitude) {
        self.set(&group.set);
        let percentiles = group.percentiles.iter().flat_map(|p| p.around.iter().copied().chain([p.exact]));
        percentiles.chain(group.largest).chain([group.sum_abs]).for_each(|x| self.number(x));
        for moments in [&group.plain, &group.clamped] {
            let more = [moments.mean, moments.sd, moments.gini];
            more.into_iter().flatten().chain([moments.sum]).for_each(|x| self.number(x));
            moments.farthest.iter().for_each(|x| self.number(*x));
        }
    }

    fn table(&mut self, table: &RawTable) {
        for cell in &table.cells {
            self.set(&cell.set);
            cell.magnitudes.iter().for_each(|group| self.magnitude(group));
        }
    }

    /// All that a script has in its hands before the gate.
    fn of(text: &str) -> Self {
        let source: Arc<dyn engine::source::VariableSource> = Arc::new(common::source(true));
        let settings = script::Settings { running: true, ..script::Settings::default() };
        let checked = script::compile(text, &SourceCatalogue(&*source), &settings);
        let program = checked.program.ok_or(checked.diagnostics).unwrap();
        let cache = Arc::new(ImportCache::new(64 << 20));
        let mut run = engine::Run::new(source, cache, Parameters::default(), Language::Nb);
        let mut secrets = Self::default();
        for step in &program.steps {
            match run.execute(step, &Unattended).map_err(|_| step.line()).unwrap() {
                Outcome::Population(raw) => {
                    let raw = raw.peek();
                    secrets.set(&raw.set);
                    raw.before.iter().for_each(|set| secrets.set(set));
                }
                Outcome::Edits(raws) => raws.iter().for_each(|raw| {
                    secrets.set(&raw.peek().touched);
                    secrets.set(&raw.peek().untouched);
                }),
                Outcome::Table(raw) => secrets.table(raw.peek()),
                Outcome::Chart(raw) => raw.peek().tables.iter().for_each(|table| secrets.table(table)),
                Outcome::Summary(raw) => raw.peek().rows.iter().for_each(|row| secrets.magnitude(&row.magnitude)),
                _ => {}
            }
            run.accept();
        }
        (0..PERSONS).for_each(|p| secrets.number(f64::from(1000 + p * 173)));
        secrets
    }

    /// What of it stands in a text. `shown` are numbers that were released: one of them may be a true count by chance.
    fn found_in(&self, text: &str, shown: &BTreeSet<u64>) -> Vec<String> {
        let words = text.split(|c: char| !(c.is_ascii_alphanumeric() || "._-+".contains(c)));
        let mut found = Vec::new();
        for x in words.filter_map(|w| w.trim_matches(['.', '-', '+', '_']).parse::<f64>().ok()) {
            let near = self.numbers.iter().any(|secret| (secret - x).abs() <= 1e-9 * secret.abs());
            let count = x.fract() == 0.0 && self.counts.contains(&(x as u64)) && !shown.contains(&(x as u64));
            if near || count {
                found.push(x.to_string());
            }
        }
        found.extend(self.texts.iter().filter(|t| text.contains(t.as_str())).cloned());
        found
    }
}

/// Every released number of a document.
fn shown(value: &serde_json::Value, into: &mut BTreeSet<u64>) {
    match value {
        serde_json::Value::Object(map) => {
            if let Some(x) = map.get("value").and_then(serde_json::Value::as_f64) {
                into.insert(x as u64);
            }
            map.values().for_each(|v| shown(v, into));
        }
        serde_json::Value::Array(all) => all.iter().for_each(|v| shown(v, into)),
        _ => {}
    }
}

/// Nothing that only raw data hold is in a document, a diagnostic, a file, an audit entry or the news of a run.
#[tokio::test(flavor = "multi_thread")]
async fn sdc_180_no_answer_holds_a_raw_value() {
    let text = format!("{SCRIPT}{MORE}");
    let secrets = Secrets::of(&text);
    assert!(secrets.numbers.len() > 5000 && secrets.counts.len() > 5 && secrets.texts.len() > 20);
    let planted = BTreeSet::new();
    assert!(
        !secrets.found_in(&format!("a,{},b", secrets.numbers[0]), &planted).is_empty(),
        "the search finds what is there"
    );

    let zones = two_zones(true).await;
    let anna = actor("anna", Role::Researcher, "uio");
    let id = zones.workspace.start(&anna, &RunRequest::new(text.clone(), Language::Nb)).await.unwrap();
    let mut news = zones.workspace.follow(&anna, id).await.unwrap();
    let mut told = Vec::new();
    while news.borrow_and_update().state.is_open() {
        told.push(format!("{:?}", *news.borrow()));
        if news.changed().await.is_err() {
            break;
        }
    }
    let run = zones.workspace.run_view(&anna, id).await.unwrap();
    assert_eq!(run.state, RunState::Stopped, "the last statement is refused: {:?}", run.diagnostics);
    let document = run.released.clone().unwrap();
    assert!(document.results.len() > 10);
    let mut released = BTreeSet::new();
    shown(&serde_json::to_value(&document).unwrap(), &mut released);

    told.push(serde_json::to_string(&document).unwrap());
    told.push(format!("{:?}", run.diagnostics));
    for entry in &document.results {
        let origin = Origin(&document.head);
        told.push(figures::object(entry, origin, Language::Nb).to_string());
        for format in [Format::Csv, Format::Html, Format::Latex, Format::Svg, Format::Text, Format::Json] {
            for file in figures::export(entry, Origin(&document.head), format, Language::En, "r").unwrap_or_default() {
                told.push(String::from_utf8_lossy(&file.bytes).into_owned());
            }
        }
    }
    for entries in [zones.centre.entries().await, zones.data.entries().await] {
        told.extend(entries.iter().map(ToString::to_string));
    }
    for text in &told {
        let found = secrets.found_in(text, &released);
        assert!(found.is_empty(), "{found:?} in {text}");
    }
}

/// A ledger that breaks with a value in its mouth.
struct Breaking;

impl Ledger for Breaking {
    fn candidates(&self, n: u64, _: &Sketch, _: u64) -> Result<Vec<Candidate>, LedgerError> {
        panic!("secret {n}")
    }
    fn root(&self, _: Fingerprint) -> Result<Option<Arc<KnownSet>>, LedgerError> {
        Ok(None)
    }
    fn members(&self, _: Fingerprint) -> Result<Option<Arc<RoaringBitmap>>, LedgerError> {
        Ok(None)
    }
    fn read(&self, _: &ValueKey) -> Result<Option<Stored>, LedgerError> {
        Ok(None)
    }
    fn append(&mut self, _: &[LedgerEntry]) -> Result<(), LedgerError> {
        Ok(())
    }
}

/// SDC-006: a panic ends its run with a fixed code, and what it said is nowhere.
#[tokio::test(flavor = "multi_thread")]
async fn sdc_006_a_panic_says_nothing() {
    let zones = two_zones_with(true, Box::new(Breaking), 1).await;
    let anna = actor("anna", Role::Researcher, "uio");
    for _ in 0..2 {
        let run = zones.workspace.run(&anna, &RunRequest::new(SCRIPT, Language::Nb)).await.unwrap();
        assert_eq!((run.state, run.released.is_none()), (RunState::Failed, true));
        assert!(!format!("{run:?}").contains("secret"), "{:?}", run.diagnostics);
    }
    let entries: String = zones.data.entries().await.iter().map(ToString::to_string).collect();
    assert!(entries.contains("E_INTERNAL") && !entries.contains("secret"), "{entries}");
}
