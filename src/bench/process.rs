//! What the system says about a process, from Linux's `/proc` (proc(5)).

use std::fs;

use super::Error;

/// `/proc` counts CPU time in these; Linux fixes them at 100 for every architecture that runs this.
const TICKS_PER_SECOND: f64 = 100.0;

/// A process whose use of the machine is measured.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Process {
    /// Its id, or `self`.
    id: String,
    /// What it calls itself, such as `redis-server`.
    pub(super) name: String,
}

impl Process {
    pub(super) fn find(pid: u32) -> Result<Self, Error> {
        let id = pid.to_string();
        let name = read(&id, "comm")?.trim().to_owned();
        Ok(Self { id, name })
    }

    /// The load generator, where there is a `/proc`.
    pub(super) fn own() -> Option<Self> {
        let own = Self { id: "self".to_owned(), name: "load generator".to_owned() };
        own.cpu_seconds().is_ok().then_some(own)
    }

    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// User and system time since its start, of all its threads, to 10 ms.
    pub(super) fn cpu_seconds(&self) -> Result<f64, Error> {
        let stat = read(&self.id, "stat")?;
        cpu_ticks(&stat).map(|ticks| ticks as f64 / TICKS_PER_SECOND).ok_or_else(|| self.garbled("stat"))
    }

    /// Resident memory in bytes.
    pub(super) fn resident_bytes(&self) -> Result<u64, Error> {
        let status = read(&self.id, "status")?;
        kilobytes(&status, "VmRSS:").map(|size| size * 1024).ok_or_else(|| self.garbled("status"))
    }

    /// How many files it may have open; `None` if there is no limit.
    pub(super) fn open_files_limit(&self) -> Result<Option<u64>, Error> {
        let limits = read(&self.id, "limits")?;
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"));
        let soft = line.and_then(|line| line.split_whitespace().next()).ok_or_else(|| self.garbled("limits"))?;
        Ok(soft.parse().ok())
    }

    fn garbled(&self, file: &'static str) -> Error {
        let source = std::io::Error::from(std::io::ErrorKind::InvalidData);
        Error::Process { process: self.id.clone(), file, source }
    }
}

fn read(id: &str, file: &'static str) -> Result<String, Error> {
    fs::read_to_string(format!("/proc/{id}/{file}")).map_err(|source| Error::Process { process: id.to_owned(), file, source })
}

/// utime and stime, fields 14 and 15. The name, field 2, may hold spaces and brackets: count from behind it.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11).map(str::parse::<u64>);
    Some(fields.next()?.ok()? + fields.next()?.ok()?)
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::{cpu_ticks, kilobytes};

    #[test]
    fn cpu_time_is_found_behind_any_name() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 10 0 0 0 250 50 0 0 20 0 1 0 5 0 0";
        assert_eq!(cpu_ticks(stat), Some(300));
        assert_eq!(cpu_ticks("nonsense"), None);
    }

    #[test]
    fn memory_is_found_by_its_name() {
        assert_eq!(kilobytes("Name:\tx\nVmRSS:\t  2048 kB\n", "VmRSS:"), Some(2048));
        assert_eq!(kilobytes("Name:\tx\n", "VmRSS:"), None);
    }
}
