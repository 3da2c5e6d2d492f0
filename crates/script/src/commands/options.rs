//! The options, by command. `flag` and `with` are of the original language, `own` of section 12.

use super::{OptionShape, OptionSpec};

const fn flag(name: &'static str) -> OptionSpec {
    with(name, OptionShape::Flag)
}

const fn with(name: &'static str, shape: OptionShape) -> OptionSpec {
    OptionSpec { name, shape, available: true, extension: false }
}

const fn own(name: &'static str, shape: OptionShape) -> OptionSpec {
    OptionSpec { name, shape, available: true, extension: true }
}

use OptionShape::{
    Choice, Codes, Date, Flag, Nested, NewName, Number, OptionalVariable, Terms, Text, Variable, Variables,
};

const SPLIT: OptionSpec = own("split", Choice(&["largest", "missing", "error"]));
const HARMONISE_INNER: &[OptionSpec] = &[own("to", Date), SPLIT];

pub const IMPORT: &[OptionSpec] = &[flag("outer_join"), own("harmonise", Nested(HARMONISE_INNER))];
pub const IMPORT_PANEL: &[OptionSpec] = &[own("harmonise", Nested(HARMONISE_INNER))];
pub const CLONE_VARIABLES: &[OptionSpec] = &[with("prefix", Text), with("suffix", Text)];
pub const BY: &[OptionSpec] = &[with("by", Variables)];
pub const RECODE: &[OptionSpec] = &[with("prefix", Text), with("generate", Text)];
pub const DESTRING: &[OptionSpec] = &[with("prefix", Text), with("ignore", Text), flag("force"), flag("dpcomma")];
pub const SUMMARIZE: &[OptionSpec] = &[flag("gini"), flag("iqr")];

pub const TABULATE: &[OptionSpec] = &[
    flag("freq"),
    flag("rowpct"),
    flag("colpct"),
    flag("cellpct"),
    flag("missing"),
    flag("nolabels"),
    flag("chi2"),
    flag("flatten"),
    with("rowsort", Codes),
    with("colsort", Codes),
    with("top", Number),
    with("bottom", Number),
    with("summarize", Variable),
    flag("mean"),
    flag("std"),
    flag("sum"),
    flag("p25"),
    flag("p50"),
    flag("p75"),
    flag("gini"),
    flag("iqr"),
    own("rows", Variables),
    own("cols", Variables),
    own("additive", Flag),
    own("publish", Flag),
    own("base", Number),
];

pub const TABULATE_PANEL: &[OptionSpec] = &[
    flag("freq"),
    flag("rowpct"),
    flag("colpct"),
    flag("cellpct"),
    flag("missing"),
    flag("nolabels"),
    flag("chi2"),
    with("summarize", Variable),
    flag("mean"),
    flag("std"),
    flag("sum"),
    flag("p25"),
    flag("p50"),
    flag("p75"),
    flag("gini"),
    flag("iqr"),
];

/// Options of `tabulate` that need `summarize()`.
pub const TABULATE_STATISTICS: &[&str] = &["mean", "std", "sum", "p25", "p50", "p75", "gini", "iqr"];

pub const CORRELATE: &[OptionSpec] = &[flag("covariance"), flag("pairwise"), flag("obs"), flag("sig")];
pub const CI: &[OptionSpec] = &[with("level", Number)];
pub const ANOVA: &[OptionSpec] = &[flag("noconstant"), flag("posthoc"), own("sequential", Flag)];

pub const BARCHART: &[OptionSpec] = &[with("over", Variables), with("by", Variable), flag("stack"), flag("horizontal")];
pub const BOXPLOT: &[OptionSpec] = &[with("over", Variables), flag("horizontal")];
pub const HISTOGRAM: &[OptionSpec] = &[
    with("by", Variable),
    flag("density"),
    flag("freq"),
    flag("fraction"),
    flag("percent"),
    with("bin", Number),
    with("width", Number),
    flag("discrete"),
    flag("normal"),
];
pub const HEXBIN: &[OptionSpec] = &[with("gridsize", Number), with("groups", Number)];

const NOCONSTANT: OptionSpec = flag("noconstant");
const LEVEL: OptionSpec = with("level", Number);
const ROBUST: OptionSpec = flag("robust");
const CLUSTER: OptionSpec = with("cluster", Variable);
const CONTROL: OptionSpec = with("control", Terms);
const MARGINS: OptionSpec = with("margins", OptionalVariable);
const MFX: OptionSpec = with("mfx", Choice(&["dydx", "eyex", "dyex", "eydx"]));
const MFX_AT: OptionSpec = with("mfx_at", Choice(&["overall", "mean", "median", "zero"]));

pub const REGRESS: &[OptionSpec] = &[
    NOCONSTANT,
    LEVEL,
    ROBUST,
    CLUSTER,
    CONTROL,
    MARGINS,
    flag("standardize"),
    flag("ov"),
    flag("vif"),
    flag("het_bp"),
    flag("het_iid"),
    flag("het_fstat"),
];
pub const LOGIT: &[OptionSpec] = &[MFX, MFX_AT, NOCONSTANT, LEVEL, flag("or"), ROBUST, CLUSTER, CONTROL, MARGINS];
pub const PROBIT: &[OptionSpec] = &[MFX, MFX_AT, NOCONSTANT, LEVEL, ROBUST, CLUSTER, CONTROL, MARGINS];
pub const MLOGIT: &[OptionSpec] = &[MFX, MFX_AT, NOCONSTANT, LEVEL, ROBUST, CLUSTER, CONTROL];
pub const COUNTS: &[OptionSpec] =
    &[NOCONSTANT, LEVEL, ROBUST, CLUSTER, CONTROL, flag("irr"), with("exposure", Variable)];
pub const IVREGRESS: &[OptionSpec] = &[
    flag("tsls"),
    flag("liml"),
    flag("gmm"),
    NOCONSTANT,
    LEVEL,
    ROBUST,
    CLUSTER,
    flag("endog"),
    flag("firststage"),
    flag("overid"),
];
pub const PANEL: &[OptionSpec] =
    &[flag("fe"), flag("re"), flag("be"), flag("pooled"), NOCONSTANT, LEVEL, ROBUST, CLUSTER];
pub const PANEL_DIFF: &[OptionSpec] = &[LEVEL, ROBUST, CLUSTER];
pub const HAUSMAN: &[OptionSpec] = &[NOCONSTANT, LEVEL, flag("sigmamore"), flag("sigmaless"), flag("include_constant")];
pub const OAXACA: &[OptionSpec] = &[ROBUST, NOCONSTANT, flag("pool")];
pub const MML: &[OptionSpec] = &[CONTROL, NOCONSTANT, LEVEL];
pub const RDD: &[OptionSpec] = &[
    with("cutoff", Number),
    with("polynomial", Number),
    with("fuzzy", Variable),
    with("derivate", Number),
    LEVEL,
    CLUSTER,
];

const PREDICTED: OptionSpec = with("predicted", NewName);
const RESIDUALS: OptionSpec = with("residuals", NewName);
const PROBABILITIES: OptionSpec = with("probabilities", NewName);

pub const REGRESS_PREDICT: &[OptionSpec] = &[PREDICTED, RESIDUALS, with("cooksd", NewName), NOCONSTANT];
pub const LOGIT_PREDICT: &[OptionSpec] = &[PROBABILITIES, PREDICTED, RESIDUALS, NOCONSTANT];
pub const PROBIT_PREDICT: &[OptionSpec] = &[PROBABILITIES, PREDICTED, NOCONSTANT];
pub const COUNTS_PREDICT: &[OptionSpec] = &[PREDICTED, RESIDUALS, NOCONSTANT, with("exposure", Variable)];
pub const IV_PREDICT: &[OptionSpec] = &[PREDICTED, RESIDUALS, flag("tsls"), flag("liml"), flag("gmm"), NOCONSTANT];
pub const PANEL_PREDICT: &[OptionSpec] =
    &[PREDICTED, RESIDUALS, with("effects", NewName), flag("fe"), flag("re"), flag("be"), flag("pooled"), NOCONSTANT];
pub const MML_PREDICT: &[OptionSpec] = &[PREDICTED, RESIDUALS, NOCONSTANT];

pub const SURVIVAL: &[OptionSpec] = &[with("by", Variable)];
pub const COX: &[OptionSpec] = &[flag("hazard"), LEVEL];
pub const SAVE: &[OptionSpec] = &[flag("edit")];
pub const HARMONISE: &[OptionSpec] = &[own("from", Date), own("to", Date), SPLIT];
pub const EXPORT: &[OptionSpec] =
    &[own("format", Choice(&["json", "csv", "parquet", "html", "latex", "svg", "png", "pdf"])), own("name", Text)];
pub const ASSERT: &[OptionSpec] = &[own("message", Text)];
