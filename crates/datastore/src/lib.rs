//! datastore.
