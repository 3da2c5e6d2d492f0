//! The signed documents of the protocol, one struct per payload type. All are canonical JSON in a DSSE envelope
//! ([`Envelope`](crate::Envelope)); unknown fields are refused everywhere, so that nothing that was signed is skipped
//! over in silence.

mod delivery;
mod keys;
mod permit;
mod run;

pub use delivery::{
    ColumnOrder, Deviation, ExtractionOrder, InnerFile, InnerManifest, Manifest, ManifestFile, MinimisationProof,
    OrderOptOut, OrderPopulation, OrderPseudonym, OrderRoom, Receipt, ReceiptKind, RowCounts, TableOrder,
};
pub use keys::{
    Assurance, ChoiceKind, ChoiceReceipt, GrantUse, InsightToken, KeyEvent, KeyGrant, KeyReceipt, LinkagePlan, PlanCap,
    PlanOptOut, ReleaseRecord, Relink, Unmapped,
};
pub use permit::{
    Condition, Controller, KeyRetention, Linkage, OptOut, Permit, PermitOutput, PermitPerson, PermitPopulation,
    PermitRoom, PermitSource, PermitStatus, PermitVariable, Purpose, Recurrence, RemovedVariable, SourceOutcome,
};
pub use run::{CheckpointNote, ReleasedDocument, RunOrder, StoreVersion};

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::directory::KeyRole;

/// A document that is signed.
pub trait Document: Serialize + DeserializeOwned {
    /// The payload type of its envelope.
    const PAYLOAD_TYPE: &'static str;
    /// Its name in English, for error texts.
    const NAME: &'static str;
    /// The roles whose keys may sign it.
    const SIGNED_BY: &'static [KeyRole];
}
