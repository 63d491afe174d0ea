//! rustc with the libraries that cargo has built for these tests, so nothing is compiled twice.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;

/// The crates that the programs name.
const CRATES: [&str; 7] = [
    "chrono",
    "django_api_orm",
    "rust_decimal",
    "serde",
    "serde_json",
    "tokio",
    "uuid",
];

/// Compiles a program into the folder of temporary files.
pub(crate) fn rustc(libraries: &BTreeMap<String, PathBuf>, program: &Path) -> Command {
    let mut rustc = Command::new(env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    rustc
        .args([
            "--edition=2024",
            "--crate-type=bin",
            "--color=never",
            "--diagnostic-width=140",
        ])
        .arg("--out-dir")
        .arg(env!("CARGO_TARGET_TMPDIR"));
    for name in CRATES {
        let library = &libraries[name];
        let folder = library.parent().expect("the folder of a library");
        rustc
            .arg("--extern")
            .arg(format!("{name}={}", library.display()));
        rustc
            .arg("-L")
            .arg(format!("dependency={}", folder.display()));
    }
    rustc.arg(program);
    rustc
}

/// Where the libraries of this test are: cargo has just built them, and says so again.
pub(crate) fn libraries() -> BTreeMap<String, PathBuf> {
    let output = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args([
            "test",
            "--offline",
            "--quiet",
            "--no-run",
            "--test=ui",
            "--message-format=json",
        ])
        .current_dir(workspace())
        .output()
        .expect("cargo runs");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let mut libraries = BTreeMap::new();
    for line in String::from_utf8_lossy(&output.stdout).lines() {
        let message: Value = serde_json::from_str(line).expect("cargo speaks JSON");
        let (Some(name), Some(files)) = (
            message["target"]["name"].as_str(),
            message["filenames"].as_array(),
        ) else {
            continue;
        };
        let library = files
            .iter()
            .filter_map(Value::as_str)
            .find(|file| file.ends_with(".rlib"));
        if let (true, Some(library)) = (CRATES.contains(&name), library) {
            let other = libraries.insert(name.to_owned(), PathBuf::from(library));
            assert_eq!(other, None, "one build of {name}");
        }
    }
    libraries
}

fn workspace() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package
        .ancestors()
        .nth(2)
        .expect("the workspace")
        .to_owned()
}
