use disclosure::{Output, Released};

fn forge(text: &str) -> Released<Output> {
    serde_json::from_str(text).unwrap()
}

fn main() {}
