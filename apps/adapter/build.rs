//! Lets Cargo notice new revision files; `limbeck::embed!` insists on it.

fn main() {
    println!("cargo::rerun-if-changed=migrations/versions");
}
