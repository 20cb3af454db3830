//! Schemas that were worked out before, kept by what they were worked out from. Losing them costs time, nothing else.

use std::fs;
use std::path::PathBuf;
use std::time::SystemTime;

use limbeck_core::schema::Schema;
use sha2::{Digest as _, Sha256};

/// Counts up when what is kept changes its form, or how it is worked out changes.
const FORMAT: u32 = 4;

/// So many schemas are kept; those that were not used for the longest time go.
const KEPT: usize = 64;

/// What a schema depends on.
#[derive(Debug, Clone)]
pub(crate) struct Key(Sha256);

impl Key {
    /// Begins the key of one kind of result.
    pub(crate) fn new(kind: &str) -> Self {
        let mut key = Self(Sha256::new());
        key.add(&format!("{FORMAT} {} {kind}", env!("CARGO_PKG_VERSION")));
        key
    }

    /// Adds something that it depends on. Where one part ends is part of the key.
    pub(crate) fn add(&mut self, part: &str) {
        self.0.update(part.len().to_le_bytes());
        self.0.update(part.as_bytes());
    }

    fn name(self) -> String {
        let hex: String = self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        format!("{hex}.json")
    }
}

/// The folder of kept schemas, `limbeck/schemas` in the user's cache.
#[derive(Debug, Clone)]
pub(crate) struct Cache {
    folder: Option<PathBuf>,
}

impl Cache {
    /// The user's cache, if there is one.
    pub(crate) fn of_user() -> Self {
        let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
        let cache = named("XDG_CACHE_HOME").or_else(|| named("HOME").map(|home| home.join(".cache")));
        Self { folder: cache.filter(|cache| cache.is_absolute()).map(|cache| cache.join("limbeck/schemas")) }
    }

    /// What was kept under this key. A file that cannot be read is as good as none.
    pub(crate) fn get(&self, key: &Key) -> Option<Schema> {
        let path = self.folder.as_ref()?.join(key.clone().name());
        let schema = serde_json::from_slice(&fs::read(&path).ok()?).ok()?;
        // So that what is used stays.
        let _ = fs::File::options()
            .append(true)
            .open(&path)
            .and_then(|file| file.set_modified(SystemTime::now()));
        Some(schema)
    }

    /// Keeps a schema. It appears whole or not at all; a full disk or a read-only one is no error here.
    pub(crate) fn put(&self, key: &Key, schema: &Schema) {
        let Some(folder) = &self.folder else { return };
        let write = || -> Result<(), std::io::Error> {
            fs::create_dir_all(folder)?;
            let unfinished = folder.join(format!(".{:016x}", fastrand::u64(..)));
            let text = serde_json::to_vec(schema).map_err(std::io::Error::other)?;
            let written = fs::write(&unfinished, text)
                .and_then(|()| fs::rename(&unfinished, folder.join(key.clone().name())));
            if written.is_err() {
                let _ = fs::remove_file(&unfinished);
            }
            self.prune();
            written
        };
        let _ = write();
    }

    fn prune(&self) {
        let Some(Ok(entries)) = self.folder.as_ref().map(fs::read_dir) else { return };
        let age = |entry: fs::DirEntry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()));
        let mut files: Vec<_> = entries.flatten().filter_map(age).collect();
        files.sort_unstable_by(|a, b| b.cmp(a));
        for (_, path) in files.iter().skip(KEPT) {
            let _ = fs::remove_file(path);
        }
    }
}
