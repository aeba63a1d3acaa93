//! An answer of the API that does not end: server-sent events, of which only the data counts.

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use reqwest::Response;

use crate::command::Failure;

/// The data of events, as they come.
pub(crate) struct EventStream {
    parts: BoxStream<'static, reqwest::Result<Bytes>>,
    text: Vec<u8>,
}

impl EventStream {
    pub(crate) fn new(answer: Response) -> Self {
        Self { parts: answer.bytes_stream().boxed(), text: Vec::new() }
    }

    /// The data of the next event that has any; it is one line.
    ///
    /// # Errors
    /// The platform has stopped or cannot be reached any more, or it has ended the stream.
    pub(crate) async fn next(&mut self) -> Result<Vec<u8>, Failure> {
        loop {
            while let Some(end) = memchr::memchr(b'\n', &self.text) {
                let line: Vec<u8> = self.text.drain(..=end).collect();
                if let Some(data) = line.strip_prefix(b"data:") {
                    return Ok(data.trim_ascii().to_vec());
                }
            }
            match self.parts.next().await {
                Some(Ok(part)) => self.text.extend_from_slice(&part),
                Some(Err(error)) => {
                    return Err(Failure::new(format!("the platform went away: {error}")));
                }
                None => {
                    return Err(Failure::new(
                        "the platform has stopped, or the stream has lasted as long as it may \
                         (`query_api.tail_duration_max`): start the command again",
                    ));
                }
            }
        }
    }
}
