//! `hap policy`: the disclosure policies of an installation (SDC-010). A stricter policy for a variable, a version of a
//! store, a project or a role takes one person; anything that makes a threshold looser takes the data owner and the disclosure
//! steward. Changes are kept in `policies.jsonl` of the data zone's folder and count when the data role starts the next time.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::str::FromStr;

use anyhow::Context as _;
use disclosure::{Approval, Attachment, Change, Office, PolicyBook, Rules, Subject};
use explore::{PolicyFile, PolicyLine};
use kernel::Clock as _;

use super::say;
use crate::DataDir;
use crate::places::Places;
use crate::system::SystemClock;

/// Arguments of `hap policy`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
    #[command(flatten)]
    data: DataDir,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Print the policy for everything and the stricter ones with what they are attached to.
    Show,
    /// Attach a stricter policy; it takes the place of an earlier one for the same subject.
    Attach {
        /// `variable:STORE/NAME`, `version:STORE/VERSION`, `project:ID` or `role:student`.
        subject: Written,
        #[command(flatten)]
        rules: Given,
        #[command(flatten)]
        approved: Approved,
    },
    /// Take the policy of a subject away.
    Detach {
        /// As for `attach`.
        subject: Written,
        #[command(flatten)]
        approved: Approved,
    },
    /// Another policy for everything.
    Base {
        #[command(flatten)]
        rules: Given,
        #[command(flatten)]
        approved: Approved,
    },
}

#[derive(clap::Args)]
#[group(required = true, multiple = false)]
struct Given {
    /// The built-in policy for sensitive data.
    #[arg(long)]
    high: bool,
    /// JSON with a name, a version, and the fields that differ from the default policy.
    #[arg(long, value_name = "FILE")]
    rules: Option<PathBuf>,
}

#[derive(clap::Args)]
struct Approved {
    /// Account of the disclosure steward who approves.
    #[arg(long, value_name = "ACCOUNT")]
    steward: Option<String>,
    /// Account of the data owner who approves.
    #[arg(long, value_name = "ACCOUNT")]
    owner: Option<String>,
}

/// A subject as it is written on the command line.
#[derive(Clone)]
struct Written(Subject);

impl FromStr for Written {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("{text}: write variable:STORE/NAME, version:STORE/VERSION, project:ID or role:NAME");
        let (kind, of) = text.split_once(':').ok_or_else(wrong)?;
        let pair = || of.split_once('/').map(|(a, b)| (a.to_owned(), b.to_owned())).ok_or_else(wrong);
        Ok(Self(match kind {
            "variable" => pair().map(|(store, name)| Subject::Variable { store, name })?,
            "version" => pair().map(|(store, version)| Subject::Version { store, version })?,
            "project" => Subject::Project { id: of.to_owned() },
            "role" => Subject::Role { name: of.to_owned() },
            _ => return Err(wrong()),
        }))
    }
}

impl Given {
    fn read(&self) -> anyhow::Result<Rules> {
        match &self.rules {
            None => Ok(Rules::high()),
            Some(path) => rules(path).with_context(|| path.display().to_string()),
        }
    }
}

/// The default policy with the fields of a file in their places.
fn rules(path: &Path) -> anyhow::Result<Rules> {
    let given: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path)?)?;
    anyhow::ensure!(given.get("name").is_some() && given.get("version").is_some(), "needs a name and a version");
    let mut all = serde_json::to_value(Rules::standard())?;
    put(&mut all, given);
    Ok(serde_json::from_value(all)?)
}

fn put(all: &mut serde_json::Value, given: serde_json::Value) {
    match (all, given) {
        (serde_json::Value::Object(all), serde_json::Value::Object(given)) => {
            for (name, value) in given {
                put(all.entry(name).or_insert(serde_json::Value::Null), value);
            }
        }
        (slot, value) => *slot = value,
    }
}

impl Approved {
    fn approvals(self) -> Vec<Approval> {
        let by = |account: Option<String>, office| account.map(|account| Approval { account, office });
        by(self.steward, Office::DisclosureSteward).into_iter().chain(by(self.owner, Office::DataOwner)).collect()
    }
}

/// Runs the command.
///
/// # Errors
/// When the file cannot be read or written, or the change may not be made.
pub fn run(args: Args) -> anyhow::Result<ExitCode> {
    let file = PolicyFile::of_zone(&Places::new(args.data.data).zone(&protocol::Party::Data));
    let (change, approved) = match args.verb {
        Verb::Show => {
            show(&file.read()?);
            return Ok(ExitCode::SUCCESS);
        }
        Verb::Attach { subject, rules, approved } => {
            (Change::Attach(Attachment { subject: subject.0, rules: rules.read()? }), approved)
        }
        Verb::Detach { subject, approved } => (Change::Detach { subject: subject.0 }, approved),
        Verb::Base { rules, approved } => (Change::Base { rules: rules.read()? }, approved),
    };
    let line = PolicyLine { change, approved_by: approved.approvals(), at: SystemClock.now() };
    show(&file.change(&line)?);
    say("It counts when the data role starts the next time.");
    Ok(ExitCode::SUCCESS)
}

fn show(book: &PolicyBook) {
    let base = book.base();
    say(format!("everything: {} {} {}", base.rules().name, base.rules().version, base.hash()));
    for (subject, rules) in book.attached() {
        let subject = match subject {
            Subject::Variable { store, name } => format!("variable:{store}/{name}"),
            Subject::Version { store, version } => format!("version:{store}/{version}"),
            Subject::Project { id } => format!("project:{id}"),
            Subject::Role { name } => format!("role:{name}"),
        };
        say(format!("{subject}: {} {}", rules.name, rules.version));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// SDC-010: a subject is written as it is shown; a file names what differs from the default policy.
    #[test]
    fn sdc_010_subjects_and_files_are_read() {
        let of = |text: &str| text.parse::<Written>().map(|s| s.0).ok();
        let diagnosis = Subject::Variable { store: "no.fhi.npr".into(), name: "DIAGNOSE".into() };
        assert_eq!(of("variable:no.fhi.npr/DIAGNOSE"), Some(diagnosis));
        assert_eq!(of("role:student"), Some(Subject::Role { name: "student".into() }));
        assert_eq!((of("variable:no.fhi.npr"), of("student"), of("person:1")), (None, None, None));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("rules.json");
        std::fs::write(&path, r#"{"name": "births", "version": 1, "min_cell": 20, "snap": {"most": 9}}"#).unwrap();
        let read = rules(&path).unwrap();
        let expected = Rules { name: "births".into(), min_cell: 20, ..Rules::standard() };
        assert_eq!(read, Rules { snap: disclosure::SnapRules { most: 9, ..expected.snap }, ..expected });
        std::fs::write(&path, r#"{"name": "births", "version": 1, "min_sell": 20}"#).unwrap();
        assert!(rules(&path).is_err(), "an unknown field");
        std::fs::write(&path, r#"{"min_cell": 20}"#).unwrap();
        assert!(rules(&path).is_err(), "no name");
    }
}
