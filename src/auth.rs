//! Who calls, and what they may do. A use case takes the [`Caller`] first and asks it for a [`Scope`] before it looks at anything.

use std::fmt;
use std::sync::Arc;

/// What a credential allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Look at everything of a workspace.
    Read,
    /// What agents do: write events and log rows, ask and withdraw questions.
    Ingest,
    /// What people do: answer and reject questions.
    Answer,
    /// Change the configuration.
    Operate,
    /// Purge, dump, restore.
    Admin,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 5] = [Self::Read, Self::Ingest, Self::Answer, Self::Operate, Self::Admin];

    /// As credentials spell it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Ingest => "ingest",
            Self::Answer => "answer",
            Self::Operate => "operate",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Who makes a request. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    subject: Arc<str>,
    scopes: u8,
}

/// The caller's credential does not allow what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the scope `{scope}` is needed")]
pub struct Forbidden {
    /// What would have allowed it.
    pub scope: Scope,
}

impl Caller {
    /// Whoever calls while authentication is off: nobody in particular, with every scope.
    pub fn anonymous() -> Self {
        Self::new("anonymous", &Scope::ALL)
    }

    /// A caller of this name with these scopes.
    pub fn new(subject: &str, scopes: &[Scope]) -> Self {
        Self { subject: Arc::from(subject), scopes: scopes.iter().fold(0, |all, scope| all | bit(*scope)) }
    }

    /// Their name, as `answered_by` and the like show it.
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// Refuses what the caller may not do.
    pub fn must(&self, scope: Scope) -> Result<(), Forbidden> {
        if self.scopes & bit(scope) == 0 {
            return Err(Forbidden { scope });
        }
        Ok(())
    }
}

fn bit(scope: Scope) -> u8 {
    1 << scope as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn anonymous_may_do_everything() {
        for scope in Scope::ALL {
            assert_eq!(Caller::anonymous().must(scope), Ok(()));
        }
    }

    #[test]
    fn a_scope_allows_itself_and_nothing_else() {
        for held in Scope::ALL {
            let caller = Caller::new("someone", &[held]);
            for scope in Scope::ALL {
                assert_eq!(caller.must(scope).is_ok(), scope == held, "{held} {scope}");
            }
        }
    }
}
