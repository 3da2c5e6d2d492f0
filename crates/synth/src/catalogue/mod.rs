//! The public variable list as registers (ENG-061, `hap synth --catalogue`): every variable of microdata.no, for the units
//! and days that it is about, with code lists, pointers and plausible values. What the registers of the demo already make
//! is left to them.

use rayon::prelude::*;

use crate::SynthError;
use crate::health::{History, Records};
use crate::output::Output;
use crate::world::World;
use list::{Spec, specs};
use people::People;
use rule::Kind;
use units::Units;

mod derived;
mod draw;
mod household;
pub(crate) mod list;
mod people;
mod rows;
mod rule;
mod units;
mod values;

/// The variables that this module writes itself.
fn ours(spec: &&Spec) -> bool {
    spec.what.kind != Kind::Register
}

/// Names of the datasets that the demo's registers leave to this module.
pub(crate) fn replaced() -> Result<Vec<&'static str>, SynthError> {
    Ok(specs()?.iter().filter(ours).filter(|s| s.own().is_some()).map(|s| s.name.as_str()).collect())
}

/// Writes all variables; `progress` is told the share done.
pub(crate) fn write(
    world: &World,
    histories: &[History],
    records: &Records,
    out: &Output,
    progress: &(dyn Fn(f64) + Sync),
) -> Result<(), SynthError> {
    let people = People::new(world, histories)?;
    progress(0.1);
    let units = Units::new(&people, records);
    let specs: Vec<&Spec> = specs()?.iter().filter(ours).collect();
    let done = std::sync::atomic::AtomicUsize::new(0);
    specs.par_iter().try_for_each(|spec| {
        let made = rows::rows(&people, &units, spec);
        out.variable(spec, &made.parts, &made.dates)?;
        let n = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        progress(0.15 + 0.85 * n as f64 / specs.len() as f64);
        Ok(())
    })
}
