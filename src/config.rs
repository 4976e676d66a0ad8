//! Every setting of the process, each a flag and a `DOWNBEAT_*` variable, the flag winning. One struct a section.
//! All faults are reported at once. Nothing else reads the environment.

mod limits;
mod logs;
mod redis;
mod server;
mod settings;
mod streams;
#[cfg(test)]
mod tests;

use clap::error::ErrorKind;
use clap::{ArgMatches, Args, Command, FromArgMatches};

pub use self::limits::Limits;
pub use self::logs::{LogFormat, Logs};
pub use self::redis::{Redis, RedisUrl};
pub use self::server::{Auth, Server};
pub use self::settings::{Fault, Faults};
pub use self::streams::Streams;

/// The settings of one replica. `Default` is what an empty environment gives.
#[derive(Debug, Clone, Default)]
pub struct Config {
    /// Listeners, authentication, shutdown.
    pub server: Server,
    /// Where the data is.
    pub redis: Redis,
    /// What callers may send and hold.
    pub limits: Limits,
    /// Pace and memory of the live streams.
    pub streams: Streams,
    /// What the process says about itself.
    pub logs: Logs,
}

impl Config {
    /// A replica for tests: free ports of loopback and the given Redis; everything else as by default.
    pub fn for_tests(redis: RedisUrl) -> Self {
        let mut config = Self::default();
        config.server.listen.set_port(0);
        config.server.admin_listen.set_port(0);
        config.redis.url = Some(redis);
        config
    }

    /// The rules that span settings, such as: no authentication, no listening beyond loopback.
    pub fn check(&self) -> Result<(), Faults> {
        let mut faults = Vec::new();
        self.server.check(&mut faults);
        self.redis.check(&mut faults);
        self.limits.check(&mut faults);
        self.streams.check(self.limits.event_bytes, &mut faults);
        if faults.is_empty() { Ok(()) } else { Err(Faults(faults)) }
    }

    fn settings(&mut self, settings: &mut settings::Settings<'_>) {
        self.server.settings(settings);
        self.redis.settings(settings);
        self.limits.settings(settings);
        self.streams.settings(settings);
        self.logs.settings(settings);
    }

    fn read(matches: &ArgMatches) -> Result<Self, Faults> {
        let mut config = Self::default();
        let mut settings = settings::Settings::read(matches);
        config.settings(&mut settings);
        let mut faults = settings.faults;
        if let Err(Faults(spanning)) = config.check() {
            // A setting that could not be read stands at its default here: say the one thing about it that is true.
            let unread: Vec<_> = faults.iter().map(|fault| fault.setting).collect();
            faults.extend(spanning.into_iter().filter(|fault| !unread.contains(&fault.setting)));
        }
        if faults.is_empty() { Ok(config) } else { Err(Faults(faults)) }
    }
}

impl Args for Config {
    fn augment_args(command: Command) -> Command {
        let mut settings = settings::Settings::declare();
        Self::default().settings(&mut settings);
        command.args(settings.arguments)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Config {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Self::read(matches).map_err(|faults| clap::Error::raw(ErrorKind::ValueValidation, format!("{faults}\n")))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}
