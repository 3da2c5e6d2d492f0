//! Refuses to build without the bundled styles and scripts, and says how to make them.

fn main() {
    println!("cargo:rerun-if-changed=assets/dist");
    println!("cargo:rerun-if-changed=templates");
    println!("cargo:rerun-if-changed=texts");
    if !std::path::Path::new("assets/dist/built").exists() {
        println!("cargo:warning=crates/web/assets/dist is missing: run `make assets` first");
        std::process::exit(1);
    }
}
