//! Answers that are played.
