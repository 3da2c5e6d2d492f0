fn serialised<T: serde::Serialize>(_: T) {}

fn main() {
    serialised(kernel::IdentityNumber::synthetic(1, 1, 90, 1).unwrap());
}
