//! The ends of a comparison, as a user names them.

use std::path::PathBuf;
use std::str::FromStr;

use limbeck_core::{Code, Problem};

use crate::connect::DatabaseUrl;

/// One side of `limbeck diff`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SchemaSource {
    /// `models`: the models and schema files.
    Models,
    /// `database`: the database that every other command would use.
    Database,
    /// `revisions`, or `revisions@ae10`: what revisions make, up to a target.
    Revisions(String),
    /// A URL.
    Url(DatabaseUrl),
    /// An SQL file, or a folder of them.
    Files(PathBuf),
}

impl SchemaSource {
    /// Whether it is a database.
    pub fn is_live(&self) -> bool {
        matches!(self, Self::Database | Self::Url(_))
    }
}

impl FromStr for SchemaSource {
    type Err = Problem;

    fn from_str(text: &str) -> Result<Self, Problem> {
        match text {
            "models" => return Ok(Self::Models),
            "database" => return Ok(Self::Database),
            "revisions" => return Ok(Self::Revisions("heads".to_owned())),
            _ => {}
        }
        if let Some(target) = text.strip_prefix("revisions@") {
            return Ok(Self::Revisions(target.to_owned()));
        }
        if text.contains("://") {
            return DatabaseUrl::parse(text).map(Self::Url).map_err(Problem::from);
        }
        let path = PathBuf::from(text);
        if path.exists() {
            return Ok(Self::Files(path));
        }
        let meant = limbeck_core::nearest(text, ["models", "database", "revisions"]);
        let problem = Problem::new(
            Code::BadSource,
            format!("`{text}` names no schema: there is no such file or folder"),
        );
        Err(problem.help(match meant {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => "say models, database, revisions, revisions@REVISION, a URL, or the path of an SQL file or of a \
                     folder of them"
                .to_owned(),
        }))
    }
}
