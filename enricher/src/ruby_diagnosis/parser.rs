//! From lexemes to a tree. Never goes back over more than one lexeme, and never deeper than [`DEPTH_MAX`].

mod operand;

use super::DEPTH_MAX;
use super::lexer::{Kind, Token};
use super::tree::{Block, Call, Expression, Place, Statement};

/// Where the code could not be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Unreadable {
    pub(super) at: usize,
}

type Read<T> = Result<T, Unreadable>;

/// Reads the statements of a whole code.
pub(super) fn parse(tokens: &[Token]) -> Read<Vec<Statement>> {
    parse_within(tokens, 0)
}

fn parse_within(tokens: &[Token], depth: usize) -> Read<Vec<Statement>> {
    let mut parser = Parser { tokens, at: 0, depth, chained: 0 };
    let statements = parser.statements()?;
    if parser.at < tokens.len() { Err(parser.unreadable()) } else { Ok(statements) }
}

/// Operators from the loosest to the tightest; `**` is tighter than a sign.
const OPERATORS: &[&[&str]] = &[
    &["..", "..."],
    &["||"],
    &["&&"],
    &["<=>", "==", "===", "!=", "=~", "!~"],
    &["<", "<=", ">", ">="],
    &["|", "^"],
    &["&"],
    &["<<", ">>"],
    &["+", "-"],
    &["*", "/", "%"],
];

const ASSIGNMENTS: &[&str] =
    &["=", "+=", "-=", "*=", "/=", "%=", "**=", "||=", "&&=", "|=", "<<=", ">>="];

/// Words that end a list of statements.
const ENDS: &[&str] = &["end", "else", "elsif", "when", "rescue", "ensure"];

/// Words that cannot begin an operand.
const NO_OPERANDS: &[&str] =
    &["if", "unless", "while", "until", "and", "or", "then", "do", "rescue"];

/// Most operators and calls in a row within a statement.
const CHAINED_MAX: usize = 400;

struct Parser<'t> {
    tokens: &'t [Token],
    at: usize,
    depth: usize,
    /// Operators and calls in a row that lead to here: each makes the tree deeper.
    chained: usize,
}

impl<'t> Parser<'t> {
    fn peek(&self) -> Option<&'t Kind> {
        self.tokens.get(self.at).map(|token| &token.kind)
    }

    fn unreadable(&self) -> Unreadable {
        let token = self.tokens.get(self.at).or(self.tokens.last());
        Unreadable { at: token.map_or(0, |token| token.start) }
    }

    fn is_sign(&self, sign: &str) -> bool {
        matches!(self.peek(), Some(Kind::Sign(found)) if *found == sign)
    }

    fn is_word(&self, word: &str) -> bool {
        matches!(self.peek(), Some(Kind::Name(found)) if found == word)
    }

    fn is_one_of(&self, words: &[&str]) -> bool {
        matches!(self.peek(), Some(Kind::Name(found)) if words.contains(&found.as_str()))
    }

    fn take_sign(&mut self, sign: &str) -> bool {
        let found = self.is_sign(sign);
        self.at += usize::from(found);
        found
    }

    fn take_word(&mut self, word: &str) -> bool {
        let found = self.is_word(word);
        self.at += usize::from(found);
        found
    }

    fn expect_sign(&mut self, sign: &str) -> Read<()> {
        if self.take_sign(sign) { Ok(()) } else { Err(self.unreadable()) }
    }

    fn expect_word(&mut self, word: &str) -> Read<()> {
        if self.take_word(word) { Ok(()) } else { Err(self.unreadable()) }
    }

    fn skip_lines(&mut self) {
        while matches!(self.peek(), Some(Kind::NewLine)) {
            self.at += 1;
        }
    }

    fn deeper<T>(&mut self, read: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= DEPTH_MAX {
            return Err(self.unreadable());
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    fn chain(&mut self) -> Read<()> {
        self.chained += 1;
        if self.chained > CHAINED_MAX { Err(self.unreadable()) } else { Ok(()) }
    }

    /// Statements up to a word or bracket that ends them, which is not taken.
    fn statements(&mut self) -> Read<Vec<Statement>> {
        let mut statements = Vec::new();
        loop {
            self.skip_lines();
            let ends = self.is_sign("}") || self.is_sign(")") || self.is_one_of(ENDS);
            if ends || self.peek().is_none() {
                return Ok(statements);
            }
            statements.push(self.statement()?);
            let goes_on = matches!(self.peek(), Some(Kind::NewLine));
            let ends = self.is_sign("}") || self.is_sign(")") || self.is_one_of(ENDS);
            if !goes_on && !ends && self.peek().is_some() {
                return Err(self.unreadable());
            }
        }
    }

    fn place_from(&self, first: usize) -> Place {
        let start = self.tokens.get(first).map_or(0, |token| token.start);
        let end = self.tokens.get(self.at.saturating_sub(1)).map_or(start, |token| token.end);
        Place { start, end: end.max(start) }
    }

    /// A statement with what stands behind it: `... if ...`.
    fn statement(&mut self) -> Read<Statement> {
        let chained = self.chained;
        let statement = self.guarded_statement();
        self.chained = chained;
        statement
    }

    fn guarded_statement(&mut self) -> Read<Statement> {
        let first = self.at;
        let mut expression = self.deeper(Self::logical)?;
        // `a, b = ...`
        if matches!(expression, Expression::Name(_)) && self.is_sign(",") {
            while self.take_sign(",") {
                self.deeper(Self::logical)?;
            }
            expression = Expression::Other;
        }
        loop {
            self.chain()?;
            let place = self.place_from(first);
            let guarded = |expression| vec![Statement { place, expression }];
            if self.take_word("if") {
                let condition = self.deeper(Self::logical)?;
                expression = Expression::If(Box::new(condition), guarded(expression), Vec::new());
            } else if self.take_word("unless") {
                let condition = self.deeper(Self::logical)?;
                expression = Expression::If(Box::new(condition), Vec::new(), guarded(expression));
            } else if self.take_word("rescue") {
                self.deeper(Self::logical)?;
            } else if self.is_word("while") || self.is_word("until") {
                self.at += 1;
                self.deeper(Self::logical)?;
                expression = Expression::Other;
            } else {
                return Ok(Statement { place: self.place_from(first), expression });
            }
        }
    }

    /// `not`, `and`, `or`.
    fn logical(&mut self) -> Read<Expression> {
        let mut left = self.negation()?;
        loop {
            let sign = if self.take_word("and") {
                "&&"
            } else if self.take_word("or") {
                "||"
            } else {
                return Ok(left);
            };
            self.chain()?;
            self.skip_lines();
            let right = self.negation()?;
            left = Expression::Operation(sign, Box::new(left), Box::new(right));
        }
    }

    fn negation(&mut self) -> Read<Expression> {
        if self.take_word("not") {
            return Ok(Expression::Not(Box::new(self.deeper(Self::negation)?)));
        }
        self.expression()
    }

    fn expression(&mut self) -> Read<Expression> {
        self.deeper(Self::assignment)
    }

    fn assignment(&mut self) -> Read<Expression> {
        let left = self.ternary()?;
        if let Some(Kind::Sign(sign)) = self.peek()
            && ASSIGNMENTS.contains(sign)
        {
            self.at += 1;
            self.skip_lines();
            let mut value = self.expression()?;
            // `a = 1, 2` is an array.
            if *sign == "=" && self.is_sign(",") && matches!(left, Expression::Name(_)) {
                value = Expression::Other;
                while self.take_sign(",") {
                    self.expression()?;
                }
            }
            return Ok(Expression::Assign(Box::new(left), sign, Box::new(value)));
        }
        // `a, b = ...` begins like a value.
        Ok(left)
    }

    fn ternary(&mut self) -> Read<Expression> {
        let condition = self.operation(0)?;
        if !self.take_sign("?") {
            return Ok(condition);
        }
        self.skip_lines();
        let first = self.at;
        // `a ? b : c`, where `b :` may look like a label.
        let then = match self.peek() {
            Some(Kind::Label(name)) => {
                self.at += 1;
                Expression::Name(name.clone())
            }
            _ => {
                let then = self.deeper(Self::ternary)?;
                self.skip_lines();
                self.expect_sign(":")?;
                then
            }
        };
        let then = Statement { place: self.place_from(first), expression: then };
        self.skip_lines();
        let first = self.at;
        let otherwise = self.deeper(Self::ternary)?;
        let otherwise = Statement { place: self.place_from(first), expression: otherwise };
        Ok(Expression::If(Box::new(condition), vec![then], vec![otherwise]))
    }

    fn operation(&mut self, level: usize) -> Read<Expression> {
        let Some(signs) = OPERATORS.get(level) else { return self.unary() };
        let mut left = self.operation(level + 1)?;
        loop {
            let sign = match self.peek() {
                Some(Kind::Sign(sign)) if signs.contains(sign) => *sign,
                // A chain of operators may go on in the next line.
                _ => return Ok(left),
            };
            self.chain()?;
            self.at += 1;
            self.skip_lines();
            let right = self.operation(level + 1)?;
            left = Expression::Operation(sign, Box::new(left), Box::new(right));
        }
    }

    fn unary(&mut self) -> Read<Expression> {
        if self.take_sign("!") {
            return Ok(Expression::Not(Box::new(self.deeper(Self::unary)?)));
        }
        if self.take_sign("-") {
            return Ok(match self.deeper(Self::unary)? {
                Expression::Number(text) if !text.starts_with('-') => {
                    Expression::Number(format!("-{text}"))
                }
                other => Expression::Operation(
                    "-",
                    Box::new(Expression::Number("0".to_owned())),
                    Box::new(other),
                ),
            });
        }
        if self.take_sign("*") || self.take_sign("&") || self.take_sign("**") {
            self.deeper(Self::unary)?;
            return Ok(Expression::Other);
        }
        self.power()
    }

    /// `a ** b ** c` is `a ** (b ** c)`, and `-a ** b` is `-(a ** b)`.
    fn power(&mut self) -> Read<Expression> {
        let left = self.postfix()?;
        if !self.take_sign("**") {
            return Ok(left);
        }
        self.chain()?;
        self.skip_lines();
        let right = self.deeper(Self::unary)?;
        Ok(Expression::Operation("**", Box::new(left), Box::new(right)))
    }

    fn postfix(&mut self) -> Read<Expression> {
        let mut left = self.primary()?;
        loop {
            let next_line = self.is_chain_in_next_line();
            if next_line {
                self.skip_lines();
            }
            if self.take_sign(".") || self.take_sign("&.") {
                self.chain()?;
                left = self.method(left)?;
            } else if self.is_sign("::") {
                self.chain()?;
                self.at += 1;
                match (self.peek(), left) {
                    (Some(Kind::Constant(name)), Expression::Name(scope)) => {
                        self.at += 1;
                        left = Expression::Name(format!("{scope}::{name}"));
                    }
                    (_, receiver) => left = self.method(receiver)?,
                }
            } else if self.is_sign("[") && !self.blank_before() {
                self.chain()?;
                self.at += 1;
                let arguments = self.arguments("]")?;
                left = call(Some(left), "[]", arguments);
            } else {
                return Ok(left);
            }
        }
    }

    fn blank_before(&self) -> bool {
        self.tokens.get(self.at).is_none_or(|token| token.blank_before)
    }

    /// A line that begins with `.name` goes on with the one before.
    fn is_chain_in_next_line(&self) -> bool {
        let mut behind = self.tokens.get(self.at..).unwrap_or_default().iter();
        matches!(behind.next().map(|token| &token.kind), Some(Kind::NewLine))
            && matches!(behind.next().map(|token| &token.kind), Some(Kind::Sign("." | "&.")))
    }

    /// A method's name, its arguments and its block.
    fn method(&mut self, receiver: Expression) -> Read<Expression> {
        let name = match self.peek() {
            Some(Kind::Name(name) | Kind::Constant(name)) => name.clone(),
            // `x ? a.b: c`.
            Some(Kind::Label(_)) => return Err(self.unreadable()),
            Some(Kind::Sign("(")) => "call".to_owned(),
            _ => return Err(self.unreadable()),
        };
        if name != "call" || !self.is_sign("(") {
            self.at += 1;
        }
        self.call(Some(Box::new(receiver)), name)
    }

    fn call(&mut self, receiver: Option<Box<Expression>>, name: String) -> Read<Expression> {
        let arguments = if self.is_sign("(") && !self.blank_before() {
            self.at += 1;
            self.arguments(")")?
        } else if self.begins_argument() {
            self.bare_arguments()?
        } else {
            Vec::new()
        };
        let block = self.block()?;
        Ok(Expression::Call(Call { receiver, name, arguments, block }))
    }

    /// Whether an argument without parentheses stands here.
    fn begins_argument(&self) -> bool {
        let Some(token) = self.tokens.get(self.at).filter(|token| token.blank_before) else {
            return false;
        };
        match &token.kind {
            Kind::Name(name) => {
                !NO_OPERANDS.contains(&name.as_str()) && !ENDS.contains(&name.as_str())
            }
            Kind::Sign("(" | "->" | "::") => true,
            Kind::Sign("[" | "-" | "*" | "&" | ":" | "!") => !token.blank_after,
            Kind::Sign(_) | Kind::NewLine | Kind::Unknown => false,
            _ => true,
        }
    }

    fn bare_arguments(&mut self) -> Read<Vec<Expression>> {
        let mut arguments = vec![self.argument()?];
        while self.take_sign(",") {
            self.skip_lines();
            arguments.push(self.argument()?);
        }
        Ok(arguments)
    }

    /// Arguments or elements up to a closing bracket.
    fn arguments(&mut self, close: &str) -> Read<Vec<Expression>> {
        let mut arguments = Vec::new();
        loop {
            self.skip_lines();
            if self.take_sign(close) {
                return Ok(arguments);
            }
            arguments.push(self.argument()?);
            self.skip_lines();
            if !self.take_sign(",") && !self.is_sign(close) {
                return Err(self.unreadable());
            }
        }
    }

    /// An argument; pairs without braces are an argument each.
    fn argument(&mut self) -> Read<Expression> {
        if let Some(Kind::Label(name)) = self.peek() {
            self.at += 1;
            self.skip_lines();
            let value = self.expression()?;
            return Ok(Expression::Hash(vec![(Expression::Literal(name.clone()), value)]));
        }
        let value = self.deeper(Self::negation)?;
        if self.take_sign("=>") {
            self.skip_lines();
            let paired = self.expression()?;
            return Ok(Expression::Hash(vec![(value, paired)]));
        }
        Ok(value)
    }

    fn block(&mut self) -> Read<Option<Block>> {
        let close = if self.is_sign("{") {
            "}"
        } else if self.is_word("do") {
            "end"
        } else {
            return Ok(None);
        };
        self.at += 1;
        self.deeper(|parser| {
            parser.skip_lines();
            let mut parameters = Vec::new();
            if parser.take_sign("|") {
                while !parser.take_sign("|") {
                    match parser.peek() {
                        Some(Kind::Name(name)) => parameters.push(name.clone()),
                        Some(Kind::Sign("," | "(" | ")" | "*")) => {}
                        _ => return Err(parser.unreadable()),
                    }
                    parser.at += 1;
                }
            }
            let body = parser.body()?;
            match close {
                "}" => parser.expect_sign("}")?,
                _ => parser.expect_word("end")?,
            }
            Ok(Some(Block { parameters, body }))
        })
    }

    /// Statements, and what is done where they fail, which is left out.
    fn body(&mut self) -> Read<Vec<Statement>> {
        let statements = self.deeper(Self::statements)?;
        while self.is_word("rescue") || self.is_word("ensure") || self.is_word("else") {
            self.at += 1;
            while !matches!(self.peek(), None | Some(Kind::NewLine)) && !self.is_word("then") {
                self.at += 1;
            }
            self.take_word("then");
            self.deeper(Self::statements)?;
        }
        Ok(statements)
    }
}

fn call(receiver: Option<Expression>, name: &str, arguments: Vec<Expression>) -> Expression {
    let receiver = receiver.map(Box::new);
    Expression::Call(Call { receiver, name: name.to_owned(), arguments, block: None })
}
