//! Data products of the data zone: reading and checking what holders hand in (dataset folders and packages in the public
//! format), keeping it in immutable, versioned files, and serving it as columns by ordinal.
//!
//! - [`validate`], [`Report`]: checks with rule, line and count, in our rendering and in that of the public tool.
//! - [`package`]: packages of both formats, and key files.
//! - [`ingest()`], [`UnitIndex`]: the job that puts ordinals in place of ids and releases a version.
//! - [`Datastore`]: the stores of a zone, what they hold, and which of them know a person.
//! - [`Columns`]: the stores as the engine and extraction read them ([`engine::source::VariableSource`]).
//! - [`DatastoreService`]: the answers to `metadata` and `insight`.
//!
//! What it is not: a place where ids live. Unit ids pass through the memory of one ingest job, on their way to the key
//! role; files and tables hold ordinals alone.

mod assembled;
mod by_code;
mod check;
mod columns;
mod csvfile;
mod error;
mod events;
mod folder;
mod header;
mod ids;
mod ingest;
mod input;
mod mapped;
mod metadata;
pub mod package;
mod prepared;
mod product;
mod reading;
mod report;
mod service;
mod spells;
mod sql;
mod store_service;
mod texts;
mod units;
mod version;

pub use assembled::{Assembly, RowValues, Rows};
pub use columns::Columns;
pub use engine::source::status_dates;
pub use error::DatastoreError;
pub use header::{DatasetRecord, FileEntry, Header, Layout, Part, Stored};
pub use ids::{ChannelIndex, UnitIndex};
pub use ingest::{IngestOptions, Outcome, Progress, Step, StoreOutcome, ingest};
pub use input::PackageRules;
pub use metadata::{Code, CodeChange, Domain, Metadata, ValueType, read_metadata};
pub use product::{Collection, Product};
pub use reading::validate;
pub use report::{Finding, LISTED, Report, Rule};
pub use service::{DatastoreService, OpenToken};
pub use store_service::Datastore;
pub use units::{AddedUnitType, PERSON_IDS, PUBLIC, UnitTypes};
pub use version::{Operation, Version, beyond_a_patch, next_version};
