//! Measures what the gate costs (issue Gate): beside a tabulate over a whole population, and in a ledger that already holds
//! a million sets. Run by `cargo xtask bench gate [--persons N] [--sets N]`; prints Markdown.
//!
//! Persons have a sex, an age, a municipality and an income, in memory. The ledger is the durable one in an SQLite file, every release is on
//! disk before it counts as done, members of sets are written behind. Sets of the large ledger: half of them hold 10 to 100
//! persons, the others are spread evenly over the orders of magnitude up to the population.

mod ledger;
mod tabulate;

use std::time::Duration;

pub(crate) type Failure = Box<dyn std::error::Error>;

/// What is measured.
pub(crate) struct Options {
    pub(crate) persons: u32,
    pub(crate) sets: u32,
}

fn options() -> Result<Options, Failure> {
    let mut options = Options { persons: 1_000_000, sets: 1_000_000 };
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        match argument.as_str() {
            "--persons" => options.persons = value()?.parse()?,
            "--sets" => options.sets = value()?.parse()?,
            _ => return Err(format!("unknown: {argument}").into()),
        }
    }
    Ok(options)
}

/// Milliseconds, with three digits.
pub(crate) fn ms(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    let decimals = if ms >= 100.0 {
        0
    } else if ms >= 10.0 {
        1
    } else if ms >= 1.0 {
        2
    } else {
        3
    };
    format!("{ms:.decimals$}")
}

/// What all threads of the process have used of the processors, but for the one that writes behind the ledger (SDC-055).
pub(crate) fn processor_time() -> Result<Duration, Failure> {
    // Asking for the sum brings that of this thread up to date.
    std::fs::read_to_string("/proc/self/stat")?;
    let mut nanoseconds = 0;
    for thread in std::fs::read_dir("/proc/self/task")? {
        let thread = thread?.path();
        if std::fs::read_to_string(thread.join("comm"))?.trim() == "gate-behind" {
            continue;
        }
        let told = std::fs::read_to_string(thread.join("schedstat"))?;
        nanoseconds += told.split(' ').next().unwrap_or_default().parse::<u64>()?;
    }
    Ok(Duration::from_nanos(nanoseconds))
}

pub(crate) fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn main() -> Result<(), Failure> {
    let options = options()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let folder = tempfile::tempdir()?;
    let large = ledger::measure(&runtime, folder.path(), &options)?;
    tabulate::measure(&runtime, large, &options)
}
