//! Measures the case handling (ACC-008): commands per second over distinct cases beside the same commands under one lock for
//! all cases, replaying events, lists and searches over many cases, and a restart. Run by `cargo xtask bench access
//! [--events N] [--cases N] [--seconds S]`; prints Markdown.
//!
//! On SQLite and on PostgreSQL, both with every acknowledged command on disk, on a server that the program starts itself.
//! The lock stands for designs that serialise commands (the pattern of REMS): each transaction first locks the table of events
//! and holds it until it is on disk, on PostgreSQL by `LOCK TABLE … IN SHARE ROW EXCLUSIVE MODE`, on SQLite one by one.

#![expect(clippy::unwrap_used, reason = "a benchmark that cannot run is to fail")]
#![expect(clippy::print_stdout, reason = "what it found")]

mod commands;
mod lists;
mod processor;
#[path = "../../tests/access/support/mod.rs"]
#[expect(dead_code, reason = "shared with the tests, which use more of it")]
mod support;

use std::time::Duration;

pub(crate) struct Options {
    pub(crate) seconds: f64,
    pub(crate) cases: u64,
    pub(crate) events: u64,
}

fn options() -> Result<Options, String> {
    let mut options = Options { seconds: 4.0, cases: 300_000, events: 72_000 };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--seconds" => options.seconds = value()?.parse().map_err(|e| format!("{argument}: {e}"))?,
            "--cases" => options.cases = value()?.parse().map_err(|e| format!("{argument}: {e}"))?,
            "--events" => options.events = value()?.parse().map_err(|e| format!("{argument}: {e}"))?,
            _ => return Err(format!("unknown: {argument}")),
        }
    }
    Ok(options)
}

/// Milliseconds.
pub(crate) fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    if ms >= 100.0 { format!("{ms:.0}") } else { format!("{ms:.1}") }
}

/// The value that the share `q` of the times does not exceed.
pub(crate) fn quantile(times: &mut [Duration], q: f64) -> Duration {
    times.sort_unstable();
    let last = times.len().saturating_sub(1);
    times.get((last as f64 * q).round() as usize).copied().unwrap_or_default()
}

#[tokio::main(flavor = "multi_thread")]
async fn main() -> Result<(), String> {
    let options = options()?;
    let zones =
        [("SQLite", testkit::zone("bench").await), ("PostgreSQL", testkit::durable_postgres_zone("bench").await)];
    println!(
        "Commands over distinct cases (`assign_case`: one event, one audit entry), every answer after the commit is on disk.\n"
    );
    println!(
        "| database | writers | commands/s | p50 ms | p99 ms | processor ms a command, program + server | under one lock: commands/s | p99 ms | ratio |"
    );
    println!("|---|---|---|---|---|---|---|---|---|");
    for (database, zone) in &zones {
        commands::measure(database, zone, &options).await;
    }
    println!("\n{} cases listed and searched, all events replayed, a start.\n", options.cases);
    println!("| database | question | found | p50 ms | p99 ms |");
    println!("|---|---|---|---|---|");
    for (database, zone) in &zones {
        lists::replay(database, zone).await;
        lists::measure(database, zone, &options).await;
        lists::restart(database, zone).await;
    }
    Ok(())
}
