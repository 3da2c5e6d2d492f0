//! Whole zones for tests.

use std::ops::Deref;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use audit::{Log, LogOptions, Zone};
use kernel::{FixedClock, Timestamp};
use store::Store;
use tempfile::TempDir;

use crate::postgres::{self, Durability};
use crate::{FixedSealer, FixedSigner, Seeded, databases};

/// 2026-11-21 09:15 UTC: when the tests' clocks stand.
const NOW: Timestamp = Timestamp::from_micros(1_795_252_500_000_000);

static STARTS: AtomicU64 = AtomicU64::new(7);

/// A zone with a clock that the test moves and a folder that goes with it. Dereferences to [`Zone`].
pub struct TestZone {
    zone: Zone,
    /// The zone's clock.
    pub clock: Arc<FixedClock>,
    /// The zone's folder; the audit log is in `audit`.
    pub folder: TempDir,
}

impl Deref for TestZone {
    type Target = Zone;
    fn deref(&self) -> &Zone {
        &self.zone
    }
}

impl TestZone {
    /// The zone, for a service.
    pub fn zone(&self) -> Zone {
        self.zone.clone()
    }

    /// Integrates what was recorded and gives the bodies of all entries, oldest first. Fails when one of them holds
    /// personal data (AUD-030), or when the log does not verify.
    ///
    /// # Panics
    /// On any of these.
    #[expect(clippy::expect_used, reason = "a test that cannot read its log is to fail")]
    pub async fn entries(&self) -> Vec<serde_json::Value> {
        self.log.integrate().await.expect("the audit log integrates");
        let options = audit::Options { bodies: true, ..audit::Options::default() };
        let report = audit::verify(self.log.folder(), &options).expect("the audit log can be read");
        assert_eq!(report.damage, None, "the audit log verifies");
        let mut all = Vec::new();
        let mut before = None;
        loop {
            let query = audit::Query { limit: 1000, before, ..audit::Query::default() };
            let page = self.log.find(&query).await.expect("the audit log can be searched");
            let Some(last) = page.last() else { break };
            before = Some(last.index);
            for found in page {
                let envelope = found.envelope.to_bytes().expect("an envelope");
                let body = found.body.expect("a body");
                for text in [String::from_utf8_lossy(&envelope).into_owned(), body.to_string()] {
                    assert_eq!(crate::personal_data(&text), Vec::<String>::new(), "personal data in the audit log");
                }
                all.push(body);
            }
        }
        all.reverse();
        all
    }

    /// The actions and outcomes of all entries, oldest first, as `permit.issue ok`.
    pub async fn actions(&self) -> Vec<String> {
        let text = |v: &serde_json::Value, f: &str| v[f].as_str().unwrap_or_default().to_owned();
        let line = |v: &serde_json::Value| {
            let code = v.get("code").map(|_| format!(" {}", text(v, "code"))).unwrap_or_default();
            format!("{} {}{code}", text(v, "action"), text(v, "outcome"))
        };
        self.entries().await.iter().map(line).collect()
    }
}

/// A zone on a new SQLite database.
///
/// # Panics
/// When it cannot be made.
#[expect(clippy::expect_used, reason = "a test without its zone is to fail")]
pub async fn zone(name: &str) -> TestZone {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let store = Store::open_sqlite(&folder.path().join("zone.db")).await.expect("an SQLite database");
    build(name, store, folder).await
}

/// A zone on the SQLite database and audit log of an existing folder: for tests that start a zone again.
///
/// # Panics
/// When it cannot be made.
#[expect(clippy::expect_used, reason = "a test without its zone is to fail")]
pub async fn zone_in(name: &str, folder: &Path) -> Zone {
    let store = Store::open_sqlite(&folder.join("zone.db")).await.expect("an SQLite database");
    let clock = Arc::new(FixedClock::at(NOW));
    make(name, store, folder, clock).await
}

/// Runs `body` with a zone on SQLite, then with one on PostgreSQL.
pub async fn zones<F: AsyncFn(TestZone)>(name: &str, body: F) {
    databases(async |store| {
        #[expect(clippy::expect_used, reason = "a test without its zone is to fail")]
        let folder = tempfile::tempdir().expect("a temporary folder");
        body(build(name, store, folder).await).await;
    })
    .await;
}

/// A zone on a new schema of a PostgreSQL server that has what it acknowledges on disk, as in production: for measuring.
///
/// # Panics
/// When it cannot be made.
#[expect(clippy::expect_used, reason = "a benchmark without its zone is to fail")]
pub async fn durable_postgres_zone(name: &str) -> TestZone {
    let folder = tempfile::tempdir().expect("a temporary folder");
    build(name, postgres::store(Durability::On).await, folder).await
}

async fn build(name: &str, store: Store, folder: TempDir) -> TestZone {
    let clock = Arc::new(FixedClock::at(NOW));
    let zone = make(name, store, folder.path(), clock.clone()).await;
    TestZone { zone, clock, folder }
}

#[expect(clippy::expect_used, reason = "a test without its zone is to fail")]
async fn make(name: &str, store: Store, folder: &Path, clock: Arc<FixedClock>) -> Zone {
    let signer: Arc<dyn kernel::Signer> = Arc::new(FixedSigner::named(name));
    // The clock stands still, so each start needs other random bytes, or ids would come again.
    let start = STARTS.fetch_add(1, Ordering::SeqCst);
    let seed = name.bytes().fold(start, |s, b| s.wrapping_mul(31).wrapping_add(b.into()));
    let random: Arc<dyn kernel::Random> = Arc::new(Seeded::new(seed));
    let options = LogOptions {
        folder: folder.join("audit"),
        origin: format!("audit.test.example/{name}"),
        role: format!("{name}-1"),
    };
    let log = Log::open(options, store.clone(), clock.clone(), random.clone(), signer.clone());
    let log = log.await.expect("an audit log");
    Zone { store, log, clock, random, signer, sealer: Arc::new(FixedSealer::named(name)) }
}
