//! Finds the paths in a Rust file: enough of a lexer to tell them from comments and strings.

/// What a file names.
#[derive(Debug, Default)]
pub(crate) struct Found {
    /// Every path, those of `use` trees written out.
    pub(crate) paths: Vec<Path>,
    /// The modules that the file declares.
    pub(crate) modules: Vec<String>,
    /// Those among them that are files of their own and exist for tests alone.
    pub(crate) test_files: Vec<String>,
}

/// One path.
#[derive(Debug)]
pub(crate) struct Path {
    pub(crate) root: Root,
    /// What follows `crate` or `super`, or the whole path.
    pub(crate) segments: Vec<String>,
    pub(crate) line: usize,
    /// Whether it stands in a `#[cfg(test)]` module.
    pub(crate) in_test: bool,
}

/// What a path begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Root {
    Crate,
    /// So many times `super`.
    Super(usize),
    Name,
}

/// Finds everything a file names.
pub(crate) fn scan(text: &str) -> Found {
    let tokens = tokens(text);
    let mut found = Found::default();
    let mut depth = 0_usize;
    // How deep in braces the test module lies that we are in.
    let mut test_depth = None;
    let mut test_attribute = false;
    let mut index = 0;
    while let Some(token) = tokens.get(index) {
        match token.text.as_str() {
            "{" => depth += 1,
            "}" => {
                depth = depth.saturating_sub(1);
                if test_depth == Some(depth) {
                    test_depth = None;
                }
            }
            "#" if is_test_attribute(&tokens[index..]) => test_attribute = true,
            "mod" => {
                let name = tokens.get(index + 1).map(|token| token.text.clone()).unwrap_or_default();
                let has_body = tokens.get(index + 2).is_some_and(|token| token.text == "{");
                if test_attribute && has_body {
                    test_depth = test_depth.or(Some(depth));
                } else if test_attribute {
                    found.test_files.push(name.clone());
                }
                found.modules.push(name);
                test_attribute = false;
                index += 2;
                continue;
            }
            // The attribute belonged to something else.
            "fn" | "use" | "struct" | "impl" | "const" | ";" => test_attribute = false,
            _ => {}
        }
        if begins_path(&tokens, index) {
            let mut paths = Vec::new();
            index = tree(&tokens, index, &mut Vec::new(), &mut paths);
            found.paths.extend(paths.into_iter().map(|leaf| finish(leaf, test_depth.is_some())));
        } else {
            index += 1;
        }
    }
    found
}

fn is_test_attribute(tokens: &[Token]) -> bool {
    let texts: Vec<&str> = tokens.iter().take(12).map(|token| token.text.as_str()).collect();
    let end = texts.iter().position(|text| *text == "]").unwrap_or(texts.len());
    texts.get(2) == Some(&"cfg") && texts[..end].contains(&"test") && !texts[..end].contains(&"not")
}

fn begins_path(tokens: &[Token], index: usize) -> bool {
    let is = |index: usize, text: &str| tokens.get(index).is_some_and(|token| token.text == text);
    let after_use = index > 0 && is(index - 1, "use");
    tokens[index].is_name()
        && (is(index + 1, "::") || after_use)
        && !(index > 0 && is(index - 1, "::") && index > 1 && tokens[index - 2].is_name())
}

/// A path's segments and the line of the last one.
type Leaf = (Vec<String>, usize);

/// Reads a path, and all paths of its braces; returns where it ends.
fn tree(tokens: &[Token], mut index: usize, prefix: &mut Vec<String>, leaves: &mut Vec<Leaf>) -> usize {
    let begin = prefix.len();
    let is = |index: usize, text: &str| tokens.get(index).is_some_and(|token| token.text == text);
    let mut line = tokens.get(index).map_or(0, |token| token.line);
    while let Some(token) = tokens.get(index).filter(|token| token.is_name()) {
        prefix.push(token.text.clone());
        line = token.line;
        index += 1;
        if !is(index, "::") || !tokens.get(index + 1).is_some_and(|next| next.is_name() || next.text == "{") {
            break;
        }
        index += 1;
    }
    if is(index, "{") && is(index.wrapping_sub(1), "::") {
        index += 1;
        while index < tokens.len() && !is(index, "}") {
            if tokens[index].is_name() && !is(index - 1, "as") {
                index = tree(tokens, index, prefix, leaves);
            } else {
                index += 1;
            }
        }
        index += 1;
    } else if prefix.len() > begin {
        leaves.push((prefix.clone(), line));
    }
    prefix.truncate(begin);
    index
}

fn finish((mut segments, line): Leaf, in_test: bool) -> Path {
    let supers = segments.iter().take_while(|segment| *segment == "super").count();
    let root = match segments[0].as_str() {
        "crate" => Root::Crate,
        "super" => Root::Super(supers),
        _ => Root::Name,
    };
    segments.drain(
        ..match root {
            Root::Crate => 1,
            Root::Super(count) => count,
            Root::Name => 0,
        },
    );
    Path { root, segments, line, in_test }
}

#[derive(Debug)]
struct Token {
    text: String,
    line: usize,
}

impl Token {
    fn is_name(&self) -> bool {
        self.text.starts_with(|first: char| first.is_alphabetic() || first == '_') && self.text != "as"
    }
}

/// Returns names, `::` and single signs; no comments, strings or characters.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text;
    let mut line = 1;
    while let Some(first) = rest.chars().next() {
        let len = literal_or_comment(rest).unwrap_or_else(|| {
            let len = if first.is_alphanumeric() || first == '_' {
                rest.find(|sign: char| !sign.is_alphanumeric() && sign != '_').unwrap_or(rest.len())
            } else if rest.starts_with("::") {
                2
            } else {
                first.len_utf8()
            };
            if !first.is_whitespace() {
                tokens.push(Token { text: rest[..len].into(), line });
            }
            len
        });
        line += rest[..len].matches('\n').count();
        rest = &rest[len..];
    }
    tokens
}

/// Returns how long the comment, string or character is that the text begins with.
fn literal_or_comment(text: &str) -> Option<usize> {
    if text.starts_with("//") {
        return Some(text.find('\n').unwrap_or(text.len()));
    }
    if text.starts_with("/*") {
        return Some(text.find("*/").map_or(text.len(), |end| end + 2));
    }
    let raw = text.strip_prefix('b').unwrap_or(text);
    if let Some(quoted) = raw.strip_prefix('r') {
        let fence = quoted.bytes().take_while(|byte| *byte == b'#').count();
        if quoted[fence..].starts_with('"') {
            let begin = text.len() - quoted.len() + fence + 1;
            let end = format!("\"{}", "#".repeat(fence));
            return Some(text[begin..].find(&end).map_or(text.len(), |at| begin + at + end.len()));
        }
    }
    if raw.starts_with('"') {
        return Some(text.len() - raw.len() + quoted(raw, '"'));
    }
    // 'a' and '\n' are characters, 'a is a lifetime.
    let mut signs = text.strip_prefix('\'')?.chars();
    let is_character = signs.next()? == '\\' || signs.next() == Some('\'');
    Some(if is_character { quoted(text, '\'') } else { 1 })
}

/// Returns the length of what stands in quotation marks, with the marks.
fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (index, sign) in text.char_indices().skip(1) {
        match sign {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            _ if sign == mark => return index + 1,
            _ => {}
        }
    }
    text.len()
}
