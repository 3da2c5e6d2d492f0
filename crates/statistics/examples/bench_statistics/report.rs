//! Comparing results, and the table of `docs/benchmarks.md`.

use super::models::{Measured, TASKS};
use super::{Failure, Line};

/// Numbers agree to this share.
const TOLERANCE: f64 = 1e-6;

/// Compares every number with every peer.
pub(crate) fn compare(own: &[Measured], peers: &[Line]) -> Result<(), Failure> {
    for peer in peers {
        let mine = own.iter().find(|m| m.line.task == peer.task).ok_or("a task was left out")?;
        let close = |(a, b): (&f64, &f64)| (a - b).abs() <= TOLERANCE * b.abs();
        let equal = mine.line.check.iter().zip(&peer.check).all(close);
        if mine.line.check.len() != peer.check.len() || !equal {
            return Err(format!("{}: hap {:?}, {} {:?}", peer.task, mine.line.check, peer.tool, peer.check).into());
        }
    }
    Ok(())
}

fn ms(seconds: f64) -> String {
    if seconds < 0.1 { format!("{:.1}", seconds * 1e3) } else { format!("{:.0}", seconds * 1e3) }
}

fn both(line: &Line) -> String {
    format!("{} / {}", ms(line.seconds), ms(line.processor))
}

/// By how much the least of the peers' numbers is that of `hap`.
fn ratio(peers: &[&Line], own: &Line, of: impl Fn(&Line) -> f64) -> String {
    let least = peers.iter().map(|l| of(l)).min_by(f64::total_cmp);
    least.map_or("–".to_owned(), |least| format!("{:.1}x", least / of(own)))
}

#[expect(clippy::print_stdout, reason = "a command line program")]
pub(crate) fn print(own: &[Measured], peers: &[Line], blas: Option<u32>, load: [&str; 3]) {
    println!(
        "{} threads, milliseconds, best of several; what takes a peer more than ten seconds is not repeated. Behind the stroke:\n\
         milliseconds of processor time, of all threads together; the second ratio is that of processor time.\n",
        rayon::current_num_threads()
    );
    println!(
        "The estimator alone, not the whole script: both sides begin with the same numbers in memory. `hap` has a table of"
    );
    println!(
        "variables and reads, checks and fits it, and knows how much each person decides when it is done; DuckDB and Polars have"
    );
    println!(
        "a table or a frame, make the matrix of it and fit by numpy; statsmodels has the finished matrix; lifelines and"
    );
    println!("linearmodels have a frame. The ratio is that of the fastest peer.\n");
    if let Some(threads) = blas {
        println!("Threads of the peers' matrix products (OPENBLAS_NUM_THREADS): {threads}.\n");
    }
    println!("| task | rows | peers | hap | ratio | asked for |\n|---|---:|---|---:|---:|---:|");
    for measured in own {
        let Some(task) = TASKS.iter().find(|t| t.name == measured.line.task) else { continue };
        let theirs: Vec<&Line> = peers.iter().filter(|l| l.task == task.name).collect();
        let listed: Vec<String> = theirs.iter().map(|l| format!("{}: {}", l.tool, both(l))).collect();
        println!(
            "| {}: {} | {} | {} | {} | {} / {} | {} |",
            task.name,
            task.what,
            measured.rows,
            listed.join("; "),
            both(&measured.line),
            ratio(&theirs, &measured.line, |l| l.seconds),
            ratio(&theirs, &measured.line, |l| l.processor),
            task.target.map_or("–".to_owned(), |t| format!("{t}x")),
        );
    }
    if !peers.is_empty() {
        println!(
            "\nNumbers equal to those of every peer, to {TOLERANCE:e} of their size (coefficients, standard errors,"
        );
        let counts: Vec<String> = own.iter().map(|m| format!("{} {}", m.line.task, m.line.check.len())).collect();
        println!("survival at 1000 days): {}.", counts.join(", "));
    }
    let [before, after, end] = load;
    println!(
        "\nLoad of the machine (processes, mean of a minute): {before} before `hap`, {after} after it, {end} at the end."
    );
    let busy = before.parse::<f64>().is_ok_and(|load| load > rayon::current_num_threads() as f64);
    if busy {
        println!("Other work ran at the same time: all times are longer than on a machine of its own.");
    }
}
