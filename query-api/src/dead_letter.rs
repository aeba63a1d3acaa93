//! Dead letters for people: kept for browsing, shown with card numbers masked, replayed and purged.

mod keep;
mod letters;
mod replay;
mod select;
mod show;

pub use keep::DEAD_LETTERS_GROUP;
pub(crate) use keep::runner;
pub(crate) use letters::{DEAD_LETTERS, remove_surplus, waiting_and_replayed};
pub(crate) use replay::{__path_replay, replay};
pub(crate) use select::{__path_purge, purge};
pub(crate) use show::{__path_list, __path_show, list, show};
