use disclosure::{Population, Released};

fn forge(population: Population) -> Released<Population> {
    Released::new(disclosure::Policy::standard().stamp(), population)
}

fn main() {}
