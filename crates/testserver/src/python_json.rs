//! The message with which Python's `json` module refuses a text.

/// What `json.loads` says about a text that is not JSON.
pub(crate) fn error(body: &[u8]) -> String {
    let text = match std::str::from_utf8(body) {
        Ok(text) => text,
        Err(error) => {
            let position = error.valid_up_to();
            let byte = body.get(position).copied().unwrap_or_default();
            return format!(
                "'utf-8' codec can't decode byte 0x{byte:02x} in position {position}: \
                 invalid start byte"
            );
        }
    };
    let letters = text.chars().collect::<Vec<_>>();
    let mut scanner = Scanner {
        letters: &letters,
        at: 0,
    };
    let problem = scanner.document().err().unwrap_or(Problem {
        message: "Expecting value",
        at: 0,
    });
    let before = letters.get(..problem.at).unwrap_or(&letters);
    let line = before.iter().filter(|letter| **letter == '\n').count() + 1;
    let column = before
        .iter()
        .rev()
        .take_while(|letter| **letter != '\n')
        .count()
        + 1;
    format!(
        "{}: line {line} column {column} (char {})",
        problem.message, problem.at
    )
}

struct Problem {
    message: &'static str,
    at: usize,
}

struct Scanner<'a> {
    letters: &'a [char],
    at: usize,
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<(), Problem> {
        self.skip_space();
        self.value()?;
        self.skip_space();
        if self.at == self.letters.len() {
            Ok(())
        } else {
            self.fail("Extra data")
        }
    }

    fn fail(&self, message: &'static str) -> Result<(), Problem> {
        Err(Problem {
            message,
            at: self.at,
        })
    }

    fn peek(&self) -> Option<char> {
        self.letters.get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|letter| " \t\n\r".contains(letter)) {
            self.at += 1;
        }
    }

    fn value(&mut self) -> Result<(), Problem> {
        match self.peek() {
            Some('"') => self.string(),
            Some('{') => self.object(),
            Some('[') => self.array(),
            Some(letter) if letter == '-' || letter.is_ascii_digit() => self.number(),
            _ => {
                for word in ["null", "true", "false"] {
                    let rest = self.letters.iter().skip(self.at).take(word.len());
                    if rest.copied().eq(word.chars()) {
                        self.at += word.len();
                        return Ok(());
                    }
                }
                self.fail("Expecting value")
            }
        }
    }

    fn string(&mut self) -> Result<(), Problem> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                None => {
                    self.at = start;
                    return self.fail("Unterminated string starting at");
                }
                Some('"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some('\\') => self.escape(start)?,
                Some(letter) if letter < ' ' => return self.fail("Invalid control character at"),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self, start: usize) -> Result<(), Problem> {
        match self.letters.get(self.at + 1) {
            None => {
                self.at = start;
                self.fail("Unterminated string starting at")
            }
            Some('u') => {
                let digits = self
                    .letters
                    .get(self.at + 2..self.at + 6)
                    .unwrap_or_default();
                if digits.len() == 4 && digits.iter().all(char::is_ascii_hexdigit) {
                    self.at += 6;
                    return Ok(());
                }
                self.at += 1;
                self.fail("Invalid \\uXXXX escape")
            }
            Some(letter) if "\"\\/bfnrt".contains(*letter) => {
                self.at += 2;
                Ok(())
            }
            Some(_) => self.fail("Invalid \\escape"),
        }
    }

    fn number(&mut self) -> Result<(), Problem> {
        let start = self.at;
        self.at += usize::from(self.peek() == Some('-'));
        match self.peek() {
            Some('0') => self.at += 1,
            Some(letter) if letter.is_ascii_digit() => self.digits(),
            _ => {
                self.at = start;
                return self.fail("Expecting value");
            }
        }
        self.part_after(&['.'], &[]);
        self.part_after(&['e', 'E'], &['+', '-']);
        Ok(())
    }

    /// A fraction or an exponent; without digits it is not part of the number.
    fn part_after(&mut self, marks: &[char], signs: &[char]) {
        let start = self.at;
        if self.peek().is_some_and(|letter| marks.contains(&letter)) {
            self.at += 1;
            self.at += usize::from(self.peek().is_some_and(|letter| signs.contains(&letter)));
            let first = self.at;
            self.digits();
            if self.at == first {
                self.at = start;
            }
        }
    }

    fn digits(&mut self) {
        while self.peek().is_some_and(|letter| letter.is_ascii_digit()) {
            self.at += 1;
        }
    }

    fn array(&mut self) -> Result<(), Problem> {
        self.at += 1;
        self.skip_space();
        if self.peek() == Some(']') {
            self.at += 1;
            return Ok(());
        }
        loop {
            self.value()?;
            if self.ends_with(']')? {
                return Ok(());
            }
            self.skip_space();
        }
    }

    fn object(&mut self) -> Result<(), Problem> {
        self.at += 1;
        self.skip_space();
        if self.peek() == Some('}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            if self.peek() != Some('"') {
                return self.fail("Expecting property name enclosed in double quotes");
            }
            self.string()?;
            self.skip_space();
            if self.peek() != Some(':') {
                return self.fail("Expecting ':' delimiter");
            }
            self.at += 1;
            self.skip_space();
            self.value()?;
            if self.ends_with('}')? {
                return Ok(());
            }
            self.skip_space();
        }
    }

    /// After an item: the end, or a comma.
    fn ends_with(&mut self, end: char) -> Result<bool, Problem> {
        self.skip_space();
        match self.peek() {
            Some(letter) if letter == end => {
                self.at += 1;
                Ok(true)
            }
            Some(',') => {
                self.at += 1;
                Ok(false)
            }
            _ => self.fail("Expecting ',' delimiter").map(|()| false),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_pythons() {
        for (text, expected) in [
            ("{\"a\":", "Expecting value: line 1 column 6 (char 5)"),
            (
                "{a:1}",
                "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            ),
            (
                "[1,\n2 3]",
                "Expecting ',' delimiter: line 2 column 3 (char 6)",
            ),
            (
                "{\"a\" 1}",
                "Expecting ':' delimiter: line 1 column 6 (char 5)",
            ),
            (
                "\"ab",
                "Unterminated string starting at: line 1 column 1 (char 0)",
            ),
            ("1 2", "Extra data: line 1 column 3 (char 2)"),
            ("\"\\x\"", "Invalid \\escape: line 1 column 2 (char 1)"),
            ("nope", "Expecting value: line 1 column 1 (char 0)"),
        ] {
            assert_eq!(error(text.as_bytes()), expected, "{text}");
        }
    }
}
