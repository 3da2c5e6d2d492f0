use engine::Raw;

fn main() {
    let raw = Raw::new(42u64);
    let (_, _) = (raw.clone(), raw);
}
