//! The store on engines that run, and on one that is played.

mod engines;
mod played;
mod settings;
mod tls;

use super::*;
