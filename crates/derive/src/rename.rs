//! serde's `rename_all`: the rule, and the name that it makes of a field.

/// A rule that changes how a field's name is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Rename {
    /// As in Rust. serde's `lowercase` and `snake_case` leave fields alone too.
    #[default]
    Keep,
    Upper,
    Pascal,
    Camel,
    Kebab,
    UpperKebab,
}

impl Rename {
    /// The rule that serde knows by this name. What serde does not know, serde reports.
    pub(crate) fn parse(rule: &str) -> Self {
        match rule {
            "UPPERCASE" | "SCREAMING_SNAKE_CASE" => Self::Upper,
            "PascalCase" => Self::Pascal,
            "camelCase" => Self::Camel,
            "kebab-case" => Self::Kebab,
            "SCREAMING-KEBAB-CASE" => Self::UpperKebab,
            _ => Self::Keep,
        }
    }

    pub(crate) fn apply(self, field: &str) -> String {
        match self {
            Self::Keep => field.to_owned(),
            Self::Upper => field.to_ascii_uppercase(),
            Self::Pascal => join_capitalised(field),
            Self::Camel => {
                let pascal = join_capitalised(field);
                let mut rest = pascal.chars();
                rest.next().map_or_else(String::new, |first| {
                    format!("{}{}", first.to_ascii_lowercase(), rest.as_str())
                })
            }
            Self::Kebab => field.replace('_', "-"),
            Self::UpperKebab => field.to_ascii_uppercase().replace('_', "-"),
        }
    }
}

fn join_capitalised(field: &str) -> String {
    let mut joined = String::with_capacity(field.len());
    let mut starts_word = true;
    for letter in field.chars() {
        if letter == '_' {
            starts_word = true;
        } else if std::mem::take(&mut starts_word) {
            joined.push(letter.to_ascii_uppercase());
        } else {
            joined.push(letter);
        }
    }
    joined
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_of_serde() {
        for (rule, expected) in [
            ("lowercase", "created_at"),
            ("UPPERCASE", "CREATED_AT"),
            ("PascalCase", "CreatedAt"),
            ("camelCase", "createdAt"),
            ("snake_case", "created_at"),
            ("SCREAMING_SNAKE_CASE", "CREATED_AT"),
            ("kebab-case", "created-at"),
            ("SCREAMING-KEBAB-CASE", "CREATED-AT"),
        ] {
            assert_eq!(Rename::parse(rule).apply("created_at"), expected, "{rule}");
        }
        assert_eq!(Rename::Camel.apply("id"), "id");
        assert_eq!(Rename::Camel.apply("_private_2nd"), "private2nd");
        assert_eq!(Rename::Camel.apply("été"), "été");
    }
}
