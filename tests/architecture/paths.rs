//! The paths that a source file names outside its tests, such as `crate::store::Error`, taken from its tokens: in `use`
//! trees, types, expressions and inside macro calls alike, never in comments or strings.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// All paths of a file, as written, in `use` trees unfolded; `super` and `self` at their beginning resolved against the
/// module the file is. A `use` of a single name counts as a path, any other single name does not.
pub fn paths(file: &str, text: &str) -> Vec<Vec<String>> {
    if is_test_file(file) {
        return Vec::new();
    }
    let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file} does not parse: {error}"));
    let mut found = Found { paths: Vec::new() };
    found.walk(&module_of(file), tokens);
    found.paths
}

/// Every name in a file's code, outside its tests.
pub fn names(file: &str, text: &str) -> Vec<String> {
    fn walk(tokens: TokenStream, names: &mut Vec<String>) {
        for token in without_tests(tokens) {
            match token {
                TokenTree::Ident(name) => names.push(name.to_string()),
                TokenTree::Group(group) => walk(group.stream(), names),
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
    let mut found = Vec::new();
    if !is_test_file(file) {
        walk(text.parse().unwrap_or_else(|error| panic!("{file} does not parse: {error}")), &mut found);
    }
    found
}

fn is_test_file(file: &str) -> bool {
    file.ends_with("/tests.rs") || file.contains("/tests/")
}

/// `store/keys.rs` is the module `[store, keys]`, `lib.rs` and `main.rs` are the root.
fn module_of(file: &str) -> Vec<String> {
    match file.trim_end_matches(".rs") {
        "lib" | "main" => Vec::new(),
        path => path.split('/').map(str::to_owned).collect(),
    }
}

struct Found {
    paths: Vec<Vec<String>>,
}

impl Found {
    fn walk(&mut self, module: &[String], tokens: TokenStream) {
        let tokens = without_tests(tokens);
        let mut at = 0;
        while at < tokens.len() {
            if let [word, TokenTree::Ident(name), TokenTree::Group(body), ..] = &tokens[at..]
                && is_name(word, "mod")
            {
                let inner = [module, &[name.to_string()]].concat();
                self.walk(&inner, body.stream());
                at += 3;
                continue;
            }
            if is_name(&tokens[at], "use") || is_name(&tokens[at], "extern") && is_crate(tokens.get(at + 1)) {
                let skipped = if is_name(&tokens[at], "use") { 1 } else { 2 };
                let end = tokens[at..].iter().position(|token| is_mark(token, ';')).map_or(tokens.len(), |end| at + end);
                // `use<'a>` bounds a captured lifetime and names no path.
                if !tokens.get(at + skipped).is_some_and(|token| is_mark(token, '<')) {
                    self.tree(module, &[], &tokens[at + skipped..end.max(at + skipped)]);
                    at = end;
                    continue;
                }
            }
            at += self.path(module, &tokens[at..]);
        }
    }

    /// A `use` tree, or several between commas, below `prefix`.
    fn tree(&mut self, module: &[String], prefix: &[String], tokens: &[TokenTree]) {
        for branch in tokens.split(|token| is_mark(token, ',')) {
            let mut path = prefix.to_vec();
            let mut group = None;
            for token in branch {
                match token {
                    TokenTree::Ident(word) if word == "as" => break,
                    TokenTree::Ident(word) => path.push(word.to_string()),
                    TokenTree::Punct(mark) if mark.as_char() == '*' => path.push("*".to_owned()),
                    TokenTree::Group(inner) => group = Some(inner.stream()),
                    TokenTree::Punct(_) | TokenTree::Literal(_) => {}
                }
            }
            match group {
                Some(inner) => {
                    let inner: Vec<_> = inner.into_iter().collect();
                    self.tree(module, &path, &inner);
                }
                None if path.is_empty() => {}
                None => self.paths.push(resolve(module, path)),
            }
        }
    }

    /// A path outside `use`, if one begins here. Returns how many tokens it took; groups are walked.
    fn path(&mut self, module: &[String], tokens: &[TokenTree]) -> usize {
        if let TokenTree::Group(group) = &tokens[0] {
            self.walk(module, group.stream());
            return 1;
        }
        let Some(first) = name(tokens.first()) else {
            return 1;
        };
        let mut path = vec![first];
        let mut taken = 1;
        while tokens.len() > taken + 2 && is_mark(&tokens[taken], ':') && is_mark(&tokens[taken + 1], ':') {
            let Some(next) = name(tokens.get(taken + 2)) else {
                break;
            };
            path.push(next);
            taken += 3;
        }
        if path.len() > 1 {
            self.paths.push(resolve(module, path));
        }
        taken
    }
}

/// Turns a leading `self` or `super…` into `crate::…`.
fn resolve(module: &[String], path: Vec<String>) -> Vec<String> {
    let mut module = module.to_vec();
    let mut rest = path.as_slice();
    while let [first, tail @ ..] = rest {
        match first.as_str() {
            "self" => {}
            "super" => drop(module.pop()),
            _ => break,
        }
        rest = tail;
    }
    if rest.len() == path.len() {
        return path;
    }
    [&["crate".to_owned()], module.as_slice(), rest].concat()
}

/// The tokens without the items marked `#[cfg(test)]`, and without what only documents.
fn without_tests(tokens: TokenStream) -> Vec<TokenTree> {
    let tokens: Vec<_> = tokens.into_iter().collect();
    let mut kept = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        if is_mark(&tokens[at], '#') && tokens.get(at + 1).is_some_and(is_test_attribute) {
            let body = |token: &TokenTree| {
                is_mark(token, ';') || matches!(token, TokenTree::Group(group) if group.delimiter() == Delimiter::Brace)
            };
            at = tokens[at..].iter().position(body).map_or(tokens.len(), |end| at + end + 1);
        } else {
            kept.push(tokens[at].clone());
            at += 1;
        }
    }
    kept
}

fn is_test_attribute(token: &TokenTree) -> bool {
    matches!(token, TokenTree::Group(group) if group.stream().to_string().replace(' ', "") == "cfg(test)")
}

fn name(token: Option<&TokenTree>) -> Option<String> {
    match token {
        Some(TokenTree::Ident(name)) => Some(name.to_string()),
        Some(TokenTree::Group(_) | TokenTree::Punct(_) | TokenTree::Literal(_)) | None => None,
    }
}

fn is_name(token: &TokenTree, wanted: &str) -> bool {
    matches!(token, TokenTree::Ident(name) if name == wanted)
}

fn is_crate(token: Option<&TokenTree>) -> bool {
    token.is_some_and(|token| is_name(token, "crate"))
}

fn is_mark(token: &TokenTree, wanted: char) -> bool {
    matches!(token, TokenTree::Punct(mark) if mark.as_char() == wanted)
}
