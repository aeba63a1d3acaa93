//! This room has a name and a place; see ARCHITECTURE.md for what goes in.
