//! What a workspace holds: saved scripts with their versions, and runs with what was released. No I/O.

use std::collections::BTreeMap;

use disclosure::Document;
use identity::AccountId;
use kernel::{FieldError, Id, Kind, Language, Problem, Timestamp};
use protocol::calls::Diagnostic;
use protocol::ids::RunId;
use serde::{Deserialize, Serialize};

/// Marks ids of saved scripts.
#[derive(Debug)]
pub struct SavedScript;
impl Kind for SavedScript {
    const NAME: &'static str = "script";
}

/// Id of a saved script; its versions share it.
pub type ScriptId = Id<SavedScript>;

/// The longest script in bytes (language.md section 11).
pub const LONGEST_SCRIPT: usize = 2 << 20;
/// The longest name of a script in characters.
const LONGEST_NAME: usize = 120;
/// The longest note on a version in characters.
const LONGEST_NOTE: usize = 500;

/// A request to save: a new script, or the next version of one.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Save {
    /// The script; none for a new one.
    #[serde(default)]
    pub id: Option<ScriptId>,
    /// The version that the text was made from; refused when there is a later one. None for a new script.
    #[serde(default)]
    pub expected: Option<i64>,
    /// Name.
    pub name: String,
    /// Text.
    pub text: String,
    /// What is new in this version.
    #[serde(default)]
    pub note: String,
}

/// One version of a saved script.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct Script {
    /// The script.
    pub id: ScriptId,
    /// Version, from 1.
    pub version: i64,
    /// Name of the script.
    pub name: String,
    /// Text.
    pub text: String,
    /// What was new in this version.
    pub note: String,
    /// Who saved the version.
    pub author: AccountId,
    /// When the version was saved.
    pub at: Timestamp,
}

/// A script or version in a list.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct ScriptHead {
    /// The script.
    pub id: ScriptId,
    /// Version, from 1.
    pub version: i64,
    /// Name of the script.
    pub name: String,
    /// What was new in this version.
    pub note: String,
    /// Who saved the version.
    pub author: AccountId,
    /// When the version was saved.
    pub at: Timestamp,
}

/// A request to run a text, which need not be saved.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunRequest {
    /// The text.
    pub text: String,
    /// The saved script that it comes from.
    #[serde(default)]
    pub script: Option<ScriptId>,
    /// The version of it; none for the newest.
    #[serde(default)]
    pub version: Option<i64>,
    /// Language of labels.
    #[serde(default)]
    pub language: Language,
    /// Values for the parameters of the script (LANG-332).
    #[serde(default)]
    pub params: BTreeMap<String, String>,
    /// Go on after an error with what does not depend on it (LANG-302).
    #[serde(default)]
    pub keep_going: bool,
    /// Show the results of this line and those below it; what stands above is carried out only as far as it is needed.
    #[serde(default)]
    pub from_line: Option<u32>,
}

impl RunRequest {
    /// A run of a whole text.
    pub fn new(text: impl Into<String>, language: Language) -> Self {
        Self {
            text: text.into(),
            script: None,
            version: None,
            language,
            params: BTreeMap::new(),
            keep_going: false,
            from_line: None,
        }
    }
}

/// How far a run has come (LANG-331).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunState {
    /// Sent to the data zone, where it waits for a place.
    Queued,
    /// At work.
    Running,
    /// Every statement was carried out.
    Finished,
    /// A statement failed or was refused; what came before it stands.
    Stopped,
    /// It could not be carried out: a service did not answer, or the installation went down.
    Failed,
}

impl RunState {
    /// The state in the database and in interfaces.
    pub const fn text(self) -> &'static str {
        match self {
            RunState::Queued => "queued",
            RunState::Running => "running",
            RunState::Finished => "finished",
            RunState::Stopped => "stopped",
            RunState::Failed => "failed",
        }
    }

    /// The state with this text.
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Queued, Self::Running, Self::Finished, Self::Stopped, Self::Failed]
            .into_iter()
            .find(|s| s.text() == text)
    }

    /// Whether it has not ended.
    pub const fn is_open(self) -> bool {
        matches!(self, RunState::Queued | RunState::Running)
    }
}

/// How far a run has come. Shares are of the unit space and coarse; never a number of rows (SDC-180).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Progress {
    /// The state.
    pub state: RunState,
    /// The statement at work, from 1; 0 before the first.
    pub statement: u32,
    /// Statements of the script, loops unrolled; 0 before they are known.
    pub of: u32,
    /// Line of the statement.
    pub line: u32,
    /// Share of the unit space that the statement has seen, in per cent, in steps of five.
    pub share: u8,
    /// About how many seconds are left, when there is something to go by.
    pub left_seconds: Option<u32>,
}

impl Progress {
    /// A run in this state of which no more is known.
    pub const fn of(state: RunState) -> Self {
        Self { state, statement: 0, of: 0, line: 0, share: 0, left_seconds: None }
    }
}

/// Who may look at a run (LANG-357).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// Its owner.
    #[default]
    Me,
    /// Accounts that act for the organisation which its owner acted for when it was started.
    Organisation,
    /// Every account.
    Anyone,
}

impl Share {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Me, Self::Organisation, Self::Anyone];

    /// The choice in the database and in interfaces.
    pub const fn text(self) -> &'static str {
        match self {
            Share::Me => "me",
            Share::Organisation => "organisation",
            Share::Anyone => "anyone",
        }
    }

    /// The choice with this text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|s| s.text() == text)
    }
}

/// A run as it is shown.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RunView {
    /// The run.
    pub id: RunId,
    /// Whose it is.
    pub owner: AccountId,
    /// The saved script it came from.
    pub script: Option<ScriptId>,
    /// The version of it whose text was run.
    pub version: Option<i64>,
    /// The text that was run.
    pub text: String,
    /// The saved scripts that it loaded, by the names it used, as they were then (LANG-224).
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub loads: BTreeMap<String, String>,
    /// Digest of the text and of what it loaded, as in the audit log (AUD-021).
    pub digest: String,
    /// How far it has come.
    pub state: RunState,
    /// Who may look at it.
    pub share: Share,
    /// When it was sent.
    pub started: Timestamp,
    /// When the answer came.
    pub ended: Option<Timestamp>,
    /// How long it took, rounded up to a slot (SDC-182).
    pub duration_ms: Option<u64>,
    /// Versions of stores that were read, `store:version`.
    pub stores: Vec<String>,
    /// What was released; none while it is running and when nothing was.
    pub released: Option<Document>,
    /// What was wrong or is to be known, by line.
    pub diagnostics: Vec<Diagnostic>,
}

/// A run in a list.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct RunHead {
    /// The run.
    pub id: RunId,
    /// The saved script it came from.
    pub script: Option<ScriptId>,
    /// How far it has come.
    pub state: RunState,
    /// When it was sent.
    pub started: Timestamp,
    /// When the answer came.
    pub ended: Option<Timestamp>,
    /// The first line of the text that says something.
    pub title: String,
}

/// Refuses texts that are too long and names that are empty.
pub(crate) fn check_save(save: &Save) -> Result<(), Problem> {
    let mut fields = Vec::new();
    let name = save.name.trim();
    if name.is_empty() {
        fields.push(FieldError::new("name", "required", "give the script a name"));
    }
    if name.chars().count() > LONGEST_NAME {
        fields.push(FieldError::new("name", "too_long", format!("at most {LONGEST_NAME} characters")));
    }
    if save.note.chars().count() > LONGEST_NOTE {
        fields.push(FieldError::new("note", "too_long", format!("at most {LONGEST_NOTE} characters")));
    }
    if save.id.is_some() != save.expected.is_some() {
        fields.push(FieldError::new("expected", "required", "the version that was opened, for a saved script only"));
    }
    fields.extend(text_fault(&save.text));
    if fields.is_empty() { Ok(()) } else { Err(Problem::Invalid { fields }) }
}

/// The fault of a script that is too long (E601).
pub(crate) fn text_fault(text: &str) -> Option<FieldError> {
    (text.len() > LONGEST_SCRIPT).then(|| FieldError::new("text", "E601", "a script has at most 2 MiB"))
}

/// What identifies a script: its digest, and with it that of the scripts that it loads (LANG-224), so that the same digest
/// always means the same statements.
pub fn digest_of(text: &str, loads: &BTreeMap<String, String>) -> String {
    if loads.is_empty() {
        return kernel::sha256_hex(text.as_bytes());
    }
    let mut all = kernel::sha256_hex(text.as_bytes());
    for (name, loaded) in loads {
        all.push_str(&format!("\n{} {}", kernel::sha256_hex(loaded.as_bytes()), name));
    }
    kernel::sha256_hex(all.as_bytes())
}

/// The first line that is neither empty nor a comment mark, cut to a title.
pub(crate) fn title_of(text: &str) -> String {
    let line = text.lines().map(|l| l.trim_start_matches(['/', '#', ' ', '\t'])).find(|l| !l.trim().is_empty());
    line.unwrap_or_default().trim().chars().take(80).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_the_first_line_that_says_something() {
        assert_eq!(title_of("\n\n// Sykehusopphold etter alder\nrequire x"), "Sykehusopphold etter alder");
        assert_eq!(title_of(""), "");
    }

    #[test]
    fn saving_needs_a_name_and_a_bounded_text() {
        let save = |name: &str, text: &str| Save {
            id: None,
            expected: None,
            name: name.into(),
            text: text.into(),
            note: String::new(),
        };
        assert!(check_save(&save("a", "let x = 1")).is_ok());
        assert!(check_save(&save(" ", "")).is_err());
        assert!(check_save(&save("a", &"x".repeat(LONGEST_SCRIPT + 1))).is_err());
    }
}
