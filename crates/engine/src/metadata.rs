//! A [`VariableSource`] seen as the catalogue that the script checker asks: metadata only, never a value.

use std::sync::Arc;

use script::{Catalogue, RequestedVersion, StoreAnswer, VariableInfo};

use crate::source::{StoreVersion, VariableSource};

/// The metadata of a source, for `script`'s checker.
pub struct SourceCatalogue<'a>(pub &'a dyn VariableSource);

impl Catalogue for SourceCatalogue<'_> {
    fn store(&self, store: &str, version: &RequestedVersion) -> StoreAnswer {
        let stores = self.0.stores();
        if !stores.iter().any(|s| s == store) {
            return StoreAnswer::UnknownStore(stores);
        }
        let versions = self.0.versions(store);
        // Drafts are 0.0.0.<seconds> (DATA-060); a draft is read where there is one, else the newest release (DATA-064).
        let found = match version {
            RequestedVersion::Draft => versions.last().cloned(),
            RequestedVersion::Numbered(_) => versions.iter().find(|v| **v == version.to_string()).cloned(),
        };
        found.map_or(StoreAnswer::UnknownVersion(versions), StoreAnswer::Known)
    }

    fn variable(&self, store: &str, version: &str, name: &str) -> Option<Arc<VariableInfo>> {
        let at = StoreVersion { store: store.to_owned(), version: version.to_owned() };
        self.0.describe(&at, name).ok().map(|v| Arc::clone(&v.info))
    }

    fn variable_names(&self, store: &str, version: &str) -> Vec<String> {
        let at = StoreVersion { store: store.to_owned(), version: version.to_owned() };
        self.0.list(&at).unwrap_or_default()
    }

    fn store_names(&self) -> Vec<String> {
        self.0.stores()
    }
}
