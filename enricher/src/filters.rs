//! The filters, one file each.

pub(crate) mod drop;
