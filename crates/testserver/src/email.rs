//! Django's `EmailValidator`.

use std::net::IpAddr;

const ATOM: &str = "-!#$%&'*+/=?^_`{}|~";

pub(crate) fn is_valid(text: &str) -> bool {
    let Some((user, domain)) = text.rsplit_once('@') else {
        return false;
    };
    text.chars().count() <= 320 && is_user(user) && is_domain(domain)
}

fn is_user(user: &str) -> bool {
    let atom = |part: &str| {
        !part.is_empty()
            && part
                .chars()
                .all(|letter| letter.is_ascii_alphanumeric() || ATOM.contains(letter))
    };
    let quoted = user.len() >= 2
        && user
            .strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .is_some_and(is_quoted);
    quoted || user.split('.').all(atom)
}

/// The inside of a quoted user part: ASCII without line ends; `"` and `\` only after a `\`.
fn is_quoted(text: &str) -> bool {
    let mut letters = text.chars();
    while let Some(letter) = letters.next() {
        let letter = if letter == '\\' {
            letters.next()
        } else {
            Some(letter).filter(|l| *l != '"')
        };
        if !letter.is_some_and(|letter| letter.is_ascii() && !"\0\r\n".contains(letter)) {
            return false;
        }
    }
    true
}

fn is_domain(domain: &str) -> bool {
    if domain == "localhost" {
        return true;
    }
    if let Some(literal) = domain
        .strip_prefix('[')
        .and_then(|rest| rest.strip_suffix(']'))
    {
        return literal.parse::<IpAddr>().is_ok();
    }
    let Some((host, top)) = domain.rsplit_once('.') else {
        return false;
    };
    let top_length = top.chars().count();
    let punycode = top
        .get(..4)
        .is_some_and(|start| start.eq_ignore_ascii_case("xn--"));
    host.split('.').all(is_label)
        && is_label(top)
        && (2..=63).contains(&top_length)
        && (punycode || !top.bytes().any(|byte| byte.is_ascii_digit()))
}

fn is_label(label: &str) -> bool {
    let letter = |letter: char| letter.is_ascii_alphanumeric() || letter >= '\u{a1}';
    !label.is_empty()
        && label.chars().count() <= 63
        && !label.starts_with('-')
        && !label.ends_with('-')
        && label.chars().all(|c| letter(c) || c == '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_told_apart() {
        for good in [
            "a@b.io",
            "a.b+c@x-y.co.uk",
            "\"a b\"@b.io",
            "a@localhost",
            "a@[127.0.0.1]",
        ] {
            assert!(is_valid(good), "{good}");
        }
        for bad in [
            "",
            "a",
            "@b.io",
            "a@b",
            "a..b@c.io",
            "a b@c.io",
            "a@-b.io",
            "a@b.c",
            "a@b.c0m",
            "a@b.io ",
        ] {
            assert!(!is_valid(bad), "{bad}");
        }
    }
}
