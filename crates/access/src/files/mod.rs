//! Files of an application (ACC-026): what is taken and why not, the built-in checks, the scanner that may be connected, and
//! keeping them sealed. Names and contents are never shown as pages or run; a download is always an attachment.
//!
//! What it is not: the form. A field of the form names files by their id and digest; which fields do is said by the form.

mod inspect;
mod kind;
mod scanner;
mod service;
pub(crate) mod sql;
mod text;

use kernel::{Problem, Timestamp};
use serde::{Deserialize, Serialize};

pub use inspect::{Inspection, inspect};
pub use kind::{FileKind, clean_name};
pub use scanner::{ClamSocket, ScanAnswer, ScanError, Scanner, ScannerAddress};
pub use service::{Download, NotTaken};

/// Largest file, in bytes.
pub const MAX_FILE: usize = 25 << 20;
/// Most that the files of one case may hold together, in bytes.
pub const MAX_CASE: i64 = 200 << 20;
/// Most files of one case.
pub const MAX_FILES: usize = 200;

/// Marks the ids of files.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum FileIdKind {}
impl kernel::Kind for FileIdKind {
    const NAME: &'static str = "file";
}
/// Id of a file.
pub type FileId = kernel::Id<FileIdKind>;

/// Why a file is not taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Refusal {
    /// No name is left when folders and control characters are gone.
    Name,
    /// The name seems to hold an identity number.
    NumberInName,
    /// Not one of the kinds that are taken.
    Kind,
    /// Word or Excel before 2007: to be saved anew.
    LegacyOffice,
    /// The content is something else than the name promises.
    OtherThanNamed,
    /// Nothing in it.
    Empty,
    /// Larger than [`MAX_FILE`].
    TooLarge,
    /// The files of the case would hold more than [`MAX_CASE`].
    CaseFull,
    /// Macros, scripts or controls.
    Macros,
    /// Files inside the file, or an archive.
    Archive,
    /// Only a password opens it.
    Encrypted,
    /// Damaged, or a form that is not read.
    Unreadable,
    /// The test text of the anti-malware industry.
    TestText,
    /// The scanner found something.
    Infected,
}

impl Refusal {
    /// Every reason.
    pub const ALL: [Refusal; 14] = [
        Refusal::Name,
        Refusal::NumberInName,
        Refusal::Kind,
        Refusal::LegacyOffice,
        Refusal::OtherThanNamed,
        Refusal::Empty,
        Refusal::TooLarge,
        Refusal::CaseFull,
        Refusal::Macros,
        Refusal::Archive,
        Refusal::Encrypted,
        Refusal::Unreadable,
        Refusal::TestText,
        Refusal::Infected,
    ];

    /// The name in interfaces, and of its text for people.
    pub const fn slug(self) -> &'static str {
        match self {
            Refusal::Name => "name",
            Refusal::NumberInName => "number_in_name",
            Refusal::Kind => "kind",
            Refusal::LegacyOffice => "legacy_office",
            Refusal::OtherThanNamed => "other_than_named",
            Refusal::Empty => "empty",
            Refusal::TooLarge => "too_large",
            Refusal::CaseFull => "case_full",
            Refusal::Macros => "macros",
            Refusal::Archive => "archive",
            Refusal::Encrypted => "encrypted",
            Refusal::Unreadable => "unreadable",
            Refusal::TestText => "test_text",
            Refusal::Infected => "infected",
        }
    }

    /// What is wrong and how to mend it, in English, for logs and interfaces.
    pub const fn message(self) -> &'static str {
        match self {
            Refusal::Name => "the file has no usable name: rename it",
            Refusal::NumberInName => "the name seems to hold an identity number: rename the file",
            Refusal::Kind => "pdf, docx, xlsx, odt, ods, txt, csv, png and jpg are taken: save the file as one of them",
            Refusal::LegacyOffice => "a document of Office before 2007: save it as docx, xlsx or pdf",
            Refusal::OtherThanNamed => "the content is not what the name says: save the file in the kind of its name",
            Refusal::Empty => "the file is empty",
            Refusal::TooLarge => "the file is larger than 25 MB: make it smaller or split it",
            Refusal::CaseFull => "the files of a case hold at most 200 MB together: remove some first",
            Refusal::Macros => "the file holds macros, scripts or controls: save it without them",
            Refusal::Archive => "the file is an archive or has files inside it: attach them one by one",
            Refusal::Encrypted => "the file is protected by a password: save it without",
            Refusal::Unreadable => "the file is damaged or of an unusual form: save it anew",
            Refusal::TestText => "the file holds the test text of malware scanners",
            Refusal::Infected => "the malware scanner found something in the file: it is not taken",
        }
    }

    /// The HTTP status (`access.md` section 17): 413 for sizes, 415 for the rest.
    pub const fn status(self) -> u16 {
        match self {
            Refusal::TooLarge | Refusal::CaseFull => 413,
            _ => 415,
        }
    }
}

/// A place in a file that looks like an identity number: where, never what (IDN-022).
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Place {
    /// Part of a document that is a package, else empty.
    pub part: String,
    /// Line of the text, from 1.
    pub line: usize,
    /// Stars as long as the number.
    pub masked: String,
}

/// Where a file stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// Part of the application.
    Kept,
    /// Waits until somebody says that what looks like identity numbers is something else.
    Held,
    /// Taken out of the form after it had been handed in: revisions still name it.
    Detached,
    /// Its content was removed by the access body; digest and reason stay (ACC-193).
    Redacted,
}

impl FileState {
    const ALL: [FileState; 4] = [FileState::Kept, FileState::Held, FileState::Detached, FileState::Redacted];

    /// The name in tables and interfaces.
    pub const fn slug(self) -> &'static str {
        match self {
            FileState::Kept => "kept",
            FileState::Held => "held",
            FileState::Detached => "detached",
            FileState::Redacted => "redacted",
        }
    }

    pub(crate) fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.slug() == text)
    }
}

/// A file as parties and staff see it.
#[derive(Clone, PartialEq, Debug, Serialize)]
pub struct FileView {
    /// Id.
    pub id: FileId,
    /// Field of the form that it belongs to.
    pub field: String,
    /// Name.
    pub name: String,
    /// Kind.
    pub kind: FileKind,
    /// Size in bytes.
    pub size: i64,
    /// SHA-256 of the content, in hex.
    pub sha256: String,
    /// Where it stands.
    pub state: FileState,
    /// Places that look like identity numbers.
    pub places: Vec<Place>,
    /// Whether a malware scanner has looked at it.
    pub scanned: bool,
    /// When it came.
    pub added_at: Timestamp,
    /// Why its content was removed.
    pub reason: Option<String>,
}

impl From<Refusal> for Problem {
    fn from(refusal: Refusal) -> Self {
        Problem::invalid("file", format!("file_{}", refusal.slug()), refusal.message())
    }
}
