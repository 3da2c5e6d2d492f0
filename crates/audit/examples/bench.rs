//! Measures the log: durable append in batches, latency of one entry, proofs, full verification. Run by
//! `cargo xtask bench audit`; prints a table.

use std::time::Instant;

use audit::{Action, Actor, Entry, Kind, Object, Options, verify};
use store::Tx;

const ISSUE: Action = Action::new(Kind::Decision, "bench.write", &[]);
const ENTRIES: usize = 50_000;

fn entry(n: usize) -> Entry {
    Entry::new(&ISSUE, Actor::service("bench"), Object::new("thing", n))
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "a command line program")]
#[expect(clippy::unwrap_used, reason = "a benchmark that cannot run is to fail")]
async fn main() {
    let zone = testkit::zone("bench").await;
    let record = Instant::now();
    for part in 0..ENTRIES / 1000 {
        let done: Result<(), audit::AuditError> = zone
            .store
            .tx("bench", async |tx: &mut Tx| {
                for n in 0..1000 {
                    zone.log.record(tx, entry(part * 1000 + n)).await?;
                }
                Ok(())
            })
            .await;
        done.unwrap();
    }
    let record = record.elapsed().as_secs_f64();
    let append = Instant::now();
    zone.log.integrate().await.unwrap();
    let append = append.elapsed().as_secs_f64();
    let mut single = Vec::new();
    for n in 0..50 {
        let start = Instant::now();
        zone.log.record_alone(entry(n)).await.unwrap();
        zone.log.integrate().await.unwrap();
        single.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    single.sort_by(f64::total_cmp);
    let prove = Instant::now();
    for n in 0..100 {
        zone.log.prove(n * 100).unwrap();
    }
    let prove = prove.elapsed().as_secs_f64() * 10.0;
    let check = Instant::now();
    let report = verify(zone.log.folder(), &Options::default()).unwrap();
    let check = check.elapsed().as_secs_f64();
    assert_eq!(report.exit_code(), 0);
    let with_bodies = Instant::now();
    verify(zone.log.folder(), &Options { bodies: true, ..Options::default() }).unwrap();
    let with_bodies = with_bodies.elapsed().as_secs_f64();
    let n = ENTRIES as f64;
    println!("| measurement | |\n|---|---:|");
    println!("| record into the outbox, 1 000 per transaction | {:.0} entries/s |", n / record);
    println!("| integrate (sequence, files, fsync, index) | {:.0} entries/s |", n / append);
    println!("| one entry, recorded and integrated (median) | {:.1} ms |", single[25]);
    println!("| inclusion proof from {:>8} entries | {prove:.2} ms |", report.size);
    println!("| full verify | {:.0} entries/s |", report.size as f64 / check);
    println!("| full verify with bodies | {:.0} entries/s |", report.size as f64 / with_bodies);
}
