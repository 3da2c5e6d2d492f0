//! Protocol P1 against the published vectors, and its properties (KEY-030 to KEY-036, KEY-110, KEY-112).
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::HashSet;

use keys::canonical::CanonicalId;
use keys::pseudonym::{Pseudonym, RoomStep, SourceStep};
use proptest::prelude::*;

fn key(text: &str) -> [u8; 32] {
    hex::decode(text).unwrap().try_into().unwrap()
}

#[test]
fn key_110_vectors() {
    let mut rows = 0;
    for row in csv::Reader::from_path("tests/data/p1_vectors.csv").unwrap().records() {
        let row = row.unwrap();
        let (_, id) = CanonicalId::parse(row[2].as_bytes()).unwrap();
        let y = SourceStep::new(&key(&row[3])).y(&id);
        assert_eq!(hex::encode(y), row[5], "row {}", &row[0]);
        let mut value = [y];
        RoomStep::new(&key(&row[4])).apply(&mut value);
        assert_eq!(hex::encode(value[0]), row[6], "row {}", &row[0]);
        let pseudonym = Pseudonym(value[0]);
        assert_eq!(pseudonym.exchange(), row[7], "row {}", &row[0]);
        assert_eq!(Pseudonym::from_exchange(&row[7]).unwrap(), pseudonym);
        rows += 1;
    }
    assert_eq!(rows, 32);
}

#[test]
fn key_112_injective_on_a_million_ids() {
    let ordinals: Vec<u32> = (0..1_000_000).collect();
    let mut values = SourceStep::new(&[5; 32]).y_of_ordinals(&ordinals);
    assert_eq!(values[77], SourceStep::new(&[5; 32]).y(&CanonicalId::ordinal(77)));
    RoomStep::new(&[6; 32]).apply(&mut values);
    let distinct: HashSet<[u8; 16]> = values.iter().copied().collect();
    assert_eq!(distinct.len(), values.len());
    assert!(!distinct.contains(&[0; 16]));
}

/// Two permits, the same 20 000 persons: a common 4-byte prefix at the same place would happen by chance in 1 of
/// 200 000 runs; the keys are fixed, so the outcome is too.
#[test]
fn key_112_values_of_two_permits_are_unlinkable() {
    let ordinals: Vec<u32> = (0..20_000).collect();
    let of = |k_in: [u8; 32], k_out: [u8; 32]| {
        let mut values = SourceStep::new(&k_in).y_of_ordinals(&ordinals);
        RoomStep::new(&k_out).apply(&mut values);
        values
    };
    let (a, b) = (of([1; 32], [2; 32]), of([3; 32], [4; 32]));
    assert!(a.iter().zip(&b).all(|(x, y)| x[..4] != y[..4]));
    let other_room = of([1; 32], [4; 32]);
    assert!(a.iter().zip(&other_room).all(|(x, y)| x[..4] != y[..4]));
}

#[test]
fn key_031_same_person_same_value_and_padding_belongs_to_nobody() {
    let step = SourceStep::new(&[1; 32]);
    assert_eq!(step.y_of_ordinals(&[4, 4])[0], step.y_of_ordinals(&[4])[0]);
    let padding: HashSet<_> = (0..100).map(|row| step.padding(&[9; 16], row)).collect();
    assert_eq!(padding.len(), 100);
    assert!((0..10_000).all(|o| !padding.contains(&step.y(&CanonicalId::ordinal(o)))));
    assert_ne!(step.padding(&[9; 16], 0), step.padding(&[8; 16], 0));
}

#[test]
fn key_045_a_failed_row_stays_failed() {
    let mut values = [[0u8; 16], [1; 16]];
    RoomStep::new(&[1; 32]).apply(&mut values);
    assert_eq!(values[0], [0; 16]);
    assert_ne!(values[1], [1; 16]);
}

proptest! {
    #[test]
    fn key_036_exchange_form(bytes in any::<[u8; 16]>(), at in 0usize..27, with in "[0-9A-Za-z]") {
        let pseudonym = Pseudonym(bytes);
        let text = pseudonym.exchange();
        prop_assert_eq!(text.len(), 27);
        prop_assert_eq!(Pseudonym::from_exchange(&text).unwrap(), pseudonym);
        let mut changed = text.clone();
        changed.replace_range(at..=at, &with);
        if changed != text {
            prop_assert!(Pseudonym::from_exchange(&changed).is_err(), "any single wrong character is found");
        }
        prop_assert!(Pseudonym::from_exchange(&text.to_lowercase()).is_err() || text == text.to_lowercase());
        prop_assert!(Pseudonym::from_exchange(&text[..26]).is_err());
    }

    /// KEY-033: no 8-byte window of an output equals a window of the number it was made from.
    #[test]
    fn key_033_no_output_shows_its_number(number in "[0-9]{11}", k_in in any::<[u8; 32]>(), k_out in any::<[u8; 32]>()) {
        let (_, id) = CanonicalId::parse(format!("N:{number}").as_bytes()).unwrap();
        let mut values = [SourceStep::new(&k_in).y(&id)];
        let y = values[0];
        RoomStep::new(&k_out).apply(&mut values);
        let exchange = Pseudonym(values[0]).exchange();
        for window in number.as_bytes().windows(8) {
            for output in [&y[..], &values[0][..], exchange.as_bytes(), format!("{id:?} {:?}", Pseudonym(values[0])).as_bytes()] {
                prop_assert!(!output.windows(8).any(|w| w == window));
            }
        }
    }

    #[test]
    fn key_033_invalid_input_gives_no_id(text in "\\PC{0,30}") {
        if let Some((_, id)) = CanonicalId::parse(text.as_bytes()) {
            prop_assert!(text.as_bytes()[1] == b':' && id.as_bytes() == text.as_bytes());
        }
    }
}
