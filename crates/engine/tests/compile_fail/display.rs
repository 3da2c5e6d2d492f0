fn main() {
    let raw = engine::Raw::new(5u64);
    println!("{raw}");
}
