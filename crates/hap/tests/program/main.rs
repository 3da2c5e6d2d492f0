//! The program from outside: roles as processes, a demo that is killed, and what was acknowledged.
#![expect(clippy::unwrap_used, reason = "tests")]

mod common;
mod egress;
mod killed;
mod processes;
