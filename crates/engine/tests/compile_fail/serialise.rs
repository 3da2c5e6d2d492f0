fn json<T: serde::Serialize>(_: &T) {}

fn main() {
    json(&engine::Raw::new(5u64));
    json(&engine::raw::PersonSet::empty(engine::raw::Keyed::Persons));
}
