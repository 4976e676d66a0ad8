//! The data directory: who owns it, and where in it things lie.
//!
//! Two locks, both released by the kernel when their holders die: `downbeat.lock` is the service's, `redis.lock` is held
//! by the redis-server itself, which gets it as its standard input. So no two servers ever write one append-only file,
//! even if the first one's socket was removed under it.

use std::fs::{DirBuilder, File, OpenOptions, Permissions, TryLockError};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::Error;

/// `sun_path` holds 104 bytes on macOS and 108 on Linux, its end mark included.
const LONGEST_SOCKET_PATH: usize = 100;
const CONFIGURATION: &str = "redis.conf";

/// A data directory that this process owns until the value is dropped.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) dir: PathBuf,
    pub(super) socket: PathBuf,
    ownership: File,
}

impl Place {
    /// Makes the directory if need be and takes ownership of it.
    pub(super) fn take(data_dir: &Path) -> Result<Self, Error> {
        let unusable = |source| Error::Directory { dir: data_dir.to_owned(), source };
        DirBuilder::new().recursive(true).mode(0o700).create(data_dir).map_err(unusable)?;
        let dir = data_dir.canonicalize().map_err(unusable)?;
        let ownership = open_lock(&dir.join("downbeat.lock")).map_err(unusable)?;
        match ownership.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(Error::InUse(dir)),
            Err(TryLockError::Error(source)) => return Err(unusable(source)),
        }
        let socket = socket_path(&dir).map_err(unusable)?;
        let place = Self { dir, socket, ownership };
        place.write_configuration().map_err(unusable)?;
        Ok(place)
    }

    /// The lock that a server holds while it lives; `None` while another one does.
    pub(super) fn server_lock(&self) -> Result<Option<File>, Error> {
        let unusable = |source| Error::Directory { dir: self.dir.clone(), source };
        let lock = open_lock(&self.dir.join("redis.lock")).map_err(unusable)?;
        match lock.try_lock() {
            Ok(()) => Ok(Some(lock)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(source)) => Err(unusable(source)),
        }
    }

    pub(super) fn configuration(&self) -> PathBuf {
        self.dir.join(CONFIGURATION)
    }

    /// Written anew at every start, so that it is what this version wants.
    fn write_configuration(&self) -> io::Result<()> {
        let mut text = b"# Written by downbeat at every start; changes are lost.\n\
            port 0\nunixsocketperm 700\ndaemonize no\nsupervised no\n\
            appendonly yes\nappendfsync everysec\nsave \"\"\nmaxmemory-policy noeviction\n"
            .to_vec();
        for (setting, path) in [("dir", &self.dir), ("unixsocket", &self.socket)] {
            text.extend_from_slice(setting.as_bytes());
            text.extend_from_slice(b" \"");
            for &byte in path.as_os_str().as_bytes() {
                if byte.is_ascii_graphic() && byte != b'"' && byte != b'\\' {
                    text.push(byte);
                } else {
                    write!(text, "\\x{byte:02x}")?;
                }
            }
            text.extend_from_slice(b"\"\n");
        }
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(self.configuration())?;
        file.write_all(&text)
    }
}

impl Drop for Place {
    /// Unlocked, not only closed: a process that another thread is just forking holds a copy of the file until it execs.
    fn drop(&mut self) {
        if let Some(beside) = self.socket.parent().filter(|parent| *parent != self.dir) {
            // Empty unless the server was killed; then the next start uses it again.
            let _ = std::fs::remove_dir(beside);
        }
        let _ = self.ownership.unlock();
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(path)
}

/// In the data directory, or, where that path is too long for a socket, in a directory of ours below the system's
/// temporary one, named after the data directory.
fn socket_path(dir: &Path) -> io::Result<PathBuf> {
    let direct = dir.join("redis.sock");
    if direct.as_os_str().len() <= LONGEST_SOCKET_PATH {
        return Ok(direct);
    }
    let digest = Sha256::digest(dir.as_os_str().as_bytes());
    let name = digest.iter().take(8).fold("downbeat-".to_owned(), |name, byte| format!("{name}{byte:02x}"));
    let mut short = std::env::temp_dir().join(&name);
    if short.join("redis.sock").as_os_str().len() > LONGEST_SOCKET_PATH {
        short = Path::new("/tmp").join(&name);
    }
    match DirBuilder::new().mode(0o700).create(&short) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    // Everybody may write there: do not walk into a directory that somebody else laid out for us.
    let (found, ours) = (short.symlink_metadata()?, dir.metadata()?);
    if !found.is_dir() || found.uid() != ours.uid() {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("{} belongs to somebody else, and the data directory's own path is too long for a socket", short.display()),
        ));
    }
    std::fs::set_permissions(&short, Permissions::from_mode(0o700))?;
    Ok(short.join("redis.sock"))
}
