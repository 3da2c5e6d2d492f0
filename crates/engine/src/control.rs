//! What the caller of a run can see and do while a statement works: progress as a share of the unit space (never a
//! number of rows, SDC-180), and stopping it.

use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

use rayon::prelude::*;

use crate::error::{RunError, Stop};

/// Rows handled at a time (ENG-013).
pub const CHUNK: usize = 16_384;

/// Asked and told by the engine while it works, from several threads.
pub trait Control: Sync {
    /// Whether the run has to end now. Asked at every chunk, so it must be cheap.
    fn stop(&self) -> Option<Stop>;

    /// The present statement has seen this share (0 to 1) of the unit space.
    fn progress(&self, share: f32);
}

/// Lets a run go on for ever and hears nothing: tests and small jobs.
#[derive(Clone, Copy, Debug, Default)]
pub struct Unattended;

impl Control for Unattended {
    fn stop(&self) -> Option<Stop> {
        None
    }
    fn progress(&self, _: f32) {}
}

/// A part of a statement whose progress is that of a part of the whole. It never goes back: iterations come near their end in uneven
/// steps, and one pass over the rows follows another.
pub(crate) struct Stage<'c> {
    of: &'c dyn Control,
    from: f32,
    share: f32,
    /// The bits of the most that was told, which are in the order of the numbers.
    most: AtomicU32,
}

impl<'c> Stage<'c> {
    /// The part from one share of the whole to another.
    pub(crate) fn of(of: &'c dyn Control, range: std::ops::Range<f32>) -> Self {
        Self { of, from: range.start, share: range.end - range.start, most: AtomicU32::new(0) }
    }

    /// A step of an iteration, of which nobody knows how many there will be: each leaves three quarters of what was left.
    pub(crate) fn step(control: &dyn Control, number: usize) {
        control.progress(1.0 - 0.75f32.powi(number.min(1000) as i32));
    }
}

impl Control for Stage<'_> {
    fn stop(&self) -> Option<Stop> {
        self.of.stop()
    }
    fn progress(&self, share: f32) {
        let share = share.clamp(0.0, 1.0);
        if self.most.fetch_max(share.to_bits(), Ordering::Relaxed) < share.to_bits() {
            self.of.progress(self.from + self.share * share);
        }
    }
}

/// Ends the statement when the run has to end: asked between the passes of a command.
pub(crate) fn stopped(control: &dyn Control) -> Result<(), RunError> {
    control.stop().map_or(Ok(()), |stop| Err(RunError::Stopped(stop)))
}

/// Runs `work` on every chunk of `0..rows` in parallel; results come in the order of the chunks, whatever the number of
/// threads (ENG-034).
pub(crate) fn by_chunk<T: Send>(
    control: &dyn Control,
    rows: usize,
    work: impl Fn(std::ops::Range<usize>) -> T + Sync,
) -> Result<Vec<T>, RunError> {
    let chunks = rows.div_ceil(CHUNK);
    let done = AtomicUsize::new(0);
    (0..chunks)
        .into_par_iter()
        .map(|i| {
            if let Some(stop) = control.stop() {
                return Err(RunError::Stopped(stop));
            }
            let result = work(i * CHUNK..((i + 1) * CHUNK).min(rows));
            let done = done.fetch_add(1, Ordering::Relaxed) + 1;
            control.progress(done as f32 / chunks as f32);
            Ok(result)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    /// ENG-035: the progress of a fit is a share of the whole statement, and only grows.
    #[test]
    fn eng_035_progress_of_a_part_only_grows() {
        struct Told(Mutex<Vec<f32>>);
        impl Control for Told {
            fn stop(&self) -> Option<Stop> {
                None
            }
            fn progress(&self, share: f32) {
                self.0.lock().unwrap().push(share);
            }
        }
        let told = Told(Mutex::new(Vec::new()));
        let stage = Stage::of(&told, 0.25..0.75);
        (0..4).for_each(|number| Stage::step(&stage, number));
        stage.progress(0.25);
        stage.progress(1.0);
        let told = told.0.into_inner().unwrap();
        assert_eq!(told, [0.375, 0.46875, 0.25 + 0.5 * (1.0 - 0.421_875), 0.75]);
    }
}
