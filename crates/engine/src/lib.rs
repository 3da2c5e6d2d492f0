//! The analysis engine: a script's commands over the linked variables of a whole population.
//!
//! Every unit has a dense ordinal in its unit space, so a linked dataset is a mask and columns indexed by ordinal, and
//! linking is an array gather. Columns come in through [`source::VariableSource`]; a [`Run`] carries out the steps of a
//! typed plan; results go out as [`Raw`] values that the disclosure gate alone can open. The engine does no I/O, reads no
//! clock and draws no randomness.

mod aggregates;
mod analyses;
mod axis;
mod cache;
mod categories;
mod control;
mod data;
mod dataset;
mod destring;
mod error;
mod expression;
mod figures;
mod fits;
mod functions;
mod gathered;
mod grid;
mod grouping;
mod harmonise;
mod heads;
mod keys;
mod lookup;
mod magnitudes;
mod mask;
mod members;
pub mod memory;
mod metadata;
mod narrowing;
mod params;
mod people;
mod quantile;
#[cfg(any(test, feature = "raw-access"))]
pub mod random;
pub mod raw;
mod recode;
mod run;
mod select;
mod selection;
mod set;
mod several;
pub mod source;
mod statistics;
mod table;
mod take;
mod tally;
#[cfg(test)]
mod tests;
mod unneeded;
mod unread;
mod vector;

pub use ::statistics::Problem;
pub use cache::{CacheUsage, ImportCache};
pub use control::{CHUNK, Control, Unattended};
pub use error::{RunError, Stop};
pub use members::{Again, Members, Membership, SMALL_SET};
pub use metadata::SourceCatalogue;
pub use params::Parameters;
pub use raw::Raw;
pub use run::{DatasetState, Judged, Outcome, Run, Snapshot, Warning};
