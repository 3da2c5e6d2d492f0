//! Runs the estimators over a folder of reference cases (STAT-400): `cargo xtask cases FOLDER`. Prints what differs, and ends
//! with a failure when anything does.

mod runner;

use std::path::Path;
use std::process::ExitCode;

#[expect(clippy::print_stdout, reason = "a command line program")]
fn main() -> ExitCode {
    let Some(folder) = std::env::args().nth(1) else {
        println!("usage: cases FOLDER");
        return ExitCode::from(2);
    };
    let outcomes = match runner::run(Path::new(&folder)) {
        Ok(outcomes) => outcomes,
        Err(reason) => {
            println!("{reason}");
            return ExitCode::from(2);
        }
    };
    for outcome in outcomes.iter().filter(|o| !o.faults.is_empty()) {
        println!("{} ({})", outcome.id, outcome.scope);
        outcome.faults.iter().for_each(|fault| println!("    {fault}"));
    }
    let failed = outcomes.iter().filter(|o| !o.faults.is_empty()).count();
    println!("{} passed, {failed} failed", outcomes.len() - failed);
    ExitCode::from(u8::from(failed > 0))
}
