//! As much of PostgreSQL's protocol as a front needs (the manual's chapter "Message Formats").

use std::io::{self, Read, Write};

/// What a client begins with.
pub(super) enum Opening {
    /// A session: the whole packet.
    Startup(Vec<u8>),
    /// A cancel request, which the embedded PostgreSQL cannot serve.
    Cancel,
}

const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSS: u32 = 80_877_104;

/// PostgreSQL's own limit for a startup packet.
const LONGEST_STARTUP: usize = 10_000;

/// Reads what a client begins with; offers of encryption are declined on the way.
pub(super) fn read_opening(client: &mut (impl Read + Write)) -> io::Result<Opening> {
    loop {
        let mut head = [0; 4];
        client.read_exact(&mut head)?;
        let length = u32::from_be_bytes(head) as usize;
        if !(8..=LONGEST_STARTUP).contains(&length) {
            return Err(io::Error::other("this is not PostgreSQL's protocol"));
        }
        let mut packet = head.to_vec();
        packet.resize(length, 0);
        client.read_exact(&mut packet[4..])?;
        match u32::from_be_bytes([packet[4], packet[5], packet[6], packet[7]]) {
            SSL | GSS => client.write_all(b"N")?,
            CANCEL => return Ok(Opening::Cancel),
            _ => return Ok(Opening::Startup(packet)),
        }
    }
}

/// The client ends the session.
pub(super) const TERMINATE: u8 = b'X';

/// Messages that end whatever a client that has gone left open, in this order: a COPY from the client (only
/// when one is going on), a sequence of extended queries, the session.
pub(super) fn farewell(copying: Copying) -> Vec<u8> {
    let mut bytes = Vec::new();
    if copying == Copying::FromClient {
        bytes.extend_from_slice(b"f\0\0\0\x14client has gone\0");
    }
    bytes.extend_from_slice(b"S\0\0\0\x04X\0\0\0\x04");
    bytes
}

/// A refusal in the form in which PostgreSQL itself refuses connections.
pub(super) fn refusal(message: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C57P03\0M{message}\0\0");
    let mut bytes = vec![b'E'];
    bytes.extend_from_slice(&u32::try_from(fields.len() + 4).unwrap_or(u32::MAX).to_be_bytes());
    bytes.extend_from_slice(fields.as_bytes());
    bytes
}

/// Whether the server waits for a client's COPY data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Copying {
    No,
    FromClient,
}

/// Cuts a stream into messages: a type, a length, that many bytes.
#[derive(Debug, Default)]
pub(super) struct Messages {
    bytes: Vec<u8>,
}

impl Messages {
    /// Adds what was read.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Takes the complete messages up to and without the first of type `stop`, and says what came of it.
    pub(super) fn take(&mut self, stop: u8) -> (Vec<u8>, Seen) {
        let mut end = 0;
        while let Some(length) = message_length(&self.bytes[end..]) {
            if self.bytes[end] == stop {
                return (self.bytes.drain(..end).collect(), Seen::Stop);
            }
            end += length;
        }
        (self.bytes.drain(..end).collect(), Seen::More)
    }
}

/// Whether a message of the wanted type came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Seen {
    Stop,
    More,
}

/// The length of the message at the front, if it is complete.
fn message_length(bytes: &[u8]) -> Option<usize> {
    let length = u32::from_be_bytes(bytes.get(1..5)?.try_into().ok()?) as usize + 1;
    (bytes.len() >= length).then_some(length)
}

/// Follows what a server says, without keeping it.
#[derive(Debug)]
pub(super) struct Follower {
    head: Vec<u8>,
    skip: usize,
    copying: Copying,
}

impl Follower {
    pub(super) fn new() -> Self {
        Self { head: Vec::new(), skip: 0, copying: Copying::No }
    }

    /// Reads on, and says whether the server waits for COPY data now.
    pub(super) fn follow(&mut self, mut bytes: &[u8]) -> Copying {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            self.skip -= skipped;
            bytes = &bytes[skipped..];
            let wanted = (5 - self.head.len()).min(bytes.len());
            self.head.extend_from_slice(&bytes[..wanted]);
            bytes = &bytes[wanted..];
            if let [kind, length @ ..] = self.head.as_slice()
                && let Ok(length) = <[u8; 4]>::try_from(length)
            {
                self.skip = (u32::from_be_bytes(length) as usize).saturating_sub(4);
                self.copying = match kind {
                    b'G' | b'W' => Copying::FromClient,
                    b'C' | b'E' | b'Z' => Copying::No,
                    _ => self.copying,
                };
                self.head.clear();
            }
        }
        self.copying
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_cut_wherever_the_stream_was() {
        let stream = b"Q\0\0\0\x07ab\0S\0\0\0\x04X\0\0\0\x04rest";
        let mut messages = Messages::default();
        let mut taken = Vec::new();
        let mut seen = Seen::More;
        for byte in stream {
            messages.push(&[*byte]);
            if seen == Seen::More {
                let (bytes, now) = messages.take(TERMINATE);
                taken.extend(bytes);
                seen = now;
            }
        }
        assert_eq!((taken.as_slice(), seen), (&stream[..13], Seen::Stop));
    }

    #[test]
    fn a_copy_is_noticed_in_pieces() {
        let stream = b"T\0\0\0\x06GGG\0\0\0\x07\0\0\0";
        for cut in 0..stream.len() {
            let mut follower = Follower::new();
            follower.follow(&stream[..cut]);
            assert_eq!(follower.follow(&stream[cut..]), Copying::FromClient, "{cut}");
            assert_eq!(follower.follow(b"Z\0\0\0\x05I"), Copying::No);
        }
    }
}
