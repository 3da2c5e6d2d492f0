use engine::Raw;
use engine::raw::RawTable;

fn to_json(raw: &Raw<RawTable>) -> String {
    serde_json::to_string(raw).unwrap_or_default()
}

fn main() {}
