//! What is inside files that come from outside: members of ZIP archives, and the texts and names of PDF documents. Whatever
//! bytes it is given, it answers; size, number and depth are bounded before anything is unpacked.
//!
//! What it is not: it judges nothing. What may leave an analysis room is said by `egress`, what may be attached to an
//! application by `access`.

pub mod pdf;
mod zip;

pub use zip::{Archive, Fault, MAX_UNPACKED, Member};
