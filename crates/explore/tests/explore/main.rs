//! Tests of workspaces, runner and gate ledger through the public surface, in one program; `killed` is one of its own,
//! which is started and killed by its test.

mod budgets;
mod common;
mod examples;
mod exports;
mod following;
mod groups;
mod nothing_raw;
mod policies;
mod problems;
mod refusals;
mod registers;
mod resume;
mod runs;
mod synthetic_store;
mod tables;
mod without_service;
mod workspaces;
