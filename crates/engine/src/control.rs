//! What the caller of a run can see and do while a statement works: progress as a share of the unit space (never a
//! number of rows, SDC-180), and stopping it.

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
    let done = std::sync::atomic::AtomicUsize::new(0);
    (0..chunks)
        .into_par_iter()
        .map(|i| {
            if let Some(stop) = control.stop() {
                return Err(RunError::Stopped(stop));
            }
            let result = work(i * CHUNK..((i + 1) * CHUNK).min(rows));
            let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
            control.progress(done as f32 / chunks as f32);
            Ok(result)
        })
        .collect()
}
