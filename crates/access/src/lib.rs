//! From application to permit: the form, the case, the decision with its letter, the signed permit, the public register.
//!
//! What it is not: the catalogue (asked through [`Variables`]), the analysis (a count is asked for through [`Feasibility`]), the delivery (which
//! asks for the permit and never for the case). It keeps no identity number and no health data.
//!
//! - [`Access`]: the use cases. Applying: `create`, `draft`, `save`, `save_form`, `save_cart`, `check`, `submit`, and of several
//!   people: `save_form_seen`, `overwritten`, `put_back`; `copy_as_new`, `export`, `import`. Handling:
//!   `cases`, `own_cases`, `case`, `command`, `events`, `verify`. Results: `letter_pdf`, `letter_json`, `permit`,
//!   `permit_current` (what other zones ask), `tell_keys`, `register`, `register_entry`.
//! - [`model`]: the state machine, without I/O: states, commands, events, `decide` and `evolve`.
//! - [`form`]: forms as data, their conditions and checks. [`permissions`]: who may do what in which state.
//! - [`change`]: a change of a permit as a difference. [`appeal`]: the appeal as a machine of its own.
//! - [`files`]: attachments: what is taken, the checks, the scanner.
//! - [`clocks`], [`fees`], [`permit`], [`letter`]: pure rules.

pub mod appeal;
pub mod change;
pub mod clocks;
pub mod content;
mod error;
pub mod fees;
pub mod files;
pub mod forecast;
pub mod form;
pub mod handling;
pub mod letter;
pub mod model;
pub mod permissions;
pub mod permit;
pub mod rules;
mod service;
mod sql;
pub mod views;

pub use error::AccessError;
pub use form::VariableFacts;
pub use model::{CartItem, CaseId, CommandName, Ground};
pub use service::{
    Access, ActivityReport, AppealView, Caller, Durations, Erased, Excluded, FILLED_IN, Feed, FeedItem, Hook, HookId,
    HookInput, Mail, MailError, Mailer, NewHook, Organisation, Organisations, OutboxEntry, Package, PermitFollower,
    RegisterFile, Replayed, Room, Settings, Statistics, StatisticsRow, Variables, changed_on, is_allowed, reports_due,
    signature,
};
pub use service::{
    AuditOf, Finding, LabelElement, LetterForm, Matter, SUPERVISION_KINDS, Seal, Supervised, SupervisionInput,
    SupervisionRecord, Validity, Withdrawal,
};
pub use service::{ChangeView, PersonView, SeriesAction, SeriesView, VersionView};
pub use service::{CountAnswer, Feasibility, FeasibilityCount, FeasibilityView, MOST_PER_DAY, NotCounted, Released};
pub use service::{Difference, Guidance, Overwritten, OverwrittenKind, Saved, mark};
