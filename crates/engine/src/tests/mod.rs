//! Behaviour of the engine through scripts: commands one by one, and agreement with a reference interpreter that goes
//! row by row (ENG-040).

mod agreement;
mod analyses;
mod commands;
mod operations;
mod reference;
mod world;
