//! What a citizen sees and decides: which registers hold data about her, who was given them and what for, and her
//! choices, each with a signed receipt (`citizen.md` sections 1 to 4). For herself, or for a child she represents.
//!
//! Nothing of registers or uses is kept here: the registers are asked through the data zone and the release ledger
//! through the key role, with the identity number sealed to the key role; the answer is shown and forgotten (CIT-003).
//! What is kept is the person's own log, and choices on their way. Which choice counts when is the key role's rule
//! (CIT-023), not decided here.

mod model;
mod receipt;
mod service;
mod sql;

pub use model::{
    Choice, Choices, LogLine, Project, ProjectResult, Projects, Receipt, Register, Registers, SourceApplied, Use, Uses,
};
pub use receipt::{ReceiptError, verify_receipt};
pub use service::{ChoiceRequest, Citizen};
