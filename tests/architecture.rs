//! The rules of the code's layout, checked on the source itself: which module may use which, where Redis may be named,
//! what the pure domain must not touch, what opens a module and a script. Each checker is first shown a violation.

#![expect(clippy::unwrap_used, reason = "what cannot be read fails the test, and should")]

#[path = "architecture/paths.rs"]
mod paths;
#[path = "architecture/rules.rs"]
mod rules;
#[path = "architecture/samples.rs"]
mod samples;

use std::fs;
use std::path::{Path, PathBuf};

/// A file below `src`, its path relative to it, with forward slashes.
struct Source {
    path: String,
    text: String,
}

/// Every file below `src` that ends in `extension`.
fn sources(extension: &str) -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path: PathBuf = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|found| found == extension) {
                let text = fs::read_to_string(&path).unwrap();
                let path = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
                found.push(Source { path, text });
            }
        }
    }
    found.sort_by(|left, right| left.path.cmp(&right.path));
    found
}

/// Runs a checker over all files and fails with every violation at once.
fn check(files: &[Source], at_least: usize, rule: impl Fn(&Source) -> Vec<String>) {
    assert!(files.len() >= at_least, "only {} files were looked at", files.len());
    let violations: Vec<_> =
        files.iter().flat_map(|file| rule(file).into_iter().map(|what| format!("src/{}: {what}", file.path))).collect();
    assert!(violations.is_empty(), "\n{}\n", violations.join("\n"));
}

#[test]
fn modules_use_only_what_they_may() {
    let files = sources("rs");
    check(&files, 40, rules::uses);
    // The checker sees nothing if paths are not found: the larger modules must be seen using something.
    for module in ["app", "http", "store", "embedded"] {
        let mut uses = files.iter().filter(|file| rules::module(&file.path) == module).map(rules::used_modules);
        assert!(uses.any(|used| !used.is_empty()), "no use of another module was found in {module}");
    }
}

#[test]
fn only_the_store_and_the_private_redis_name_redis() {
    check(&sources("rs"), 40, rules::redis);
    assert!(sources("rs").iter().any(|file| file.path.starts_with("store/") && rules::names_redis(file)));
}

#[test]
fn the_domain_is_pure() {
    let files: Vec<_> = sources("rs").into_iter().filter(|file| rules::module(&file.path) == "domain").collect();
    check(&files, 10, rules::purity);
}

#[test]
fn every_module_opens_with_what_it_is() {
    check(&sources("rs"), 40, rules::header);
}

#[test]
fn every_script_says_what_it_does_with_what() {
    check(&sources("lua"), 5, rules::script);
    assert!(sources("lua").iter().all(|file| file.path.starts_with("store/scripts/")), "a script lies elsewhere");
}

#[test]
fn modules_have_no_mod_file() {
    check(
        &sources("rs"),
        40,
        |file| {
            if file.path.ends_with("mod.rs") { vec!["write foo.rs beside foo/ instead".to_owned()] } else { Vec::new() }
        },
    );
}
