//! Loading statements that need each other, in whatever order they are given.

use limbeck_core::model::Models;
use limbeck_core::schema::ObjectId;
use limbeck_core::sql::{Script, Statement, Values};
use limbeck_core::{Place, Problem, Source};
use sqlx::error::DatabaseError;
use sqlx::postgres::PgConnection;
use std::sync::Arc;

use crate::catalog::{self, Filter, Read};
use crate::error::Error;
use crate::execute::chunk::{BEGIN, COMMIT, Chunk};
use crate::execute::failure;
use crate::quote::ident;
use crate::state::session::simple_query;

/// So many statements go to the server as one message. If one of them fails, they go one by one.
const TOGETHER: usize = 200;

/// SQLSTATE: a role (or another named thing) is not there.
const UNDEFINED_OBJECT: &str = "42704";

/// A statement to load.
#[derive(Debug, Clone)]
pub(crate) enum Piece<'m> {
    /// Limbeck's own rendering, of an object that a model may say.
    Own(String, Option<Said<'m>>),
    /// A file's, with its place.
    File(Statement),
}

/// An object of models.
#[derive(Debug, Clone)]
pub(crate) struct Said<'m> {
    pub(crate) models: &'m Models,
    pub(crate) id: ObjectId,
}

impl Said<'_> {
    /// Where that is said which the server refuses in this statement.
    fn place(&self, sql: &str, error: &sqlx::Error) -> Option<Place> {
        let offset = failure::position(error).map(|position| {
            sql.char_indices().nth(position.saturating_sub(1)).map_or(sql.len(), |(at, _)| at)
        });
        let message = error.as_database_error().map_or("", DatabaseError::message);
        self.models.place_in(&self.id, sql, offset, message).cloned()
    }
}

impl Piece<'_> {
    /// The statement.
    pub(crate) fn text(&self) -> &str {
        match self {
            Self::Own(sql, _) => sql,
            Self::File(statement) => statement.text(),
        }
    }

    /// Limbeck's own text. What a file says may go further than a transaction.
    fn own(&self) -> Option<&str> {
        match self {
            Self::Own(sql, _) => Some(sql),
            Self::File(_) => None,
        }
    }

    /// The texts of pieces that are all limbeck's own.
    pub(super) fn all_own(pieces: &[Self]) -> Option<Vec<&str>> {
        pieces.iter().map(Self::own).collect()
    }

    /// The statements of a file, all of them.
    ///
    /// # Errors
    /// What a revision may not hold either: transaction control, COPY FROM STDIN, meta-commands.
    pub(crate) fn of_file(source: &Arc<Source>) -> Result<Vec<Self>, Problem> {
        Ok(Script::parse(source)?.statements().cloned().map(Self::File).collect())
    }
}

/// What may be done where a role is missing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissingRoles {
    /// It is made, without login: the server is thrown away.
    Made,
    /// That is an error: the server is somebody's.
    Refused,
}

/// Loads limbeck's own statements, reads what they make, and takes all of it back. `None` if one of them fails: they are to
/// be loaded with patience then.
///
/// # Errors
/// The connection fails; what was made cannot be read.
pub(crate) async fn rehearse(
    connection: &mut PgConnection,
    statements: &[&str],
    filter: &Filter,
) -> Result<Option<Read>, Error> {
    let mut chunk = Chunk::default();
    chunk.own(BEGIN);
    statements.iter().for_each(|statement| chunk.own(statement));
    let read = match simple_query(connection, chunk.sql()).await {
        Ok(_) => catalog::read_uncommitted(connection, filter).await.map(Some),
        Err(error) if failure::state(&error).is_none() => return Err(failure::database(&error).into()),
        Err(_) => Ok(None),
    };
    simple_query(connection, "ROLLBACK").await.map_err(|error| failure::database(&error))?;
    read
}

/// Loads statements. One that fails is tried again after the others, as long as that helps: files need not be in
/// order.
///
/// # Errors
/// The first statement that cannot be loaded, at its place.
pub(crate) async fn load(
    connection: &mut PgConnection,
    pieces: &[Piece<'_>],
    values: &Values,
    roles: MissingRoles,
) -> Result<(), Error> {
    let mut loader = Loader { connection, values, roles };
    let mut left: Vec<&Piece<'_>> = Vec::new();
    for pieces in pieces.chunks(TOGETHER) {
        if !loader.together(pieces).await? {
            left.extend(loader.one_by_one(pieces.iter()).await?.into_iter().map(|(piece, _)| piece));
        }
    }
    while !left.is_empty() {
        let before = left.len();
        let failed = loader.one_by_one(left).await?;
        if failed.len() == before {
            return match failed.into_iter().next() {
                Some((_, problem)) => Err(problem.into()),
                None => Ok(()),
            };
        }
        left = failed.into_iter().map(|(piece, _)| piece).collect();
    }
    Ok(())
}

struct Loader<'a> {
    connection: &'a mut PgConnection,
    values: &'a Values,
    roles: MissingRoles,
}

impl Loader<'_> {
    /// Whether all of them could be loaded; otherwise none was.
    async fn together(&mut self, pieces: &[Piece<'_>]) -> Result<bool, Error> {
        let mut chunk = Chunk::default();
        chunk.own(BEGIN);
        for piece in pieces {
            self.add(&mut chunk, piece)?;
        }
        chunk.own(COMMIT);
        match simple_query(self.connection, chunk.sql()).await {
            Ok(_) => Ok(true),
            Err(error) if failure::state(&error).is_none() => Err(failure::database(&error).into()),
            Err(_) => {
                simple_query(self.connection, "ROLLBACK").await.map_err(|error| failure::database(&error))?;
                Ok(false)
            }
        }
    }

    /// Those that failed, with what the server said.
    async fn one_by_one<'p, 'm: 'p>(
        &mut self,
        pieces: impl IntoIterator<Item = &'p Piece<'m>>,
    ) -> Result<Vec<(&'p Piece<'m>, Problem)>, Error> {
        let mut failed = Vec::new();
        for piece in pieces {
            if let Some(problem) = self.one(piece).await? {
                failed.push((piece, problem));
            }
        }
        Ok(failed)
    }

    async fn one(&mut self, piece: &Piece<'_>) -> Result<Option<Problem>, Error> {
        let mut chunk = Chunk::default();
        self.add(&mut chunk, piece)?;
        loop {
            let Err(error) = simple_query(self.connection, chunk.sql()).await else { return Ok(None) };
            if failure::state(&error).is_none() {
                return Err(failure::database(&error).into());
            }
            match missing_role(&error).filter(|_| self.roles == MissingRoles::Made) {
                Some(role) => make_role(self.connection, &role).await?,
                None => {
                    let problem = failure::in_chunk(&error, &chunk, 0);
                    return Ok(Some(match piece {
                        Piece::Own(sql, said) => {
                            let problem = problem.note(format!("the statement was: {sql}"));
                            let place = said.as_ref().and_then(|said| said.place(sql, &error));
                            place.into_iter().fold(problem, Problem::at)
                        }
                        Piece::File(_) => problem,
                    }));
                }
            }
        }
    }

    fn add(&self, chunk: &mut Chunk, piece: &Piece<'_>) -> Result<(), Problem> {
        match piece {
            Piece::Own(sql, _) => chunk.own(sql),
            Piece::File(statement) => chunk.statement(statement, self.values)?,
        }
        Ok(())
    }
}

/// The role that is missing, if that is what an error says. The words are those of `lc_messages=C`, which limbeck's own
/// servers speak.
pub(crate) fn missing_role(error: &sqlx::Error) -> Option<String> {
    if failure::state(error)? != UNDEFINED_OBJECT {
        return None;
    }
    role_in(error.as_database_error()?.message())
}

/// The role of a message `role "name" does not exist`.
pub(crate) fn role_in(message: &str) -> Option<String> {
    let name = message.split("role \"").nth(1)?.split("\" does not exist").next()?;
    message.contains("does not exist").then(|| name.to_owned())
}

/// Makes a role that can do nothing, not even log in.
pub(crate) async fn make_role(connection: &mut PgConnection, role: &str) -> Result<(), Error> {
    let sql = format!("CREATE ROLE {} NOLOGIN", ident(role));
    simple_query(connection, &sql).await.map_err(|error| failure::database(&error))?;
    Ok(())
}
