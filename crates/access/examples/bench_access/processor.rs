//! Processor time: of this program, and of the PostgreSQL server that it started.

use std::fs;
use std::time::Duration;

use store::{Backend, Store, StoreError, Tx, params};

/// Length of a tick of the times in `/proc`.
const TICK: Duration = Duration::from_millis(10);

/// Whose time is read.
pub(crate) struct Processor {
    /// The server's first process: the parent of all others.
    server: Option<u32>,
}

impl Processor {
    /// Of this program and, with PostgreSQL, of its server.
    pub(crate) async fn of(store: &Store) -> Self {
        let server = match store.backend() {
            Backend::Sqlite => None,
            Backend::Postgres => {
                let pid = async |tx: &mut Tx| tx.query_one("SELECT pg_backend_pid()", params![]).await?.get::<i64>(0);
                let backend = store.read::<_, StoreError, _>("backend", pid).await.unwrap();
                stat(&backend.to_string()).map(|stat| stat.parent)
            }
        };
        Self { server }
    }

    /// The time used until now. Nothing where there is no `/proc`.
    pub(crate) fn used(&self) -> Used {
        let own = stat("self").map_or(0, |stat| stat.ticks);
        let server = self.server.map_or(0, |server| {
            let all = fs::read_dir("/proc").into_iter().flatten().flatten();
            let stats = all.filter_map(|entry| stat(entry.file_name().to_str()?));
            stats.filter(|stat| stat.parent == server || stat.pid == server).map(|stat| stat.ticks).sum()
        });
        let time = |ticks| TICK * u32::try_from(ticks).unwrap_or(u32::MAX);
        Used { own: time(own), server: time(server) }
    }
}

/// Processor time by who used it.
#[derive(Clone, Copy)]
pub(crate) struct Used {
    /// This program.
    pub(crate) own: Duration,
    /// The server.
    pub(crate) server: Duration,
}

impl Used {
    pub(crate) fn since(self, before: Self) -> Self {
        Self { own: self.own.saturating_sub(before.own), server: self.server.saturating_sub(before.server) }
    }
}

struct Stat {
    pid: u32,
    parent: u32,
    ticks: u64,
}

/// What `/proc/PID/stat` says: the name in parentheses may hold spaces, so the fields are counted behind it.
fn stat(pid: &str) -> Option<Stat> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let pid = text.split(' ').next()?.parse().ok()?;
    let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Stat { pid, parent: fields.get(1)?.parse().ok()?, ticks })
}
