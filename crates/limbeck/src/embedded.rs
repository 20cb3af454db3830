//! Revisions inside the program.

/// The revision files that [`embed!`](crate::embed) compiled in.
#[derive(Debug, Clone, Copy)]
pub struct Embedded {
    files: &'static [(&'static str, &'static str)],
}

impl Embedded {
    /// Takes names and texts. Written by [`embed!`](crate::embed).
    pub const fn new(files: &'static [(&'static str, &'static str)]) -> Self {
        Self { files }
    }

    /// Each file's name and text.
    pub const fn files(&self) -> &'static [(&'static str, &'static str)] {
        self.files
    }
}
