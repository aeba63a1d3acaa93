//! Sees to it that there are pages to embed: where nobody has built them, one that says how.

use std::fs;
use std::path::Path;

const PLACEHOLDER: &str = "<!doctype html><meta charset=utf-8><title>Millrace</title>\
    <p>The pages were not built: run <code>make web</code>, then build again.\n";

fn main() -> std::io::Result<()> {
    let page = Path::new("web/dist/index.html");
    println!("cargo::rerun-if-changed=web/dist");
    if !page.exists() {
        fs::create_dir_all("web/dist")?;
        fs::write(page, PLACEHOLDER)?;
    }
    Ok(())
}
