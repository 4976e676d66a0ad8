//! Restoring a dump: read piece by piece by a thread of its own, written as it comes, in force only when all of it is there.

mod document;
mod items;

use std::io::{self, Read};

use sha2::Sha256;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use self::document::Whole;
use super::act::{self, KEPT_SECONDS};
use super::{Act, Error, Reply, Service};
use crate::auth::{Caller, Scope};
use crate::domain::fault::Faults;
use crate::domain::ids::WorkspaceId;
use crate::store;
use crate::store::restore::{Begun, Restored, Staging};

/// Pieces read ahead; each holds at most one item of the dump.
const AHEAD: usize = 64;
/// How much of a refused body is read all the same, so that the client, still sending, sees the answer.
const DRAIN: u64 = 16 * 1024 * 1024;

/// A dump on its way in.
pub struct Upload {
    /// The body; reading it may block.
    pub reader: Box<dyn Read + Send>,
    /// The digest of the request up to its body, if it came under an idempotency key.
    pub digest: Option<Sha256>,
    /// The deepest nesting of an item.
    pub depth: usize,
}

impl Service {
    /// Makes the workspace what the dump says. What is there is replaced if `force`, else nothing may be there.
    pub async fn restore(
        &self,
        caller: &Caller,
        workspace: &WorkspaceId,
        force: bool,
        upload: Upload,
        mut act: Act,
    ) -> Result<Reply, Error> {
        caller.must(Scope::Admin)?;
        let record = self.memo(caller, workspace, &act, KEPT_SECONDS, 200, "").map(|memo| memo.key);
        match self.store.restore(workspace, force, record.as_deref()).await? {
            Begun::NotEmpty => {
                drain(upload.reader).await;
                Err(not_empty())
            }
            Begun::Known => {
                let print = digested(upload).await?;
                if let (Some(idempotency), Some(print)) = (act.idempotency.as_mut(), print) {
                    idempotency.fingerprint = print;
                }
                let print = act.idempotency.as_ref().map(super::Idempotency::hex).unwrap_or_default();
                match self.store.stored(&record.unwrap_or_default(), &print).await? {
                    Some(Some(stored)) => act::again(stored),
                    Some(None) => Err(Error::IdempotencyMismatch),
                    None => Err(store::Error::Contended.into()),
                }
            }
            Begun::Staging(mut staging) => match fill(&mut staging, workspace, upload).await {
                Ok(whole) => {
                    if let (Some(idempotency), Some(print)) = (act.idempotency.as_mut(), whole.print) {
                        idempotency.fingerprint = print;
                    }
                    let memo = self.memo(caller, workspace, &act, KEPT_SECONDS, 200, "");
                    match staging.finish(&whole.rest, memo.as_ref()).await? {
                        Restored::Done(seq) => Ok(Reply::new(200, format!(r#"{{"restored":true,"seq":{seq}}}"#))),
                        Restored::Repeated(stored) => act::again(stored),
                        Restored::Mismatch => Err(Error::IdempotencyMismatch),
                        Restored::NotEmpty => Err(not_empty()),
                        Restored::Changed => {
                            Err(Error::conflict("workspace_changed", "the workspace was purged or restored while the dump was read"))
                        }
                    }
                }
                Err(error) => {
                    // Its own timer collects it, should this fail.
                    let _ = staging.abandon().await;
                    Err(error)
                }
            },
        }
    }
}

/// Reads the dump and writes its pieces.
async fn fill(staging: &mut Staging, workspace: &WorkspaceId, upload: Upload) -> Result<Whole, Error> {
    let (to, mut from) = mpsc::channel(AHEAD);
    let workspace = workspace.clone();
    let reading: JoinHandle<Result<Whole, Error>> = tokio::task::spawn_blocking(move || document::read(upload, &workspace, to));
    let mut pieces = Vec::new();
    while from.recv_many(&mut pieces, AHEAD).await > 0 {
        staging.write(std::mem::take(&mut pieces)).await?;
    }
    reading.await.map_err(|_| Error::from(store::Error::Closed))?
}

fn not_empty() -> Error {
    Error::conflict("workspace_not_empty", "the workspace is not empty; ?force=true replaces what is there")
}

async fn drain(reader: Box<dyn Read + Send>) {
    let reading = tokio::task::spawn_blocking(move || io::copy(&mut reader.take(DRAIN), &mut io::sink()));
    // Whether it came to its end makes no difference to the answer.
    let _ = reading.await;
}

async fn digested(upload: Upload) -> Result<Option<[u8; 32]>, Error> {
    let mut reader = document::Digesting::new(upload.reader, upload.digest);
    let reading = tokio::task::spawn_blocking(move || io::copy(&mut reader, &mut io::sink()).map(|_| reader.finish()));
    reading.await.map_err(|_| Error::from(store::Error::Closed))?.map_err(|_| incomplete())
}

fn incomplete() -> Error {
    Error::bad_request("incomplete_body", "the body ended before it was complete")
}

fn fault(path: impl Into<String>, message: impl Into<String>) -> Error {
    Faults::one(path, message).into()
}
