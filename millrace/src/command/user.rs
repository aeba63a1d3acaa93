//! `millrace user`: passwords of users.

use serde::Deserialize;
use serde_json::json;

use super::{Failure, print};
use crate::cli::UserCommand;
use crate::client::Client;

#[derive(Debug, Deserialize)]
struct NewPassword {
    password: String,
}

pub(super) async fn run(command: &UserCommand) -> Result<(), Failure> {
    let UserCommand::ResetPassword(arguments) = command;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '@');
    if !arguments.name.chars().all(plain) {
        return Err(Failure::usage(format!("`{}` is not a user's name", arguments.name)));
    }
    let client = Client::open(&arguments.server)?;
    let path = format!("/api/users/{}/reset-password", arguments.name);
    let new: NewPassword = client.post(&path, &json!({})).await?;
    print(|out| writeln!(out, "new password of {}: {}", arguments.name, new.password))
}
