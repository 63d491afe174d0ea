//! A short, harmless excerpt of text that a server sent.

/// The first words of `text`: no markup, no control characters, at most `max` characters.
///
/// An HTML page is represented by its title.
///
/// ```
/// use django_api_orm_core::error::excerpt;
///
/// let page = "<!doctype html><title>Server Error (500)</title><h1>Oops</h1>";
/// assert_eq!(excerpt(page, 80), "Server Error (500)");
/// assert_eq!(excerpt("Bad\r\n\u{1b}[31mgateway", 80), "Bad [31mgateway");
/// ```
#[must_use]
pub fn excerpt(text: &str, max: usize) -> String {
    // A page may be megabytes long; what is shown comes from its beginning.
    let text = head(text, 16 * 1024);
    if looks_like_html(text) {
        let title = element(text, "title")
            .or_else(|| element(text, "h1"))
            .unwrap_or_default();
        return plain(&unescape(&without_tags(title)), max);
    }
    plain(text, max)
}

/// Collapses white space, drops control characters and shortens.
pub(super) fn plain(text: &str, max: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    let mut gap = false;
    for character in text.chars() {
        if character.is_whitespace() {
            gap = length > 0;
            continue;
        }
        if is_hidden(character) {
            continue;
        }
        let needed = 1 + usize::from(gap);
        if length + needed > max {
            out.push('…');
            break;
        }
        if gap {
            out.push(' ');
        }
        out.push(character);
        length += needed;
        gap = false;
    }
    out
}

/// Control characters, and those that reorder or hide the text around them.
fn is_hidden(character: char) -> bool {
    character.is_control()
        || matches!(character,
            '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

fn head(text: &str, bytes: usize) -> &str {
    let mut end = bytes.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).unwrap_or(text)
}

pub(super) fn looks_like_html(text: &str) -> bool {
    let start = text.trim_start_matches('\u{feff}').trim_start();
    let start = head(start, 256).to_ascii_lowercase();
    start.starts_with('<')
        && (start.contains("<!doctype")
            || start.contains("<h")
            || start.contains("<title")
            || start.contains("<body"))
        || start.contains("<html")
}

/// The text between `<name …>` and `</name>`.
fn element<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let lower = text.to_ascii_lowercase();
    let open = lower.find(&format!("<{name}"))?;
    let start = open + lower.get(open..)?.find('>')? + 1;
    let end = start + lower.get(start..)?.find(&format!("</{name}"))?;
    text.get(start..end)
}

fn without_tags(text: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for character in text.chars() {
        match character {
            '<' => inside = true,
            '>' if inside => {
                inside = false;
                out.push(' ');
            }
            _ if inside => {}
            other => out.push(other),
        }
    }
    out
}

fn unescape(text: &str) -> String {
    text.replace("&lt;", "‹")
        .replace("&gt;", "›")
        .replace("&quot;", "\"")
        .replace("&#x27;", "'")
        .replace("&#39;", "'")
        .replace("&nbsp;", " ")
        .replace("&amp;", "&")
}
