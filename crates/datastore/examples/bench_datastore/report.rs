//! Comparing what the tools found, and the tables of `docs/benchmarks.md`.

use std::fs;
use std::path::Path;

use super::inputs::{FAULTY, READS, VALID};
use super::{Failure, Line, Options};

/// What DATA-096 asks for: how many times faster than the public tools.
const ASKED: f64 = 10.0;

/// Whether all tools say the same about every task.
pub(crate) fn same(lines: &[Line]) -> Result<(), Failure> {
    for own in lines.iter().filter(|l| l.tool == "hap") {
        for peer in lines.iter().filter(|l| l.task == own.task && l.tool != "hap") {
            if own.check != peer.check {
                return Err(format!("{}: hap {:?}, {} {:?}", own.task, own.check, peer.tool, peer.check).into());
            }
        }
    }
    Ok(())
}

/// Whether what came out of the packages is what went in.
pub(crate) fn same_bytes(folder: &Path) -> Result<(), Failure> {
    let data = fs::read(folder.join("EVENT/EVENT.csv"))?;
    for out in ["work/unpack", "work/hap-unpack"] {
        if fs::read(folder.join(out).join("EVENT/EVENT.csv"))? != data {
            return Err(format!("{out}: the package gave other bytes").into());
        }
    }
    Ok(())
}

fn ms(seconds: f64) -> String {
    if seconds < 0.1 { format!("{:.1}", seconds * 1e3) } else { format!("{:.0}", seconds * 1e3) }
}

/// By the clock, and of processor time.
fn times(line: &Line) -> String {
    format!("{} / {}", ms(line.seconds), ms(line.processor))
}

fn ratios(own: &Line, peer: &Line) -> String {
    format!("{:.1}x / {:.1}x", peer.seconds / own.seconds, peer.processor / own.processor)
}

fn of<'a>(lines: &'a [Line], tool: &'a str, task: &'a str) -> impl Iterator<Item = &'a Line> {
    let chosen = move |l: &&Line| l.task == task && (l.tool == "hap") == (tool == "hap");
    lines.iter().filter(chosen)
}

/// The line of `hap`, and the fastest of the others.
fn pair<'a>(lines: &'a [Line], task: &'a str) -> Option<(&'a Line, &'a Line)> {
    let peer = of(lines, "peers", task).min_by(|a, b| a.seconds.total_cmp(&b.seconds))?;
    Some((of(lines, "hap", task).next()?, peer))
}

#[expect(clippy::print_stdout, reason = "a command line program")]
pub(crate) fn print(options: &Options, handed_in: &[Line], read: &[Line], cold: &[Line]) {
    let tool = handed_in.iter().find(|l| l.tool != "hap").map_or("", |l| l.tool.as_str());
    println!(
        "Milliseconds, best of {}, files warm. Behind the stroke: milliseconds of processor time, of all threads",
        options.repetitions
    );
    println!(
        "together; the second ratio is that of processor time. Memory is the most that the process held (VmHWM).\n"
    );
    println!(
        "Datasets of {} rows as a holder hands them in, without faults; `hap` reads them with as many threads",
        options.rows
    );
    println!("as there are processors.\n");
    println!("| task | {tool} | hap | ratio | asked for | rows per second | memory, {tool}, MB | memory, hap, MB |");
    println!("|---|---:|---:|---:|---:|---:|---:|---:|");
    let mut tasks: Vec<String> = VALID.iter().map(|name| format!("validate:{name}")).collect();
    tasks.extend(["package:EVENT".to_owned(), "unpack:EVENT".to_owned()]);
    for task in &tasks {
        let Some((own, peer)) = pair(handed_in, task) else { continue };
        let asked = if task.starts_with("validate") { format!("{ASKED}x") } else { String::new() };
        println!(
            "| {} | {} | {} | {} | {asked} | {:.1} M | {:.0} | {:.0} |",
            task.replace(':', " "),
            times(peer),
            times(own),
            ratios(own, peer),
            options.rows as f64 / own.seconds / 1e6,
            peer.peak_mb,
            own.peak_mb,
        );
    }
    let told: usize = FAULTY
        .iter()
        .filter_map(|name| of(handed_in, "hap", &format!("validate:{name}")).next().map(|l| l.check.len()))
        .sum();
    println!("\n{} datasets with faults get the same {told} lines from both.\n", FAULTY.len());

    let mut tools: Vec<&str> = read.iter().filter(|l| l.tool != "hap").map(|l| l.tool.as_str()).collect();
    tools.dedup();
    println!(
        "A variable of {} spells, ten per unit. The public service that reads it out is not on PyPI: pyarrow with",
        options.spells
    );
    println!(
        "the filters of that service stands for it, without its HTTP and its writing of the answer, over the Parquet"
    );
    println!(
        "that it keeps. `hap` reads its own files by the trait that the engine reads by; rows are equal in all. The"
    );
    println!("ratio is the fastest of the others against `hap`.\n");
    println!(
        "| read | rows | {} | hap | ratio | asked for | memory, leanest other, MB | memory, hap, MB |",
        tools.join(" | ")
    );
    println!("|---|---:|{}---:|---:|---:|---:|---:|", "---:|".repeat(tools.len()));
    let row = |lines: &[Line], task: &str, what: &str| {
        let Some((own, peer)) = pair(lines, task) else { return };
        let others: Vec<String> = tools
            .iter()
            .map(|t| lines.iter().find(|l| l.task == task && l.tool == *t).map_or_else(String::new, times))
            .collect();
        let leanest = of(lines, "peers", task).map(|l| l.peak_mb).fold(f64::INFINITY, f64::min);
        println!(
            "| {what} | {} | {} | {} | {} | {} | {leanest:.0} | {:.0} |",
            own.check.first().map_or("", String::as_str),
            others.join(" | "),
            times(own),
            ratios(own, peer),
            if task.ends_with(":at") { format!("{ASKED}x") } else { String::new() },
            own.peak_mb,
        );
    };
    for (task, what) in READS {
        row(read, task, what);
    }
    if let Some((task, what)) = READS.first() {
        row(cold, task, &format!("{what}, first read of a process, files not in memory"));
    }
}
