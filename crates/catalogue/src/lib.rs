//! The catalogue: sources, collections, variables and code lists, search in three languages, and the cart.
//!
//! It holds descriptions only, never data about persons (CAT-001). What it describes comes from two places: the seed
//! (`seed/registries.json`), and what the data zone says it holds; a variable with a dataset behind it can be explored
//! and applied for, one without is shown as described only.

mod cart;
mod model;
pub mod search;
mod seed;
mod service;
mod sql;

pub use cart::{CartItem, CartLine};
pub use model::{
    Code, Collection, DataType, Granularity, Model, Role, Sensitivity, Source, SourceKind, Temporality, Variable,
};
pub use search::{Facet, Filters, Hit, Page};
pub use service::Catalogue;
