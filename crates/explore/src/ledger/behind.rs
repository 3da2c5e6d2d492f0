//! What is done behind the batches, by a thread of its own: segments of many batches and the members of new sets are written,
//! and members that nobody asks for any more are freed. What is written can be made again, so nothing waits for it, and what
//! cannot be written is told to the log and left out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use disclosure::Fingerprint;
use engine::{Members, Membership};
use kernel::Sealer;
use store::{Store, StoreError, Tx, params};
use tokio::runtime::Handle;

use super::shelf::Shelf;
use super::{segment_place, wire};

/// A segment is written when it is this large,
const SEGMENT_BYTES: usize = 4 << 20;
/// or holds so many batches.
const SEGMENT_BATCHES: i64 = 2000;
/// Members that wait to be written hold at most so many bytes; what does not fit is made again when it is needed.
const WAITING_BYTES: usize = 512 << 20;

/// Something to do.
pub(super) enum Job {
    /// A batch that is durable.
    Batch { seq: i64, plain: Vec<u8> },
    /// The members of the new sets of a batch.
    Members { seq: i64, sets: Vec<(Fingerprint, Members)> },
    /// Free these.
    Forget(Vec<Arc<dyn Membership>>),
    /// Tell when all before this is done.
    Settle(Sender<()>),
}

/// The thread, from the outside. It ends when this is dropped, after what it has been given.
pub(super) struct Behind {
    jobs: Sender<Job>,
    waiting: Arc<AtomicUsize>,
}

impl Behind {
    pub(super) fn start(store: Store, sealer: Arc<dyn Sealer>, handle: Handle, shelf: Option<Arc<Shelf>>) -> Self {
        let (jobs, inbox) = channel();
        let waiting = Arc::new(AtomicUsize::new(0));
        let worker = Worker { store, sealer, handle, shelf, waiting: Arc::clone(&waiting), open: None };
        let started = thread::Builder::new().name("gate-behind".to_owned()).spawn(move || worker.work(&inbox));
        if let Err(error) = started {
            // Without it everything still works: the ledger opens more slowly, and members are made again.
            tracing::error!(%error, "nothing is written behind the gate ledger");
        }
        Self { jobs, waiting }
    }

    pub(super) fn send(&self, job: Job) {
        if let Job::Members { sets, .. } = &job {
            let bytes = bytes_of(sets);
            if self.waiting.load(Ordering::Relaxed) + bytes > WAITING_BYTES {
                return;
            }
            self.waiting.fetch_add(bytes, Ordering::Relaxed);
        }
        // A thread that is gone has been told about already.
        let _ = self.jobs.send(job);
    }

    pub(super) fn settle(&self) {
        let (done, wait) = channel();
        if self.jobs.send(Job::Settle(done)).is_ok() {
            let _ = wait.recv();
        }
    }
}

/// The sets of one result hold one source together, and one result follows the other.
fn bytes_of(sets: &[(Fingerprint, Members)]) -> usize {
    sets.first().and_then(|(_, members)| members.source()).map_or(0, |source| source.bytes())
}

/// Batches on their way into a segment.
struct Open {
    first: i64,
    last: i64,
    bytes: Vec<u8>,
}

struct Worker {
    store: Store,
    sealer: Arc<dyn Sealer>,
    handle: Handle,
    shelf: Option<Arc<Shelf>>,
    waiting: Arc<AtomicUsize>,
    open: Option<Open>,
}

impl Worker {
    fn work(mut self, inbox: &Receiver<Job>) {
        if let Some(shelf) = &self.shelf {
            shelf.look_through();
        }
        for job in inbox {
            match job {
                Job::Batch { seq, plain } => self.batch(seq, &plain),
                Job::Members { seq, sets } => {
                    let bytes = bytes_of(&sets);
                    if let Some(shelf) = &self.shelf {
                        let listed = sets.into_iter().filter_map(|(set, members)| Some((set, members.ordinals()?)));
                        if let Err(error) = shelf.put(seq, listed) {
                            tracing::warn!(%error, "members of sets of the gate ledger");
                        }
                    }
                    self.waiting.fetch_sub(bytes, Ordering::Relaxed);
                }
                Job::Forget(members) => drop(members),
                Job::Settle(done) => drop(done.send(())),
            }
        }
    }

    fn batch(&mut self, seq: i64, plain: &[u8]) {
        if self.open.as_ref().is_some_and(|open| open.last + 1 != seq) {
            // A batch is missing in between: what is open is left to the batches themselves.
            self.open = None;
        }
        let open = self.open.get_or_insert_with(|| Open { first: seq, last: seq, bytes: Vec::new() });
        wire::push(&mut open.bytes, plain);
        open.last = seq;
        let full = open.bytes.len() >= SEGMENT_BYTES || open.last - open.first + 1 >= SEGMENT_BATCHES;
        if let Some(open) = self.open.take_if(|_| full)
            && let Err(error) = self.segment(&open)
        {
            tracing::warn!(%error, "segment of the gate ledger");
        }
    }

    fn segment(&self, open: &Open) -> Result<(), StoreError> {
        let Open { first, last, bytes } = open;
        let (first, last) = (*first, *last);
        let sealed = self.sealer.seal(&segment_place(first, last), bytes);
        let sealed = sealed.map_err(|e| StoreError::Other(e.to_string()))?;
        let store = self.store.clone();
        self.handle.block_on(async move {
            store
                .tx("gate_ledger.segment", async |tx: &mut Tx| -> Result<(), StoreError> {
                    let sql = "INSERT INTO gate_ledger_segment (first, last, sealed) VALUES ($1, $2, $3)";
                    tx.execute(sql, params![first, last, sealed.as_slice()]).await?;
                    Ok(())
                })
                .await
        })
    }
}
