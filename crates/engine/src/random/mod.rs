//! Random worlds and random valid scripts over them, the same for the same seed: what the engine and its reference
//! interpreter are compared on (ENG-040), and what resumed runs are compared with fresh ones on (LANG-374). Compiled for
//! tests alone, here and, with the feature `raw-access`, in the crates that test with the engine. Nothing in it knows how
//! the engine works: worlds are facts, scripts are text that the checker accepts.

mod dice;
mod edits;
mod expressions;
mod mistakes;
mod results;
mod shape;
mod statements;
mod world;

pub use dice::Dice;
pub use edits::edited;
pub use mistakes::mistaken;
pub use statements::{Script, script, script_without};
pub use world::{STORE, world};
