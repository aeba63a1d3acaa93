//! The filters, one file each.

pub(crate) mod drop;
pub(crate) mod grok;
#[cfg(test)]
pub(crate) mod trial;
