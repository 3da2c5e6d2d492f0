//! `cargo run -p synth --example generate -- DIR [PERSONS] [SEED] [catalogue]`: writes synthetic Norway to a
//! folder.

use std::path::PathBuf;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let out = PathBuf::from(args.next().ok_or("a folder is needed")?);
    let persons = args.next().map_or(Ok(100_000), |a| a.parse())?;
    let seed = args.next().map_or(Ok(1), |a| a.parse())?;
    let catalogue = args.next().is_some_and(|a| a == "catalogue");
    let start = Instant::now();
    let summary = synth::generate(&synth::Settings { persons, seed, catalogue }, &out, &|_, _| ())?;
    eprintln!("{summary:?} in {:?}", start.elapsed());
    Ok(())
}
