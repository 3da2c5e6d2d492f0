//! `hap egress check`: the check of files that are to leave an analysis room (SDC section 13), for every file and table in
//! a folder, with the way out beside each reason. It changes nothing in the folder and asks no service.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context as _, bail, ensure};
use disclosure::{Document, Policy};
use egress::{Exports, File, FileReport, Finding, Release, Report, Settings, TableReport, Verdict};
use figures::{Format, Origin};
use kernel::{Language, Verifier};
use protocol::Party;
use protocol::directory::{Directory, Entry, KeyRole};

use super::say;
use crate::zones::Published;

/// Something is for a human.
const REVIEW: u8 = 1;
/// Something does not leave; the code with which the gate refuses in `hap explore`.
const FAIL: u8 = 3;
/// The folder, or a key, cannot be read.
const UNAVAILABLE: u8 = 4;
/// What one release may hold (the airlock's limits).
const MAX_FILES: usize = 500;
const MAX_BYTES: u64 = 1 << 30;
/// Folders in folders.
const MAX_DEPTH: usize = 16;

/// Arguments of `hap egress`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Check every file and table in a folder. Ends with 0 when all pass, 1 when something is for a human, 3 when something
    /// may not leave, 4 when the folder cannot be read.
    Check(Check),
}

#[derive(clap::Args)]
struct Check {
    /// Folder with the files; `egress.json` in it may describe them.
    folder: PathBuf,
    /// The report as JSON.
    #[arg(long)]
    json: bool,
    /// Folder of a release that left earlier from the same project; may be repeated.
    #[arg(long, value_name = "FOLDER")]
    earlier: Vec<PathBuf>,
    /// Public key of the gate, as 64 hexadecimal digits or the `installation.json` of the platform.
    #[arg(long, value_name = "FILE")]
    gate_key: Option<PathBuf>,
    /// Stricter thresholds, for sensitive data.
    #[arg(long)]
    high: bool,
    /// Write pictures again into this folder, without metadata.
    #[arg(long, value_name = "DIR")]
    reencoded: Option<PathBuf>,
    /// Language of the texts: nb, nn or en.
    #[arg(long, visible_alias = "language", default_value = "nb", value_parser = language)]
    lang: Language,
}

fn language(text: &str) -> Result<Language, String> {
    text.parse().map_err(|()| "write nb, nn or en".to_owned())
}

/// Runs the command.
///
/// # Errors
/// When the report cannot be written.
pub fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Verb::Check(args) = &args.verb;
    let report = match check(args) {
        Ok(report) => report,
        Err(error) => {
            let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("hap: {error:#}\n").as_bytes());
            return Ok(ExitCode::from(UNAVAILABLE));
        }
    };
    if args.json {
        say(serde_json::to_string_pretty(&report)?);
    } else {
        say(written(&report, args.lang));
    }
    Ok(match report.verdict {
        Verdict::Pass => ExitCode::SUCCESS,
        Verdict::Review => ExitCode::from(REVIEW),
        Verdict::Fail => ExitCode::from(FAIL),
    })
}

fn check(args: &Check) -> anyhow::Result<Report> {
    let files = read(&args.folder)?;
    ensure!(!files.is_empty(), "{}: there are no files", args.folder.display());
    let earlier: Vec<Files> = args.earlier.iter().map(|folder| read(folder)).collect::<anyhow::Result<_>>()?;
    let earlier: Vec<Release<'_>> = earlier.iter().map(release).collect();
    let gate = args.gate_key.as_deref().map(gate).transpose()?;
    let verifier = gate.as_ref().map(|directory| directory.signing(&[KeyRole::Gate]));
    let policy = if args.high { Policy::high() } else { Policy::standard() };
    let settings =
        Settings { policy: &policy, gate: verifier.as_ref().map(|v| v as &dyn Verifier), exports: Some(&AllForms) };
    let report = egress::check(&release(&files), &earlier, &settings);
    if let Some(folder) = &args.reencoded {
        pictures(folder, &report)?;
    }
    Ok(report)
}

type Files = Vec<(String, Vec<u8>)>;

fn release(files: &Files) -> Release<'_> {
    Release::new(files.iter().map(|(name, bytes)| File { name, bytes }))
}

/// All files below a folder, by name. Links are refused: what they point at is not what would leave.
fn read(folder: &Path) -> anyhow::Result<Files> {
    let mut files = Files::new();
    let mut total = 0;
    collect(folder, "", 0, &mut total, &mut files)?;
    files.sort();
    Ok(files)
}

fn collect(folder: &Path, prefix: &str, depth: usize, total: &mut u64, files: &mut Files) -> anyhow::Result<()> {
    ensure!(depth <= MAX_DEPTH, "{}: too many folders in folders", folder.display());
    for entry in std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry?;
        let (path, kind) = (entry.path(), entry.file_type()?);
        let name = format!("{prefix}{}", entry.file_name().to_string_lossy());
        if kind.is_dir() {
            collect(&path, &format!("{name}/"), depth + 1, total, files)?;
            continue;
        }
        if !kind.is_file() {
            bail!("{}: only files can leave, not links", path.display());
        }
        *total += entry.metadata()?.len();
        ensure!(*total <= MAX_BYTES && files.len() < MAX_FILES, "a release has at most {MAX_FILES} files and 1 GiB");
        files.push((name, std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?));
    }
    Ok(())
}

/// The keys of gates in a file: a published list, or one key.
fn gate(file: &Path) -> anyhow::Result<Directory> {
    let text = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
    if let Ok(published) = serde_json::from_slice::<Published>(&text) {
        return Ok(Directory::new(published.keys));
    }
    let key = String::from_utf8_lossy(&text);
    let bytes: [u8; 32] = hex::decode(key.trim()).ok().and_then(|k| k.try_into().ok()).with_context(|| {
        format!("{}: neither 64 hexadecimal digits nor the installation.json of the platform", file.display())
    })?;
    Ok(Directory::new([Entry::new(Party::Data, KeyRole::Gate, bytes, None)]))
}

/// Every file that a released document can be exported as.
struct AllForms;

impl Exports for AllForms {
    fn digests(&self, document: &Document) -> Vec<String> {
        use Format::{Csv, Html, Json, Latex, Parquet, Pdf, Png, Svg, Text};
        let mut digests = Vec::new();
        for entry in &document.results {
            for format in [Json, Csv, Parquet, Html, Latex, Svg, Png, Pdf, Text] {
                for language in Language::ALL {
                    let made = figures::export(entry, Origin(&document.head), format, language, "r");
                    digests.extend(made.into_iter().flatten().map(|file| kernel::sha256_hex(&file.bytes)));
                }
            }
        }
        digests
    }
}

/// Writes the pictures that could be written again.
fn pictures(folder: &Path, report: &Report) -> anyhow::Result<()> {
    for file in &report.files {
        let Some(bytes) = &file.reencoded else { continue };
        let path = folder.join(&file.name);
        let parent = path.parent().unwrap_or(folder);
        std::fs::create_dir_all(parent).with_context(|| format!("making {}", parent.display()))?;
        std::fs::write(&path, bytes).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// The report for a terminal.
fn written(report: &Report, language: Language) -> String {
    let mut lines: Vec<String> = report.declaration.iter().map(|f| finding(f, language, "")).collect();
    for file in &report.files {
        lines.push(head(file, language));
        lines.extend(file.reasons.iter().map(|f| finding(f, language, "  ")));
        for table in &file.tables {
            lines.push(table_head(table, language));
            lines.extend(table.reasons.iter().map(|f| finding(f, language, "    ")));
        }
    }
    let count = |verdict| report.files.iter().filter(|f| f.verdict == verdict).count();
    let counts: Vec<String> = [Verdict::Pass, Verdict::Review, Verdict::Fail]
        .map(|v| format!("{} {}", count(v), v.word(language)))
        .into_iter()
        .collect();
    lines.push(format!("\n{}: {}", report.verdict.word(language), counts.join(", ")));
    lines.join("\n")
}

fn head(file: &FileReport, language: Language) -> String {
    format!("{:<13} {}", file.verdict.word(language), file.name)
}

fn table_head(table: &TableReport, language: Language) -> String {
    let word = match language {
        Language::Nb => "tabell",
        Language::Nn => "tabell",
        Language::En => "table",
    };
    let output = table.output.word(language);
    format!("  {:<11} {word} {}: {output}", table.verdict.word(language), table.name)
}

/// A reason: code and rule, where, what, and what to do.
fn finding(finding: &Finding, language: Language, indent: &str) -> String {
    let (row, column, earlier) = match language {
        Language::Nb => ("rad", "kolonne", "tidligere"),
        Language::Nn => ("rad", "kolonne", "tidlegare"),
        Language::En => ("row", "column", "earlier"),
    };
    let reason = finding.reason;
    let mut place: Vec<String> = Vec::new();
    place.extend(finding.place.row.map(|r| format!("{row} {r}")));
    place.extend(finding.place.column.map(|c| format!("{column} {c}")));
    if let Some(other) = &finding.other {
        let table = other.table.iter().map(|t| format!(" ({t})")).collect::<String>();
        let when = if other.earlier { format!("{earlier} ") } else { String::new() };
        place.push(format!("{when}{}{table}", other.file));
    }
    let place = if place.is_empty() { String::new() } else { format!(" [{}]", place.join(", ")) };
    let remedy = match reason.verdict() {
        Verdict::Pass => String::new(),
        _ => format!(" {}", reason.remedy().text(language)),
    };
    format!("{indent}  {} {}{place}: {}{remedy}", reason.rule(), reason.code(), reason.text(language))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use ::keys::SoftKeystore;
    use disclosure::{Head, Info, SealedDocument, View};
    use kernel::Timestamp;

    use super::*;
    use crate::system::{OsRandom, SystemClock};

    /// SDC-306: a folder that `hap explore run --out` wrote passes with the key of its gate, in every form and language, and
    /// one changed byte does not.
    #[test]
    fn what_explore_wrote_passes_with_the_key_of_its_gate() {
        let dir = tempfile::tempdir().unwrap();
        let keystore =
            SoftKeystore::open_or_init(&dir.path().join("keys"), Arc::new(SystemClock), Arc::new(OsRandom)).unwrap();
        let signer = keystore.signer("zone").unwrap();
        let at = Timestamp::from_micros(1_700_000_000_000_000);
        let head = Head { run: "1".into(), script: "sha256:0".into(), stores: Vec::new(), at };
        let entry = disclosure::Entry {
            id: 1,
            line: 1,
            pass: 1,
            command: "textblock".into(),
            view: View::Receipt,
            warnings: Vec::new(),
            notes: Vec::new(),
            content: Info::Block("A text of more than forty characters, which nobody wrote about a person.".into())
                .into(),
        };
        let out = dir.path().join("out");
        std::fs::create_dir(&out).unwrap();
        let sealed = SealedDocument::seal(head.clone(), vec![entry.clone()], &*signer).unwrap();
        std::fs::write(out.join("released.json"), sealed.to_bytes()).unwrap();
        for (format, language) in [(Format::Json, Language::Nn), (Format::Html, Language::En)] {
            for file in figures::export(&entry, Origin(&head), format, language, "001").unwrap() {
                std::fs::write(out.join(file.name), file.bytes).unwrap();
            }
        }
        let key = dir.path().join("gate.txt");
        std::fs::write(&key, hex::encode(signer.public_key())).unwrap();
        let args = |gate_key| Check {
            folder: out.clone(),
            json: false,
            earlier: Vec::new(),
            gate_key,
            high: false,
            reencoded: None,
            lang: Language::En,
        };
        let report = check(&args(Some(key.clone()))).unwrap();
        assert_eq!((report.verdict, report.files.len()), (Verdict::Pass, 3));
        assert!(report.files.iter().all(|f| f.kind == egress::Kind::Released));
        assert!(written(&report, Language::En).contains("RELEASED"));
        assert!(check(&args(None)).unwrap().verdict > Verdict::Pass);
        let page = std::fs::read_to_string(out.join("001.html")).unwrap();
        std::fs::write(out.join("001.html"), page.replace("</body>", "<script>1</script></body>")).unwrap();
        assert_eq!(check(&args(Some(key))).unwrap().verdict, Verdict::Fail);
        std::fs::write(dir.path().join("no-key"), "words").unwrap();
        assert!(check(&args(Some(dir.path().join("no-key")))).is_err());
    }
}
