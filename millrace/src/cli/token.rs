//! What may be asked of ingest tokens.

use access::ShopName;
use clap::{Args, Subcommand};
use service::Span;

use super::ServerArguments;

/// What can be done with ingest tokens.
#[derive(Debug, Subcommand)]
pub enum TokenCommand {
    /// Make a token of a shop and print it once
    Create(TokenCreateArguments),
    /// List tokens, revoked ones too, without their text
    List(TokenListArguments),
    /// End a token for good
    Revoke(TokenRevokeArguments),
}

/// Which token to make. It alone is printed to standard output, what is to be known of it to standard error.
#[derive(Debug, Args)]
pub struct TokenCreateArguments {
    /// Whose events are sent with it: a-z, 0-9, `_`, `.` and `-`, at most 64, a letter or digit first
    #[arg(long)]
    pub shop: ShopName,
    /// What it is for, in at most 100 characters
    #[arg(long)]
    pub label: Option<String>,
    /// For how long it is good, as 90d or 12h; for ever if absent
    #[arg(long, value_name = "TIME")]
    pub expires_in: Option<Span>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub server: ServerArguments,
}

/// Which tokens to list.
#[derive(Debug, Args)]
pub struct TokenListArguments {
    /// Only of this shop
    #[arg(long)]
    pub shop: Option<ShopName>,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub server: ServerArguments,
}

/// Which token to revoke.
#[derive(Debug, Args)]
pub struct TokenRevokeArguments {
    /// Its id, as `token list` prints it
    pub id: String,
    #[command(flatten)]
    #[expect(missing_docs, reason = "its own arguments say it")]
    pub server: ServerArguments,
}
