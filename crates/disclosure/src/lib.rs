//! The disclosure gate: the only way from a raw result to a number that may leave (SDC-001..006).
//!
//! [`Gate::release`] takes an `engine::Raw` result, a [`Policy`], a [`Ledger`] and a [`Ctx`], and gives a [`Released`]
//! value or the reason why there is none. Counts are perturbed by cell keys and hidden when small; means carry noise of
//! their own; percentiles are averages of neighbours. Every threshold compares the released count, never the true one,
//! so that a refusal or a hidden cell tells nothing beyond it. A [`SealedDocument`] carries released results between
//! zones and to storage.
//!
//! What it is not: it computes no statistic from microdata, keeps no state of its own (the ledger is handed in), reads no
//! clock and draws no randomness. A set that is near an earlier one is answered with the values of that one (SDC-050).
//!
//! Rules by family: tables and charts (`tables`), means and percentiles (`magnitudes`), populations, edits and verdicts
//! (`population`), models (`models`), survival (`survival`), correlations and tests (`matrices`), plots (`plots`). No command
//! uses the last four yet; they take raw results that are computed when the gate has said on whom (`engine::raw::Over`).

mod additive;
mod analyses;
mod apart;
mod chi_square;
mod document;
mod example;
mod gate;
mod groups;
mod keys;
mod leaves;
mod ledger;
mod magnitudes;
mod matrices;
mod meter;
mod models;
mod near;
mod numbers;
mod plots;
mod policy;
mod population;
mod ptable;
mod publication;
mod reason;
mod recent;
mod released;
mod sets;
mod survival;
mod tables;

pub use analyses::{Prepared, mean_interval};
pub use chi_square::{ChiSquare, NeedsTwoByTwo};
pub use document::{
    Body, Chart, Content, Document, DocumentError, Done, Entry, Head, Info, Layout, Note, Scale, SealedDocument,
    SplitCode, StoreUsed, View,
};
pub use example::Example;
pub use gate::{Ctx, Gate, Releasable, Stopped};
pub use keys::{Fingerprint, GateKeys, RecordKey, Sketch, person_id};
pub use ledger::{Ledger, LedgerEntry, LedgerError, MemoryLedger, Recipe, Stored, ValueKey};
pub use meter::{Asked, AskedSet, Meter, Unmetered};
pub use policy::{
    Approval, Attachment, BudgetRules, Change, MagnitudeRules, ModelRules, NotChanged, Office, PercentileRules,
    PlotRules, Policy, PolicyBook, PolicyError, PolicyStamp, Rules, SnapRules, Subject, SurvivalRules,
};
pub use ptable::{PTable, PTableParams, Row as PTableRow};
pub use publication::Publication;
pub use reason::{Reason, Remedy, Withheld, note, perturbed};
pub use recent::RecentMembers;
pub use released::{
    Bar, Base, Blocks, Category, Cell, Correlation, Correlations, Curve, CurvePoint, DatasetKind, Dimension, Edit,
    Effect, Estimate, GroupValues, Hexagon, Hexbin, Histogram, Measure, Model, ModelHead, ModelRows, ModelTable,
    NumberKind, Output, Panel, Population, Reference, Released, Statistic, Summary, SummaryRow, Survival, SurvivalHead,
    Table, TestNumber, TestNumbers, TestResult, TestsHead, Titles, Value, Variance, Verdict,
};
pub use sets::{ByFingerprint, Candidate, KnownSet, SetIndex};
