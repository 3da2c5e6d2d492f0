//! `sample` (LANG-136): the units with the smallest keyed hash. Nobody without the record keys can tell who is in, a larger
//! sample contains a smaller one, and every row of a kept unit stays (SDC-142).

use hmac::{Hmac, Mac as _};
use script::program::{Sample, SampleSize};
use sha2::Sha256;

use super::{Outcome, Run};
use crate::control::{Control, by_chunk};
use crate::dataset::Rows;
use crate::error::RunError;
use crate::mask::Mask;
use crate::source::space_of;

impl Run {
    pub(super) fn sample(&mut self, plan: &Sample, control: &dyn Control) -> Result<Outcome, RunError> {
        let mut dataset = self.active()?.clone();
        let keys = match (&dataset.groups, &dataset.unit_type) {
            (Some(groups), _) => std::sync::Arc::clone(&groups.records),
            (None, Some(unit_type)) => self.source.record_keys(space_of(unit_type))?,
            (None, None) => return Err(RunError::unknown_dataset(&dataset.name)),
        };
        let units = self.units(&dataset);
        let all = units.count();
        let wanted = match plan.size {
            SampleSize::Units(n) => n.min(all),
            SampleSize::Share(share) => ((share * all as f64).round() as u64).min(all),
        };
        let parts = by_chunk(control, units.len(), |range| {
            units.iter(range).map(|unit| (hash(keys.record()[unit], plan.seed), unit as u32)).collect::<Vec<_>>()
        })?;
        let mut hashes = parts.concat();
        let mut kept = Mask::empty(units.len());
        if wanted > 0 {
            hashes.select_nth_unstable(wanted as usize - 1);
            hashes[..wanted as usize].iter().for_each(|(_, unit)| kept.set(*unit as usize));
        }
        let mask = match &dataset.rows {
            Rows::Units => kept,
            Rows::Own(of_row) => {
                let mut mask = Mask::empty(of_row.len());
                let rows = dataset.mask.iter(0..of_row.len()).filter(|row| kept.get(of_row[*row] as usize));
                rows.for_each(|row| mask.set(row));
                mask
            }
        };
        dataset.set_mask(mask);
        self.population(dataset)
    }
}

/// The first half of HMAC-SHA-256(record key, "sample" ‖ seed), as a number that orders as the bytes do.
fn hash(record: u128, seed: u64) -> u128 {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    let mut mac = Hmac::<Sha256>::new_from_slice(&record.to_le_bytes()).expect("HMAC takes a key of any length");
    mac.update(b"sample");
    mac.update(&seed.to_le_bytes());
    let bytes: [u8; 32] = mac.finalize().into_bytes().into();
    let mut first = [0; 16];
    first.copy_from_slice(&bytes[..16]);
    u128::from_be_bytes(first)
}
