use disclosure::{KnownSet, LedgerEntry};

fn main() {}

// Both hold a true count (SDC-180).
fn print(entry: &LedgerEntry, set: &KnownSet) -> String {
    format!("{:?} {:?}", entry, set)
}

fn to_json(entry: &LedgerEntry) -> String {
    serde_json::to_string(entry).unwrap_or_default()
}
