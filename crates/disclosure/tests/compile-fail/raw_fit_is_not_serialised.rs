use engine::raw::{RawCurves, RawFit};

fn main() {}

fn to_json(fit: &RawFit, curves: &RawCurves) -> String {
    format!("{:?} {}", fit, serde_json::to_string(curves).unwrap_or_default())
}
