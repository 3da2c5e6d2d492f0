//! Tests of deliveries through all zones: the way of a permit, orders, faults on the way, and random permits over random
//! data.

mod chain;
mod common;
mod faults;
mod orders;
mod permits;
mod random_permits;
