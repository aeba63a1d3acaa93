//! The grammar. Nesting is counted and bounded, so that no text can exhaust the stack; it never
//! looks at what a field means, apart from the names `type`, `level` and `_exists_`.

use crate::lexer::{Character, Lexer, Word, mistake};
use crate::{
    Bound, CLAUSES_MAX, DEPTH_MAX, LENGTH_CHARACTERS_MAX, LEVEL_FIELD, ParseError, Pattern,
    PatternPart, Query, TYPE_FIELD, WILDCARD_PREFIX_CHARACTERS_MIN, WILDCARD_VALUES_MAX,
    WILDCARDS_PER_VALUE_MAX,
};

/// Parses a query; an empty text means every event.
///
/// # Errors
/// The first character that cannot be understood, or at which a limit is passed.
pub fn parse(text: &str) -> Result<Query, ParseError> {
    Ok(parse_with_positions(text)?.0)
}

/// Parses a query, and says where the value of each of its leaves begins: a character from 1 for each
/// leaf, in the order in which [`Query::walk`] comes to them.
///
/// # Errors
/// As [`parse`].
pub fn parse_with_positions(text: &str) -> Result<(Query, Vec<usize>), ParseError> {
    if text.chars().nth(LENGTH_CHARACTERS_MAX).is_some() {
        let message = format!("a query has at most {LENGTH_CHARACTERS_MAX} characters");
        return Err(mistake(LENGTH_CHARACTERS_MAX, message));
    }
    let mut parser = Parser { lexer: Lexer::new(text), clauses: Vec::new(), wildcard_values: 0 };
    parser.lexer.skip_space();
    if parser.lexer.peek().is_none() {
        return Ok((Query::All, vec![1]));
    }
    let query = parser.alternatives(None, 0)?;
    match parser.lexer.peek() {
        None => Ok((query, parser.clauses)),
        Some(_) => Err(mistake(parser.lexer.at, "this `)` closes nothing: expected a term")),
    }
}

struct Parser {
    lexer: Lexer,
    /// The character at which each begins, from 1.
    clauses: Vec<usize>,
    wildcard_values: usize,
}

impl Parser {
    /// `a OR b`: the loosest operator. Ends before `)` or at the end.
    fn alternatives(&mut self, field: Option<&str>, depth: usize) -> Result<Query, ParseError> {
        let mut all = Vec::new();
        loop {
            match self.conjunction(field, depth)? {
                Query::Or(inner) => all.extend(inner),
                other => all.push(other),
            }
            match self.lexer.at_operator("OR", "||") {
                Some(length) => self.lexer.at += length,
                None => return Ok(joined(all, Query::Or)),
            }
        }
    }

    /// `a AND b`, `a b`.
    fn conjunction(&mut self, field: Option<&str>, depth: usize) -> Result<Query, ParseError> {
        let mut all = Vec::new();
        loop {
            match self.negation(field, depth)? {
                Query::And(inner) => all.extend(inner),
                other => all.push(other),
            }
            self.lexer.skip_space();
            if let Some(length) = self.lexer.at_operator("AND", "&&") {
                self.lexer.at += length;
                continue;
            }
            let ends = matches!(self.lexer.peek(), None | Some(')'));
            if ends || self.lexer.at_operator("OR", "||").is_some() {
                return Ok(joined(all, Query::And));
            }
        }
    }

    /// `NOT a`, `!a`, `-a`, `+a`.
    fn negation(&mut self, field: Option<&str>, depth: usize) -> Result<Query, ParseError> {
        self.lexer.skip_space();
        while self.lexer.take('+') {
            self.no_space_after('+')?;
        }
        let start = self.lexer.at;
        if let Some(length) = self.lexer.at_operator("NOT", "!") {
            self.lexer.at += length;
        } else if self.lexer.take('-') {
            self.no_space_after('-')?;
        } else {
            return self.operand(field, depth);
        }
        let depth = deeper(start, depth)?;
        Ok(Query::Not(Box::new(self.negation(field, depth)?)))
    }

    fn no_space_after(&self, sign: char) -> Result<(), ParseError> {
        match self.lexer.peek() {
            Some(next) if !next.is_whitespace() => Ok(()),
            _ => Err(mistake(
                self.lexer.at,
                format!("expected a term directly after `{sign}`, found {}", self.lexer.found()),
            )),
        }
    }

    /// A group, or one clause.
    fn operand(&mut self, field: Option<&str>, depth: usize) -> Result<Query, ParseError> {
        match self.lexer.peek() {
            Some('(') => self.group(field, depth),
            Some('"') => self.phrase(field),
            Some('[' | '{' | '<' | '>') if field.is_some() => self.range(field.unwrap_or_default()),
            Some('[' | '{') => {
                let message = "a range needs a field: expected `field:[a TO b]`";
                Err(mistake(self.lexer.at, message))
            }
            None | Some(')' | ']' | '}') => Err(self.expected_term()),
            Some(_) if self.at_joining_operator() => Err(self.expected_term()),
            Some(_) if field.is_some() => {
                let word = self.lexer.word(false)?;
                self.value(field, &word)
            }
            Some(_) => self.named_or_bare(depth),
        }
    }

    fn at_joining_operator(&self) -> bool {
        self.lexer.at_operator("AND", "&&").or(self.lexer.at_operator("OR", "||")).is_some()
    }

    fn expected_term(&self) -> ParseError {
        let message = format!("expected a term, a field or `(`, found {}", self.lexer.found());
        mistake(self.lexer.at, message)
    }

    fn group(&mut self, field: Option<&str>, depth: usize) -> Result<Query, ParseError> {
        let start = self.lexer.at;
        let depth = deeper(start, depth)?;
        self.lexer.at += 1;
        let query = self.alternatives(field, depth)?;
        if self.lexer.take(')') {
            return Ok(query);
        }
        Err(mistake(start, "this `(` is never closed: expected `)`"))
    }

    /// `field:…`, or a word that stands for itself.
    fn named_or_bare(&mut self, depth: usize) -> Result<Query, ParseError> {
        let word = self.lexer.word(true)?;
        if self.lexer.peek() != Some(':') {
            return self.value(None, &word);
        }
        let colon = self.lexer.at;
        self.lexer.at += 1;
        if let [only] = word.characters.as_slice()
            && only.is('*')
            && self.lexer.peek() == Some('*')
        {
            self.lexer.at += 1;
            self.count_clause(word.start)?;
            return Ok(Query::All);
        }
        let field = field_name(&word, colon)?;
        self.lexer.skip_space();
        match self.lexer.peek() {
            Some(c) if !matches!(c, ')' | ']' | '}') && !self.at_joining_operator() => {
                self.operand(Some(&field), depth)
            }
            _ => {
                let found = self.lexer.found();
                let message = format!("expected a value after `{field}:`, found {found}");
                Err(mistake(self.lexer.at, message))
            }
        }
    }

    fn phrase(&mut self, field: Option<&str>) -> Result<Query, ParseError> {
        let start = self.lexer.at;
        let text = self.lexer.quoted()?;
        if let Some(sign @ ('~' | '^')) = self.lexer.peek() {
            return Err(unsupported_suffix(self.lexer.at, sign));
        }
        self.count_clause(start)?;
        match field {
            Some("_exists_") => exists(&text, start),
            _ => Ok(Query::Phrase { field: field.map(str::to_owned), text }),
        }
    }

    /// `>5`, `<=5`, `[a TO b]`.
    fn range(&mut self, field: &str) -> Result<Query, ParseError> {
        let start = self.lexer.at;
        if field == "_exists_" {
            return Err(mistake(start, "expected a field name after `_exists_:`"));
        }
        self.count_clause(start)?;
        let (from, to) = match self.lexer.peek() {
            Some('<' | '>') => self.comparison()?,
            _ => self.interval()?,
        };
        Ok(match (&from, &to) {
            (Bound::Unbounded, Bound::Unbounded) => Query::Exists { field: field.to_owned() },
            _ => Query::Range { field: field.to_owned(), from, to },
        })
    }

    fn comparison(&mut self) -> Result<(Bound, Bound), ParseError> {
        let above = self.lexer.take('>');
        if !above {
            self.lexer.at += 1;
        }
        let inclusive = self.lexer.take('=');
        self.lexer.skip_space();
        let start = self.lexer.at;
        let value = self
            .lexer
            .bound()?
            .ok_or_else(|| mistake(start, "expected a value to compare with, found `*`"))?;
        let bound = if inclusive { Bound::Inclusive(value) } else { Bound::Exclusive(value) };
        Ok(if above { (bound, Bound::Unbounded) } else { (Bound::Unbounded, bound) })
    }

    fn interval(&mut self) -> Result<(Bound, Bound), ParseError> {
        let start = self.lexer.at;
        let from_inclusive = self.lexer.peek() == Some('[');
        self.lexer.at += 1;
        self.lexer.skip_space();
        let from = self.lexer.bound()?;
        self.lexer.skip_space();
        let Some(length) = self.lexer.at_operator("TO", "") else {
            let message = format!("expected `TO`, found {}", self.lexer.found());
            return Err(mistake(self.lexer.at, message));
        };
        self.lexer.at += length;
        self.lexer.skip_space();
        let to = self.lexer.bound()?;
        self.lexer.skip_space();
        let to_inclusive = match self.lexer.peek() {
            Some(']') => true,
            Some('}') => false,
            None => return Err(mistake(start, "this range is never closed: expected `]` or `}`")),
            Some(_) => {
                let message = format!("expected `]` or `}}`, found {}", self.lexer.found());
                return Err(mistake(self.lexer.at, message));
            }
        };
        self.lexer.at += 1;
        Ok((bound(from, from_inclusive), bound(to, to_inclusive)))
    }

    /// A word as a term, a wildcard or `*`.
    fn value(&mut self, field: Option<&str>, word: &Word) -> Result<Query, ParseError> {
        if word.characters.is_empty() {
            return Err(self.expected_term());
        }
        self.count_clause(word.start)?;
        refuse_suffix(word)?;
        let owned = field.map(str::to_owned);
        if let [only] = word.characters.as_slice()
            && only.is('*')
        {
            return match owned {
                None => Ok(Query::All),
                Some(name) if name == "_exists_" => Err(mistake(word.start, "expected a field")),
                Some(field) => Ok(Query::Exists { field }),
            };
        }
        if word.characters.iter().any(|c| c.is('*') || c.is('?')) {
            if field == Some("_exists_") {
                return Err(mistake(word.start, "expected a field name without wildcards"));
            }
            return Ok(Query::Wildcard { field: owned, pattern: self.pattern(word)? });
        }
        let value: String = word.characters.iter().map(|c| c.value).collect();
        match field {
            Some("_exists_") => exists(&value, word.start),
            _ => Ok(Query::Term { field: owned, value }),
        }
    }

    fn pattern(&mut self, word: &Word) -> Result<Pattern, ParseError> {
        self.wildcard_values += 1;
        if self.wildcard_values > WILDCARD_VALUES_MAX {
            let message =
                format!("a query has at most {WILDCARD_VALUES_MAX} values with wildcards");
            return Err(mistake(word.start, message));
        }
        let mut parts: Vec<PatternPart> = Vec::new();
        let mut wildcards = 0;
        for (index, character) in word.characters.iter().enumerate() {
            let part = match character {
                c if c.is('*') => PatternPart::Any,
                c if c.is('?') => PatternPart::One,
                Character { value, .. } => {
                    match parts.last_mut() {
                        Some(PatternPart::Text(text)) => text.push(*value),
                        _ => parts.push(PatternPart::Text(value.to_string())),
                    }
                    continue;
                }
            };
            wildcards += 1;
            if index < WILDCARD_PREFIX_CHARACTERS_MIN {
                let message = format!(
                    "expected at least {WILDCARD_PREFIX_CHARACTERS_MIN} characters before `*` or `?`"
                );
                return Err(mistake(word.start, message));
            }
            if wildcards > WILDCARDS_PER_VALUE_MAX {
                let message = format!("a value has at most {WILDCARDS_PER_VALUE_MAX} wildcards");
                return Err(mistake(word.start, message));
            }
            parts.push(part);
        }
        Ok(Pattern(parts))
    }

    fn count_clause(&mut self, start: usize) -> Result<(), ParseError> {
        self.clauses.push(start + 1);
        if self.clauses.len() > CLAUSES_MAX {
            return Err(mistake(start, format!("a query has at most {CLAUSES_MAX} clauses")));
        }
        Ok(())
    }
}

fn joined(mut all: Vec<Query>, join: fn(Vec<Query>) -> Query) -> Query {
    match all.len() {
        1 => all.remove(0),
        _ => join(all),
    }
}

fn deeper(start: usize, depth: usize) -> Result<usize, ParseError> {
    if depth >= DEPTH_MAX {
        let message = format!("parentheses and negations nest at most {DEPTH_MAX} deep");
        return Err(mistake(start, message));
    }
    Ok(depth + 1)
}

fn bound(value: Option<String>, inclusive: bool) -> Bound {
    match value {
        None => Bound::Unbounded,
        Some(value) if inclusive => Bound::Inclusive(value),
        Some(value) => Bound::Exclusive(value),
    }
}

fn exists(name: &str, start: usize) -> Result<Query, ParseError> {
    if name.is_empty() {
        return Err(mistake(start, "expected a field name after `_exists_:`"));
    }
    Ok(Query::Exists { field: canonical(name) })
}

fn canonical(name: &str) -> String {
    match name {
        "type" => TYPE_FIELD.to_owned(),
        "level" => LEVEL_FIELD.to_owned(),
        _ => name.to_owned(),
    }
}

fn field_name(word: &Word, colon: usize) -> Result<String, ParseError> {
    if word.characters.is_empty() {
        return Err(mistake(colon, "expected a field name before `:`"));
    }
    if let Some(index) = word.characters.iter().position(|c| c.is('*') || c.is('?')) {
        let message = "expected a field name without wildcards";
        return Err(mistake(word.start + index, message));
    }
    let name: String = word.characters.iter().map(|c| c.value).collect();
    Ok(canonical(&name))
}

fn refuse_suffix(word: &Word) -> Result<(), ParseError> {
    let digits = |c: &&Character| c.value.is_ascii_digit() || c.value == '.';
    let suffix = word.characters.iter().rev().take_while(digits).count();
    let before = word.characters.len() - suffix;
    match before.checked_sub(1).and_then(|index| word.characters.get(index)) {
        Some(sign) if sign.is('~') || sign.is('^') => {
            Err(unsupported_suffix(word.start + before - 1, sign.value))
        }
        _ => Ok(()),
    }
}

fn unsupported_suffix(at: usize, sign: char) -> ParseError {
    let message =
        format!("fuzzy search and weights are not known: expected `\\{sign}` for `{sign}`");
    mistake(at, message)
}
