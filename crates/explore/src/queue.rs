//! Who runs next (LANG-355): as many runs at a time as there are places, each workspace's runs in their order, and the
//! workspaces in turn, so that one with many runs keeps nobody else waiting.
//!
//! What it is not: a job queue that outlives the process. A run that waits here is told as interrupted when it ends.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// Runs of one workspace that may wait (language.md section 11).
pub(crate) const MOST_WAITING: usize = 8;

/// The queue of an installation.
pub(crate) struct Queue(Arc<Mutex<Inner>>);

struct Inner {
    free: usize,
    /// Workspaces with somebody waiting, the next one to be served first.
    turn: VecDeque<String>,
    waiting: HashMap<String, VecDeque<oneshot::Sender<Place>>>,
}

/// A place among those at work; free again when dropped.
pub(crate) struct Place(Arc<Mutex<Inner>>);

/// A run that has been let into the queue.
pub(crate) enum Ticket {
    /// It may begin.
    Now(Place),
    /// It may begin when this gives a place. Dropped, it leaves the queue.
    Later(oneshot::Receiver<Place>),
}

/// The workspace has as many runs waiting as it may have.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Full;

impl Queue {
    /// A queue with this many places.
    pub(crate) fn new(places: usize) -> Self {
        let inner = Inner { free: places.max(1), turn: VecDeque::new(), waiting: HashMap::new() };
        Self(Arc::new(Mutex::new(inner)))
    }

    /// Lets a run of `workspace` in.
    pub(crate) fn enter(&self, workspace: &str) -> Result<Ticket, Full> {
        let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if inner.free > 0 {
            inner.free -= 1;
            return Ok(Ticket::Now(Place(Arc::clone(&self.0))));
        }
        let line = inner.waiting.entry(workspace.to_owned()).or_default();
        line.retain(|place| !place.is_closed());
        if line.len() >= MOST_WAITING {
            return Err(Full);
        }
        let (give, take) = oneshot::channel();
        line.push_back(give);
        if !inner.turn.iter().any(|w| w == workspace) {
            inner.turn.push_back(workspace.to_owned());
        }
        Ok(Ticket::Later(take))
    }
}

impl Inner {
    /// The next that waits; its workspace goes to the end of the turn.
    fn next(&mut self) -> Option<oneshot::Sender<Place>> {
        while let Some(workspace) = self.turn.pop_front() {
            let Some(line) = self.waiting.get_mut(&workspace) else { continue };
            let next = std::iter::from_fn(|| line.pop_front()).find(|place| !place.is_closed());
            if line.is_empty() {
                self.waiting.remove(&workspace);
            } else {
                self.turn.push_back(workspace);
            }
            if next.is_some() {
                return next;
            }
        }
        None
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let next = {
            let mut inner = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let next = inner.next();
            if next.is_none() {
                inner.free += 1;
            }
            next
        };
        if let Some(next) = next {
            // One that left in this moment drops the place, which then goes on to the one behind it.
            drop(next.send(Place(Arc::clone(&self.0))));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn later(ticket: Result<Ticket, Full>) -> oneshot::Receiver<Place> {
        match ticket {
            Ok(Ticket::Later(place)) => place,
            Ok(Ticket::Now(_)) => panic!("there is no free place"),
            Err(Full) => panic!("there is room to wait"),
        }
    }

    /// LANG-355: workspaces are served in turn; within one, first come first served.
    #[test]
    fn lang_355_workspaces_take_turns() {
        let queue = Queue::new(1);
        let Ok(Ticket::Now(place)) = queue.enter("a") else { panic!("a free place") };
        let (mut a1, mut a2) = (later(queue.enter("a")), later(queue.enter("a")));
        let mut b1 = later(queue.enter("b"));
        drop(place);
        let place = a1.try_recv().unwrap();
        assert!(a2.try_recv().is_err() && b1.try_recv().is_err());
        drop(place);
        let place = b1.try_recv().unwrap();
        assert!(a2.try_recv().is_err());
        drop(place);
        drop(a2.try_recv().unwrap());
        assert!(matches!(queue.enter("c"), Ok(Ticket::Now(_))));
    }

    /// Section 11: eight runs of a workspace wait, the ninth is refused; one that left makes room.
    #[test]
    fn a_workspace_has_eight_waiting() {
        let queue = Queue::new(1);
        let Ok(Ticket::Now(_place)) = queue.enter("a") else { panic!("a free place") };
        let mut waiting: Vec<_> = (0..MOST_WAITING).map(|_| later(queue.enter("a"))).collect();
        assert!(queue.enter("a").is_err());
        drop(later(queue.enter("b")));
        waiting.remove(3);
        drop(later(queue.enter("a")));
    }

    /// A run that was cancelled while it waited takes no place.
    #[test]
    fn who_left_is_passed_over() {
        let queue = Queue::new(1);
        let Ok(Ticket::Now(place)) = queue.enter("a") else { panic!("a free place") };
        let (gone, mut next) = (later(queue.enter("a")), later(queue.enter("b")));
        drop(gone);
        drop(place);
        assert!(next.try_recv().is_ok());
    }
}
