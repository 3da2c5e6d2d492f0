//! The analysis engine: a script's commands over the linked variables of a whole population.
//!
//! Every unit has a dense ordinal in its unit space, so a linked dataset is a mask and columns indexed by ordinal, and
//! linking is an array gather. Columns come in through [`source::VariableSource`]; results go out as [`Raw`] values
//! that the disclosure gate alone can open. The engine does no I/O, reads no clock and draws no randomness.

mod keys;
mod metadata;
mod params;
pub mod raw;
mod set;
pub mod source;

pub use metadata::SourceCatalogue;
pub use params::Parameters;
pub use raw::Raw;
