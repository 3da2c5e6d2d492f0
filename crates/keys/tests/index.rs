//! Ids to ordinals (KEY-012 to KEY-016, KEY-033, KEY-081, DATA-083, DATA-087), on both databases.
#![expect(clippy::unwrap_used, reason = "tests")]

mod world;

use std::collections::HashSet;

use kernel::identity_number::Environment;
use keys::{KeyService, KeyServiceParts};
use protocol::calls::{Frame, IdCheck, IndexRegister, RowCode, index_register};
use protocol::{Party, Service as _};
use world::{World, numbers};

#[tokio::test]
async fn key_014_ordinals_are_dense_shuffled_and_stay() {
    testkit::zones("keys", async |zone| {
        let mut world = World::new(zone).await;
        let ids = numbers(3_000);
        let first = world.register(&ids[..2_000]).await;
        assert!(first.errors.is_empty());
        let dense: HashSet<u32> = first.ordinals.iter().copied().collect();
        assert_eq!(dense, (0..2_000).collect());
        let in_order = first.ordinals.windows(2).filter(|w| w[0] + 1 == w[1]).count();
        assert!(in_order < 20, "the order of a batch says nothing: {in_order} neighbours");

        // The same again, a mix of old and new, doublets in one batch; after a restart too.
        assert_eq!(world.register(&ids[..2_000]).await, first);
        world.restart();
        let mixed: Vec<String> = [&ids[1_000..], &ids[..1_000], &ids[2_500..2_600]].concat();
        let second = world.register(&mixed).await;
        assert_eq!(second.ordinals[..1_000], first.ordinals[1_000..2_000]);
        assert_eq!(second.ordinals[2_000..3_000], first.ordinals[..1_000]);
        assert_eq!(second.ordinals[1_500..1_600], second.ordinals[3_000..]);
        let all: HashSet<u32> = second.ordinals.iter().copied().collect();
        assert_eq!(all, (0..3_000).collect());
        let actions = world.zone.actions().await;
        assert_eq!(actions, vec!["keys.register ok"; 3]);
    })
    .await;
}

#[tokio::test]
async fn two_processes_never_give_two_ordinals_to_one_person() {
    testkit::zones("keys", async |zone| {
        let world = World::new(zone).await;
        let other = KeyService::new(KeyServiceParts {
            zone: world.zone.zone(),
            keystore: world.keystore.clone(),
            directory: world.directory.clone(),
            channel: world.centre.clone(),
            ledger_dir: world.ledger_dir(),
            environment: Environment::Test,
        })
        .unwrap();
        let ids = numbers(300);
        let header = IndexRegister { job: "j".into(), id_type: "FNR".into(), check: IdCheck::National, space: None };
        let register = async |ids: &[String]| {
            let body = Frame::new(header.clone(), index_register::encode(ids).unwrap()).encode().unwrap();
            let answer = other.handle(&Party::Data, IndexRegister::KIND, body).await.unwrap();
            index_register::decode_answer(&answer, ids.len()).unwrap()
        };
        let a = world.register(&ids[..100]).await;
        let b = register(&ids[..200]).await;
        assert_eq!(a.ordinals, b.ordinals[..100]);
        let c = world.register(&ids).await;
        assert_eq!(c.ordinals[..200], b.ordinals);
        assert_eq!(register(&ids).await, c);
    })
    .await;
}

#[tokio::test]
async fn key_033_a_bad_number_gives_an_error_row_and_nothing_else() {
    let world = World::new(testkit::zone("keys").await).await;
    let good = numbers(2);
    let mut wrong = good[0].clone().into_bytes();
    wrong[10] = if wrong[10] == b'9' { b'0' } else { wrong[10] + 1 };
    let ids: Vec<String> = vec![
        good[0].clone(),
        String::from_utf8(wrong).unwrap(),
        good[1][..10].to_owned(),
        String::new(),
        format!("{} {}", &good[1][..6], &good[1][6..]),
        "01010112345".into(),
    ];
    let answer = world.register(&ids).await;
    let refused: Vec<(u32, RowCode)> = answer.errors.iter().map(|e| (e.index, e.code)).collect();
    assert_eq!(refused, [1, 2, 3, 5].map(|i| (i, RowCode::InvalidNumber)));
    assert!([1, 2, 3, 5].iter().all(|i| answer.ordinals[*i] == IndexRegister::REFUSED));
    let clean = world.register(&good).await;
    assert_eq!([answer.ordinals[0], answer.ordinals[4]], clean.ordinals[..], "blanks are stripped (KEY-011)");
}

#[tokio::test]
async fn data_087_invented_ids_live_in_a_space_of_their_own() {
    let world = World::new(testkit::zone("keys").await).await;
    let ids = numbers(50);
    let persons = world.register(&ids).await;
    let invented: Vec<String> = (0..40).map(|i| format!("1000000000{i:04}")).collect();
    let a = world.register_as("FNR", IdCheck::Opaque, Some("demo.golden"), &invented).await.unwrap();
    assert!(a.errors.is_empty());
    assert_eq!(a.ordinals.iter().copied().collect::<HashSet<_>>(), (0..40).collect());
    let b = world.register_as("FNR", IdCheck::Opaque, Some("demo.other"), &invented[..3]).await.unwrap();
    assert_eq!(b.ordinals.iter().copied().collect::<HashSet<_>>(), (0..3).collect());
    let units = world.register_as("NPR_EPISODE_ID", IdCheck::National, None, &invented).await.unwrap();
    assert!(units.errors.is_empty(), "only identity numbers have control digits");
    assert_eq!(world.register(&ids).await, persons);

    // The same number as an opaque id is not that person.
    let as_text = world.register_as("FNR", IdCheck::Opaque, Some("demo.golden"), &ids[..1]).await.unwrap();
    assert_eq!(as_text.ordinals, [40]);
    assert!(world.register_as("FNR", IdCheck::Opaque, None, &ids[..1]).await.is_err());
    assert!(world.register_as("FNR; DROP", IdCheck::National, None, &ids[..1]).await.is_err());
}

#[tokio::test]
async fn units_keep_their_ordinals_over_batches_and_restarts() {
    let mut world = World::new(testkit::zone("keys").await).await;
    let ids: Vec<String> = (0..500).map(|i| format!("E{i}")).collect();
    let register = async |world: &World, ids: &[String]| {
        world.register_as("NPR_EPISODE_ID", IdCheck::National, None, ids).await.unwrap().ordinals
    };
    let a = register(&world, &ids[..300]).await;
    let b = register(&world, &ids[200..]).await;
    assert_eq!(a[200..], b[..100]);
    world.restart();
    let c = register(&world, &ids).await;
    assert_eq!(c[..300], a[..]);
    assert_eq!(c[200..], b[..]);
    assert_eq!(c.iter().copied().collect::<HashSet<_>>(), (0..500).collect());
}

/// KEY-033, KEY-081: no 8-byte window of what lies on disk equals a part of a number that was registered.
#[tokio::test]
async fn key_081_no_number_lies_anywhere_in_clear() {
    let world = World::new(testkit::zone("keys").await).await;
    let ids = numbers(200);
    world.register(&ids).await;
    world.choose(&ids[3], protocol::documents::ChoiceKind::Reservation, "npr", true).await.unwrap();
    world.me(&ids[3]).await;
    let entries = world.zone.entries().await;
    assert!(entries.len() >= 3);
    let windows: HashSet<&[u8]> = ids.iter().flat_map(|id| id.as_bytes().windows(8)).collect();
    let mut folders = vec![world.zone.folder.path().to_owned()];
    let mut bytes = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let content = std::fs::read(&path).unwrap();
            bytes += content.len();
            assert!(!content.windows(8).any(|w| windows.contains(w)), "{}", path.display());
        }
    }
    assert!(bytes > 50_000);
}
