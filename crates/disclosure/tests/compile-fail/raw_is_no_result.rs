use disclosure::{Body, Output};
use engine::Raw;
use engine::raw::RawTable;

fn main() {}

// What a document, and so the API, can hold is made from released results and metadata alone.
fn into_a_document(raw: Raw<RawTable>) -> Body {
    raw.into()
}

fn into_an_output(raw: RawTable) -> Output {
    raw.into()
}
