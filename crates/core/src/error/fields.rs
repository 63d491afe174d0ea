//! Validation messages, addressed by the path of the field they are about.

use std::fmt;

/// The path of messages that are about the whole object; the name Django REST Framework gives them.
pub const NON_FIELD_ERRORS: &str = "non_field_errors";

/// How many messages are kept of one response.
const MAX_MESSAGES: usize = 1000;
/// How many paths, and how much of a message, `Display` shows.
const SHOWN_PATHS: usize = 10;
const SHOWN_CHARACTERS: usize = 300;

/// The server's validation messages by field.
///
/// A path joins the keys from the outside in with dots: `email`, `address.state`, `items.2.name`.
///
/// ```
/// use django_api_orm_core::error::FieldErrors;
///
/// let mut errors = FieldErrors::default();
/// errors.push("email", "Enter a valid email address.");
/// errors.push("address.state", "Too long.");
/// assert_eq!(errors.get("email"), ["Enter a valid email address."]);
/// assert_eq!(errors.get("name"), [] as [&str; 0]);
/// assert_eq!(errors.to_string(), "email: Enter a valid email address.; address.state: Too long.");
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FieldErrors {
    entries: Vec<(String, Vec<String>)>,
    messages: usize,
}

impl FieldErrors {
    /// Adds a message about the field at `path`.
    pub fn push(&mut self, path: impl Into<String>, message: impl Into<String>) {
        if self.messages >= MAX_MESSAGES {
            return;
        }
        self.messages += 1;
        let path = path.into();
        match self.entries.iter_mut().find(|(known, _)| *known == path) {
            Some((_, messages)) => messages.push(message.into()),
            None => self.entries.push((path, vec![message.into()])),
        }
    }

    /// The messages about the field at `path`; empty when there are none.
    #[must_use]
    pub fn get(&self, path: &str) -> &[String] {
        self.entries
            .iter()
            .find(|(known, _)| known == path)
            .map_or(&[], |(_, messages)| messages.as_slice())
    }

    /// Every path with its messages, in the order of the response.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &[String])> {
        self.entries
            .iter()
            .map(|(path, messages)| (path.as_str(), messages.as_slice()))
    }

    /// How many paths have messages.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are no messages at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl fmt::Display for FieldErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, (path, messages)) in self.iter().take(SHOWN_PATHS).enumerate() {
            if index > 0 {
                f.write_str("; ")?;
            }
            let messages = super::excerpt::plain(&messages.join(" "), SHOWN_CHARACTERS);
            if path == NON_FIELD_ERRORS {
                f.write_str(&messages)?;
            } else {
                write!(
                    f,
                    "{}: {messages}",
                    super::excerpt::plain(path, SHOWN_CHARACTERS)
                )?;
            }
        }
        if self.len() > SHOWN_PATHS {
            write!(f, "; and {} more", self.len() - SHOWN_PATHS)?;
        }
        Ok(())
    }
}
