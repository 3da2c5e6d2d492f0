//! What is handed in: dataset folders, packages, store folders with a `product.json`, or a folder of such. Finding them
//! reads names only; opening one gives its metadata and a stream of its data.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::DatastoreError;
use crate::package::{Package, PackageKey};
use crate::product::{Product, is_dataset_name, is_store_name};
use crate::report::{Finding, Report, Rule};

/// One dataset that is handed in.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum Input {
    /// `NAME/NAME.json` and `NAME/NAME.csv`.
    Folder(PathBuf),
    /// `NAME.tar`.
    Package(PathBuf),
}

/// Datasets for one store.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct StoreInput {
    pub store: String,
    pub product: Option<Product>,
    pub inputs: Vec<Input>,
}

impl Input {
    /// Name of the dataset, from the name of its folder or file.
    pub(crate) fn name(&self) -> String {
        let name = match self {
            Input::Folder(path) => path.file_name(),
            Input::Package(path) => path.file_stem(),
        };
        name.map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
    }

    /// Opens it. A package needs the key that opens it.
    pub(crate) fn open(&self, key: Option<&PackageKey>, rules: &PackageRules) -> Result<Opened, Opening> {
        let name = self.name();
        if !is_dataset_name(&name) {
            let ours = format!("dataset name \"{name}\": use A–Z, 0–9 and _, starting with a letter");
            let theirs = format!(
                "\"{name}\" contains invalid characters. Please use only uppercase A-Z, numbers 0-9 and underscores: \"_\""
            );
            return Err(Opening::Faulty(Finding::new(Rule::Name, ours, theirs)));
        }
        match self {
            Input::Folder(folder) => {
                let missing = |what: &str| {
                    let ours =
                        format!("{name}.{what} is missing: a dataset is a folder NAME with NAME.json and NAME.csv");
                    Opening::Faulty(Finding::new(Rule::File, ours, format!("{name}.{what} not found")))
                };
                let json = folder.join(format!("{name}.json"));
                let metadata = fs::read(&json).map_err(|e| not_there(e, || missing("json")))?;
                let csv = folder.join(format!("{name}.csv"));
                let data = match File::open(&csv) {
                    Ok(file) => Some(Data::Folder(file)),
                    Err(e) if e.kind() == io::ErrorKind::NotFound => None,
                    Err(e) => return Err(Opening::Io(e)),
                };
                Ok(Opened { name, metadata, data })
            }
            Input::Package(path) => {
                let package = Package::open(path, rules)?;
                let metadata = package.metadata.clone();
                let data = if package.is_metadata_only() {
                    None
                } else {
                    let key = key.ok_or_else(|| {
                        Opening::Usage("this package is encrypted: give the private key with --key".into())
                    })?;
                    Some(Data::Package(Box::new(package.data(key)?)))
                };
                Ok(Opened { name, metadata, data })
            }
        }
    }
}

/// What an installation asks of packages.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PackageRules {
    /// Whether the old format is accepted (DATA-058).
    pub accept_legacy: bool,
    /// Whether a signed manifest is required (DATA-057). Packages are then refused, because manifests are not read yet.
    pub require_signed: bool,
}

impl Default for PackageRules {
    fn default() -> Self {
        Self { accept_legacy: true, require_signed: false }
    }
}

/// Why an input was not opened.
#[derive(Debug)]
pub(crate) enum Opening {
    /// It has a fault.
    Faulty(Finding),
    /// The command lacks something.
    Usage(String),
    /// A file cannot be read.
    Io(io::Error),
}

impl From<io::Error> for Opening {
    fn from(error: io::Error) -> Self {
        Opening::Io(error)
    }
}

impl Opening {
    /// The error for a dataset.
    pub(crate) fn into_error(self, name: &str) -> DatastoreError {
        match self {
            Opening::Faulty(finding) => {
                DatastoreError::Invalid(vec![Report { dataset: name.to_owned(), findings: vec![finding] }])
            }
            Opening::Usage(text) => DatastoreError::Usage(format!("{name}: {text}")),
            Opening::Io(source) => DatastoreError::Io { path: name.to_owned(), source },
        }
    }
}

fn not_there(error: io::Error, missing: impl FnOnce() -> Opening) -> Opening {
    if error.kind() == io::ErrorKind::NotFound { missing() } else { Opening::Io(error) }
}

/// An opened dataset.
pub(crate) struct Opened {
    pub name: String,
    pub metadata: Vec<u8>,
    /// None for a metadata patch.
    pub data: Option<Data>,
}

/// The data of a dataset, as a stream of plain bytes.
pub(crate) enum Data {
    Folder(File),
    Package(Box<crate::package::DataReader>),
}

impl Read for Data {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Data::Folder(file) => file.read(buffer),
            Data::Package(reader) => reader.read(buffer),
        }
    }
}

/// A reader that takes the SHA-256 of what passes.
pub(crate) struct Hashing<R> {
    inner: R,
    hasher: Sha256,
}

impl<R: Read> Hashing<R> {
    pub(crate) fn new(inner: R) -> Self {
        Self { inner, hasher: Sha256::new() }
    }

    /// The digest, and the reader.
    pub(crate) fn finish(self) -> (String, R) {
        (hex::encode(self.hasher.finalize()), self.inner)
    }
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buffer)?;
        self.hasher.update(&buffer[..n]);
        Ok(n)
    }
}

/// Finds the datasets below `paths` and the stores they are for. `store` is the target for what names none.
pub(crate) fn find(paths: &[PathBuf], store: Option<&str>) -> Result<Vec<StoreInput>, DatastoreError> {
    let mut found: Vec<StoreInput> = Vec::new();
    let mut loose: Vec<Input> = Vec::new();
    for path in paths {
        let usage = |why: &str| DatastoreError::Usage(format!("{}: {why}", path.display()));
        if path.is_file() {
            if path.extension().is_none_or(|e| e != "tar") {
                return Err(usage("not a package (NAME.tar), dataset folder or store folder"));
            }
            loose.push(Input::Package(path.clone()));
        } else if !path.is_dir() {
            return Err(usage("not found"));
        } else if path.join("product.json").is_file() {
            found.push(store_folder(path, store)?);
        } else if is_dataset_folder(path) {
            loose.push(Input::Folder(path.clone()));
        } else {
            let (stores, datasets) = children(path)?;
            if stores.is_empty() && datasets.is_empty() {
                return Err(usage("no package, dataset folder or store folder in it"));
            }
            for folder in stores {
                found.push(store_folder(&folder, store)?);
            }
            loose.extend(datasets);
        }
    }
    if !loose.is_empty() {
        let Some(store) = store else {
            return Err(DatastoreError::Usage("say which store the datasets are for: --store NAME".into()));
        };
        found.push(StoreInput { store: store.to_owned(), product: None, inputs: loose });
    }
    for input in &mut found {
        if !is_store_name(&input.store) {
            let text = format!("store name \"{}\": lower-case parts joined by dots, e.g. no.fhi.npr", input.store);
            return Err(DatastoreError::Usage(text));
        }
        input.inputs.sort();
        if let Some(twice) = input.inputs.windows(2).find(|w| w[0].name() == w[1].name()) {
            return Err(DatastoreError::Usage(format!("{} is given twice for {}", twice[0].name(), input.store)));
        }
    }
    found.sort_by(|a, b| a.store.cmp(&b.store));
    Ok(found)
}

fn is_dataset_folder(path: &Path) -> bool {
    let name = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    path.join(format!("{name}.json")).is_file() || path.join(format!("{name}.csv")).is_file()
}

fn children(path: &Path) -> Result<(Vec<PathBuf>, Vec<Input>), DatastoreError> {
    let (mut stores, mut datasets) = (Vec::new(), Vec::new());
    for entry in fs::read_dir(path).map_err(DatastoreError::io(path))? {
        let child = entry.map_err(DatastoreError::io(path))?.path();
        if child.join("product.json").is_file() {
            stores.push(child);
        } else if child.is_dir() && is_dataset_folder(&child) {
            datasets.push(Input::Folder(child));
        } else if child.extension().is_some_and(|e| e == "tar") {
            datasets.push(Input::Package(child));
        }
    }
    stores.sort();
    Ok((stores, datasets))
}

fn store_folder(path: &Path, store: Option<&str>) -> Result<StoreInput, DatastoreError> {
    let file = path.join("product.json");
    let bytes = fs::read(&file).map_err(DatastoreError::io(&file))?;
    let fault = |message: String| {
        let findings = vec![Finding::new(Rule::Field, message.clone(), message)];
        DatastoreError::Invalid(vec![Report { dataset: "product.json".into(), findings }])
    };
    let product: Product = serde_json::from_slice(&bytes).map_err(|e| fault(e.to_string()))?;
    let (_, inputs) = children(path)?;
    let names: Vec<String> = inputs.iter().map(Input::name).collect();
    for collection in &product.collections {
        let listed = collection.datasets.iter().chain(&collection.person_pointer).chain(&collection.date_variable);
        for name in listed {
            if !names.contains(name) {
                return Err(fault(format!("collection {}: dataset {name} is not in the folder", collection.id)));
            }
        }
    }
    Ok(StoreInput { store: store.unwrap_or(&product.store).to_owned(), product: Some(product), inputs })
}
