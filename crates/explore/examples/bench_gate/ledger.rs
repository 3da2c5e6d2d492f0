//! A ledger with many sets: how fast it opens, and how fast it answers for a cell.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use disclosure::{
    Ctx, Fingerprint, Gate, GateKeys, Ledger, LedgerEntry, Policy, Recipe, Sketch, Stored, Unmetered, ValueKey,
};
use engine::raw::{DatasetKind, Keyed, PersonSet, RawPopulation};
use engine::{Members, Raw};
use explore::{DurableLedger, MembersOnDisk};
use kernel::{Random as _, Timestamp};
use tokio::runtime::Runtime;

use super::{Failure, Options, median, ms};

/// Sets per release of the ledger that is measured.
const PER_RELEASE: u32 = 40;
/// Cells that are asked for in each line.
const ASKED: usize = 200;

/// Numbers that need not be secret.
struct Dice(testkit::Seeded);

impl Dice {
    fn word(&self) -> u64 {
        let mut bytes = [0; 8];
        self.0.fill(&mut bytes);
        u64::from_le_bytes(bytes)
    }

    /// 0 to 1.
    fn share(&self) -> f64 {
        self.word() as f64 / 2f64.powi(64)
    }

    /// A set of so many persons that has nobody in common with any other: counters as they come out for random persons.
    fn set(&self, persons: u64) -> (Fingerprint, Sketch) {
        let print = Fingerprint(u128::from(self.word()) << 64 | u128::from(self.word()));
        let mut sketch = Sketch::default();
        if persons <= 512 {
            for _ in 0..persons {
                let bits = self.word();
                sketch.0.iter_mut().enumerate().for_each(|(b, s)| *s += if bits >> b & 1 == 1 { 1 } else { -1 });
            }
        } else {
            for s in &mut sketch.0 {
                let normal = (0..12).map(|_| self.share()).sum::<f64>() - 6.0;
                // Counters are odd or even as the number of persons is.
                *s = 2 * (normal * (persons as f64).sqrt() / 2.0).round() as i32 + (persons % 2) as i32;
            }
        }
        (print, sketch)
    }

    fn size(&self, options: &Options) -> u64 {
        if self.word().is_multiple_of(2) {
            return 10 + self.word() % 91;
        }
        (10.0 * (f64::from(options.persons) / 10.0).powf(self.share())) as u64
    }
}

fn entry(print: Fingerprint, sketch: Sketch, persons: u64, number: u32) -> LedgerEntry {
    LedgerEntry {
        key: ValueKey {
            set: print,
            kind: "count".into(),
            variable: "".into(),
            column: [0; 32],
            policy: Policy::standard().hash().into(),
        },
        value: Stored::Number(persons as f64 + f64::from(number % 5)),
        persons,
        sketch,
        root: Some(print),
        members: Members::default(),
        recipe: Recipe {
            script: format!("sha256:{:064}", number / 400).into(),
            statement: number % 20,
            cell: number % 40,
        },
        at: Timestamp::from_micros(1_795_252_500_000_000),
    }
}

async fn open(folder: &Path) -> Result<DurableLedger, Failure> {
    let store = store::Store::open_sqlite(&folder.join("zone.db")).await?;
    let sealer = Arc::new(testkit::FixedSealer::named("bench"));
    Ok(DurableLedger::open(store, sealer, Some(MembersOnDisk::at(&folder.join("members")))).await?)
}

/// Fills a ledger, opens it again, asks it. Gives the ledger.
#[expect(clippy::print_stdout, reason = "a command line program")]
pub(crate) fn measure(runtime: &Runtime, folder: &Path, options: &Options) -> Result<DurableLedger, Failure> {
    let dice = Dice(testkit::Seeded::new(5));
    let mut known = Vec::new();
    let started = Instant::now();
    let mut ledger = runtime.block_on(open(folder))?;
    let mut number = 0;
    while number < options.sets {
        let entries: Vec<LedgerEntry> = (number..(number + PER_RELEASE).min(options.sets))
            .map(|i| {
                let persons = dice.size(options);
                let (print, sketch) = dice.set(persons);
                entry(print, sketch, persons, i)
            })
            .collect();
        ledger.append(&entries).map_err(|_| "the ledger does not answer")?;
        number += PER_RELEASE;
        if known.len() < ASKED {
            known.extend(entries.into_iter().next());
        }
    }
    ledger.settle();
    let filled = started.elapsed();
    drop(ledger);
    let before = resident();
    let mut opened = Vec::new();
    for _ in 0..2 {
        let started = Instant::now();
        drop(runtime.block_on(open(folder))?);
        opened.push(started.elapsed());
    }
    let started = Instant::now();
    let mut ledger = runtime.block_on(open(folder))?;
    opened.push(started.elapsed());
    let memory = resident().saturating_sub(before);
    let bytes = std::fs::metadata(folder.join("zone.db"))?.len();
    println!(
        "A ledger of {} sets, half of them with 10 to 100 persons, written in releases of {PER_RELEASE} sets ({:.0} s, each release on disk before the next begins).\n",
        ledger.sets(),
        filled.as_secs_f64()
    );
    println!("| | | asked for |\n|---|---:|---:|");
    println!("| opens in, median of 3, s | {:.2} | 2 |", median(opened).as_secs_f64());
    println!("| file, batches and segments, MB | {:.0} | |", bytes as f64 / 1e6);
    println!("| memory, MB | {:.0} | |", memory as f64 / 1e6);
    line(
        "value of a known set, ms",
        &known.iter().map(|e| timed(|| ledger.read(&e.key).is_ok())).collect::<Vec<_>>(),
        "1",
    );
    let reach = Policy::standard().rules().snap.most - 1;
    for persons in [12, 30, 100, 1000, 100_000] {
        let sets: Vec<_> = (0..ASKED).map(|_| dice.set(persons)).collect();
        let times: Vec<_> = sets.iter().map(|(_, s)| timed(|| ledger.candidates(persons, s, reach).is_ok())).collect();
        line(&format!("search for sets near a new one of {persons} persons, ms"), &times, "1");
    }
    let keys = GateKeys::new([1; 32], [2; 32]);
    let times: Vec<_> = (0..ASKED).map(|_| release(&mut ledger, &keys, dice.set(2000))).collect();
    line("release of a new cell, search, noise, batch on disk, ms", &times, "");
    println!();
    Ok(ledger)
}

fn timed(work: impl FnOnce() -> bool) -> Duration {
    let started = Instant::now();
    std::hint::black_box(work());
    started.elapsed()
}

#[expect(clippy::print_stdout, reason = "a command line program")]
fn line(what: &str, times: &[Duration], asked: &str) {
    let worst = times.iter().max().copied().unwrap_or_default();
    println!("| {what}: median, worst of {} | {}, {} | {asked} |", times.len(), ms(median(times.to_vec())), ms(worst));
}

fn release(ledger: &mut DurableLedger, keys: &GateKeys, (print, sketch): (Fingerprint, Sketch)) -> Duration {
    let set = PersonSet {
        keyed: Keyed::Persons,
        persons: 2000,
        fingerprint: print.0,
        sketch: sketch.0,
        members: Members::default(),
    };
    let raw = Raw::new(RawPopulation {
        dataset: "d".into(),
        kind: DatasetKind::CrossSection,
        unit_type: "PERSON".into(),
        units: 2000,
        rows: 2000,
        set,
        before: None,
    });
    let policy = Policy::standard();
    timed(|| Gate::release(&policy, ledger, &ctx(keys), raw).is_ok())
}

/// The circumstances of a release.
pub(crate) fn ctx(keys: &GateKeys) -> Ctx<'_> {
    Ctx {
        account: "bench",
        project: "bench",
        at: Timestamp::from_micros(1_795_252_500_000_000),
        script: "sha256:bench",
        statement: 1,
        metered_as: 0,
        statistics: &[],
        keys,
        meter: &Unmetered,
    }
}

/// Resident memory of this process in bytes, as Linux tells it; elsewhere zero.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|l| l.strip_prefix("VmRSS:"));
    line.and_then(|l| l.trim().trim_end_matches(" kB").trim().parse::<u64>().ok()).unwrap_or(0) * 1024
}
