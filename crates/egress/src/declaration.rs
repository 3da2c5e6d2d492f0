//! `egress.json`: what the researcher declares about the files of a release. Everything in it is optional; what is missing
//! becomes a question to a human. It is read strictly: a field that is not known is a fault, not silence.

use serde::{Deserialize, Serialize};

use crate::output::OutputType;

/// The name of the declaration in a folder. It stays in the room.
pub const DECLARATION: &str = "egress.json";

/// The most outputs that one declaration describes.
const MAX_OUTPUTS: usize = 10_000;

/// What is declared of a release.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declarations {
    /// Per file or table.
    #[serde(default)]
    pub outputs: Vec<Declared>,
}

/// What is declared of a file, or of one table in it.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Declared {
    /// The file.
    pub file: String,
    /// The table: the name of a sheet, or a number; all tables of the file when it is missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// What it is.
    #[serde(default, rename = "type", skip_serializing_if = "Option::is_none")]
    pub output: Option<OutputType>,
    /// The population it is about: outputs of the same population are compared (SDC-304).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub population: Option<String>,
    /// Persons in the sample.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub n: Option<u64>,
    /// Fewest contributors or units behind any number of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_contributors: Option<u64>,
    /// Evidence about the largest contributors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dominance: Option<DominanceEvidence>,
    /// Fewest degrees of freedom of a test or correlation.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub degrees_of_freedom: Option<f64>,
    /// The design of a model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub design: Option<Design>,
    /// The file whose table a figure was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_from: Option<String>,
    /// Whether a figure has a point per person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub individuals: Option<bool>,
    /// What is known of a trained model.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<ModelEvidence>,
}

/// Evidence about the largest contributors x1 and x2 to a sum, the worst of all cells (SDC-100).
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DominanceEvidence {
    /// The sum without x1 and x2, as per cent of x1; the smallest of all cells.
    pub rest_percent: f64,
    /// The share of x1 and x2 in the sum, 0 to 1; the largest of all cells.
    pub top_two_share: f64,
}

/// The design of a model, computed where the data are.
#[derive(Clone, Copy, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Design {
    /// Persons in the sample.
    pub observations: u64,
    /// Parameters, the constant included.
    pub parameters: u64,
    /// Persons on the smaller side of the smallest dummy; missing when there is no dummy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub smallest_dummy: Option<u64>,
    /// The largest concentration of a column (SDC section 10), 0 to 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concentration: Option<f64>,
}

/// What is known of a trained model.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelEvidence {
    /// What kind of model, e.g. `random_forest`.
    pub algorithm: String,
    /// Upper confidence limit of the area under the curve of a membership attack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub membership_auc_upper: Option<f64>,
}

/// A declaration that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the declaration is not valid: see docs/egress.md for its fields")]
pub struct BadDeclaration;

impl Declarations {
    /// Reads a declaration.
    ///
    /// # Errors
    /// [`BadDeclaration`] for anything but the fields above, numbers out of range, or too many outputs.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadDeclaration> {
        if bytes.len() > 4 << 20 {
            return Err(BadDeclaration);
        }
        let read: Self = serde_json::from_slice(bytes).map_err(|_| BadDeclaration)?;
        let share = |x: f64| (0.0..=1.0).contains(&x);
        let sound = |d: &Declared| {
            d.dominance.is_none_or(|e| share(e.top_two_share) && e.rest_percent >= 0.0)
                && d.design.is_none_or(|e| e.concentration.is_none_or(share))
                && d.degrees_of_freedom.is_none_or(|f| f >= 0.0)
                && d.model.as_ref().and_then(|m| m.membership_auc_upper).is_none_or(share)
        };
        if read.outputs.len() > MAX_OUTPUTS || !read.outputs.iter().all(sound) {
            return Err(BadDeclaration);
        }
        Ok(read)
    }

    /// What is declared of a table: its own entry, or that of the whole file.
    pub(crate) fn of(&self, file: &str, table: Option<&str>) -> Option<&Declared> {
        let of_file = || self.outputs.iter().filter(|d| d.file == file);
        let own = table.and_then(|t| of_file().find(|d| d.table.as_deref() == Some(t)));
        own.or_else(|| of_file().find(|d| d.table.is_none()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn declarations_are_read_strictly() {
        let text = r#"{"outputs":[{"file":"a.xlsx","type":"frequency"},{"file":"a.xlsx","table":"B","type":"summary","n":4}]}"#;
        let read = Declarations::parse(text.as_bytes()).unwrap();
        assert_eq!(read.of("a.xlsx", Some("A")).unwrap().output, Some(OutputType::Frequency));
        assert_eq!(read.of("a.xlsx", Some("B")).unwrap().n, Some(4));
        assert!(read.of("b.xlsx", None).is_none());
        for bad in [
            "",
            r#"{"outputs":[{"file":"a","kind":"frequency"}]}"#,
            r#"{"outputs":[{"file":"a","type":"poem"}]}"#,
            r#"{"outputs":[{"file":"a","dominance":{"rest_percent":5,"top_two_share":1.2}}]}"#,
            r#"{"outputs":[{"file":"a","design":{"observations":5,"parameters":1,"concentration":-1}}]}"#,
        ] {
            assert!(Declarations::parse(bad.as_bytes()).is_err(), "{bad}");
        }
    }
}
