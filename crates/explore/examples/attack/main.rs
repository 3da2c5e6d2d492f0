//! The attack suite (SDC-190..192): scripts of analysts who want to know what one person's secret is, run against the real
//! gate through the runner of the data zone, and against what other systems do. Run by `cargo xtask attack [--full]`;
//! prints Markdown, ends with a failure when the gate breaks a limit.
//!
//! Every attack sees released documents and diagnostics only. Seeds are fixed: the same program gives the same scores.

mod analyses;
mod answer;
mod counts;
mod groups;
mod linked;
mod reconstruction;
mod register;
mod report;
mod score;
mod structure;
mod suite;
mod utility;
mod values;

use std::process::ExitCode;

use disclosure::{Policy, Rules, SnapRules};

/// Anything that keeps an attack from being carried out.
type Failure = Box<dyn std::error::Error>;

/// How much is tried.
#[derive(Clone, Debug)]
struct Options {
    full: bool,
    /// Names of attacks; all when there is none.
    only: Vec<String>,
    seeds: u64,
    targets: usize,
    /// Other snapping radii than the default policy's, to see what they do.
    radius: Option<SnapRules>,
    /// Cells of other users' tables in the ledger before utility is measured.
    before: Option<u64>,
    /// Only the gate itself.
    ours: bool,
    /// Generations and shadows of the search (A14), other than those of the form.
    search: Option<(usize, usize)>,
}

impl Options {
    fn read() -> Result<Self, Failure> {
        let mut options = Options {
            full: false,
            only: Vec::new(),
            seeds: 1,
            targets: 40,
            radius: None,
            before: None,
            ours: false,
            search: None,
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(argument) = arguments.next() {
            match argument.as_str() {
                "--full" => options = Options { full: true, seeds: 10, targets: 200, ..options },
                "--seeds" => options.seeds = arguments.next().ok_or("--seeds N")?.parse()?,
                "--radius" => {
                    let mut number = || arguments.next().ok_or("--radius LEAST MOST")?.parse().map_err(Failure::from);
                    options.radius = Some(SnapRules { least: number()?, most: number()? });
                }
                "--ours" => options.ours = true,
                "--search" => {
                    let mut number =
                        || arguments.next().ok_or("--search GENERATIONS SHADOWS")?.parse().map_err(Failure::from);
                    options.search = Some((number()?, number()?));
                }
                "--before" => options.before = Some(arguments.next().ok_or("--before SETS")?.parse()?),
                "--targets" => options.targets = arguments.next().ok_or("--targets N")?.parse()?,
                name if name.starts_with('A') || name == "utility" => options.only.push(name.to_owned()),
                other => return Err(format!("unknown: {other}").into()),
            }
        }
        Ok(options)
    }

    /// The policy under attack.
    fn policy(&self) -> Result<Policy, Failure> {
        let standard = Rules::standard();
        let snap = self.radius.unwrap_or(standard.snap);
        Ok(Policy::new(Rules { snap, ..standard })?)
    }

    fn wants(&self, id: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == id)
    }
}

#[expect(clippy::print_stdout, clippy::print_stderr, reason = "a command line program")]
fn main() -> ExitCode {
    let done = Options::read().and_then(|options| suite::run(&options).map(|lines| (options, lines)));
    match done {
        Ok((options, found)) => {
            println!("{}", report::markdown(&options, &found));
            let broken: Vec<&str> = found.lines.iter().filter(|l| l.broken(options.full)).map(|l| l.id).collect();
            if broken.is_empty() {
                return ExitCode::SUCCESS;
            }
            eprintln!("broken: {}", broken.join(", "));
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("the attacks could not be carried out: {error}");
            ExitCode::from(2)
        }
    }
}
