fn main() {
    println!("{:?}", disclosure::GateKeys::new([0; 32], [0; 32]));
}
