//! Runs as they go: started, waiting, followed, cancelled, shared. The gate's ledger stands still until the test lets it go,
//! so that a run is at work for as long as a test needs.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use crate::common::{SCRIPT, TwoZones, two_zones, two_zones_with};
use disclosure::{
    Candidate, Fingerprint, KnownSet, Ledger, LedgerEntry, LedgerError, MemoryLedger, Sketch, Stored, ValueKey,
};
use explore::{RunRequest, RunState, Share};
use identity::Role;
use kernel::{Language, Problem};
use roaring::RoaringBitmap;
use testkit::actor;

fn request(text: &str) -> RunRequest {
    RunRequest::new(text, Language::Nb)
}

/// Closed: who writes to the ledger waits.
#[derive(Clone, Default)]
struct Barrier(Arc<(Mutex<bool>, Condvar)>);

impl Barrier {
    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        drop(self.0.1.wait_while(self.0.0.lock().unwrap(), |open| !*open).unwrap());
    }
}

struct Waiting {
    inner: MemoryLedger,
    barrier: Barrier,
}

impl Ledger for Waiting {
    fn candidates(&self, n: u64, s: &Sketch, r: u64) -> Result<Vec<Candidate>, LedgerError> {
        self.inner.candidates(n, s, r)
    }
    fn root(&self, set: Fingerprint) -> Result<Option<Arc<KnownSet>>, LedgerError> {
        self.inner.root(set)
    }
    fn members(&self, set: Fingerprint) -> Result<Option<Arc<RoaringBitmap>>, LedgerError> {
        self.inner.members(set)
    }
    fn read(&self, key: &ValueKey) -> Result<Option<Stored>, LedgerError> {
        self.inner.read(key)
    }
    fn append(&mut self, entries: &[LedgerEntry]) -> Result<(), LedgerError> {
        self.barrier.pass();
        self.inner.append(entries)
    }
}

/// Zones with one place for runs, and the barrier before it.
async fn standing_still() -> (TwoZones, Barrier) {
    let barrier = Barrier::default();
    let ledger = Waiting { inner: MemoryLedger::new(), barrier: barrier.clone() };
    (two_zones_with(true, Box::new(ledger), 1).await, barrier)
}

/// LANG-331: a run is acknowledged at once, followed by statement and share, and ends with its results.
#[tokio::test(flavor = "multi_thread")]
async fn lang_331_a_run_is_followed() {
    let (zones, barrier) = standing_still().await;
    let anna = actor("anna", Role::Researcher, "uio");
    let id = zones.workspace.start(&anna, &request(SCRIPT)).await.unwrap();
    let mut progress = zones.workspace.follow(&anna, id).await.unwrap();
    let at = *progress.wait_for(|p| p.line == 4).await.unwrap();
    assert_eq!((at.state, at.statement, at.of), (RunState::Running, 3, 10));
    assert_eq!(at.share % 5, 0, "SDC-180: shares are coarse");
    let open = zones.workspace.run_view(&anna, id).await.unwrap();
    assert_eq!((open.state, open.released), (RunState::Running, None));
    let bo = actor("bo", Role::Researcher, "uio");
    assert_eq!(zones.workspace.follow(&bo, id).await.err(), Some(Problem::not_found("run")));
    barrier.open();
    progress.wait_for(|p| !p.state.is_open()).await.unwrap();
    let ended = zones.workspace.run_view(&anna, id).await.unwrap();
    assert_eq!((ended.state, ended.released.unwrap().results.len()), (RunState::Finished, 7));
    // SDC-182: the time is told in slots.
    assert_eq!(ended.duration_ms, Some(50));
}

/// ENG-035: a run that waits, and one that works, end within 200 ms when their owner says so.
#[tokio::test(flavor = "multi_thread")]
async fn eng_035_cancelling_reaches_the_data_zone() {
    let (zones, barrier) = standing_still().await;
    let anna = actor("anna", Role::Researcher, "uio");
    let first = zones.workspace.start(&anna, &request(SCRIPT)).await.unwrap();
    zones.workspace.follow(&anna, first).await.unwrap().wait_for(|p| p.line == 4).await.unwrap();
    let second = zones.workspace.start(&anna, &request("textblock\nhei\nendblock\n")).await.unwrap();
    let mut waiting = zones.workspace.follow(&anna, second).await.unwrap();
    assert_eq!(waiting.borrow_and_update().state, RunState::Queued);

    let bo = actor("bo", Role::Researcher, "uio");
    assert_eq!(zones.workspace.cancel(&bo, second).await, Err(Problem::not_found("run")));
    let told = Instant::now();
    assert_eq!(zones.workspace.cancel(&anna, second).await, Ok(true));
    waiting.wait_for(|p| p.state == RunState::Stopped).await.unwrap();
    assert!(told.elapsed() < Duration::from_millis(200), "{:?}", told.elapsed());

    // The one at work stands in the gate; it ends as soon as the statement does, without what it had released.
    assert_eq!(zones.workspace.cancel(&anna, first).await, Ok(true));
    let mut working = zones.workspace.follow(&anna, first).await.unwrap();
    barrier.open();
    working.wait_for(|p| p.state == RunState::Stopped).await.unwrap();
    let view = zones.workspace.run_view(&anna, first).await.unwrap();
    assert_eq!((view.diagnostics[0].code.as_str(), view.released), ("cancelled", None));
    assert_eq!(zones.workspace.cancel(&anna, first).await, Ok(false), "it has ended");
    assert!(zones.data.actions().await.contains(&"explore.end failed cancelled".to_owned()));
    // What was done before it was cancelled is not lost.
    let again = zones.workspace.run(&anna, &request(SCRIPT)).await.unwrap();
    assert_eq!(again.state, RunState::Finished);
}

/// Section 11: eight runs of a workspace wait; the next is refused and says so, and other workspaces are not affected.
#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_has_a_limited_queue() {
    let (zones, barrier) = standing_still().await;
    let anna = actor("anna", Role::Researcher, "uio");
    let mut runs = Vec::new();
    for _ in 0..9 {
        runs.push(zones.workspace.start(&anna, &request(SCRIPT)).await.unwrap());
    }
    let full = zones.workspace.start(&anna, &request(SCRIPT)).await;
    assert_eq!(full, Err(Problem::busy("runs that wait")));
    assert_eq!(full.unwrap_err().status(), 429);
    let bo = actor("bo", Role::Student, "uio");
    let other = zones.workspace.start(&bo, &request(SCRIPT)).await.unwrap();
    barrier.open();
    runs.push(other);
    for (i, run) in runs.into_iter().enumerate() {
        let who = if run == other { &bo } else { &anna };
        let mut progress = zones.workspace.follow(who, run).await.unwrap();
        progress.wait_for(|p| !p.state.is_open()).await.unwrap();
        assert_eq!(zones.workspace.run_view(who, run).await.unwrap().state, RunState::Finished, "run {i}");
    }
}

/// LANG-357: a link shows a run to those it is shared with, and runs nothing.
#[tokio::test]
async fn lang_357_a_run_is_shared_by_its_owner() {
    let zones = two_zones(true).await;
    let (anna, bo, eli) = (
        actor("anna", Role::Researcher, "uio"),
        actor("bo", Role::Student, "uio"),
        actor("eli", Role::Student, "ntnu"),
    );
    let run = zones.workspace.run(&anna, &request(SCRIPT)).await.unwrap();
    let before = zones.data.actions().await.len();
    let missing = Err(Problem::not_found("run"));
    assert_eq!(zones.workspace.shared_view(&bo, run.id).await, missing);
    assert_eq!(zones.workspace.share(&bo, run.id, Share::Anyone).await, Err(Problem::not_found("run")));
    zones.workspace.share(&anna, run.id, Share::Organisation).await.unwrap();
    let seen = zones.workspace.shared_view(&bo, run.id).await.unwrap();
    assert_eq!((&seen.released, &seen.text, seen.share), (&run.released, &run.text, Share::Organisation));
    assert_eq!(zones.workspace.shared_view(&eli, run.id).await, missing);
    zones.workspace.share(&anna, run.id, Share::Anyone).await.unwrap();
    assert!(zones.workspace.shared_view(&eli, run.id).await.is_ok());
    assert_eq!(zones.workspace.run_view(&eli, run.id).await, missing, "looking is not owning");
    zones.workspace.share(&anna, run.id, Share::Me).await.unwrap();
    assert_eq!(zones.workspace.shared_view(&eli, run.id).await, missing);
    assert_eq!(zones.data.actions().await.len(), before, "nothing was run");
    assert!(zones.centre.actions().await.contains(&"explore.share ok".to_owned()));
}
