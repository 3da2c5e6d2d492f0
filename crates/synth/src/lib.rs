//! Synthetic Norway: a population and its registers, deterministic by seed, written as datasets in the public format
//! that a register would send. Nobody in it exists: identity numbers carry month + 80, and nothing was learnt from real
//! data; rates are of the order of magnitude of public statistics.
//!
//! What it is not: a model of anything. It gives the demo and the tests data with the shapes, sizes and dependencies of
//! the real registers (families, places, age-dependent illness, medicines that follow diagnoses, income by education).

use std::path::Path;

mod catalogue;
mod health;
mod lists;
mod numbers;
mod output;
mod places;
mod registers;
mod rng;
mod social;
mod world;

use output::Output;
use world::{PERSONAS, World};

/// What to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How many persons; at least 100.
    pub persons: u32,
    /// The same seed and number of persons give the same bytes.
    pub seed: u64,
    /// Whether every variable of the public list is made (ENG-061), not only the registers of the demo.
    pub catalogue: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self { persons: 100_000, seed: 1, catalogue: false }
    }
}

/// What was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Summary {
    /// Persons.
    pub persons: u32,
    /// Names of the stores; each is a folder with `product.json` and its datasets.
    pub stores: Vec<String>,
    /// Datasets in all stores.
    pub datasets: usize,
    /// Rows in all datasets.
    pub rows: u64,
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum SynthError {
    /// Families and registers need some people.
    #[error("at least 100 persons are needed")]
    TooFew,
    /// More persons were asked for than there are synthetic identity numbers.
    #[error("there are not enough synthetic identity numbers for so many persons")]
    TooMany,
    /// The compiled-in tables are wrong.
    #[error("tables of synthetic Norway: {0}")]
    Tables(String),
    /// A file cannot be written.
    #[error("cannot write: {0}")]
    Io(#[from] std::io::Error),
}

/// The identity numbers of the demo's personas. They exist in every population, whatever its size.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PersonaNumbers {
    /// Born 1984, has had a stroke (2022), has diabetes and takes medicines for both; gave birth in 2015; vaccinated.
    pub citizen: String,
    /// Her child, born 2015: asthma, medicines, vaccinations of childhood.
    pub child: String,
    /// Born 1957: stroke (2021), diabetes, atrial fibrillation, medicines, vaccinations.
    pub citizen_2: String,
    /// The citizen's husband, born 1982.
    pub partner: String,
}

/// The identity numbers of the personas for a seed.
///
/// # Panics
/// Never: the first number of a day is always free.
pub fn persona_numbers(seed: u64) -> PersonaNumbers {
    let mut numbers = numbers::Numbers::default();
    let mut next = PERSONAS
        .iter()
        .map(|(sex, birth)| numbers.give(kernel::Date::from_days(*birth), *sex, seed).unwrap_or_default());
    let mut take = || next.next().unwrap_or_default();
    let (citizen, partner, child, citizen_2) = (take(), take(), take(), take());
    PersonaNumbers { citizen, child, citizen_2, partner }
}

/// Progress: what is being made, and the share done (0 to 1).
pub type Progress<'a> = &'a (dyn Fn(&str, f64) + Sync);

/// Makes the population and writes its registers: below `out`, one folder per store with `product.json` and one folder
/// per dataset (`NAME/NAME.json`, `NAME/NAME.csv`). The files of an earlier run are written over.
///
/// # Errors
/// [`SynthError`]; then files may have been written in part.
pub fn generate(settings: &Settings, out: &Path, progress: Progress<'_>) -> Result<Summary, SynthError> {
    progress("population", 0.0);
    let mut world = World::build(settings.persons, settings.seed)?;
    let histories = health::histories(&mut world);
    world.settle()?;
    progress("illness", 0.15);
    let records = health::records(&world, &histories);
    progress("registers", 0.3);
    let output = Output::new(out, settings.catalogue)?;
    registers::write(&world, &histories, &records, &output)?;
    let rest = if settings.catalogue { 0.4 } else { 0.6 };
    progress("population registers", rest);
    social::write(&world, &histories, &output)?;
    if settings.catalogue {
        let share = |done: f64| progress("public variables", 0.45 + 0.55 * done.clamp(0.0, 1.0));
        catalogue::write(&world, &histories, &records, &output, &share)?;
    }
    progress("done", 1.0);
    output.finish(settings.persons, settings.seed)
}
