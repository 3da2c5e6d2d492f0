//! The egress check (SDC section 13): what files that a person wants to take out of a closed analysis room hold, and
//! whether they may leave. [`check`] gives every file and every table in it `pass`, `review` or `fail` with reasons that
//! machines read: form of the file, data on persons, a rule per type of output, what follows together with earlier
//! releases, and results that the platform's own gate signed.
//!
//! What it is not: it asks nobody, keeps nothing and decides nothing alone. The queue, the votes and the record belong to
//! the airlock; files and earlier releases are handed in. It reads no clock and no file, and whatever bytes it is given, it
//! answers: hostile files are met with bounds on size, depth and unpacking, not with trust.

mod check;
mod declaration;
mod kind;
mod linked;
mod markup;
mod model;
mod output;
mod person;
mod read;
mod reason;
mod rules;
mod sealed;
mod table;
mod texts;
mod turned;
mod verdict;

pub use check::{File, MAX_FILE, RULES, Release, Settings, check};
pub use declaration::{BadDeclaration, DECLARATION, Declarations, Declared, Design, DominanceEvidence, ModelEvidence};
pub use kind::Kind;
pub use output::OutputType;
pub use reason::{Reason, Remedy};
pub use sealed::Exports;
pub use verdict::{FileReport, Finding, Other, Place, Report, TableReport, Verdict};
