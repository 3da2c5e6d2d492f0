//! hap.

fn main() {}
