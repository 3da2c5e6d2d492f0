//! The release ledger (section 11): which persons were in which release, so that a citizen can be told who received data
//! about her. The public record of a release names no person; its members lie in one sealed file that only this role
//! opens, one chunk of it per question.

mod bitmap;
mod releases;

pub use bitmap::{HrlError, MemberFile, ReadAt, seal_members};
pub(crate) use releases::json;

/// The band of a number of persons in a public record.
pub fn count_band(persons: u64) -> &'static str {
    match persons {
        0 => "0",
        1..=9 => "1-9",
        10..=99 => "10-99",
        100..=999 => "100-999",
        1_000..=9_999 => "1000-9999",
        10_000..=99_999 => "10000-99999",
        100_000..=999_999 => "100000-999999",
        _ => "1000000+",
    }
}
