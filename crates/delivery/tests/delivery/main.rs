//! Tests of deliveries through all zones: the way of a permit, faults on the way, and random permits over random data.

mod chain;
mod common;
