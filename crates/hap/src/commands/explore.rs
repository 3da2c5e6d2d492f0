//! `hap explore`: run, check and format scripts without a service, over a folder that is marked synthetic.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use disclosure::Policy;
use engine::ImportCache;
use explore::headless::{SyntheticGate, only_synthetic};
use explore::{Job, MetadataCatalogue, Runner, RunnerParts, Switch};
use kernel::Language;
use protocol::calls::Metadata;

use super::say;
use crate::DataDir;
use crate::places::Places;
use crate::system::{OsRandom, SystemClock};
use crate::zones;

/// Arguments of `hap explore`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Run a script through engine and gate and print what is released.
    Run {
        /// The script.
        file: PathBuf,
        #[command(flatten)]
        data: DataDir,
        /// Language of words and numbers: nb, nn or en.
        #[arg(long, default_value = "nb")]
        lang: String,
        /// The released document as JSON.
        #[arg(long)]
        json: bool,
    },
    /// Check a script and run nothing.
    Check {
        /// The script.
        file: PathBuf,
        #[command(flatten)]
        data: DataDir,
        /// Language of the messages: nb, nn or en.
        #[arg(long, default_value = "nb")]
        lang: String,
    },
    /// Format a script.
    Fmt {
        /// The script.
        file: PathBuf,
        /// Change nothing; end with 1 when the script is not formatted.
        #[arg(long)]
        check: bool,
    },
}

/// Runs the command: 0 done, 1 the script has errors.
///
/// # Errors
/// When the script or the data cannot be read.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.verb {
        Verb::Run { file, data, lang, json } => execute(&file, data, language(&lang)?, json).await,
        Verb::Check { file, data, lang } => check(&file, data, language(&lang)?).await,
        Verb::Fmt { file, check } => format(&file, check),
    }
}

fn language(text: &str) -> anyhow::Result<Language> {
    text.parse().map_err(|()| anyhow::anyhow!("--lang {text}: write nb, nn or en"))
}

fn print(diagnostics: &[script::Diagnostic], file: &std::path::Path, language: Language) -> bool {
    for d in diagnostics {
        let hint = d.hint.as_ref().map(|h| format!(" {}", h.text(language))).unwrap_or_default();
        say(format!(
            "{}:{}:{}: {} {}{hint}",
            file.display(),
            d.span.line,
            d.span.column,
            d.code,
            d.message.text(language)
        ));
    }
    diagnostics.iter().any(script::Diagnostic::is_error)
}

async fn execute(file: &std::path::Path, data: DataDir, language: Language, json: bool) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(file)?;
    let places = Places::new(data.data);
    let (net, _keys) = zones::with_keys(super::role::net(&places)?, &places).await?;
    let zone = zones::data::open(&net, &places).await?;
    let columns = zone.datastore.columns();
    only_synthetic(&columns)?;
    let gate = SyntheticGate::open(&places.zone(&protocol::Party::Data), &OsRandom)?;
    for space in columns.spaces() {
        columns.set_dataset_key(&space, *gate.keys.dataset_key());
    }
    let runner = Runner::new(RunnerParts {
        source: Arc::new(columns),
        cache: Arc::new(ImportCache::new(1 << 30)),
        policy: Policy::standard(),
        keys: gate.keys,
        ledger: gate.ledger,
        signer: zone.signer(),
        clock: Arc::new(SystemClock),
    });
    // The gate's ledger waits for its file: off the threads that drive other tasks.
    let ran = tokio::task::spawn_blocking(move || {
        let job = Job { run: "headless", account: "headless", project: "headless", script: &text, language };
        runner.run(&job, &Switch::default())
    })
    .await??;
    let failed = print(&ran.diagnostics, file, language);
    let document = ran.document.open(&*zone.directory())?;
    if json {
        say(serde_json::to_string_pretty(&document)?);
    } else {
        for entry in &document.results {
            say(figures::text(entry, language));
        }
    }
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

async fn check(file: &std::path::Path, data: DataDir, language: Language) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(file)?;
    let places = Places::new(data.data);
    let zone = zones::data::open(&super::role::net(&places)?, &places).await?;
    let metadata = zone.datastore.metadata(&Metadata::default()).await?;
    let checked = script::compile(&text, &MetadataCatalogue::new(&metadata), &script::Settings::default());
    let failed = print(&checked.diagnostics, file, language);
    Ok(if failed { ExitCode::from(1) } else { ExitCode::SUCCESS })
}

fn format(file: &std::path::Path, check: bool) -> anyhow::Result<ExitCode> {
    let text = std::fs::read_to_string(file)?;
    match script::format(&text) {
        Ok(formatted) if formatted == text => Ok(ExitCode::SUCCESS),
        Ok(_) if check => {
            say(format!("{}: not formatted", file.display()));
            Ok(ExitCode::from(1))
        }
        Ok(formatted) => {
            std::fs::write(file, formatted)?;
            Ok(ExitCode::SUCCESS)
        }
        Err(diagnostics) => {
            print(&diagnostics, file, Language::En);
            Ok(ExitCode::from(1))
        }
    }
}
