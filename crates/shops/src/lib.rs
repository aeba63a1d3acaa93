//! Ingest tokens of shops: made, listed and revoked in the document store, and looked up at the doors. Whoever shows
//! one sends events as its shop.
//!
//! A token's text is given back once, by [`create`]. Nothing here keeps it: only its digest is stored, and no digest
//! is ever shown.

mod book;
mod table;
mod token;

pub use book::{
    INGEST_TOKENS, LIVE_TOKENS_MAX, LIVE_TOKENS_OF_SHOP_MAX, REVOKED_TOKENS_MAX, create,
    ensure_collections, get, list, list_of_shop, revoke,
};
pub use table::{Holder, Lookup, TokenTable};
pub use token::{
    LABEL_CHARACTERS_MAX, NewToken, Standing, TOKEN_PREFIX, Token, TokenError, is_token,
};

#[cfg(test)]
mod tests;
