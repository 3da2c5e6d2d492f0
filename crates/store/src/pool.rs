//! A fixed number of connections that are lent one after the other and come back when they are dropped. What a connection
//! is, and when it is fit to be lent again, its owner says.

use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::StoreError;

/// How long a borrower waits for a connection.
const LONGEST_WAIT: Duration = Duration::from_secs(30);

/// The connections that nobody uses, and leave to use one. Cheap to clone.
pub(crate) struct Pool<C> {
    leave: Arc<Semaphore>,
    idle: Arc<Mutex<Vec<C>>>,
}

impl<C> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self { leave: self.leave.clone(), idle: self.idle.clone() }
    }
}

/// A lent connection. Dropped, it goes back, unless it was taken out for good.
pub(crate) struct Lent<C> {
    connection: Option<C>,
    idle: Arc<Mutex<Vec<C>>>,
    _leave: OwnedSemaphorePermit,
}

impl<C> Pool<C> {
    /// A pool of at most `most` connections.
    pub(crate) fn new(most: usize) -> Self {
        Self { leave: Arc::new(Semaphore::new(most)), idle: Arc::default() }
    }

    /// Waits for leave, then takes the connection that came back last, if it is fit, or makes one.
    pub(crate) async fn lend(
        &self,
        fit: impl Fn(&C) -> bool,
        make: impl AsyncFnOnce() -> Result<C, StoreError>,
    ) -> Result<Lent<C>, StoreError> {
        let leave = tokio::time::timeout(LONGEST_WAIT, self.leave.clone().acquire_owned()).await;
        let leave = leave.ok().and_then(Result::ok);
        let leave = leave.ok_or_else(|| StoreError::Unavailable("all connections are in use".into()))?;
        let known = {
            let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
            std::iter::from_fn(|| idle.pop()).find(fit)
        };
        let connection = match known {
            Some(connection) => connection,
            None => make().await?,
        };
        Ok(Lent { connection: Some(connection), idle: self.idle.clone(), _leave: leave })
    }
}

impl<C> Lent<C> {
    /// Takes the connection out of the pool: it is closed instead of being lent again.
    pub(crate) fn discard(mut self) {
        self.connection = None;
    }
}

impl<C> Deref for Lent<C> {
    type Target = C;

    #[expect(clippy::expect_used, reason = "the connection is taken out by `discard` and `drop` alone, which end it")]
    fn deref(&self) -> &C {
        self.connection.as_ref().expect("a connection that is lent")
    }
}

impl<C> DerefMut for Lent<C> {
    #[expect(clippy::expect_used, reason = "the connection is taken out by `discard` and `drop` alone, which end it")]
    fn deref_mut(&mut self) -> &mut C {
        self.connection.as_mut().expect("a connection that is lent")
    }
}

impl<C> Drop for Lent<C> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(connection);
        }
    }
}
