//! explore.
