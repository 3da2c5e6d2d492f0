//! `hap tour`: walks the whole chain against a running demo through its public interface, as every persona in turn, and
//! prints what each step proved. Every claim is checked; the first that does not hold ends the tour with code 1.

mod client;
mod steps;

pub use client::Site;
pub use steps::walk;

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::Context as _;

use crate::commands::say;

/// Arguments of `hap tour`.
#[derive(clap::Args)]
pub struct Args {
    /// Address of the demo.
    #[arg(long, default_value = "http://127.0.0.1:8080")]
    url: String,
    /// Write every change that was acknowledged to this file, as a line of JSON.
    #[arg(long, value_name = "FILE")]
    journal: Option<PathBuf>,
}

/// Prints steps with their times.
pub struct Guide {
    started: Instant,
    last: Instant,
    number: u32,
}

impl Default for Guide {
    fn default() -> Self {
        let now = Instant::now();
        Self { started: now, last: now, number: 0 }
    }
}

impl Guide {
    /// Says what a step proved.
    pub fn step(&mut self, proved: impl AsRef<str>) {
        self.number += 1;
        let milliseconds = self.last.elapsed().as_millis();
        say(format!("{:2}. {:>6} ms  {}", self.number, milliseconds, proved.as_ref()));
        self.last = Instant::now();
    }
}

/// Walks the chain.
///
/// # Errors
/// The first claim that did not hold.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let mut guide = Guide::default();
    let journal = args.journal.map(|path| {
        let open = std::fs::OpenOptions::new().append(true).create(true).open(&path);
        open.with_context(|| format!("opening {}", path.display()))
    });
    walk(&Site::new(&args.url, journal.transpose()?), &mut guide).await?;
    say(format!("chain complete ({:.1} s)", guide.started.elapsed().as_secs_f64()));
    Ok(ExitCode::SUCCESS)
}
