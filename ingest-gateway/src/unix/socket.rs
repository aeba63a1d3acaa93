//! Sockets in the file system: made with their permissions, never taken from a process that lives, and
//! removed at the end.

use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::{Path, PathBuf};

use service::ByteSize;
use socket2::{Domain, SockAddr, Socket, Type};

use crate::config::SocketMode;
use crate::listen::{BACKLOG, set_receive_buffer};

/// Why a socket cannot be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make the socket {} (ingest_gateway.{setting}): {reason}", .path.display())]
pub struct SocketFileError {
    setting: &'static str,
    path: PathBuf,
    reason: String,
}

/// A socket's file, removed when it is dropped unless somebody else has put another one there.
#[derive(Debug)]
pub(crate) struct SocketFile {
    path: PathBuf,
    inode: (u64, u64),
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|there| identity(&there) == self.inode) {
            // A file that stays is removed at the next start, since nobody lives on it.
            drop(fs::remove_file(&self.path));
        }
    }
}

/// A socket for connections with its file, if that is ours.
#[derive(Debug)]
pub(crate) struct Listening {
    pub(crate) listener: UnixListener,
    pub(crate) file: Option<SocketFile>,
}

/// A socket for datagrams with its file, if that is ours.
#[derive(Debug)]
pub(crate) struct Datagrams {
    pub(crate) socket: UnixDatagram,
    pub(crate) file: Option<SocketFile>,
}

impl Listening {
    /// Makes it.
    ///
    /// # Errors
    /// [`SocketFileError`] when something that is no dead socket is there, or the system refuses.
    pub(crate) fn open(
        path: &Path,
        mode: SocketMode,
        setting: &'static str,
    ) -> Result<Self, SocketFileError> {
        // Nobody can connect before it listens, and then its permissions hold already.
        let (socket, file) = open(path, mode, setting, Type::STREAM)?;
        socket.listen(BACKLOG).map_err(|error| refused(path, setting, &error.to_string()))?;
        Ok(Self { listener: socket.into(), file: Some(file) })
    }

    /// One whose file is somebody else's, and stays.
    pub(crate) fn handed_over(socket: Socket) -> Self {
        Self { listener: socket.into(), file: None }
    }
}

impl Datagrams {
    /// Makes it, with a receive buffer of this size if the system gives it.
    ///
    /// # Errors
    /// As for connections.
    pub(crate) fn open(
        path: &Path,
        mode: SocketMode,
        setting: &'static str,
        buffer: ByteSize,
    ) -> Result<Self, SocketFileError> {
        let (socket, file) = open(path, mode, setting, Type::DGRAM)?;
        // A sender waits when the buffer is full, so that a small one loses nothing.
        drop(set_receive_buffer(&socket, buffer));
        Ok(Self { socket: socket.into(), file: Some(file) })
    }

    /// One whose file is somebody else's, and stays.
    pub(crate) fn handed_over(socket: Socket) -> Self {
        Self { socket: socket.into(), file: None }
    }
}

fn open(
    path: &Path,
    mode: SocketMode,
    setting: &'static str,
    kind: Type,
) -> Result<(Socket, SocketFile), SocketFileError> {
    remove_dead(path).map_err(|reason| refused(path, setting, &reason))?;
    let made = || -> io::Result<(Socket, SocketFile)> {
        let socket = Socket::new(Domain::UNIX, kind, None)?;
        socket.set_nonblocking(true)?;
        socket.bind(&SockAddr::unix(path)?)?;
        let inode = identity(&fs::symlink_metadata(path)?);
        let file = SocketFile { path: path.to_owned(), inode };
        fs::set_permissions(path, Permissions::from_mode(mode.0))?;
        Ok((socket, file))
    };
    made().map_err(|error| refused(path, setting, &error.to_string()))
}

/// Removes a socket on which nobody lives; says why if something else is there.
fn remove_dead(path: &Path) -> Result<(), String> {
    let Some(there) = what_is_at(path)? else { return Ok(()) };
    if !there.file_type().is_socket() {
        return Err(
            "something is there that is no socket: move it away, or name another place".into()
        );
    }
    let kinds = [Type::STREAM, Type::DGRAM, Type::SEQPACKET];
    if kinds.into_iter().any(|kind| is_alive(path, kind)) {
        return Err("another process lives on it: stop that process, or name another place".into());
    }
    let Some(now) = what_is_at(path)? else { return Ok(()) };
    if identity(&now) != identity(&there) {
        return Err("another process has just made something there: stop that process, or name \
                    another place"
            .into());
    }
    fs::remove_file(path)
        .map_err(|error| format!("the socket of a process that has ended: {error}"))
}

/// What is there, without following links; none if nothing is.
fn what_is_at(path: &Path) -> Result<Option<fs::Metadata>, String> {
    match fs::symlink_metadata(path) {
        Ok(there) => Ok(Some(there)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error.to_string()),
    }
}

/// Whether a process answers there. Only a refusal says that none does; another kind of socket is asked
/// again as such.
fn is_alive(path: &Path, kind: Type) -> bool {
    let connect = || {
        let probe = Socket::new(Domain::UNIX, kind, None)?;
        // A process whose queue is full lives too, and is not waited for.
        probe.set_nonblocking(true)?;
        probe.connect(&SockAddr::unix(path)?)
    };
    match connect() {
        Ok(()) => true,
        Err(error) => {
            let is_other_kind =
                error.raw_os_error() == Some(rustix::io::Errno::PROTOTYPE.raw_os_error());
            error.kind() != io::ErrorKind::ConnectionRefused && !is_other_kind
        }
    }
}

fn identity(metadata: &fs::Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn refused(path: &Path, setting: &'static str, reason: &str) -> SocketFileError {
    SocketFileError { setting, path: path.to_owned(), reason: reason.to_owned() }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;
    use std::os::unix::net::{UnixDatagram, UnixListener};

    use service::ByteSize;
    use socket2::{Domain, SockAddr, Socket, Type};

    use super::{Datagrams, Listening};
    use crate::config::SocketMode;

    const MODE: SocketMode = SocketMode(0o620);

    #[test]
    fn a_socket_has_its_permissions_and_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.sock");
        let open = Listening::open(&path, MODE, "unix.stream_path").unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o620);
        drop(open);
        assert!(!path.exists());
        let open = Datagrams::open(&path, MODE, "unix.datagram_path", ByteSize(1 << 20)).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o620);
        fs::remove_file(&path).unwrap();
        fs::write(&path, "of somebody else").unwrap();
        drop(open);
        assert!(path.exists(), "what another one has put there stays");
    }

    #[test]
    fn a_dead_socket_is_removed_and_a_living_one_never() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lines.sock");
        drop(UnixListener::bind(&path).unwrap());
        let mine = Listening::open(&path, MODE, "unix.stream_path").unwrap();
        for error in [
            Listening::open(&path, MODE, "unix.stream_path").unwrap_err(),
            Datagrams::open(&path, MODE, "unix.stream_path", ByteSize(1)).unwrap_err(),
        ] {
            let text = error.to_string();
            assert!(
                text.contains("unix.stream_path") && text.contains("another process lives"),
                "{text}"
            );
        }
        drop(mine);
        let theirs = UnixDatagram::bind(&path).unwrap();
        Listening::open(&path, MODE, "unix.stream_path").unwrap_err();
        drop(theirs);
        Listening::open(&path, MODE, "unix.stream_path").unwrap();
    }

    #[test]
    fn a_living_socket_of_packets_in_sequence_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("packets.sock");
        let theirs = Socket::new(Domain::UNIX, Type::SEQPACKET, None).unwrap();
        theirs.bind(&SockAddr::unix(&path).unwrap()).unwrap();
        theirs.listen(1).unwrap();
        let text = Listening::open(&path, MODE, "unix.stream_path").unwrap_err().to_string();
        assert!(text.contains("another process lives"), "{text}");
        assert!(path.exists());
        drop(theirs);
        Listening::open(&path, MODE, "unix.stream_path").unwrap();
    }

    #[test]
    fn a_file_is_never_removed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notes.txt");
        fs::write(&path, "mine").unwrap();
        let text = Listening::open(&path, MODE, "unix.stream_path").unwrap_err().to_string();
        assert!(text.contains("no socket"), "{text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), "mine");
    }
}
