use engine::Raw;

fn main() {
    let raw = Raw::new(42u64);
    println!("{}", raw);
}
