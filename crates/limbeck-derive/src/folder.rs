//! Reads the revision files of a folder.

use std::fs;
use std::path::{Component, Path};

/// One `.sql` file.
#[derive(Debug)]
pub(crate) struct File {
    /// Its name in the folder.
    pub(crate) name: String,
    /// Its path from the package's root, with `/` on every system.
    pub(crate) path: String,
    /// What it holds.
    pub(crate) text: String,
}

/// Every `.sql` file directly in `folder` (a path from `root`), in the order of names. Hidden files are left
/// out: editors and archivers make those.
///
/// # Errors
/// A sentence: the folder is missing, not readable or without revisions, or a file is not readable text.
pub(crate) fn read(root: &Path, folder: &str) -> Result<Vec<File>, String> {
    let folder = relative(folder)?;
    let names = names(&root.join(&folder)).map_err(|why| {
        format!("the folder `{folder}` cannot be read: {why}\n  help: it is looked for in {}", root.display())
    })?;
    if names.is_empty() {
        return Err(format!(
            "the folder `{folder}` holds no revision (no .sql file)\n  help: \
             make the first one with `limbeck revision -m \"...\"`"
        ));
    }
    names.into_iter().map(|name| read_file(root, &folder, name)).collect()
}

/// A Rust file, or every one in a folder and the folders in it, in the order of their paths.
///
/// # Errors
/// A sentence: the path is missing, not readable or without Rust files, or a file is not readable text.
pub(crate) fn rust_files(root: &Path, path: &str) -> Result<Vec<File>, String> {
    let path = relative(path)?;
    let mut files = Vec::new();
    if root.join(&path).is_file() {
        let (folder, name) = path.rsplit_once('/').unwrap_or((".", &path));
        files.push(read_file(root, folder, name.to_owned())?);
        return Ok(files);
    }
    collect(root, &path, &mut files).map_err(|why| {
        format!("the folder `{path}` cannot be read: {why}\n  help: it is looked for in {}", root.display())
    })??;
    if files.is_empty() {
        return Err(format!("the folder `{path}` holds no Rust file"));
    }
    files.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(files)
}

fn collect(root: &Path, folder: &str, files: &mut Vec<File>) -> std::io::Result<Result<(), String>> {
    for entry in fs::read_dir(root.join(folder))? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        if name.starts_with('.') {
            continue;
        }
        if entry.file_type()?.is_dir() {
            if let Err(why) = collect(root, &format!("{folder}/{name}"), files)? {
                return Ok(Err(why));
            }
        } else if name.ends_with(".rs") {
            match read_file(root, folder, name) {
                Ok(file) => files.push(file),
                Err(why) => return Ok(Err(why)),
            }
        }
    }
    Ok(Ok(()))
}

/// Brings `migrations\versions/` to `migrations/versions`, and refuses what would not travel with the package.
pub(crate) fn relative(folder: &str) -> Result<String, String> {
    let mut parts = Vec::new();
    for component in Path::new(folder).components() {
        match component {
            Component::Normal(part) => parts.push(part.to_string_lossy().into_owned()),
            Component::ParentDir => parts.push("..".to_owned()),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => {
                return Err(format!("`{folder}` must be a path from the package's root (its Cargo.toml)"));
            }
        }
    }
    if parts.is_empty() {
        return Err("name the folder of the revisions, as in embed!(\"migrations/versions\")".to_owned());
    }
    Ok(parts.join("/"))
}

fn names(folder: &Path) -> std::io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name();
        let name = name.into_string().map_err(|name| {
            std::io::Error::other(format!("the file name {} is not UTF-8", name.display()))
        })?;
        if name.ends_with(".sql") && !name.starts_with('.') {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn read_file(root: &Path, folder: &str, name: String) -> Result<File, String> {
    let path = format!("{folder}/{name}");
    match fs::read_to_string(root.join(&path)) {
        Ok(text) => Ok(File { name, path, text }),
        Err(why) => Err(format!("{path}: cannot be read: {why}")),
    }
}

#[cfg(test)]
mod tests {
    use super::{read, relative};

    #[test]
    fn takes_the_sql_files_in_the_order_of_names() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("m/versions");
        std::fs::create_dir_all(folder.join("nested")).unwrap();
        for name in ["b.sql", "a.sql", ".hidden.sql", "README.md", "nested/c.sql"] {
            std::fs::write(folder.join(name), name).unwrap();
        }
        let files = read(root.path(), "./m/versions/").unwrap();
        let seen: Vec<_> =
            files.iter().map(|f| (f.name.as_str(), f.path.as_str(), f.text.as_str())).collect();
        let expected = [("a.sql", "m/versions/a.sql", "a.sql"), ("b.sql", "m/versions/b.sql", "b.sql")];
        assert_eq!(seen, expected);
    }

    #[test]
    fn says_what_is_wrong_with_the_folder() {
        let root = tempfile::tempdir().unwrap();
        let error = |folder: &str| read(root.path(), folder).unwrap_err();
        assert!(error("missing").starts_with("the folder `missing` cannot be read: No such file"));
        std::fs::create_dir(root.path().join("empty")).unwrap();
        assert!(error("empty").starts_with("the folder `empty` holds no revision"));
        std::fs::create_dir_all(root.path().join("dir/a.sql")).unwrap();
        assert!(error("dir").starts_with("dir/a.sql: cannot be read: "));
        std::fs::write(root.path().join("empty/latin1.sql"), b"-- gr\xfc\xdfe").unwrap();
        assert!(
            error("empty").contains("empty/latin1.sql: cannot be read: stream did not contain valid UTF-8")
        );
    }

    #[test]
    fn refuses_paths_that_do_not_travel() {
        assert!(relative("/abs").is_err());
        assert!(relative("").is_err());
        assert!(relative(".").is_err());
        assert_eq!(relative("../shared/./versions/").unwrap(), "../shared/versions");
    }
}
