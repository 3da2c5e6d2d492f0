fn main() {
    let number = kernel::IdentityNumber::synthetic(1, 1, 90, 1).unwrap();
    println!("{number}");
}
