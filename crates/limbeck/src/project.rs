//! A project's revisions: read from folders or from the program itself, parsed, joined into the graph.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use limbeck_core::graph::Graph;
use limbeck_core::revision::Revision;
use limbeck_core::{Code, Problem, Source};
use rustix::fs::{Mode, OFlags, openat};

use crate::config::Subfolders;
use crate::embedded::Embedded;
use crate::error::Error;

/// Every revision of a project, checked: each file is well formed and the graph is sound.
#[derive(Debug)]
pub struct Project {
    graph: Graph,
    revisions: Vec<Revision>,
    /// Indices of `revisions`, by id.
    by_id: Vec<usize>,
}

impl Project {
    /// Reads every `.sql` file of the folders.
    ///
    /// # Errors
    /// A folder or file that cannot be read, and every malformed file and every fault of the graph, all
    /// at once.
    pub fn read(folders: &[PathBuf], subfolders: Subfolders) -> Result<Self, Error> {
        let mut files = Vec::new();
        for folder in folders {
            collect(folder, subfolders, &mut files)?;
        }
        files.sort_by(|a, b| a.path.cmp(&b.path));
        files.dedup_by(|a, b| a.path == b.path);
        Self::join(in_parallel(&files, |file, buffer| Revision::parse(&file.read(buffer)?)))
    }

    /// Takes the revisions that [`embed!`](crate::embed) compiled into the program.
    ///
    /// # Errors
    /// As [`Project::read`]; the macro has made the same checks when it was compiled.
    pub fn embedded(embedded: &Embedded) -> Result<Self, Error> {
        let sources: Vec<_> = embedded.files().iter().map(|(name, text)| Source::new(*name, text)).collect();
        Self::from_sources(&sources)
    }

    /// Parses texts and joins them.
    ///
    /// # Errors
    /// Every malformed text and every fault of the graph.
    pub fn from_sources(sources: &[Arc<Source>]) -> Result<Self, Error> {
        Self::join(sources.iter().map(Revision::parse).collect())
    }

    fn join(parsed: Vec<Result<Revision, Problem>>) -> Result<Self, Error> {
        let mut problems = Vec::new();
        let good = |parsed: Result<_, _>| parsed.map_err(|problem| problems.push(problem)).ok();
        let revisions: Vec<Revision> = parsed.into_iter().filter_map(good).collect();
        if !problems.is_empty() {
            return Err(problems.into());
        }
        let graph =
            Graph::build(revisions.iter().map(|revision| Arc::clone(revision.header())).collect::<Vec<_>>())?;
        let mut by_id: Vec<usize> = (0..revisions.len()).collect();
        by_id.sort_unstable_by_key(|index| id(&revisions[*index]));
        Ok(Self { graph, revisions, by_id })
    }

    /// A second one like it.
    ///
    /// # Errors
    /// None: what was sound stays so.
    pub(crate) fn copy(&self) -> Result<Self, Error> {
        self.with(Vec::new())
    }

    /// The same with further revisions, which no file has.
    ///
    /// # Errors
    /// As [`Project::from_sources`].
    pub(crate) fn with(&self, further: Vec<Revision>) -> Result<Self, Error> {
        Self::join(self.revisions.iter().cloned().chain(further).map(Ok).collect())
    }

    /// The graph.
    pub fn graph(&self) -> &Graph {
        &self.graph
    }

    /// A revision by its full id.
    pub fn revision(&self, id: &str) -> Option<&Revision> {
        let at = self.by_id.binary_search_by_key(&id, |index| self::id(&self.revisions[*index])).ok()?;
        Some(&self.revisions[self.by_id[at]])
    }

    /// All revisions, in the order of their files.
    pub fn revisions(&self) -> impl Iterator<Item = &Revision> {
        self.revisions.iter()
    }
}

fn id(revision: &Revision) -> &str {
    revision.header().id.value.as_str()
}

/// So many files are read by one thread before a second one pays.
const FILES_PER_THREAD: usize = 100;
/// More threads than this wait for each other in the file system.
const MAX_THREADS: usize = 8;

/// Where most files fit in.
const BUFFER: usize = 64 * 1024;

/// Does the same for all files, in several threads where they are many. The results are in their order.
/// The buffer is one for many files.
fn in_parallel<T: Send>(
    files: &[RevisionFile],
    work: impl Fn(&RevisionFile, &mut Vec<u8>) -> T + Sync,
) -> Vec<T> {
    let all = |files: &[RevisionFile]| {
        let mut buffer = Vec::with_capacity(BUFFER);
        files.iter().map(|file| work(file, &mut buffer)).collect::<Vec<T>>()
    };
    let threads = match (files.len() / FILES_PER_THREAD).min(MAX_THREADS) {
        0 | 1 => return all(files),
        wanted => std::thread::available_parallelism().map_or(1, usize::from).min(wanted),
    };
    let (own, others) = files.split_at(files.len().div_ceil(threads));
    std::thread::scope(|scope| {
        let all = &all;
        let start = |files| (std::thread::Builder::new().spawn_scoped(scope, move || all(files)).ok(), files);
        let others: Vec<_> = others.chunks(own.len()).map(start).collect();
        let mut results = all(own);
        results.reserve_exact(files.len() - own.len());
        for (thread, files) in others {
            results.extend(match thread {
                Some(thread) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
                // No thread was to be had.
                None => all(files),
            });
        }
        results
    })
}

/// A file of revisions, with its folder held open: from there it is opened without walking its whole path.
struct RevisionFile {
    path: PathBuf,
    folder: Arc<OwnedFd>,
}

fn collect(folder: &Path, subfolders: Subfolders, files: &mut Vec<RevisionFile>) -> Result<(), Problem> {
    let unreadable = |error| unreadable_folder(folder, &error);
    let names = std::fs::read_dir(folder).map_err(unreadable)?.map(|entry| Ok(entry?.file_name()));
    let mut names = names.collect::<Result<Vec<_>, _>>().map_err(unreadable)?;
    let opened = Arc::new(OwnedFd::from(File::open(folder).map_err(unreadable)?));
    // Names are compared faster than paths, and what is in order is sorted in an instant.
    names.sort_unstable();
    for name in names {
        if name.as_encoded_bytes().starts_with(b".") {
            continue;
        }
        let path = folder.join(name);
        if path.extension() == Some(OsStr::new("sql")) {
            files.push(RevisionFile { path, folder: Arc::clone(&opened) });
        } else if subfolders == Subfolders::Searched && path.is_dir() {
            collect(&path, subfolders, files)?;
        }
    }
    Ok(())
}

fn unreadable_folder(folder: &Path, error: &std::io::Error) -> Problem {
    if error.kind() == std::io::ErrorKind::NotFound {
        return Problem::new(Code::NoRevisions, format!("there is no folder {}", folder.display())).help(
            "run `limbeck init` to make a project, or name the folder with `script_location` in limbeck.toml",
        );
    }
    Problem::new(Code::File, format!("cannot read the folder {}: {error}", folder.display()))
        .help("give this user permission to list it and to read its files")
}

impl RevisionFile {
    fn open(&self) -> std::io::Result<File> {
        let name = self.path.file_name().unwrap_or_default();
        let flags = OFlags::RDONLY | OFlags::CLOEXEC;
        Ok(File::from(openat(&*self.folder, name, flags, Mode::empty())?))
    }

    fn read(&self, buffer: &mut Vec<u8>) -> Result<Arc<Source>, Problem> {
        let name = self.path.to_string_lossy();
        buffer.clear();
        // `take` keeps the standard library from asking for the size first, which the buffer makes needless.
        let read = self.open().and_then(|file| file.take(u64::MAX).read_to_end(buffer));
        read.map_err(|error| {
            Problem::new(Code::File, format!("cannot read {name}: {error}"))
                .help("give this user permission to read it")
        })?;
        match std::str::from_utf8(buffer) {
            Ok(text) => Ok(Source::new(name.into_owned(), text)),
            Err(error) => {
                let at = error.valid_up_to();
                let line = buffer[..at].iter().filter(|byte| **byte == b'\n').count() + 1;
                Err(Problem::new(
                    Code::RevisionHeader,
                    format!("{name}:{line}: the file is not UTF-8 (byte {at})"),
                )
                .help("save it as UTF-8"))
            }
        }
    }
}
