//! Who may see what: roles, permissions, tokens, passwords, and the scope of a read.
//!
//! Only [`Keys::verify`] and [`local_admin`] make a [`Scope`]; nobody else can, and no store
//! answers without one.

mod ingest_token;
mod keys;
mod password;
mod permission;
mod scope;
mod secret;
mod shop_name;
mod token;

pub use ingest_token::{INGEST_TOKEN_BYTES_MIN, IngestToken, IngestTokenTooShort};
pub use keys::{Keys, KeysError};
pub use password::{
    PASSWORD_CHARACTERS_MAX, PASSWORD_CHARACTERS_MIN, PasswordError, generate_password,
    hash_password, verify_password,
};
pub use permission::{Permission, Role};
pub use scope::{Scope, Shops, local_admin};
pub use secret::{NoRandomNumbers, SecretDigest, generate_secret};
pub use shop_name::{NotAShopName, SHOP_NAME_BYTES_MAX, ShopName};
pub use token::{CLOCK_SKEW_S, TOKEN_BYTES_MAX, TokenRefusal};
