//! The store on engines that run, and on one that is played.

mod engines;
mod played;

use super::*;
