//! The layers of p2pcall, as a table, and a test that the source keeps to it.
//!
//! Imports point downwards only; a crate of the outside world is named by the module whose
//! business it is. When this test fails, the structure is to be talked about, not the table.

#[path = "architecture/paths.rs"]
mod paths;

use std::{
    collections::HashSet,
    fmt, fs,
    path::{Path, PathBuf},
};

use paths::{Found, Root, scan};

/// One module of the library.
struct Layer {
    name: &'static str,
    /// Modules it may import. `codec::X` allows that one item.
    ours: &'static [&'static str],
    /// Crates it may name, each with the files that may: all of the module's if empty.
    outside: &'static [(&'static str, &'static str)],
}

const LAYERS: &[Layer] = &[
    // nouns
    Layer { name: "media", ours: &[], outside: &[("bytes", ""), ("yuv", "media/picture")] },
    Layer { name: "observe", ours: &["media"], outside: &[("serde_json", "")] },
    // In tests alone.
    Layer { name: "path", ours: &["media"], outside: &[] },
    // parts
    Layer {
        name: "codec",
        ours: &["media", "path"],
        outside: &[
            ("bytes", ""),
            ("openh264", "codec/h264"),
            ("openh264_sys2", "codec/h264/raw"),
            ("opus", "codec/opus"),
            ("vpx_sys", "codec/vp8/raw"),
        ],
    },
    Layer {
        name: "audio",
        ours: &["media", "path"],
        outside: &[
            ("cpal", "audio/device"),
            ("alsa", "audio/device"),
            ("rubato", "audio/resample"),
            ("rtrb", ""),
            ("sonora", "audio/processing"),
        ],
    },
    Layer {
        name: "jitter",
        // `depacketizer` and `DecodeError` in tests.
        ours: &[
            "media",
            "codec::Depacketizer",
            "codec::PayloadError",
            "codec::TemporalLayer",
            "codec::depacketizer",
            "codec::AudioDecoder",
            "codec::AudioPayload",
            "codec::DecodeError",
            "path",
        ],
        // What a depacketizer appends to.
        outside: &[("bytes", "")],
    },
    Layer { name: "congestion", ours: &["media", "path"], outside: &[] },
    Layer {
        name: "trust",
        ours: &[],
        outside: &[("ring", ""), ("spake2", "trust/passphrase"), ("zeroize", ""), ("base64", ""), ("serde_json", "")],
    },
    Layer {
        name: "source",
        // nokhwa has no time-out: its reading has a thread, started the one way threads are started.
        ours: &["media", "audio", "pipeline::spawn_thread"],
        outside: &[
            ("nokhwa", "source/camera"),
            ("v4l", "source/camera"),
            ("zune_jpeg", ""),
            ("yuv", ""),
            ("rustix", ""),
            ("rtrb", ""),
        ],
    },
    Layer {
        name: "sink",
        ours: &["media", "audio"],
        outside: &[("winit", ""), ("softbuffer", ""), ("rustix", ""), ("yuv", ""), ("rtrb", "")],
    },
    // drivers
    Layer {
        name: "signaling",
        ours: &["media", "observe"],
        outside: &[
            ("base64", ""),
            ("crc", ""),
            ("miniz_oxide", "signaling/blob/compact"),
            ("html_escape", "signaling/blob/view"),
            ("percent_encoding", "signaling/blob/view"),
            ("serde_json", ""),
            ("tokio", "signaling/memory"),
        ],
    },
    Layer {
        name: "rtc",
        // `path` in tests.
        ours: &["media", "observe", "congestion", "path"],
        outside: &[
            ("webrtc", ""),
            ("rtc", ""),
            ("tokio", ""),
            ("bytes", ""),
            ("async_trait", ""),
            ("base64", "rtc/identity"),
            ("serde_json", ""),
            ("getrandom", ""),
            // What rustls calls a part of its own, too.
            ("ring", "rtc/relay"),
            ("tokio_rustls", "rtc/relay"),
            ("rustls_native_certs", "rtc/relay"),
        ],
    },
    Layer {
        name: "pipeline",
        ours: &["media", "observe", "codec", "audio", "jitter", "congestion", "source", "sink"],
        outside: &[("tokio", "")],
    },
    // use case
    Layer { name: "error", ours: BELOW_CALL, outside: &[] },
    Layer { name: "call", ours: BELOW_CALL, outside: &[("tokio", ""), ("getrandom", ""), ("serde_json", "")] },
    Layer { name: "check", ours: BELOW_CALL, outside: &[("tokio", "")] },
    // edge
    Layer { name: "cli", ours: &["*"], outside: &[("*", "")] },
];

const BELOW_CALL: &[&str] = &[
    "media",
    "observe",
    "codec",
    "audio",
    "jitter",
    "congestion",
    "trust",
    "source",
    "sink",
    "signaling",
    "rtc",
    "pipeline",
    "error",
];

/// Crates that everybody may name.
const EVERYBODY: &[&str] = &["std", "core", "alloc", "thiserror", "serde", "tracing"];

/// A file may have so many lines.
const LINES_MAX: usize = 450;

/// The one file that asks the clock.
const CLOCK: &str = "media/time.rs";

#[test]
fn the_source_keeps_to_the_layers() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let manifest = fs::read_to_string(root.join("Cargo.toml")).expect("a manifest");
    let files = source_files(&root.join("src"));
    assert!(files.len() > 10, "the source was found");
    let violations = violations(&files, &dependencies(&manifest));
    let list: Vec<String> = violations.iter().map(ToString::to_string).collect();
    assert!(list.is_empty(), "\n{}\n", list.join("\n"));
}

/// A file of the source: its path below `src`, with `/`, and its text.
struct SourceFile {
    path: String,
    text: String,
}

#[derive(Debug)]
struct Violation {
    path: String,
    line: usize,
    what: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "src/{}:{}: {}", self.path, self.line, self.what)
    }
}

fn violations(files: &[SourceFile], dependencies: &HashSet<String>) -> Vec<Violation> {
    let scanned: Vec<(&SourceFile, Found)> = files.iter().map(|file| (file, scan(&file.text))).collect();
    // `#[cfg(test)] mod contract;` makes a whole file a test.
    let test_files: HashSet<String> = scanned
        .iter()
        .flat_map(|(file, found)| found.test_files.iter().map(|name| format!("{}/{name}", module_path(&file.path))))
        .collect();
    let mut violations = Vec::new();
    for (file, found) in &scanned {
        let mut report = |line, what| violations.push(Violation { path: file.path.clone(), line, what });
        let lines = file.text.lines().count();
        if lines > LINES_MAX {
            report(LINES_MAX + 1, format!("the file has {lines} lines, {LINES_MAX} is the most: one noun a file"));
        }
        let is_test = test_files.iter().any(|test| is_within(&file.path, test));
        for path in &found.paths {
            if let Some(what) = judge(&file.path, found, path, is_test, dependencies) {
                report(path.line, what);
            }
        }
    }
    violations
}

/// Returns what is wrong with a path in a file.
fn judge(
    file: &str,
    found: &Found,
    path: &paths::Path,
    is_test: bool,
    dependencies: &HashSet<String>,
) -> Option<String> {
    if file != CLOCK && path.segments.ends_with(&["Instant".into(), "now".into()]) {
        return Some(format!("Instant::now is for {CLOCK} alone: take `now` as an argument"));
    }
    let module = module_path(file).split('/').next().unwrap_or_default();
    if module == "lib" || module == "main" {
        return None;
    }
    let Some(layer) = LAYERS.iter().find(|layer| layer.name == module) else {
        return Some(format!("the module {module} is not in the table of layers"));
    };
    let depth = module_path(file).split('/').count();
    match path.root {
        Root::Crate => judge_ours(layer, &path.segments),
        // A chain of `super` that ends in the crate's root names a module of ours.
        Root::Super(count) if count == depth && is_module(path.segments.first()) => judge_ours(layer, &path.segments),
        Root::Super(_) => None,
        Root::Name => {
            let name = path.segments.first()?;
            let local = found.modules.contains(name);
            let exempt = is_test || path.in_test;
            (dependencies.contains(name) && !local && !exempt).then(|| judge_outside(layer, file, name))?
        }
    }
}

fn is_module(name: Option<&String>) -> bool {
    name.is_some_and(|name| LAYERS.iter().any(|layer| layer.name == name))
}

fn judge_ours(layer: &Layer, segments: &[String]) -> Option<String> {
    let name = segments.first()?;
    let item = segments.iter().take(2).map(String::as_str).collect::<Vec<_>>().join("::");
    if name == layer.name || layer.ours.iter().any(|ours| *ours == "*" || ours == name || *ours == item) {
        return None;
    }
    if !is_module(Some(name)) {
        return Some(format!("crate::{name} is a name at the root: say the module that it comes from"));
    }
    Some(format!("{} may not import crate::{item} (allowed: {})", layer.name, layer.ours.join(", ")))
}

fn judge_outside(layer: &Layer, file: &str, name: &str) -> Option<String> {
    let mut allowed = layer.outside.iter();
    if EVERYBODY.contains(&name)
        || allowed.any(|(outside, place)| (*outside == name || *outside == "*") && is_within(file, place))
    {
        return None;
    }
    let place = layer.outside.iter().find(|(outside, _)| *outside == name).map_or("", |(_, place)| place);
    Some(match place {
        "" => format!("{} may not name the crate {name}", layer.name),
        place => format!("only {place} may name the crate {name}"),
    })
}

/// Returns whether the file is `place.rs` or lies in `place/`.
fn is_within(file: &str, place: &str) -> bool {
    let module = module_path(file);
    place.is_empty() || module.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

fn module_path(file: &str) -> &str {
    file.strip_suffix(".rs").unwrap_or(file)
}

fn source_files(src: &Path) -> Vec<SourceFile> {
    let mut files = Vec::new();
    let mut directories: Vec<PathBuf> = vec![src.into()];
    while let Some(directory) = directories.pop() {
        for entry in fs::read_dir(directory).expect("a directory").map(|entry| entry.expect("readable").path()) {
            if entry.is_dir() {
                directories.push(entry);
            } else if entry.extension().is_some_and(|extension| extension == "rs") {
                let below = entry.strip_prefix(src).expect("below src").components();
                let path: Vec<_> = below.map(|part| part.as_os_str().to_string_lossy().into_owned()).collect();
                files.push(SourceFile { path: path.join("/"), text: fs::read_to_string(&entry).expect("text") });
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// Returns the names of all crates in the manifest, as code writes them.
fn dependencies(manifest: &str) -> HashSet<String> {
    let mut names = HashSet::new();
    let mut listed = false;
    for line in manifest.lines() {
        if let Some(section) = line.strip_prefix('[') {
            listed = section.trim_end_matches(']').ends_with("dependencies");
        } else if let Some((name, _)) = line.split_once('=').filter(|_| listed && !line.starts_with([' ', '#'])) {
            names.insert(name.split('.').next().unwrap_or(name).trim().replace('-', "_"));
        }
    }
    names
}

mod tests {
    use super::*;

    fn complaints(path: &str, text: &str) -> Vec<String> {
        let names = ["bytes", "openh264", "opus", "tokio", "webrtc", "rtc", "serde_json", "nokhwa", "proptest"];
        let dependencies = names.into_iter().map(String::from).collect();
        let file = SourceFile { path: path.into(), text: text.into() };
        violations(&[file], &dependencies).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn what_is_allowed_passes() {
        for (path, text) in [
            ("media/frame.rs", "use bytes::Bytes;\nuse super::{Size, time::Clock};"),
            ("source/camera.rs", "use nokhwa::Camera;\nuse crate::{audio::device, media::{Clock, VideoFrame}};"),
            ("source/camera/list.rs", "use nokhwa::query;"),
            ("jitter.rs", "use crate::{codec::Depacketizer, media::RtpPacket};"),
            ("codec.rs", "mod opus;\npub use opus::OpusEncoder;"),
            ("rtc/peer.rs", "use rtc::interceptor::Gcc; use crate::{rtc::forward, observe};"),
            ("call.rs", "use crate::{rtc::Peer, pipeline::{self, Thread}}; fn f(peer: crate::rtc::Peer) {}"),
            ("cli/offer.rs", "use anyhow::Result; use tokio::task; use crate::call::Call;"),
            ("lib.rs", "pub use call::Call; pub mod rtc; pub use rtc::Peer;"),
            (
                "media/rtp.rs",
                "//! See crate::rtc::Peer.\n/* tokio::spawn */ const A: &str = \"use webrtc::X; \\\" tokio::x\";",
            ),
            (
                "media/rtp.rs",
                "const A: &str = r#\"tokio::x \" webrtc::y\"#; const B: char = '\"'; fn f<'a>(x: &'a str) {}",
            ),
            ("jitter.rs", "#[cfg(test)]\nmod tests { use proptest::prelude::*; mod inner {} use openh264::X; }"),
        ] {
            assert_eq!(complaints(path, text), [""; 0], "{path}: {text}");
        }
    }

    #[test]
    fn what_is_forbidden_is_found_with_its_line() {
        for (path, text, line, words) in [
            ("media/frame.rs", "\nuse crate::observe::Event;", 2, "media may not import crate::observe::Event"),
            ("source/file.rs", "use crate::{\n    media::Clock,\n    sink::NullVideo,\n};", 3, "crate::sink"),
            ("sink.rs", "fn f() { crate::pipeline::spawn_thread(); }", 1, "crate::pipeline"),
            ("sink.rs", "use super::codec::X;", 1, "crate::codec"),
            ("sink/null.rs", "use super::super::rtc::X;", 1, "crate::rtc"),
            ("rtc/peer.rs", "use crate::codec::X;", 1, "rtc may not import crate::codec"),
            ("jitter.rs", "use crate::codec::{Depacketizer,\n h264::X};", 2, "crate::codec::h264"),
            ("call.rs", "use webrtc::X;", 1, "call may not name the crate webrtc"),
            ("pipeline/x.rs", "fn f() -> Vec::<rtc::Y> {}", 1, "crate rtc"),
            ("sink.rs", "use tokio as t;", 1, "crate tokio"),
            ("codec/opus/encode.rs", "use openh264::X;", 1, "only codec/h264 may name"),
            ("source/microphone.rs", "use nokhwa::X;", 1, "only source/camera may name"),
            ("jitter.rs", "#[cfg(test)]\nmod tests { }\nuse openh264::X;", 3, "openh264"),
            ("jitter.rs", "#[cfg(test)]\nmod tests { use crate::rtc::X; }", 2, "crate::rtc"),
            ("source/x.rs", "use crate::Error;", 1, "a name at the root"),
            ("gadget.rs", "use std::fmt;", 1, "not in the table"),
            ("cli/x.rs", "\n\nlet a = std::time::Instant::now();", 3, "Instant::now"),
            ("media/rtp.rs", "let a = Instant::now();", 1, "Instant::now"),
        ] {
            let complaints = complaints(path, text);
            let begin = format!("src/{path}:{line}: ");
            assert!(
                complaints.len() == 1 && complaints[0].starts_with(&begin) && complaints[0].contains(words),
                "{text}: {complaints:?}"
            );
        }
        let long = complaints("media/frame.rs", &"\n".repeat(LINES_MAX + 1));
        assert!(long.len() == 1 && long[0].contains("451 lines"), "{long:?}");
        assert_eq!(complaints(CLOCK, "let a = Instant::now();"), [""; 0]);
    }

    #[test]
    fn a_file_that_is_a_test_may_name_any_crate() {
        let file = |path: &str, text: &str| SourceFile { path: path.into(), text: text.into() };
        let contract = || file("codec/contract.rs", "use proptest::prelude::*;");
        let dependencies = HashSet::from(["proptest".into()]);
        let declared = file("codec.rs", "#[cfg(test)]\nmod contract;");
        assert!(violations(&[declared, contract()], &dependencies).is_empty());
        let plain = file("codec.rs", "mod contract;");
        assert_eq!(violations(&[plain, contract()], &dependencies).len(), 1);
        let declared = file("codec.rs", "#[cfg(test)]\nmod contract;");
        let part = file("codec/contract/sound.rs", "use proptest::prelude::*;");
        assert!(violations(&[declared, part], &dependencies).is_empty());
    }

    #[test]
    fn crates_are_read_from_the_manifest() {
        let manifest = "[package]\nname = \"x\"\n[dependencies]\nasync-trait = \"0.1\"\n# a = 1\nlog.workspace = true\n\
                        [target.'cfg(unix)'.dependencies]\nrustix = { version = \"1\" }\n[lints.rust]\nmissing_docs = 1";
        let names = ["async_trait", "log", "rustix"].map(String::from);
        assert_eq!(dependencies(manifest), HashSet::from(names));
    }
}
