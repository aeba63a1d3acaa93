//! The tree of Ruby code, as far as pipelines need it.

/// A range of bytes in the code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) start: usize,
    pub(crate) end: usize,
}

/// A statement and where it stands.
#[derive(Clone, Debug)]
pub(crate) struct Statement {
    pub(crate) place: Place,
    pub(crate) expression: Expression,
}

/// A block's parameters and what it does.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub(crate) parameters: Vec<String>,
    pub(crate) body: Vec<Statement>,
}

/// `receiver.name(arguments) { block }`; `a[b]` is called `[]`.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) receiver: Option<Box<Expression>>,
    pub(crate) name: String,
    pub(crate) arguments: Vec<Expression>,
    pub(crate) block: Option<Block>,
}

#[derive(Clone, Debug)]
pub(crate) enum Expression {
    /// A string in which nothing is put in, or a symbol.
    Literal(String),
    /// A string out of texts and values.
    Text(Vec<Expression>),
    Number(String),
    Regex(String),
    Nil,
    Bool(bool),
    Array(Vec<Expression>),
    Hash(Vec<(Expression, Expression)>),
    /// A variable or a constant.
    Name(String),
    Call(Call),
    Operation(&'static str, Box<Expression>, Box<Expression>),
    Not(Box<Expression>),
    /// The sign is `=`, `+=` and their like.
    Assign(Box<Expression>, &'static str, Box<Expression>),
    /// Also `a ? b : c`.
    If(Box<Expression>, Vec<Statement>, Vec<Statement>),
    /// What is asked, the arms, else.
    Case(Box<Expression>, Vec<(Vec<Expression>, Vec<Statement>)>, Vec<Statement>),
    /// `begin ... rescue ... end`: what it does where nothing fails.
    Group(Vec<Statement>),
    /// `return`, `next`, `break`.
    Leave,
    /// Something that has a place in the grammar and no meaning here.
    Other,
}
