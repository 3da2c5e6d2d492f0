use engine::raw::RawMagnitude;

fn to_json(raw: &RawMagnitude) -> String {
    serde_json::to_string(raw).unwrap_or_default()
}

fn main() {}
