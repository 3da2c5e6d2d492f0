//! The gate from outside: raw results as the engine makes them go in, released values and refusals come out.
#![expect(clippy::unwrap_used, reason = "tests")]

mod analyses;
mod common;
mod counts;
mod derived;
mod document;
mod magnitudes;
mod metering;
mod snapping;
