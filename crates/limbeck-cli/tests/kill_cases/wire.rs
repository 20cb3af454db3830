//! PostgreSQL's protocol, version 3, as far as counting messages goes (the manual's "Message Formats").

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// A session's server is ready for the next query.
pub(crate) const READY: u8 = b'Z';
/// The server tells its process id.
pub(crate) const KEY: u8 = b'K';
/// The client says good-bye.
pub(crate) const TERMINATE: u8 = b'X';
/// The client's messages of which the server does not say that it is done with them before it gets a Sync: Parse,
/// Bind, Describe, Execute, Close, Flush.
pub(crate) const EXTENDED: &[u8] = b"PBDECH";
/// What a client begins with has no type of its own.
pub(crate) const STARTUP: u8 = b'^';

/// One message, as it goes over the wire.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    pub(crate) kind: u8,
    pub(crate) bytes: Vec<u8>,
}

impl Message {
    /// The process id in a [`KEY`] message.
    pub(crate) fn process_id(&self) -> Option<i32> {
        let id = self.bytes.get(5..9).filter(|_| self.kind == KEY)?;
        Some(i32::from_be_bytes(id.try_into().ok()?))
    }

    /// Whether this text is in it.
    pub(crate) fn contains(&self, text: &str) -> bool {
        self.bytes.windows(text.len()).any(|window| window == text.as_bytes())
    }
}

/// Reads whole messages from one side. What was read of an unfinished one is kept when a read is given up.
pub(crate) struct Messages<R> {
    stream: R,
    read: Vec<u8>,
    begins: Begins,
}

/// Whether the first message has no type.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Begins {
    WithStartup,
    Typed,
}

impl<R: AsyncRead + Unpin> Messages<R> {
    pub(crate) fn new(stream: R, begins: Begins) -> Self {
        Self { stream, read: Vec::new(), begins }
    }

    /// The next message, or nothing when this side has closed.
    pub(crate) async fn next(&mut self) -> Option<Message> {
        loop {
            if let Some(message) = self.take() {
                return Some(message);
            }
            if self.stream.read_buf(&mut self.read).await.ok()? == 0 {
                return None;
            }
        }
    }

    fn take(&mut self) -> Option<Message> {
        let typed = usize::from(self.begins == Begins::Typed);
        let length = self.read.get(typed..typed + 4)?;
        let length = typed + usize::try_from(u32::from_be_bytes(length.try_into().ok()?)).ok()?;
        if self.read.len() < length {
            return None;
        }
        let kind = if typed == 1 { self.read[0] } else { STARTUP };
        self.begins = Begins::Typed;
        let bytes = self.read.drain(..length).collect();
        Some(Message { kind, bytes })
    }
}
