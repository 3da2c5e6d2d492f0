//! `hap explore`: run, check and lay out scripts without a service, over stores that are marked synthetic (LANG-350).

mod beside;
mod lsp;
mod run;

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use explore::MetadataCatalogue;
use kernel::Language;
use protocol::calls::Metadata;

use super::say;
use crate::DataDir;
use crate::zones;

/// The script has an error, or is not laid out.
const SCRIPT_ERROR: u8 = 1;
/// The command was used wrongly.
const USAGE: u8 = 2;
/// The gate refused a statement, and there is no other error.
const REFUSED: u8 = 3;
/// A store or service does not answer.
const UNAVAILABLE: u8 = 4;
/// A limit was reached.
const LIMIT: u8 = 5;

/// Arguments of `hap explore`.
#[derive(clap::Args)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(clap::Subcommand)]
enum Verb {
    /// Run a script through engine and gate and print what is released.
    Run(run::Args),
    /// Check a script and run nothing.
    Check(CheckArgs),
    /// Serve an editor over standard input and output (language server protocol).
    Lsp {
        #[command(flatten)]
        data: DataDir,
        /// Language of the messages: nb, nn or en.
        #[arg(long, default_value = "nb", value_parser = language)]
        lang: Language,
    },
    /// Lay a script out.
    Fmt {
        /// The script; - for standard input, then the result goes to standard output.
        file: PathBuf,
        /// Change nothing; end with 1 when the script is not laid out.
        #[arg(long)]
        check: bool,
    },
}

/// What `run` and `check` have in common.
#[derive(clap::Args)]
struct Common {
    /// The script; - for standard input.
    file: PathBuf,
    #[command(flatten)]
    data: DataDir,
    /// A store in the public dataset format, loaded beside itself at first use. Synthetic stores only.
    #[arg(long = "store", value_name = "NAME=PATH", value_parser = named::<PathBuf>)]
    stores: Vec<(String, PathBuf)>,
    /// The value of a parameter of the script.
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = named::<String>)]
    params: Vec<(String, String)>,
    /// Forms that microdata.no does not know are errors.
    #[arg(long)]
    strict: bool,
    /// Language of words and numbers: nb, nn or en.
    #[arg(long, default_value = "nb", value_parser = language)]
    lang: Language,
}

#[derive(clap::Args)]
struct CheckArgs {
    #[command(flatten)]
    common: Common,
}

/// Runs the command. Exit codes: 0 done, 1 the script has errors, 2 usage, 3 the gate refused and nothing else was wrong,
/// 4 a store or service is not available, 5 a limit.
///
/// # Errors
/// When the data cannot be opened.
pub async fn run(args: Args) -> anyhow::Result<ExitCode> {
    match args.verb {
        Verb::Run(args) => run::run(args).await,
        Verb::Check(args) => check(&args.common).await,
        Verb::Lsp { data, lang } => serve(data, lang).await,
        Verb::Fmt { file, check } => Ok(layout(&file, check)),
    }
}

fn named<T: From<String>>(text: &str) -> Result<(String, T), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    if name.is_empty() { Err("the name is missing".to_owned()) } else { Ok((name.to_owned(), value.to_owned().into())) }
}

fn language(text: &str) -> Result<Language, String> {
    text.parse().map_err(|()| "write nb, nn or en".to_owned())
}

/// The text of a script; `-` is standard input.
fn read(file: &Path) -> Result<String, ExitCode> {
    let read = if file == Path::new("-") {
        let mut text = String::new();
        std::io::stdin().lock().read_to_string(&mut text).map(|_| text)
    } else {
        std::fs::read_to_string(file)
    };
    read.map_err(|error| {
        complain(format!("hap: {}: {error}", file.display()));
        ExitCode::from(USAGE)
    })
}

/// A line on standard error.
fn complain(line: impl AsRef<str>) {
    // A terminal that is gone hears nothing.
    let _ = std::io::Write::write_all(&mut std::io::stderr(), format!("{}\n", line.as_ref()).as_bytes());
}

/// Diagnostics as `file:line:col: code: message`, on standard error.
fn print(diagnostics: &[script::Diagnostic], file: &Path, language: Language) {
    for d in diagnostics {
        let (line, column) = (d.span.line, d.span.column);
        complain(format!("{}:{line}:{column}: {}: {}", file.display(), d.code, d.prose(language)));
    }
}

/// The exit code of what was found.
fn code(diagnostics: &[script::Diagnostic]) -> u8 {
    let errors: Vec<&str> = diagnostics.iter().filter(|d| d.is_error()).map(|d| d.code.as_str()).collect();
    let only = |limits: &dyn Fn(&str) -> bool| errors.iter().all(|code| limits(code));
    match errors.as_slice() {
        [] => 0,
        // What was skipped after it (E603) follows from the first.
        _ if only(&|code| code.starts_with("E4") || code == "E603") => REFUSED,
        _ if only(&|code| matches!(code, "E601" | "E602" | "E603")) => LIMIT,
        _ => SCRIPT_ERROR,
    }
}

async fn check(args: &Common) -> anyhow::Result<ExitCode> {
    let text = match read(&args.file) {
        Ok(text) => text,
        Err(code) => return Ok(code),
    };
    let settings = script::Settings {
        params: args.params.iter().cloned().collect(),
        strict: args.strict,
        scripts: beside::scripts(&args.file),
        ..script::Settings::default()
    };
    // Without data there are no metadata: then grammar and names made in the script are checked, and it is said (W618).
    let places = run::places(args).await?;
    let checked = if places.public().exists() {
        let zone = zones::data::open(&super::role::net(&places)?, &places).await?;
        let metadata = zone.datastore.metadata(&Metadata::default()).await?;
        script::compile(&text, &MetadataCatalogue::new(&metadata), &settings)
    } else {
        script::compile(&text, &script::NoCatalogue, &settings)
    };
    print(&checked.diagnostics, &args.file, args.lang);
    Ok(ExitCode::from(code(&checked.diagnostics)))
}

/// Serves an editor with the metadata of the data folder; without one, grammar alone is checked.
async fn serve(data: DataDir, language: Language) -> anyhow::Result<ExitCode> {
    let places = crate::places::Places::new(data.data);
    let catalogue = if places.public().exists() {
        let zone = zones::data::open(&super::role::net(&places)?, &places).await?;
        MetadataCatalogue::new(&zone.datastore.metadata(&Metadata::default()).await?)
    } else {
        MetadataCatalogue::default()
    };
    let (connection, threads) = lsp_server::Connection::stdio();
    tokio::task::spawn_blocking(move || lsp::serve(&connection, &catalogue, language)).await??;
    threads.join()?;
    Ok(ExitCode::SUCCESS)
}

fn layout(file: &Path, check: bool) -> ExitCode {
    let text = match read(file) {
        Ok(text) => text,
        Err(code) => return code,
    };
    match script::format(&text) {
        Ok(formatted) if check && formatted != text => {
            say(format!("{}: not formatted", file.display()));
            ExitCode::from(SCRIPT_ERROR)
        }
        Ok(_) if check => ExitCode::SUCCESS,
        Ok(formatted) if file == Path::new("-") => {
            let _ = std::io::Write::write_all(&mut std::io::stdout(), formatted.as_bytes());
            ExitCode::SUCCESS
        }
        Ok(formatted) if formatted == text => ExitCode::SUCCESS,
        Ok(formatted) => match std::fs::write(file, formatted) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                complain(format!("hap: {}: {error}", file.display()));
                ExitCode::from(USAGE)
            }
        },
        Err(diagnostics) => {
            print(&diagnostics, file, Language::En);
            ExitCode::from(SCRIPT_ERROR)
        }
    }
}

#[cfg(test)]
mod tests {
    use script::{Code, Diagnostic};

    use super::*;

    /// LANG-350: the exit codes.
    #[test]
    fn lang_350_exit_codes() {
        let found = |codes: &[Code]| -> u8 {
            let message = kernel::LangMap::of("", "", "");
            let all: Vec<_> =
                codes.iter().map(|c| Diagnostic::new(*c, script::Span::default(), message.clone())).collect();
            code(&all)
        };
        assert_eq!(found(&[]), 0);
        assert_eq!(found(&[Code::W606]), 0);
        assert_eq!(found(&[Code::E101]), 1);
        assert_eq!(found(&[Code::E404, Code::E603]), 3);
        assert_eq!(found(&[Code::E404, Code::E201]), 1);
        assert_eq!(found(&[Code::E602]), 5);
    }

    #[test]
    fn parameters_are_names_with_values() {
        assert_eq!(named::<String>("year=2022=x"), Ok(("year".to_owned(), "2022=x".to_owned())));
        assert!(named::<String>("year").is_err());
        assert!(named::<String>("=1").is_err());
    }
}
