//! The scope of a read: whose it is, and which shops it may see.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::permission::{Permission, Role};

/// Which shops somebody may see.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Shops {
    /// All, also those to come.
    All,
    /// These.
    Only(BTreeSet<String>),
}

impl Shops {
    /// Whether this shop is one of them.
    #[must_use]
    pub fn contain(&self, shop: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(shops) => shops.contains(shop),
        }
    }
}

/// Proof that somebody was identified. It has no public constructor.
#[derive(Clone, Debug)]
pub struct Scope {
    user: Arc<str>,
    role: Role,
    shops: Arc<Shops>,
}

impl Scope {
    pub(crate) fn new(user: &str, role: Role, shops: Shops) -> Self {
        Self { user: user.into(), role, shops: Arc::new(shops) }
    }

    /// Who asks.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// What they are.
    #[must_use]
    pub fn role(&self) -> Role {
        self.role
    }

    /// Which shops they may see.
    #[must_use]
    pub fn shops(&self) -> &Shops {
        &self.shops
    }

    /// Whether they may do this.
    #[must_use]
    pub fn allows(&self, permission: Permission) -> bool {
        self.role >= permission.least_role()
    }
}

/// The scope of whoever runs the process: for the local socket's door, whose peer's user id the
/// kernel has told. `None` for anyone else.
#[must_use]
pub fn local_admin(peer_uid: u32, own_uid: u32) -> Option<Scope> {
    (peer_uid == own_uid || peer_uid == 0).then(|| Scope::new("local", Role::Admin, Shops::All))
}
