fn main() {
    let raw = engine::Raw::new(5u64);
    let _copy = raw.clone();
}
