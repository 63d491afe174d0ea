//! What `#[derive(ApiModel)]` says about mistakes, word by word, and what it takes.
//!
//! After a change of a message: `UI=overwrite cargo test --test ui`, and read the difference.

// These lints know `#[test]`, but not what tests share.
#![allow(clippy::expect_used, clippy::indexing_slicing, clippy::panic)]

#[path = "support/rustc.rs"]
mod rustc;

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::{Command, Output},
    sync::LazyLock,
    thread,
};

use regex::{Captures, Regex};

use rustc::{libraries, rustc};

#[test]
fn mistakes_are_explained() {
    let libraries = libraries();
    for_each("fail", |case| {
        let output = rustc(&libraries, case)
            .arg("--emit=metadata")
            .output()
            .expect("rustc runs");
        if output.status.success() {
            return Err("it compiles".to_owned());
        }
        let said = normalized(&output);
        let file = case.with_extension("stderr");
        if env::var_os("UI").is_some_and(|value| value == "overwrite") {
            fs::write(&file, said).map_err(|error| error.to_string())
        } else if fs::read_to_string(&file).unwrap_or_default() == said {
            Ok(())
        } else {
            Err(format!("this is not what {} has:\n{said}", file.display()))
        }
    });
}

#[test]
fn what_is_right_compiles_and_runs() {
    let libraries = libraries();
    for_each("pass", |case| {
        let program = Path::new(env!("CARGO_TARGET_TMPDIR"))
            .join(case.file_stem().expect("the name of a case"))
            .with_extension(env::consts::EXE_EXTENSION);
        let mut rustc = rustc(&libraries, case);
        for command in [rustc.arg("-o").arg(&program), &mut Command::new(&program)] {
            let output = command.output().expect("it starts");
            if !output.status.success() {
                return Err(String::from_utf8_lossy(&output.stderr).into_owned());
            }
        }
        Ok(())
    });
}

/// Runs every case of a folder, two at a time, and panics with what is wrong.
fn for_each(folder: &str, run: impl Fn(&Path) -> Result<(), String> + Sync) {
    let mut cases: Vec<PathBuf> = fs::read_dir(Path::new("tests/ui").join(folder))
        .expect("the folder of the cases")
        .map(|entry| entry.expect("an entry of the folder").path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "rs"))
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    let wrong = |cases: &[PathBuf]| -> Vec<String> {
        cases
            .iter()
            .filter_map(|case| {
                let error = run(case).err()?;
                Some(format!("{}: {error}", case.display()))
            })
            .collect()
    };
    let (left, right) = cases.split_at(cases.len() / 2);
    let wrong = thread::scope(|scope| {
        let left = scope.spawn(|| wrong(left));
        let right = wrong(right);
        [left.join().expect("no panic"), right].concat()
    });
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

/// What rustc says, without what changes when a line is added to the library or its types become more. It does not find the
/// library's source from this folder, so only the case is quoted.
fn normalized(output: &Output) -> String {
    static ELSEWHERE: LazyLock<Regex> =
        LazyLock::new(|| pattern(r"((?:-->|:::) (?:crates/|/).*?):\d+:\d+$"));
    static MARGIN: LazyLock<Regex> = LazyLock::new(|| pattern(r"^ *(\d*) *(-->|:::|\||=)"));
    static OTHERS: LazyLock<Regex> = LazyLock::new(|| pattern(r"and \d+ others$"));
    let mut text = String::new();
    for line in String::from_utf8_lossy(&output.stderr).lines() {
        if line.starts_with("error: aborting due to") {
            break;
        }
        let line = OTHERS.replace(line, "and $$N others");
        let line = ELSEWHERE.replace(&line, "$1");
        // As wide as the longest line number, which may be one of the library.
        let line = MARGIN.replace(&line, |margin: &Captures<'_>| {
            let width = if margin[2].len() == 3 { 2 } else { 3 };
            format!("{:>width$} {}", &margin[1], &margin[2])
        });
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.trim_end().to_owned() + "\n"
}

fn pattern(regex: &str) -> Regex {
    Regex::new(regex).expect("a pattern")
}
