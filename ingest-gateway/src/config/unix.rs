//! Settings of the doors that are files: Unix sockets.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};

use access::ShopName;
use bus::Codec;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use service::Span;

use super::delimiter::check_delimiter;
use super::problem::{refuse_zero, within};
use super::{MultilineConfig, Problem};
use crate::lines::{Delimiter, Framing};

/// Longest path of a socket (`sun_path` of unix(7), with its NUL).
const PATH_BYTES_MAX: usize = 107;

/// Settings of the doors that are sockets in the file system. Who may send is who may write to them; a connection may
/// show the token of a shop.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct UnixConfig {
    /// Where a stream socket is made.
    pub stream_path: Option<PathBuf>,
    /// Where a datagram socket is made.
    pub datagram_path: Option<PathBuf>,
    /// Who may write to them.
    pub mode: SocketMode,
    /// What a line is: a JSON object, or plain text.
    pub codec: Codec,
    /// The shop of what comes without a token of a shop; absent, `default`.
    pub shop: Option<ShopName>,
    /// How lines of a connection are told apart.
    pub framing: Framing,
    /// What ends a line of a connection in place of a line feed, 1 to 16 bytes.
    pub delimiter: Option<Delimiter>,
    /// Which lines of a connection are one event.
    pub multiline: MultilineConfig,
    /// Most connections at once; further ones wait.
    pub connections_max: u32,
    /// How long a connection may be silent between two lines.
    pub idle_timeout: Span,
    /// How long a line may take from its first byte to its end.
    pub line_timeout: Span,
    /// Further doors of the kind with settings of their own, by a name that begins with `unix-`: their records, metrics
    /// and `enricher.inputs` have it.
    pub inputs: BTreeMap<String, UnixConfig>,
}

impl Default for UnixConfig {
    fn default() -> Self {
        Self {
            stream_path: None,
            datagram_path: None,
            mode: SocketMode(0o660),
            codec: Codec::Json,
            shop: None,
            framing: Framing::Newline,
            delimiter: None,
            multiline: MultilineConfig::default(),
            connections_max: 1_000,
            idle_timeout: Span::from_secs(3_600),
            line_timeout: Span::from_secs(60),
            inputs: BTreeMap::new(),
        }
    }
}

impl UnixConfig {
    /// Whether it says where the door is.
    pub(super) fn names_a_place(&self) -> bool {
        self.stream_path.is_some() || self.datagram_path.is_some()
    }

    pub(super) fn check(&self, problems: &mut Vec<Problem>) {
        check_socket_path("stream_path", self.stream_path.as_deref(), problems);
        check_socket_path("datagram_path", self.datagram_path.as_deref(), problems);
        check_delimiter(self.framing, self.delimiter, problems);
        within("multiline", problems, |problems| self.multiline.check(problems));
        let counts = [("connections_max", self.connections_max)];
        let spans = [("idle_timeout", self.idle_timeout), ("line_timeout", self.line_timeout)];
        refuse_zero(problems, &counts, &spans);
    }
}

/// What is wrong with the place of a socket.
pub(super) fn check_socket_path(setting: &str, path: Option<&Path>, problems: &mut Vec<Problem>) {
    let Some(path) = path else { return };
    let wrong = if !path.is_absolute() {
        "is not absolute: no working folder should matter"
    } else if path.as_os_str().len() > PATH_BYTES_MAX {
        "has more than the 107 bytes that the system allows for a socket"
    } else if path.file_name().is_none() {
        "names no file"
    } else {
        return;
    };
    let message = format!("`{}` {wrong}", path.display());
    problems.push(Problem::new(setting, message));
}

/// Permissions of a socket, as `chmod` reads them: `"0660"`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct SocketMode(pub u32);

impl fmt::Display for SocketMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

impl fmt::Debug for SocketMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for SocketMode {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for SocketMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let is_mode = matches!(text.len(), 3 | 4) && text.bytes().all(|b| matches!(b, b'0'..=b'7'));
        let mode = u32::from_str_radix(&text, 8).ok().filter(|mode| is_mode && *mode <= 0o777);
        mode.map(Self).ok_or_else(|| {
            de::Error::custom(format!(
                "`{text}` is no permission of a socket: write three octal digits, as \"0660\""
            ))
        })
    }
}
