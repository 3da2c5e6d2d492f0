//! What a statement that succeeded wants said. Decided from metadata alone, so that it tells nothing of the data (LANG-243).

use kernel::LangMap;

/// A warning of a statement.
#[derive(Clone, PartialEq, Debug)]
pub struct Warning {
    /// Stable code.
    pub code: script::Code,
    /// What to know, in every language.
    pub message: LangMap,
}

impl Warning {
    /// LANG-078: decided on the size of the unit space, never on a population.
    pub(super) fn large_panel() -> Self {
        Self {
            code: script::Code::W608,
            message: LangMap::of(
                "Panelet kan ha over en million enheter. Bruk clone-units for å lage et mindre.",
                "Panelet kan ha over ein million einingar. Bruk clone-units for å lage eit mindre.",
                "The panel may have over a million units. Use clone-units to make a smaller one.",
            ),
        }
    }
}
