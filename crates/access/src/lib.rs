//! Who may see what: roles, permissions, tokens, passwords, and the scope of a read.
//!
//! Only [`Verifier::verify`] and [`local_admin`] make a [`Scope`]; nobody else can, and no store
//! answers without one.

mod permission;
mod scope;

pub use permission::{Permission, Role};
pub use scope::{Scope, Shops, local_admin};
