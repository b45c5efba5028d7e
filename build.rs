//! Says so when the build will make a slow program.

#![expect(clippy::disallowed_methods, reason = "a build script reads its environment")]

use std::{env, ffi::OsStr};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // OpenH264's fast code is for NASM on these two alone.
    let architecture = env::var("CARGO_CFG_TARGET_ARCH").unwrap_or_default();
    if matches!(architecture.as_str(), "x86" | "x86_64") && !is_on_path("nasm") {
        println!(
            "cargo::warning=nasm was not found: H.264 is built without its fast code and takes about twice the CPU. \
             Install nasm, then run 'cargo clean -p openh264-sys2 -p p2pcall' and build again."
        );
    }
}

fn is_on_path(program: &str) -> bool {
    let file = format!("{program}{}", env::consts::EXE_SUFFIX);
    let path = env::var_os("PATH");
    env::split_paths(path.as_deref().unwrap_or(OsStr::new(""))).any(|directory| directory.join(&file).is_file())
}
