//! The lexemes of the Ruby that stands in pipelines. Knows no grammar; reads each byte a bounded number of times.

use super::DEPTH_MAX;

/// What a lexeme is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A name of anything but a constant, keywords too; with its `?` or `!`.
    Name(String),
    /// A name that begins with a capital.
    Constant(String),
    /// `@name` or `$name`, with its sign.
    Variable(String),
    /// `:name`.
    Symbol(String),
    /// `name:`, in a hash.
    Label(String),
    Number(String),
    Text(Vec<Part>),
    Regex(String),
    /// `%w[a b]`.
    Words(Vec<String>),
    Sign(&'static str),
    /// The end of a line, or `;`.
    NewLine,
    /// A character that means nothing here.
    Unknown,
}

/// A part of a string.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part {
    Literal(String),
    /// The lexemes between `#{` and `}`.
    Code(Vec<Token>),
}

/// A lexeme and where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) start: usize,
    pub(super) end: usize,
    /// Whether blanks stand before it, and behind it.
    pub(super) blank_before: bool,
    pub(super) blank_after: bool,
}

/// Signs, longer ones first.
const SIGNS: &[&str] = &[
    "<=>", "===", "**=", "||=", "&&=", "...", "<<=", ">>=", "==", "!=", "=~", "!~", "<=", ">=",
    "&&", "||", "&.", "::", "=>", "->", "**", "+=", "-=", "*=", "/=", "%=", "|=", "..", "<<", ">>",
    "=", "<", ">", "!", "+", "-", "*", "/", "%", "&", "|", "^", "~", "?", ":", ",", ".", "(", ")",
    "[", "]", "{", "}",
];

/// All lexemes of a text.
pub(super) fn tokens(code: &str) -> Vec<Token> {
    Lexer { code, at: 0, depth: 0, base: 0, tokens: Vec::new() }.run()
}

struct Lexer<'c> {
    code: &'c str,
    at: usize,
    depth: usize,
    /// Where the code begins within the whole.
    base: usize,
    tokens: Vec<Token>,
}

impl<'c> Lexer<'c> {
    fn run(mut self) -> Vec<Token> {
        loop {
            let blank = self.skip_blanks();
            if blank && let Some(last) = self.tokens.last_mut() {
                last.blank_after = true;
            }
            let start = self.at;
            let Some(character) = self.rest().chars().next() else { return self.tokens };
            let kind = self.lexeme(character, blank);
            self.tokens.push(Token {
                kind,
                start: self.base + start,
                end: self.base + self.at,
                blank_before: blank || start == 0,
                blank_after: self.at >= self.code.len(),
            });
        }
    }

    fn rest(&self) -> &'c str {
        self.code.get(self.at..).unwrap_or_default()
    }

    /// Blanks, comments and lines that go on.
    fn skip_blanks(&mut self) -> bool {
        let start = self.at;
        loop {
            let rest = self.rest();
            let trimmed = rest.trim_start_matches([' ', '\t', '\r']);
            self.at += rest.len() - trimmed.len();
            if let Some(next) =
                trimmed.strip_prefix("\\\n").or_else(|| trimmed.strip_prefix("\\\r\n"))
            {
                self.at = self.code.len() - next.len();
            } else if trimmed.starts_with('#') {
                self.at += trimmed.find('\n').unwrap_or(trimmed.len());
            } else {
                return self.at > start;
            }
        }
    }

    fn take_while(&mut self, wanted: impl Fn(char) -> bool) -> &'c str {
        let rest = self.rest();
        let end = rest.find(|character| !wanted(character)).unwrap_or(rest.len());
        self.at += end;
        rest.get(..end).unwrap_or_default()
    }

    fn take(&mut self, sign: &str) -> bool {
        let found = self.rest().starts_with(sign);
        if found {
            self.at += sign.len();
        }
        found
    }

    fn lexeme(&mut self, first: char, blank: bool) -> Kind {
        match first {
            '\n' | ';' => {
                self.at += 1;
                Kind::NewLine
            }
            '"' | '\'' | '`' => self.string(first),
            '0'..='9' => self.number(),
            '@' | '$' => {
                let start = self.at;
                self.take_while(|character| matches!(character, '@' | '$'));
                self.take_while(is_name);
                Kind::Variable(self.code.get(start..self.at).unwrap_or_default().to_owned())
            }
            '/' if self.begins_operand(blank) => self.regex('/', '/'),
            '%' if self.begins_operand(blank) => self.percent().unwrap_or_else(|| self.sign()),
            ':' if self.rest().starts_with(":\"") => {
                self.at += 1;
                match self.string('"') {
                    Kind::Text(parts) => match parts.as_slice() {
                        [] => Kind::Symbol(String::new()),
                        [Part::Literal(text)] => Kind::Symbol(text.clone()),
                        _ => Kind::Unknown,
                    },
                    _ => Kind::Unknown,
                }
            }
            ':' if self.rest().get(1..).is_some_and(|rest| rest.starts_with(is_name_start)) => {
                self.at += 1;
                Kind::Symbol(self.name())
            }
            _ if is_name_start(first) => {
                let name = self.name();
                let is_label = self.rest().starts_with(':') && !self.rest().starts_with("::");
                if is_label && !self.follows_question() {
                    self.at += 1;
                    return Kind::Label(name);
                }
                match first.is_uppercase() {
                    true => Kind::Constant(name),
                    false => Kind::Name(name),
                }
            }
            _ => self.sign(),
        }
    }

    /// Whether `a ? b:c` may be meant: a label stands behind a bracket or a comma.
    fn follows_question(&self) -> bool {
        matches!(self.tokens.last().map(|token| &token.kind), Some(Kind::Sign("?")))
    }

    fn name(&mut self) -> String {
        let name = self.take_while(is_name);
        let mut name = name.to_owned();
        for end in ["?", "!"] {
            let rest = self.rest();
            if rest.starts_with(end) && !rest.get(1..).unwrap_or_default().starts_with('=') {
                self.at += 1;
                name.push_str(end);
                break;
            }
        }
        name
    }

    fn sign(&mut self) -> Kind {
        if let Some(sign) = SIGNS.iter().find(|sign| self.rest().starts_with(**sign)) {
            self.at += sign.len();
            return Kind::Sign(sign);
        }
        self.at += self.rest().chars().next().map_or(1, char::len_utf8);
        Kind::Unknown
    }

    /// Whether an operand may begin here: then `/` and `%` are no operators.
    fn begins_operand(&self, blank: bool) -> bool {
        let next_is_blank =
            self.rest().get(1..).is_none_or(|rest| rest.starts_with([' ', '=', '\n']));
        match self.tokens.last().map(|token| &token.kind) {
            None | Some(Kind::NewLine | Kind::Label(_)) => true,
            Some(Kind::Sign(sign)) => !matches!(*sign, ")" | "]" | "}"),
            Some(Kind::Name(name)) => is_word_before_operand(name) || (blank && !next_is_blank),
            Some(_) => false,
        }
    }

    fn number(&mut self) -> Kind {
        let start = self.at;
        if self.take("0x") || self.take("0b") {
            self.take_while(|character| character.is_ascii_hexdigit() || character == '_');
            return Kind::Unknown;
        }
        let is_digit = |character: char| character.is_ascii_digit() || character == '_';
        self.take_while(is_digit);
        let rest = self.rest();
        if rest.starts_with('.')
            && rest
                .get(1..)
                .is_some_and(|rest| rest.starts_with(|next: char| next.is_ascii_digit()))
        {
            self.at += 1;
            self.take_while(is_digit);
        }
        let exponent = self.rest().strip_prefix(['e', 'E']);
        let exponent = exponent.map(|rest| rest.strip_prefix(['+', '-']).unwrap_or(rest));
        if let Some(digits) =
            exponent.filter(|rest| rest.starts_with(|next: char| next.is_ascii_digit()))
        {
            self.at = self.code.len() - digits.len();
            self.take_while(is_digit);
        }
        let text = self.code.get(start..self.at).unwrap_or_default().replace('_', "");
        // Octal numbers are not for this.
        let is_octal = text.len() > 1 && text.starts_with('0') && !text.starts_with("0.");
        if is_octal { Kind::Unknown } else { Kind::Number(text) }
    }

    fn string(&mut self, quote: char) -> Kind {
        self.at += 1;
        if quote == '`' {
            self.text(quote, quote, false);
            return Kind::Unknown;
        }
        self.text(quote, quote, quote == '"')
    }

    /// `%w[]`, `%i[]`, `%q[]`, `%Q[]`, `%r[]`.
    fn percent(&mut self) -> Option<Kind> {
        let mut characters = self.rest().chars().skip(1);
        let mut kind = characters.next()?;
        let mut open = characters.next()?;
        let mut length = 3;
        if !kind.is_ascii_alphabetic() {
            open = std::mem::replace(&mut kind, 'Q');
            length = 2;
        }
        let close = match open {
            '(' => ')',
            '[' => ']',
            '{' => '}',
            '<' => '>',
            '|' | '!' | '/' => open,
            _ => return None,
        };
        match kind {
            'w' | 'W' | 'i' => {
                self.at += length;
                let rest = self.rest();
                let Some(end) = rest.find(close) else {
                    // Nothing behind it is looked through again.
                    self.at = self.code.len();
                    return Some(Kind::Unknown);
                };
                self.at += end + 1;
                Some(Kind::Words(rest.get(..end)?.split_whitespace().map(str::to_owned).collect()))
            }
            'q' | 'Q' => {
                self.at += length;
                Some(self.text(open, close, kind == 'Q'))
            }
            'r' => {
                self.at += length - 1;
                Some(self.regex(open, close))
            }
            _ => None,
        }
    }

    /// The inside of a string, up to its end; the quote in front is taken already.
    fn text(&mut self, open: char, close: char, is_double: bool) -> Kind {
        let mut parts = Vec::new();
        let mut literal = String::new();
        let mut nested = 0usize;
        while let Some(character) = self.rest().chars().next() {
            self.at += character.len_utf8();
            if character == close && nested == 0 {
                if !literal.is_empty() {
                    parts.push(Part::Literal(literal));
                }
                return Kind::Text(parts);
            }
            match character {
                '\\' => self.escape(is_double, close, &mut literal),
                '#' if is_double && self.rest().starts_with('{') => {
                    if !literal.is_empty() {
                        parts.push(Part::Literal(std::mem::take(&mut literal)));
                    }
                    match self.interpolation() {
                        Some(code) => parts.push(Part::Code(code)),
                        None => return Kind::Unknown,
                    }
                }
                _ => {
                    if open != close && character == open {
                        nested += 1;
                    } else if open != close && character == close {
                        nested -= 1;
                    }
                    literal.push(character);
                }
            }
        }
        Kind::Unknown
    }

    fn escape(&mut self, is_double: bool, close: char, literal: &mut String) {
        let Some(character) = self.rest().chars().next() else { return };
        self.at += character.len_utf8();
        match character {
            '\\' => literal.push('\\'),
            _ if character == close => literal.push(character),
            'n' if is_double => literal.push('\n'),
            't' if is_double => literal.push('\t'),
            'r' if is_double => literal.push('\r'),
            '"' | '\'' | '#' if is_double => literal.push(character),
            _ => {
                literal.push('\\');
                literal.push(character);
            }
        }
    }

    /// The code within a string; its brackets are counted, so that each level is read once more.
    fn interpolation(&mut self) -> Option<Vec<Token>> {
        self.at += 1;
        let start = self.at;
        let mut open = 1usize;
        let end = self.rest().char_indices().find_map(|(at, character)| {
            match character {
                '{' => open += 1,
                '}' => open -= 1,
                _ => {}
            }
            (open == 0).then_some(at)
        });
        let Some(end) = end else {
            self.at = self.code.len();
            return None;
        };
        self.at += end + 1;
        if self.depth >= DEPTH_MAX {
            return None;
        }
        let code = self.code.get(start..start + end)?;
        let base = self.base + start;
        Some(Lexer { code, at: 0, depth: self.depth + 1, base, tokens: Vec::new() }.run())
    }

    fn regex(&mut self, open: char, close: char) -> Kind {
        let rest = self.rest().get(open.len_utf8()..).unwrap_or_default();
        let mut escaped = false;
        let mut nested = 0usize;
        let end = rest.char_indices().find_map(|(at, character)| {
            let is_end = character == close && !escaped && nested == 0;
            if !escaped && open != close && character == open {
                nested += 1;
            } else if !escaped && open != close && character == close {
                nested = nested.saturating_sub(1);
            }
            escaped = character == '\\' && !escaped;
            is_end.then_some(at)
        });
        let Some(end) = end else {
            self.at = self.code.len();
            return Kind::Unknown;
        };
        self.at += open.len_utf8() + end + close.len_utf8();
        let flags = self.take_while(|character| character.is_ascii_alphabetic());
        let pattern = rest.get(..end).unwrap_or_default().replace("\\/", "/");
        match flags {
            "" | "u" | "o" => Kind::Regex(pattern),
            "i" => Kind::Regex(format!("(?i){pattern}")),
            "m" => Kind::Regex(format!("(?m){pattern}")),
            _ => Kind::Unknown,
        }
    }
}

fn is_name_start(character: char) -> bool {
    character.is_alphabetic() || character == '_'
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

fn is_word_before_operand(name: &str) -> bool {
    matches!(
        name,
        "if" | "elsif"
            | "unless"
            | "while"
            | "until"
            | "and"
            | "or"
            | "not"
            | "when"
            | "case"
            | "return"
            | "in"
            | "then"
            | "do"
            | "else"
    )
}
