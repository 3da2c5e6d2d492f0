//! Deliveries: from a signed permit to data in an analysis room (`delivery.md`). One crate, three zones:
//!
//! | zone | type | does |
//! |---|---|---|
//! | centre | [`Deliveries`] | compiles the permit to one extraction order per source, sends it, keeps state and receipts |
//! | data | [`Extraction`] | carries an order out: population, choices, minimisation, package, transfer |
//! | room | [`Intake`] | verifies and opens a package, gives dense ids, writes the room's files |
//!
//! The manifest and the encryption go end to end from source to intake; nothing here relies on the transport. What it is
//! not: the keeper of linking keys or of the release ledger (the key role is asked by message), and no place where an
//! identity number occurs.

mod centre;
mod codebook;
mod compile;
mod error;
mod extract;
mod granularity;
mod intake;
pub mod model;
mod package;
mod persons;
mod resolver;
mod table;
mod transfer;

pub use centre::{Deliveries, DeliveryView, EventView, Ordered, PermitDeliveries, ReceiptView};
pub use compile::{NotDeliverable, ResolvedCollection, ResolvedVariable, Resolver, compile, effective_granularity};
pub use error::DeliveryError;
pub use extract::{Extraction, ExtractionOptions};
pub use granularity::Granularity;
pub use intake::{Intake, IntakeOptions, IntakeSecret, OpenOutcome, RoomDelivery, Verified, exit_code, verify_package};
pub use model::State;
pub use resolver::CatalogueResolver;
pub use transfer::{ChannelAdapter, LocalAdapter, RoomAdapter, RoomAdapters, TransferError};
