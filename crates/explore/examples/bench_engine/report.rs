//! Comparing results, and the tables of `docs/benchmarks.md`.

use super::tasks::TASKS;
use super::{Failure, Line};

/// What ENG-001 asks for: how many times faster than the fastest peer.
const TARGETS: [f64; 6] = [40.0, 25.0, 2.0, 10.0, 10.0, 10.0];
/// Floating sums agree to this share.
const TOLERANCE: f64 = 1e-9;

/// A task whose result is that of all peers, or why it could not be run.
pub(crate) struct Checked {
    pub(crate) task: &'static str,
    pub(crate) numbers: usize,
    pub(crate) error: Option<String>,
}

/// Compares every number of every task with every peer.
pub(crate) fn compare(own: &[Line], peers: &[Line]) -> Result<Vec<Checked>, Failure> {
    let mut checked = Vec::new();
    for task in TASKS {
        let mine = own.iter().find(|l| l.task == task).ok_or("a task was left out")?;
        if let Some(error) = &mine.error {
            checked.push(Checked { task, numbers: 0, error: Some(error.clone()) });
            continue;
        }
        for peer in peers.iter().filter(|l| l.task == task) {
            let theirs = comparable(task, &peer.check);
            let close = |(a, b): (&f64, &f64)| (a - b).abs() <= TOLERANCE * b.abs();
            if mine.check.len() != theirs.len() || !mine.check.iter().zip(&theirs).all(close) {
                return Err(format!("{task}: hap {:?}, {} {theirs:?}", mine.check, peer.tool).into());
            }
        }
        checked.push(Checked { task, numbers: mine.check.len(), error: None });
    }
    Ok(checked)
}

/// Of T3 the peers give the percentiles 10, 25, 50, 75 and 90; the language has the middle three.
fn comparable(task: &str, check: &[f64]) -> Vec<f64> {
    match (task, check) {
        ("T3", [groups, means, _, low, median, high, _]) => vec![*groups, *means, *low, *median, *high],
        _ => check.to_vec(),
    }
}

#[expect(clippy::print_stdout, reason = "a command line program")]
pub(crate) fn print_check(persons: u32, checked: &[Checked]) {
    println!("{persons} persons, results only.\n\n| task | numbers equal to DuckDB and Polars |\n|---|---|");
    for task in checked {
        match &task.error {
            None => println!("| {} | {} |", task.task, task.numbers),
            Some(error) => println!("| {} | not run: {error} |", task.task),
        }
    }
}

fn ms(seconds: f64) -> String {
    if seconds < 0.1 { format!("{:.1}", seconds * 1e3) } else { format!("{:.0}", seconds * 1e3) }
}

/// The fastest line of a task.
fn fastest<'a>(lines: &'a [Line], task: &str) -> Option<&'a Line> {
    lines.iter().filter(|l| l.task == task).min_by(|a, b| a.seconds.total_cmp(&b.seconds))
}

#[expect(clippy::print_stdout, reason = "a command line program")]
pub(crate) fn print(persons: u32, checked: &[Checked], own: &[Line], cold: &[Line], floor: &[Line], peers: &[Line]) {
    let threads = rayon::current_num_threads();
    let mut tools: Vec<&str> = peers.iter().map(|l| l.tool.as_str()).collect();
    tools.dedup();
    println!("{persons} persons, {threads} threads, milliseconds, best of several, files warm.\n");
    println!(
        "`hap` runs whole scripts, gate and ledger on disk included. *New imports*: nothing of the script's data is in the"
    );
    println!(
        "cache of imports. *Cached*: another run has imported the same variables at the same day before (ENG-022), which"
    );
    println!(
        "costs a second user nothing. *First*: the first run in the process; it maps the files and checks their digests."
    );
    println!(
        "The ratio is the fastest peer against *new imports* and against *cached*. T3 to T4C of the peers begin with the"
    );
    println!(
        "linked table of T1 in memory, those of `hap` with the script's first line. In T3 the peers compute the percentiles"
    );
    println!("10, 25, 50, 75 and 90; tables of the language have the middle three.\n");
    println!("| task | {} | hap, first | hap, new imports | hap, cached | ratio | asked for |", tools.join(" | "));
    println!("|---|{}---|---|---|---|---|", "---|".repeat(tools.len()));
    for (task, target) in TASKS.iter().zip(TARGETS) {
        let theirs: Vec<String> = tools
            .iter()
            .map(|tool| {
                peers.iter().find(|l| l.task == *task && l.tool == *tool).map_or("–".into(), |l| ms(l.seconds))
            })
            .collect();
        let line = own.iter().find(|l| l.task == *task && l.error.is_none());
        let (Some(line), Some(peer)) = (line, fastest(peers, task)) else {
            println!("| {task} | {} | – | – | – | – | {target}x |", theirs.join(" | "));
            continue;
        };
        let cached = line.cached.unwrap_or(line.seconds);
        println!(
            "| {task} | {} | {} | {} | {} | {:.1}x, {:.1}x | {target}x |",
            theirs.join(" | "),
            ms(line.first.unwrap_or(line.seconds)),
            ms(line.seconds),
            ms(cached),
            peer.seconds / line.seconds,
            peer.seconds / cached
        );
    }
    println!("\nNumbers compared with every peer before the gate (counts exactly, sums to {TOLERANCE:e}):");
    for task in checked {
        match &task.error {
            None => println!("{}: {} equal.", task.task, task.numbers),
            Some(error) => println!("{}: not run, {error}", task.task),
        }
    }
    print_memory(own, peers, &tools);
    print_floor(persons, own, cold, floor, peers);
}

#[expect(clippy::print_stdout, reason = "a command line program")]
fn print_memory(own: &[Line], peers: &[Line], tools: &[&str]) {
    let peak = |lines: &[Line], tool: &str| {
        let linking = lines.iter().filter(|l| l.tool == tool && (l.task == "T1" || l.task == "T2"));
        linking.map(|l| l.peak_mb).fold(0.0, f64::max)
    };
    println!("\nPeak memory in T1 and T2 (VmHWM, mapped files included), MB:\n");
    println!("| {} | hap | hap / leanest |\n|{}---|---|", tools.join(" | "), "---|".repeat(tools.len()));
    let theirs: Vec<f64> = tools.iter().map(|tool| peak(peers, tool)).collect();
    let leanest = theirs.iter().copied().fold(f64::INFINITY, f64::min);
    let mine = peak(own, "hap");
    let listed: Vec<String> = theirs.iter().map(|mb| format!("{mb:.0}")).collect();
    println!("| {} | {mine:.0} | {:.2} |", listed.join(" | "), mine / leanest);
}

#[expect(clippy::print_stdout, reason = "a command line program")]
fn print_floor(persons: u32, own: &[Line], cold: &[Line], floor: &[Line], peers: &[Line]) {
    let speed = floor.first().and_then(|l| l.check.first()).copied().unwrap_or(f64::NAN);
    // Bytes per person that T2 has to see: three registers of spells (ordinal, two days, value), four columns by person,
    // and record key and sketch bits once.
    let spells = 3.0 * 14.0 + 1.9 * 13.0 + 1.8 * 13.0;
    let bytes = f64::from(persons) * (spells + 1.0 + 4.0 + 4.0 + 24.0);
    println!(
        "\nMemory is read at {:.1} GB/s by all threads together. T2 has to see about {:.0} MB, which takes",
        speed / 1e9,
        bytes / 1e6
    );
    print!("{} ms", ms(bytes / speed));
    match own.iter().find(|l| l.task == "T2" && l.error.is_none()) {
        Some(line) => {
            println!("; with new imports it reaches {:.0} % of that floor.", bytes / speed / line.seconds * 100.0)
        }
        None => println!("."),
    }
    if let (Some(cold), Some(peer)) = (cold.first(), fastest(peers, "T2")) {
        println!(
            "\nT2 with all files out of memory: {} ms, peak {:.0} MB; the fastest peer with warm files: {} ms ({}).",
            ms(cold.seconds),
            cold.peak_mb,
            ms(peer.seconds),
            peer.tool
        );
    }
}
