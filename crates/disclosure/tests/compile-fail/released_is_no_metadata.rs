fn main() {}

fn try_it(value: disclosure::Value, released: disclosure::Released<disclosure::Table>) {
    // What comes from data cannot stand where metadata need no gate.
    let _ = disclosure::Info::from(value);
    let _ = disclosure::Info::from(released);
}
