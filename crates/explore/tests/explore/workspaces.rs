//! Workspaces at the centre: scripts with versions, runs over signed messages, audit entries, and what happens when the
//! data zone is away.

use crate::common::{SCRIPT, two_zones};
use disclosure::Output;
use explore::{RunRequest, RunState, Save, Workspace};
use identity::Role;
use kernel::{Language, Problem};
use testkit::actor;

fn request(text: &str) -> RunRequest {
    RunRequest::new(text, Language::Nb)
}

#[tokio::test]
async fn a_run_is_stored_with_what_was_released() {
    let zones = two_zones(true).await;
    let anna = actor("anna", Role::Researcher, "uio");
    let run = zones.workspace.run(&anna, &request(SCRIPT)).await.unwrap();
    assert_eq!((run.state, run.diagnostics.len()), (RunState::Finished, 0), "{:?}", run.diagnostics);
    assert_eq!(run.stores, ["no.test:1.0.0.0"]);
    let released = run.released.as_ref().unwrap();
    assert!(released.results.iter().any(|e| matches!(e.output(), Some(Output::Table(_)))));

    // Read again from the database, and verified again.
    assert_eq!(zones.workspace.run_view(&anna, run.id).await.unwrap(), run);
    let list = zones.workspace.runs(&anna).await.unwrap();
    assert_eq!((list.len(), list[0].title.as_str()), (1, "Inntekt etter kjønn"));

    // AUD-021: script digest in both logs, never the text.
    let centre = zones.centre.entries().await;
    let data = zones.data.entries().await;
    let actions = |entries: &[serde_json::Value]| -> Vec<String> {
        entries.iter().map(|e| e["action"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(actions(&centre), ["explore.submit", "explore.answer"]);
    assert_eq!(actions(&data), ["explore.start", "explore.end"]);
    for entry in centre.iter().chain(&data) {
        assert_eq!(entry["detail"]["script"], run.digest, "{entry}");
        assert!(!entry.to_string().contains("INNTEKT"));
    }
}

/// The existence of a run is for its owner alone; a stranger's attempt leaves an entry.
#[tokio::test]
async fn runs_and_scripts_belong_to_their_owner() {
    let zones = two_zones(true).await;
    let (anna, bo) = (actor("anna", Role::Researcher, "uio"), actor("bo", Role::Student, "uio"));
    let run = zones.workspace.run(&anna, &request(SCRIPT)).await.unwrap();
    assert_eq!(zones.workspace.run_view(&bo, run.id).await, Err(Problem::not_found("run")));
    assert!(zones.centre.actions().await.iter().any(|a| a.starts_with("identity.deny refused")));
    let save = Save { id: None, expected: None, name: "Min".into(), text: "let x = 1".into(), note: String::new() };
    let script = zones.workspace.save(&anna, &save).await.unwrap();
    assert_eq!(zones.workspace.script(&bo, script.id, None).await, Err(Problem::not_found("script")));
    let stolen = Save { id: Some(script.id), expected: Some(1), ..save };
    assert_eq!(zones.workspace.save(&bo, &stolen).await, Err(Problem::not_found("script")));
    assert!(zones.workspace.scripts(&bo).await.unwrap().is_empty());
}

/// LANG-357: every save is a version; two windows do not overwrite each other.
#[tokio::test]
async fn lang_357_scripts_have_versions() {
    let zones = two_zones(true).await;
    let anna = actor("anna", Role::Researcher, "uio");
    let mut save = Save { id: None, expected: None, name: "Inntekt".into(), text: "let a = 1".into(), note: "".into() };
    let first = zones.workspace.save(&anna, &save).await.unwrap();
    save = Save { id: Some(first.id), expected: Some(1), text: "let a = 2".into(), note: "to".into(), ..save };
    let second = zones.workspace.save(&anna, &save).await.unwrap();
    assert_eq!((second.version, second.text.as_str()), (2, "let a = 2"));
    let late = zones.workspace.save(&anna, &save).await;
    assert!(matches!(late, Err(Problem::Conflict { ref code, .. }) if code == "version_conflict"), "{late:?}");
    assert_eq!(zones.workspace.script(&anna, first.id, Some(1)).await.unwrap().text, "let a = 1");
    assert_eq!(zones.workspace.script(&anna, first.id, None).await.unwrap().version, 2);
    assert_eq!(zones.workspace.versions(&anna, first.id).await.unwrap().len(), 2);
    assert_eq!(zones.workspace.scripts(&anna).await.unwrap().len(), 1);
    let nameless = Save { name: " ".into(), ..save };
    assert!(matches!(zones.workspace.save(&anna, &nameless).await, Err(Problem::Invalid { .. })));
}

/// The same behaviour on both databases: versions, lists, and a run that nobody answers.
#[tokio::test]
async fn workspaces_on_both_databases() {
    testkit::zones("centre", async |centre| {
        let net = testkit::Net::of(&[(protocol::Party::Centre, &centre)]);
        Workspace::migrate(&centre.store).await.unwrap();
        let channel = net.channel(&protocol::Party::Centre, &centre);
        let workspace = Workspace::new(centre.zone(), channel, net.directory());
        let anna = actor("anna", Role::Researcher, "uio");
        let save = Save { id: None, expected: None, name: "Ærlig".into(), text: "let a = 1".into(), note: "".into() };
        let first = workspace.save(&anna, &save).await.unwrap();
        let next = Save { id: Some(first.id), expected: Some(1), text: "let a = 2".into(), ..save };
        assert_eq!(workspace.save(&anna, &next).await.unwrap().version, 2);
        assert!(matches!(workspace.save(&anna, &next).await, Err(Problem::Conflict { .. })));
        assert_eq!(workspace.script(&anna, first.id, Some(1)).await.unwrap(), first);
        assert_eq!(workspace.scripts(&anna).await.unwrap()[0].name, "Ærlig");
        let request = RunRequest { script: Some(first.id), ..request("let a = 2") };
        let run = workspace.run(&anna, &request).await.unwrap();
        assert_eq!((run.state, run.script), (RunState::Failed, Some(first.id)));
        assert_eq!(workspace.run_view(&anna, run.id).await.unwrap(), run);
        assert_eq!(workspace.runs(&anna).await.unwrap().len(), 1);
        assert_eq!(workspace.recover().await.unwrap(), 0);
    })
    .await;
}

/// LANG-340: the editor's checks know the variables, and a wrong script is told without asking the data zone.
#[tokio::test]
async fn checks_use_the_metadata_of_the_data_zone() {
    let zones = two_zones(true).await;
    let anna = actor("anna", Role::Researcher, "uio");
    let text = "require no.test:1 as db\ncreate-dataset d\nimport db/KJOEN as k\n";
    let found = zones.workspace.check(None, text).await.unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(
        (found[0].code.as_str(), found[0].span.line, found[0].replacement.as_deref()),
        ("E205", 3, Some("KJOENN"))
    );
    let proposed = zones.workspace.complete(text, 3, 13).await;
    assert!(proposed.iter().any(|c| c.text == "KJOENN"), "{proposed:?}");
    assert!(!zones.workspace.highlight(text).is_empty());
    let run = zones.workspace.run(&anna, &request(text)).await.unwrap();
    assert_eq!((run.state, run.diagnostics[0].code.as_str()), (RunState::Stopped, "E205"));
    assert!(zones.data.actions().await.is_empty());
}

#[tokio::test]
async fn a_refusal_of_the_gate_stops_the_run() {
    let zones = two_zones(true).await;
    let anna = actor("anna", Role::Researcher, "uio");
    let text = "require no.test:1 as db\ncreate-dataset d\nimport db/INNTEKT 2020-01-01 as i\nkeep if i < 50000\n";
    let run = zones.workspace.run(&anna, &request(text)).await.unwrap();
    assert_eq!(run.state, RunState::Stopped);
    assert_eq!((run.diagnostics[0].code.as_str(), run.diagnostics[0].line), ("E404", 4));
    assert_eq!(run.released.unwrap().results.len(), 2);
    assert!(zones.data.actions().await.contains(&"explore.end refused E404".to_owned()));
}

/// A data zone that is away: the run is there, failed, and says so; nothing pretends.
#[tokio::test]
async fn a_run_without_data_zone_fails_visibly() {
    let zones = two_zones(false).await;
    let anna = actor("anna", Role::Researcher, "uio");
    let run = zones.workspace.run(&anna, &request(SCRIPT)).await.unwrap();
    assert_eq!((run.state, run.diagnostics[0].code.as_str()), (RunState::Failed, "unavailable"));
    assert!(run.released.is_none());
    // Without metadata, grammar and names made in the script are still checked.
    assert!(zones.workspace.check(None, "summarise x\n").await.unwrap().iter().any(|d| d.code.as_str() == "E101"));
}

/// A released document that another key signed, or of another run, is never stored as a result.
#[tokio::test]
async fn a_released_document_is_verified_before_it_is_stored() {
    let zones = two_zones(true).await;
    let anna = actor("anna", Role::Researcher, "uio");
    let run = zones.workspace.run(&anna, &request(SCRIPT)).await.unwrap();
    // A centre that trusts another gate cannot open what is stored.
    let stranger = testkit::zone("stranger").await;
    let net = testkit::Net::of(&[(protocol::Party::Data, &stranger)]);
    let channel = zones.net.channel(&protocol::Party::Centre, &zones.centre);
    let workspace = Workspace::new(zones.centre.zone(), channel, net.directory());
    assert_eq!(workspace.run_view(&anna, run.id).await, Err(Problem::unavailable("the stored run")));
    let other = workspace.run(&anna, &request(SCRIPT)).await.unwrap();
    assert_eq!((other.state, other.released), (RunState::Failed, None));
}

/// A crash in the middle of a run: at the next start it is marked as failed, once.
#[tokio::test]
async fn an_interrupted_run_is_told() {
    let zones = two_zones(true).await;
    let anna = actor("anna", Role::Researcher, "uio");
    let run = zones.workspace.run(&anna, &request(SCRIPT)).await.unwrap();
    let id = run.id;
    zones
        .centre
        .store
        .tx("test", async |tx: &mut store::Tx| -> Result<(), store::StoreError> {
            tx.execute(
                "UPDATE explore_run SET state = 'running', ended = NULL, released = NULL WHERE id = $1",
                store::params![id],
            )
            .await?;
            Ok(())
        })
        .await
        .unwrap();
    assert_eq!(zones.workspace.recover().await.unwrap(), 1);
    assert_eq!(zones.workspace.recover().await.unwrap(), 0);
    let run = zones.workspace.run_view(&anna, id).await.unwrap();
    assert_eq!((run.state, run.diagnostics[0].code.as_str()), (RunState::Failed, "interrupted"));
}

/// LANG-224: `load` runs the newest version of a script of one's own by its name, in place, also through another; the run
/// keeps what was loaded, and its digest depends on it.
#[tokio::test]
async fn lang_224_load_finds_saved_scripts() {
    let zones = two_zones(true).await;
    let (anna, bo) = (actor("anna", Role::Researcher, "uio"), actor("bo", Role::Researcher, "uio"));
    let first =
        Save { id: None, expected: None, name: "Befolkning".into(), text: "let nei = 1".into(), note: "".into() };
    let saved = zones.workspace.save(&anna, &first).await.unwrap();
    let people = "load felles\ncreate-dataset d\nimport db/KJOENN as kjønn\n";
    let next = Save { id: Some(saved.id), expected: Some(1), text: people.into(), ..first.clone() };
    zones.workspace.save(&anna, &next).await.unwrap();
    let common = Save { name: "felles".into(), text: "require no.test:1 as db\n".into(), ..first.clone() };
    zones.workspace.save(&anna, &common).await.unwrap();

    let text = "load 'Befolkning'\ntabulate kjønn\n";
    assert_eq!(zones.workspace.check(Some(&anna), text).await.unwrap(), []);
    let run = zones.workspace.run(&anna, &request(text)).await.unwrap();
    assert_eq!((run.state, run.diagnostics.len()), (RunState::Finished, 0), "{:?}", run.diagnostics);
    let tables = run.released.as_ref().unwrap().results.iter().filter(|e| matches!(e.output(), Some(Output::Table(_))));
    assert_eq!(tables.map(|e| e.line).collect::<Vec<_>>(), [2]);
    assert_eq!(
        run.loads.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect::<Vec<_>>(),
        [("Befolkning", people), ("felles", "require no.test:1 as db\n")]
    );
    // An older version by its number: it means something else, and so does the digest.
    let older = zones.workspace.run(&anna, &request("load 'Befolkning@1'\nlet x = $nei\n")).await.unwrap();
    assert_eq!((older.state, older.diagnostics.len()), (RunState::Finished, 0), "{:?}", older.diagnostics);
    assert_eq!(older.loads["Befolkning@1"], "let nei = 1");
    let changed = Save { id: Some(saved.id), expected: Some(2), text: format!("{people}let z = 1\n"), ..first };
    zones.workspace.save(&anna, &changed).await.unwrap();
    assert_ne!(zones.workspace.run(&anna, &request(text)).await.unwrap().digest, run.digest);

    // Nobody loads somebody else's.
    let found = zones.workspace.check(Some(&bo), text).await.unwrap();
    assert_eq!((found[0].code.as_str(), found[0].span.line), ("E202", 1));
    let told = zones.workspace.run(&bo, &request(text)).await.unwrap();
    assert_eq!((told.state, told.diagnostics[0].code.as_str()), (RunState::Stopped, "E202"));
}

/// LANG-224: an unknown name is told with those that are near, a script that loads itself with its name.
#[tokio::test]
async fn lang_224_unknown_scripts_and_cycles() {
    let zones = two_zones(false).await;
    let anna = actor("anna", Role::Researcher, "uio");
    for (name, text) in [("inntekt", "load 'formue'"), ("formue", "load 'inntekt'")] {
        let save = Save { id: None, expected: None, name: name.into(), text: text.into(), note: "".into() };
        zones.workspace.save(&anna, &save).await.unwrap();
    }
    let check = async |text: &str| zones.workspace.check(Some(&anna), text).await.unwrap();
    let unknown = check("let a = 1\nload 'inntekter'\n").await;
    assert_eq!((unknown[0].code.as_str(), unknown[0].span.line), ("E202", 2));
    assert_eq!(unknown[0].candidates, ["inntekt"]);
    let cycle = check("load inntekt\n").await;
    assert_eq!(cycle.iter().map(|d| d.code.as_str()).collect::<Vec<_>>(), ["E202"]);
    assert!(cycle[0].message.text(Language::En).contains("loads itself"), "{cycle:?}");
}
