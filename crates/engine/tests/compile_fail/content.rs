use engine::raw::{Keyed, PersonSet};

fn main() {
    let set = PersonSet::empty(Keyed::Persons);
    println!("{set:?}");
    let _copy = set.clone();
}
