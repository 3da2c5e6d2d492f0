fn text(_: impl Into<String>) {}

fn main() {
    text(kernel::IdentityNumber::synthetic(1, 1, 90, 1).unwrap());
}
