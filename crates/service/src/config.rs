//! Configuration: one TOML file with a table for each service, environment over file, flags over
//! environment; every mistake at once, each with its line.
