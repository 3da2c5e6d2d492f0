//! `hap explore run`: engine and gate in this process, over stores that are marked synthetic, and what is released in the
//! format that was asked for.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use disclosure::{Document, Entry, View};
use engine::ImportCache;
use explore::headless::{SyntheticGate, only_synthetic};
use explore::{Job, Place, PolicyFile, Ran, Runner, RunnerError, RunnerParts, SnapshotBudget, Switch, Watch};
use figures::{ExportError, Origin};
use kernel::Language;

use super::{Common, REFUSED, SCRIPT_ERROR, UNAVAILABLE, USAGE, code, complain, print, read};
use crate::commands::{role, say};
use crate::places::Places;
use crate::progress::Progress;
use crate::system::{OsRandom, SystemClock};
use crate::zones;

/// The folder beside a store where it is kept in the form that the engine reads.
const LOADED: &str = ".hap";
/// The file beside the results that holds them as the gate signed them.
const SEALED: &str = "released.json";

/// Arguments of `hap explore run`.
#[derive(clap::Args)]
pub(super) struct Args {
    #[command(flatten)]
    common: Common,
    /// Format of what is released.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// A file per result in this folder instead of standard output, and `released.json` as the gate signed it; also where
    /// `export` writes.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Check the script against data and metadata, and run nothing.
    #[arg(long)]
    check: bool,
    /// After an error go on with what does not depend on it.
    #[arg(long)]
    keep_going: bool,
    /// Show the results of this line and those below it.
    #[arg(long = "from", value_name = "LINE")]
    from_line: Option<u32>,
    /// No progress, and no receipts of commands that only shape data.
    #[arg(long)]
    quiet: bool,
}

#[derive(clap::ValueEnum, Clone, Copy, PartialEq, Eq, Default)]
enum Format {
    /// Aligned columns.
    #[default]
    Text,
    /// The released document.
    Json,
    /// Long form, a line per cell.
    Csv,
    /// The same columns, typed; needs --out.
    Parquet,
    /// A page that needs nothing beside it.
    Html,
}

impl Format {
    fn of_files(self) -> figures::Format {
        match self {
            Format::Text => figures::Format::Text,
            Format::Json => figures::Format::Json,
            Format::Csv => figures::Format::Csv,
            Format::Parquet => figures::Format::Parquet,
            Format::Html => figures::Format::Html,
        }
    }
}

/// The bar on standard error, and the end by Ctrl+C.
struct Follow {
    bar: Option<Progress>,
    switch: Switch,
}

impl Watch for Follow {
    fn cancelled(&self) -> bool {
        self.switch.cancelled()
    }

    fn progress(&self, place: Place, share: f32) {
        if let Some(bar) = &self.bar {
            let done = (place.statement.saturating_sub(1) as f64 + f64::from(share)) / place.of.max(1) as f64;
            bar.set(done, &format!("line {}", place.line));
        }
    }
}

pub(super) async fn run(args: Args) -> anyhow::Result<ExitCode> {
    let text = match read(&args.common.file) {
        Ok(text) => text,
        Err(code) => return Ok(code),
    };
    if args.check {
        return super::check(&args.common).await;
    }
    let opened = match open(&args.common).await {
        Ok(opened) => opened,
        Err(error) => {
            complain(format!("hap: {error:#}"));
            return Ok(ExitCode::from(UNAVAILABLE));
        }
    };
    let terminal = std::io::IsTerminal::is_terminal(&std::io::stderr());
    let bar = (terminal && !args.quiet).then(|| Progress::new("explore"));
    let follow = Arc::new(Follow { bar, switch: Switch::default() });
    let stop = Arc::clone(&follow);
    tokio::spawn(async move {
        if tokio::signal::ctrl_c().await.is_ok() {
            stop.switch.cancel();
        }
    });
    let params = args.common.params.iter().cloned().collect();
    let job = Settings {
        loads: super::beside::loads(&args.common.file, &text, &params),
        text,
        params,
        keep_going: args.keep_going,
        from_line: args.from_line,
        strict: args.common.strict,
        language: args.common.lang,
    };
    let watch = Arc::clone(&follow);
    let runner = opened.runner;
    // The gate's ledger waits for its file: off the threads that drive other tasks.
    let ran = tokio::task::spawn_blocking(move || runner.run(&job.job(), &*watch)).await?;
    if let Some(bar) = &follow.bar {
        bar.done(if ran.is_ok() { "done" } else { "ended" });
    }
    let ran = match ran {
        Ok(ran) => ran,
        Err(error @ (RunnerError::Unavailable(_) | RunnerError::Internal)) => {
            complain(format!("hap: {error}"));
            return Ok(ExitCode::from(UNAVAILABLE));
        }
        Err(error @ RunnerError::Cancelled) => {
            complain(format!("hap: {error}"));
            return Ok(ExitCode::from(SCRIPT_ERROR));
        }
    };
    print(&ran.diagnostics, &args.common.file, args.common.lang);
    if let Err(error) = hand_out(&args, &ran) {
        complain(format!("hap: {error:#}"));
        return Ok(ExitCode::from(USAGE));
    }
    debug_assert!(!ran.refused() || code(&ran.diagnostics) == REFUSED || ran.stopped());
    Ok(ExitCode::from(code(&ran.diagnostics)))
}

struct Settings {
    text: String,
    params: std::collections::BTreeMap<String, String>,
    loads: std::collections::BTreeMap<String, String>,
    keep_going: bool,
    from_line: Option<u32>,
    strict: bool,
    language: Language,
}

impl Settings {
    fn job(&self) -> Job<'_> {
        Job {
            params: self.params.clone(),
            loads: self.loads.clone(),
            keep_going: self.keep_going,
            from_line: self.from_line,
            strict: self.strict,
            ..Job::new("headless", "headless", &self.text, self.language)
        }
    }
}

struct Opened {
    runner: Runner,
}

/// The folder of the installation: the one named, or the one beside the first store, where the stores are loaded when that
/// has not been done.
pub(super) async fn places(args: &Common) -> anyhow::Result<Places> {
    let Some((_, first)) = args.stores.first() else { return Ok(Places::new(args.data.data.clone())) };
    if !first.is_dir() {
        bail!("{}: no such folder", first.display());
    }
    let places = Places::new(first.join(LOADED));
    let wanted: Vec<String> = args.stores.iter().map(|(name, path)| format!("{name}={}\n", path.display())).collect();
    let (marker, wanted) = (first.join(LOADED).join("loaded"), wanted.concat());
    if std::fs::read_to_string(&marker).is_ok_and(|loaded| loaded == wanted) {
        return Ok(places);
    }
    zones::prepare(&places, true, 0)?;
    for (name, path) in &args.stores {
        // In a process of its own: a zone's audit log is open once, and the run opens it after this.
        let loaded = tokio::process::Command::new(std::env::current_exe()?)
            .arg("ingest")
            .arg(path)
            .arg("--data")
            .arg(places.root())
            .args(["--store", name])
            .stdout(std::process::Stdio::null())
            .status()
            .await?;
        if !loaded.success() {
            bail!("{name} was not loaded from {}", path.display());
        }
    }
    std::fs::write(&marker, wanted).with_context(|| format!("writing {}", marker.display()))?;
    Ok(places)
}

async fn open(args: &Common) -> anyhow::Result<Opened> {
    let places = places(args).await?;
    let (net, _keys) = zones::with_keys(role::net(&places)?, &places).await?;
    let zone = zones::data::open(&net, &places).await?;
    let columns = zone.datastore.columns();
    only_synthetic(&columns)?;
    let folder = places.zone(&protocol::Party::Data);
    let policies = PolicyFile::of_zone(&folder).read().context("policies.jsonl")?;
    let policy = policies.base().clone();
    let gate = SyntheticGate::open(&folder, &policy, &OsRandom)?;
    for space in columns.spaces() {
        columns.set_dataset_key(&space, *gate.keys.dataset_key());
    }
    let runner = Runner::new(RunnerParts {
        source: Arc::new(columns),
        cache: Arc::new(ImportCache::new(1 << 30)),
        policy,
        keys: gate.keys,
        ledger: gate.ledger,
        meters: gate.meters,
        signer: zone.signer(),
        clock: Arc::new(SystemClock),
        // Nothing is run twice here.
        snapshots: SnapshotBudget { workspace: 0, total: 0 },
    })
    .with_policies(policies);
    Ok(Opened { runner })
}

/// Prints what was released, or writes it into a folder. A result without a form in the format (a receipt as CSV) is left
/// out.
fn hand_out(args: &Args, ran: &Ran) -> anyhow::Result<()> {
    let (document, language) = (&ran.released, args.common.lang);
    if args.format == Format::Json && args.out.is_none() {
        say(serde_json::to_string_pretty(&without_time(document))?);
        return document.results.iter().try_for_each(|entry| hand_out_files(args, document, entry));
    }
    if args.format == Format::Parquet && args.out.is_none() {
        bail!("--format parquet needs --out DIR");
    }
    if let Some(folder) = &args.out {
        // What an analysis room verifies the other files with (SDC-306).
        write(folder, SEALED, &ran.document.to_bytes())?;
    }
    let shown = |entry: &&Entry| !(args.quiet && matches!(entry.view, View::Receipt));
    for entry in document.results.iter().filter(shown) {
        if args.format == Format::Text && args.out.is_none() {
            say(figures::text(entry, language));
            continue;
        }
        let stem = format!("{:03}", entry.id);
        let files = match figures::export(entry, Origin(&document.head), args.format.of_files(), language, &stem) {
            Ok(files) => files,
            Err(ExportError::NotInThisForm(_)) => continue,
            Err(error) => return Err(error.into()),
        };
        for file in files {
            match &args.out {
                None => say(String::from_utf8_lossy(&file.bytes).trim_end()),
                Some(folder) => write(folder, &file.name, &file.bytes)?,
            }
        }
    }
    // Whatever is shown, what the script exports is written.
    document.results.iter().try_for_each(|entry| hand_out_files(args, document, entry))
}

/// Writes the files that an `export` of the script asks for (LANG-330). Without a folder to write them to nothing is
/// written: a script must not write over the files of whoever runs it.
fn hand_out_files(args: &Args, document: &Document, entry: &Entry) -> anyhow::Result<()> {
    for file in explore::exported(document, entry, args.common.lang) {
        match &args.out {
            Some(_) if file.name == SEALED => bail!("line {}: {SEALED} is the name of the signed results", entry.line),
            Some(folder) => write(folder, &file.name, &file.bytes)?,
            None => bail!("line {}: export needs --out DIR to write {} to", entry.line, file.name),
        }
    }
    Ok(())
}

/// The document without the time of the run, so that the same script gives the same bytes (LANG-350).
fn without_time(document: &Document) -> serde_json::Value {
    let mut value = serde_json::json!(document);
    if let Some(head) = value.get_mut("head").and_then(serde_json::Value::as_object_mut) {
        head.remove("at");
    }
    value
}

fn write(folder: &Path, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let path = folder.join(name);
    std::fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))
}
