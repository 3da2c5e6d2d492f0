//! Tests of the area through its public surface: one program, so that it is linked once and starts one PostgreSQL.

mod after;
mod appeal_machine;
mod billing;
mod change;
mod checks;
mod clocks;
mod conditions;
mod desk;
mod drafts;
mod feasibility;
mod files;
mod form;
mod handling;
mod inbox;
mod kinds;
mod lapse;
mod letter;
mod machine;
mod measures;
mod notice;
mod path;
mod publicity;
mod rems;
mod rights;
mod support;
mod whole;
