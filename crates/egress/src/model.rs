//! Files of trained models (SDC-303): never passed by the machine. Kinds that keep their training data in them fail; what
//! is declared is looked at by a human, with the result of a membership attack beside it.

use crate::declaration::Declared;
use crate::reason::Reason;

/// The largest upper confidence limit of the area under the curve of a membership attack.
const MAX_AUC: f64 = 0.6;

/// Names of models that contain data, without signs between their words, as algorithms are named.
const KINDS: &[&str] = &[
    "knn",
    "kneighbors",
    "nearestneighbor",
    "nearestneighbour",
    "radiusneighbors",
    "svm",
    "svc",
    "svr",
    "supportvector",
    "gaussianprocess",
    "kriging",
    "kerneldensity",
    "kernelridge",
    "localoutlierfactor",
    "relevancevector",
    "prototype",
];

/// Names in files of models that contain data.
const INSIDE: &[&str] = &[
    "support_vectors",
    "supportvectors",
    "supportvectormachine",
    "svmclassifier",
    "svmregressor",
    "kneighbors",
    "nearestneighbormodel",
    "gaussianprocess",
    "_fit_x",
    "x_train",
    "y_train",
    "training_data",
    "train_data",
];

/// What speaks against a model.
pub(crate) fn judge(bytes: &[u8], declared: Option<&Declared>) -> Vec<Reason> {
    let text: String = bytes.iter().map(|b| char::from(b.to_ascii_lowercase())).collect();
    let mut found = Vec::new();
    if INSIDE.iter().any(|name| text.contains(name)) {
        found.push(Reason::ModelHoldsData);
    }
    let Some(declared) = declared.filter(|d| d.output == Some(crate::OutputType::Model)) else {
        found.push(Reason::ModelFile);
        return found;
    };
    found.push(Reason::Model);
    let Some(evidence) = &declared.model else {
        found.push(Reason::ModelUntested);
        return found;
    };
    let algorithm: String = evidence.algorithm.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect();
    if KINDS.iter().any(|kind| algorithm.contains(kind)) {
        found.push(Reason::ModelHoldsData);
    }
    if evidence.membership_auc_upper.is_none_or(|auc| auc > MAX_AUC) {
        found.push(Reason::ModelUntested);
    }
    found
}
