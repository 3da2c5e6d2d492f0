//! `load` without a service (LANG-224): saved scripts are the files beside the script, `NAME` or `NAME.mdata`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use script::{NoCatalogue, SavedScripts, Settings};

/// The ending of scripts.
const ENDING: &str = ".mdata";

/// The folder that scripts are loaded from: that of the script, or the current one for standard input.
fn folder(file: &Path) -> PathBuf {
    file.parent().map(Path::to_owned).unwrap_or_default()
}

/// The script of a name. A name with a path in it is none: a script loads what lies beside it, and nothing else.
fn read(folder: &Path, name: &str) -> Option<String> {
    if name.is_empty() || name.starts_with('.') || name.contains(['/', '\\', ':', '\0']) {
        return None;
    }
    [name.to_owned(), format!("{name}{ENDING}")].iter().find_map(|file| std::fs::read_to_string(folder.join(file)).ok())
}

/// The scripts beside a file, read when they are loaded.
pub(super) fn scripts(file: &Path) -> SavedScripts {
    let folder = folder(file);
    let entries = std::fs::read_dir(if folder.as_os_str().is_empty() { Path::new(".") } else { &folder });
    let names =
        entries.into_iter().flatten().flatten().filter_map(|entry| {
            entry.file_name().to_str().and_then(|name| name.strip_suffix(ENDING)).map(str::to_owned)
        });
    let names: Vec<String> = names.collect();
    SavedScripts::of(move |name| read(&folder, name)).with_names(names)
}

/// What a script loads, directly and through others, by the names it uses.
pub(super) fn loads(file: &Path, text: &str, params: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    let found: Arc<Mutex<BTreeMap<String, String>>> = Arc::default();
    let (folder, kept) = (folder(file), Arc::clone(&found));
    let scripts = SavedScripts::of(move |name| {
        let text = read(&folder, name)?;
        kept.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), text.clone());
        Some(text)
    });
    script::compile(text, &NoCatalogue, &Settings { params: params.clone(), scripts, ..Settings::default() });
    let found = found.lock().unwrap_or_else(PoisonError::into_inner);
    found.clone()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LANG-224: files beside the script, one through another; no path leads out of the folder, and a cycle ends.
    #[test]
    fn lang_224_scripts_beside_the_script() {
        let folder = tempfile::tempdir().unwrap_or_else(|e| panic!("{e}"));
        let write =
            |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap_or_else(|e| panic!("{e}"));
        write("befolkning.mdata", "load 'felles'\n");
        write("felles", "let år = 2020\n");
        write("a.mdata", "load b\n");
        write("b.mdata", "load a\n");
        let file = folder.path().join("skript.mdata");
        let found = loads(&file, "load befolkning\nload '../x'\nload borte\n", &BTreeMap::new());
        assert_eq!(found.keys().collect::<Vec<_>>(), ["befolkning", "felles"]);
        let told = |text: &str| {
            let settings = Settings { scripts: scripts(&file), ..Settings::default() };
            let found = script::compile(text, &NoCatalogue, &settings).diagnostics;
            found.iter().map(|d| (d.code.to_string(), d.candidates.clone())).collect::<Vec<_>>()
        };
        assert_eq!(told("load befolkning\nlet x = $år\n"), []);
        assert_eq!(told("load befolkningen\n"), [("E202".to_owned(), vec!["befolkning".to_owned()])]);
        assert_eq!(told("load a\n"), [("E202".to_owned(), Vec::new())], "it loads itself");
    }
}
