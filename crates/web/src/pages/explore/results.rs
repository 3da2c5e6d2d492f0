//! Results as the page shows them: a bar with what they rest on, messages with their places, and each result under the
//! command that made it. Also the permanent link, which shows a run and never runs anything (LANG-357).

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use disclosure::{Entry, Output, PolicyStamp};
use explore::RunView;
use figures::Presentation;
use kernel::{Language, Problem, Timestamp};
use protocol::ids::RunId;

use crate::frame::Frame;
use crate::input::Path;
use crate::pages::{draw, exports};
use crate::site::{Site, Who};
use crate::visitor::Visitor;
use crate::{Services, WebError};

pub(super) fn endpoints(site: Site) -> Site {
    site.get("/e/{id}", Who::LoggedIn, permanent).get("/e/{id}/{file}", Who::LoggedIn, file).get(
        "/e/{id}/{result}/{file}",
        Who::LoggedIn,
        exported,
    )
}

/// What a run gave.
pub(super) struct Outcome {
    pub(super) id: String,
    pub(super) state: &'static str,
    pub(super) stores: Vec<String>,
    pub(super) population: Option<String>,
    pub(super) seconds: Option<String>,
    pub(super) typical_error: Option<String>,
    pub(super) messages: Vec<Message>,
    /// The saved scripts that it loaded, with their names.
    pub(super) loads: Vec<(String, String)>,
    pub(super) shown: Vec<Shown>,
    /// All its models in one table.
    pub(super) models: Option<exports::Models>,
    /// Lines behind the last result.
    pub(super) rest: Option<Lines>,
}

/// One result.
pub(super) struct Shown {
    pub(super) line: u32,
    /// The same, as text.
    pub(super) at: String,
    pub(super) command: String,
    pub(super) html: String,
    /// Name and version of the policy, and the beginning of its digest; none for what metadata say.
    pub(super) policy: Option<String>,
    pub(super) warnings: Vec<String>,
    /// Its files: what follows the address of the run, and the name.
    pub(super) files: Vec<(String, String)>,
    /// Lines between the result before and this command.
    pub(super) code: Option<Lines>,
}

/// Lines of the script without a result of their own.
pub(super) struct Lines {
    pub(super) from: String,
    pub(super) to: String,
    pub(super) text: String,
}

/// A message about a place of the script.
pub(super) struct Message {
    pub(super) line: u32,
    pub(super) column: u32,
    pub(super) length: u32,
    pub(super) code: String,
    pub(super) text: String,
    pub(super) replacement: Option<String>,
}

impl Outcome {
    /// What a text that cannot be read is told.
    pub(super) fn problems(visitor: &Visitor, problems: &[script::Diagnostic]) -> Self {
        let messages = problems.iter().map(|d| Message {
            line: d.span.line,
            column: d.span.column,
            length: d.span.length(),
            code: d.code.to_string(),
            text: d.message.text(visitor.lang).to_owned(),
            replacement: d.replacement.clone(),
        });
        Self {
            id: String::new(),
            state: "stopped",
            stores: Vec::new(),
            population: None,
            seconds: None,
            typical_error: None,
            messages: messages.collect(),
            loads: Vec::new(),
            shown: Vec::new(),
            models: None,
            rest: None,
        }
    }

    pub(super) fn of(visitor: &Visitor, view: &RunView) -> Self {
        let lines: Vec<&str> = view.text.lines().collect();
        let document = view.released.as_ref();
        let results = document.map(|d| d.results.as_slice()).unwrap_or_default();
        let mut told = 0;
        let mut shown = Vec::with_capacity(results.len());
        for entry in results {
            let command = lines.get(entry.line.saturating_sub(1) as usize).copied().unwrap_or_default().trim();
            let how = Presentation { language: visitor.lang, caption: command, id: &format!("r{}", entry.id) };
            shown.push(Shown {
                line: entry.line,
                at: entry.line.to_string(),
                html: figures::result(entry, how),
                policy: entry.released().map(|r| stamp(r.policy())),
                warnings: entry.warnings.clone(),
                files: document.map(|d| exports::links(d, entry, visitor.lang)).unwrap_or_default(),
                code: between(&lines, told, entry.line.saturating_sub(1)),
                command: command.to_owned(),
            });
            told = told.max(entry.line);
        }
        let messages = view.diagnostics.iter().map(|d| Message {
            line: d.line,
            column: d.column,
            length: d.length,
            code: d.code.clone(),
            text: d.message.text(visitor.lang).to_owned(),
            replacement: d.replacement.clone(),
        });
        let rest = if shown.is_empty() { None } else { between(&lines, told, lines.len() as u32) };
        Self {
            id: view.id.to_string(),
            state: view.state.text(),
            stores: view.stores.clone(),
            population: results.iter().rev().find_map(|e| population(e, visitor.lang)),
            seconds: view.duration_ms.map(|ms| figures::number(ms as f64 / 1000.0, visitor.lang)),
            typical_error: results.iter().find_map(typical_error).map(|e| figures::number(e, visitor.lang)),
            messages: messages.collect(),
            loads: view.loads.clone().into_iter().collect(),
            shown,
            models: document.and_then(|d| exports::models(d, visitor.lang)),
            rest,
        }
    }
}

/// A policy in short: `default 1, 3f2a9c01`.
fn stamp(policy: &PolicyStamp) -> String {
    let digest = policy.sha256.trim_start_matches("sha256:");
    format!("{} {}, {}", policy.name, policy.version, digest.get(..8).unwrap_or(digest))
}

/// Lines `after + 1` to `until`, when one of them says something.
fn between(lines: &[&str], after: u32, until: u32) -> Option<Lines> {
    let found = lines.get(after as usize..(until as usize).min(lines.len()))?;
    found.iter().any(|l| !l.trim().is_empty()).then(|| Lines {
        from: (after + 1).to_string(),
        to: until.to_string(),
        text: found.join("\n"),
    })
}

/// The released size of a population.
fn population(entry: &Entry, language: Language) -> Option<String> {
    match entry.output()? {
        Output::Population(p) => p.persons.number().map(|n| figures::number(n, language)),
        _ => None,
    }
}

fn typical_error(entry: &Entry) -> Option<f64> {
    match entry.output()? {
        Output::Table(t) => Some(t.typical_error),
        Output::Summary(s) => Some(s.typical_error),
        Output::Blocks(b) => b.tables.first().map(|t| t.typical_error),
        Output::Histogram(h) => Some(h.whole.typical_error),
        Output::Hexbin(h) => Some(h.typical_error),
        _ => None,
    }
}

#[derive(Template)]
#[template(path = "explore/shared.html")]
struct Shared {
    f: Frame,
    run: RunId,
    text: String,
    digest: String,
    policy: Option<String>,
    started: Timestamp,
    outcome: Option<Outcome>,
}

async fn permanent(
    State(services): State<Services>,
    visitor: Visitor,
    Path(id): Path<String>,
) -> Result<Response, WebError> {
    let id = id.parse().map_err(|_| visitor.fail()(Problem::not_found("run")))?;
    let view = services.explore.shared_view(visitor.actor()?, id).await.map_err(visitor.fail())?;
    let policy = view
        .released
        .as_ref()
        .and_then(|d| d.results.iter().find_map(Entry::released))
        .map(|r| r.policy().sha256.clone());
    let page = Shared {
        f: Frame::of(&visitor).crumb("/explore", Frame::of(&visitor).t("task-explore")),
        run: view.id,
        outcome: Some(Outcome::of(&visitor, &view)),
        text: view.text,
        digest: view.digest,
        started: view.started,
        policy,
    };
    draw(&visitor, &page)
}

/// One result as a file: `/e/{run}/{result}.{format}`; `{result}-{table}.{format}` where it has several tables.
async fn file(
    State(services): State<Services>,
    visitor: Visitor,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response, WebError> {
    let missing = || visitor.fail()(Problem::not_found("result"));
    let id = id.parse().map_err(|_| missing())?;
    let view = services.explore.shared_view(visitor.actor()?, id).await.map_err(visitor.fail())?;
    exports::file(&visitor, view.released.as_ref().ok_or_else(missing)?, &file)
}

/// A file of an `export` statement (LANG-330): `/e/{run}/{result}/{name}`, under the name that the script gave it.
async fn exported(
    State(services): State<Services>,
    visitor: Visitor,
    Path((id, result, file)): Path<(String, u32, String)>,
) -> Result<Response, WebError> {
    let missing = || visitor.fail()(Problem::not_found("result"));
    let id = id.parse().map_err(|_| missing())?;
    let view = services.explore.shared_view(visitor.actor()?, id).await.map_err(visitor.fail())?;
    exports::exported(&visitor, view.released.as_ref().ok_or_else(missing)?, result, &file)
}

#[cfg(test)]
mod tests {
    use disclosure::Policy;

    use super::{between, stamp};

    /// SDC-010: the policy stands with every result, short enough to be read.
    #[test]
    fn sdc_010_policies_are_named_in_short() {
        let policy = Policy::standard();
        let short = &policy.hash()["sha256:".len()..][..8];
        assert_eq!(stamp(&policy.stamp()), format!("default 1, {short}"));
    }

    #[test]
    fn lines_without_a_result_are_folded() {
        let lines = ["require x", "", "tabulate a", "", "generate b = 1"];
        let found = between(&lines, 0, 2).map(|l| (l.from, l.to, l.text));
        assert_eq!(found, Some(("1".to_owned(), "2".to_owned(), "require x\n".to_owned())));
        assert!(between(&lines, 3, 4).is_none(), "an empty line says nothing");
        assert!(between(&lines, 4, 9).is_some(), "cut at the end");
        assert!(between(&lines, 7, 9).is_none());
    }
}
