//! Dead letters for people: kept for browsing, shown with card numbers masked, replayed and purged.

mod keep;
mod letters;
mod replay;
mod select;
mod show;

use access::{Scope, Shops};

use crate::problem::Problem;

pub use keep::DEAD_LETTERS_GROUP;
pub(crate) use keep::runner;
pub(crate) use letters::{DEAD_LETTERS, remove_surplus, waiting_and_replayed};
pub(crate) use replay::{__path_replay, replay};
pub(crate) use select::{__path_purge, purge};
pub(crate) use show::{__path_list, __path_show, list, show};

/// Lets in who may see all shops: letters of several shops stand together, also those that no shop
/// could be told of.
fn check_all_shops(scope: &Scope) -> Result<(), Problem> {
    match scope.shops() {
        Shops::All => Ok(()),
        Shops::Only(_) => {
            Err(Problem::forbidden("dead letters are shown to who may see all shops"))
        }
    }
}
