//! The expression language of form conditions (ACC-022): pure, without loops, at most [`MAX_STEPS`] steps.
//!
//! `literal`, field paths, `= != < <= > >=`, `in`, `contains`, `has`, `x A..B`, `and or not`, `count()`, `words()`,
//! `empty()`, `today()`, `days(a,b)`; `value` is the field's own value and `len` its length in characters. A missing
//! value equals false and is neither smaller nor greater than anything.

use kernel::Date;
use serde_json::{Value, json};

/// The most steps of one evaluation.
pub const MAX_STEPS: u32 = 10_000;
const MAX_DEPTH: u32 = 64;

/// Where names get their values.
pub trait Scope {
    /// The value of a path, null when it has none, nothing when the name is unknown.
    fn get(&self, path: &str) -> Option<Value>;
    /// The present date.
    fn today(&self) -> Date;
}

/// Why an expression has no answer. The condition then counts as not fulfilled.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExprError {
    /// The text is no expression.
    #[error("character {at}: {message}")]
    Syntax {
        /// Character offset.
        at: usize,
        /// What is wrong.
        message: String,
    },
    /// A name that the form does not know.
    #[error("unknown name {0}")]
    Name(String),
    /// An operation on values that it has no meaning for.
    #[error("{0}")]
    Type(String),
    /// More than [`MAX_STEPS`] steps.
    #[error("too many steps")]
    Steps,
}

/// A parsed condition.
#[derive(Clone, PartialEq, Debug)]
pub struct Expr(Node);

#[derive(Clone, PartialEq, Debug)]
enum Node {
    Literal(Value),
    Path(String),
    List(Vec<Node>),
    Call(Function, Vec<Node>),
    Not(Box<Node>),
    And(Vec<Node>),
    Or(Vec<Node>),
    Compare(Sign, Box<Node>, Box<Node>),
    In(Box<Node>, Box<Node>),
    Contains(Box<Node>, Box<Node>),
    Range(Box<Node>, f64, f64),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Function {
    Count,
    Words,
    Empty,
    Today,
    Days,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Sign {
    Equal,
    NotEqual,
    Less,
    AtMost,
    Greater,
    AtLeast,
}

impl Expr {
    /// Reads a condition. `yes`, `no` and `-` are the constants of the form tables.
    ///
    /// # Errors
    /// [`ExprError::Syntax`].
    pub fn parse(text: &str) -> Result<Self, ExprError> {
        match text.trim() {
            "yes" | "true" => return Ok(Self(Node::Literal(json!(true)))),
            "no" | "-" | "false" => return Ok(Self(Node::Literal(json!(false)))),
            _ => {}
        }
        let mut parser = Parser { tokens: lex(text)?, next: 0, end: text.chars().count() };
        let node = parser.or(0)?;
        match parser.tokens.get(parser.next) {
            None => Ok(Self(node)),
            Some((at, token)) => Err(syntax(*at, format!("unexpected {token:?}"))),
        }
    }

    /// Whether the condition is fulfilled.
    ///
    /// # Errors
    /// [`ExprError`]; the caller counts it as not fulfilled and raises an alarm for the operator.
    pub fn holds(&self, scope: &dyn Scope) -> Result<bool, ExprError> {
        truth(&eval(&self.0, scope, &mut 0)?)
    }
}

fn truth(value: &Value) -> Result<bool, ExprError> {
    match value {
        Value::Bool(b) => Ok(*b),
        Value::Null => Ok(false),
        other => Err(ExprError::Type(format!("yes or no expected, not {other}"))),
    }
}

fn eval(node: &Node, scope: &dyn Scope, steps: &mut u32) -> Result<Value, ExprError> {
    *steps += 1;
    if *steps > MAX_STEPS {
        return Err(ExprError::Steps);
    }
    Ok(match node {
        Node::Literal(value) => value.clone(),
        Node::Path(path) => scope.get(path).ok_or_else(|| ExprError::Name(path.clone()))?,
        Node::List(items) => Value::Array(items.iter().map(|item| eval(item, scope, steps)).collect::<Result<_, _>>()?),
        Node::Not(part) => json!(!truth(&eval(part, scope, steps)?)?),
        Node::And(parts) => json!(!any(parts, false, scope, steps)?),
        Node::Or(parts) => json!(any(parts, true, scope, steps)?),
        Node::Compare(sign, a, b) => {
            let (a, b) = (eval(a, scope, steps)?, eval(b, scope, steps)?);
            json!(compare(*sign, &a, &b)?)
        }
        Node::In(a, list) => {
            let (a, list) = (eval(a, scope, steps)?, eval(list, scope, steps)?);
            json!(member(&a, &list, steps)?)
        }
        Node::Contains(list, a) => {
            let (list, a) = (eval(list, scope, steps)?, eval(a, scope, steps)?);
            json!(member(&a, &list, steps)?)
        }
        Node::Range(a, from, to) => {
            json!(eval(a, scope, steps)?.as_f64().is_some_and(|x| *from <= x && x <= *to))
        }
        Node::Call(function, args) => {
            let args = args.iter().map(|arg| eval(arg, scope, steps)).collect::<Result<Vec<_>, _>>()?;
            call(*function, &args, scope)?
        }
    })
}

/// Whether a part is `wanted`; parts after the first that is are not looked at.
fn any(parts: &[Node], wanted: bool, scope: &dyn Scope, steps: &mut u32) -> Result<bool, ExprError> {
    for part in parts {
        if truth(&eval(part, scope, steps)?)? == wanted {
            return Ok(true);
        }
    }
    Ok(false)
}

fn call(function: Function, args: &[Value], scope: &dyn Scope) -> Result<Value, ExprError> {
    Ok(match (function, args) {
        (Function::Today, []) => json!(scope.today().to_string()),
        (Function::Empty, [value]) => json!(is_empty(value)),
        (Function::Count, [value]) => match value {
            Value::Null => json!(0),
            Value::Array(items) => json!(items.len()),
            Value::Object(map) => json!(map.len()),
            other => return Err(ExprError::Type(format!("count of {other}"))),
        },
        (Function::Words, [value]) => match value {
            Value::Null => json!(0),
            Value::String(text) => json!(text.split_whitespace().count()),
            other => return Err(ExprError::Type(format!("words of {other}"))),
        },
        (Function::Days, [from, to]) => match (as_date(from), as_date(to)) {
            (Some(from), Some(to)) => json!(to.days() - from.days()),
            _ => Value::Null,
        },
        _ => return Err(ExprError::Type("wrong number of arguments".into())),
    })
}

/// Whether there is no value: null, an empty text, list or group.
pub fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.trim().is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

fn as_date(value: &Value) -> Option<Date> {
    value.as_str()?.parse().ok()
}

fn equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Null, Value::Bool(false)) | (Value::Bool(false), Value::Null) => true,
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        // A set written in braces equals a list with the same members.
        (Value::Array(a), Value::Array(b)) => a.len() == b.len() && a.iter().all(|x| b.iter().any(|y| equal(x, y))),
        _ => a == b,
    }
}

fn member(value: &Value, list: &Value, steps: &mut u32) -> Result<bool, ExprError> {
    match list {
        Value::Null => Ok(false),
        Value::Array(items) => {
            *steps += items.len() as u32;
            Ok(items.iter().any(|item| equal(item, value)))
        }
        other => Err(ExprError::Type(format!("a list expected, not {other}"))),
    }
}

fn compare(sign: Sign, a: &Value, b: &Value) -> Result<bool, ExprError> {
    use std::cmp::Ordering::{Greater, Less};
    let order = match sign {
        Sign::Equal => return Ok(equal(a, b)),
        Sign::NotEqual => return Ok(!equal(a, b)),
        _ => match (a, b) {
            (Value::Null, _) | (_, Value::Null) => return Ok(false),
            (Value::Number(x), Value::Number(y)) => x.as_f64().partial_cmp(&y.as_f64()),
            _ => match (as_date(a), as_date(b)) {
                (Some(x), Some(y)) => Some(x.cmp(&y)),
                _ => return Err(ExprError::Type(format!("{a} and {b} have no order"))),
            },
        },
    };
    Ok(match sign {
        Sign::Less => order == Some(Less),
        Sign::Greater => order == Some(Greater),
        Sign::AtMost => order.is_some_and(|o| o != Greater),
        _ => order.is_some_and(|o| o != Less),
    })
}

#[derive(Clone, PartialEq, Debug)]
enum Token {
    Word(String),
    Text(String),
    Number(f64),
    Sign(Sign),
    Dots,
    Mark(char),
}

fn syntax(at: usize, message: impl Into<String>) -> ExprError {
    ExprError::Syntax { at, message: message.into() }
}

fn lex(text: &str) -> Result<Vec<(usize, Token)>, ExprError> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut i = 0;
    while let Some(&c) = chars.get(i) {
        let (at, next) = (i, chars.get(i + 1).copied());
        let (token, length) = match (c, next) {
            (c, _) if c.is_whitespace() => {
                i += 1;
                continue;
            }
            ('!', Some('=')) => (Token::Sign(Sign::NotEqual), 2),
            ('<', Some('=')) => (Token::Sign(Sign::AtMost), 2),
            ('>', Some('=')) => (Token::Sign(Sign::AtLeast), 2),
            ('=', _) => (Token::Sign(Sign::Equal), 1),
            ('<', _) => (Token::Sign(Sign::Less), 1),
            ('>', _) => (Token::Sign(Sign::Greater), 1),
            ('.', Some('.')) => (Token::Dots, 2),
            ('(' | ')' | '{' | '}' | ',', _) => (Token::Mark(c), 1),
            ('\'', _) => {
                let length =
                    chars[at + 1..].iter().position(|c| *c == '\'').ok_or_else(|| syntax(at, "no closing quote"))?;
                (Token::Text(chars[at + 1..at + 1 + length].iter().collect()), length + 2)
            }
            (c, _) if c.is_ascii_digit() => {
                let length = chars[at..].iter().take_while(|c| c.is_ascii_digit()).count();
                let text: String = chars[at..at + length].iter().collect();
                (Token::Number(text.parse().map_err(|_| syntax(at, "no number"))?), length)
            }
            (c, _) if c.is_ascii_alphabetic() => {
                let part = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
                let mut end = at;
                while let Some(c) = chars.get(end) {
                    let joins = *c == '.' && chars.get(end + 1).is_some_and(part);
                    if !part(c) && !joins {
                        break;
                    }
                    end += 1;
                }
                (Token::Word(chars[at..end].iter().collect()), end - at)
            }
            _ => return Err(syntax(at, format!("{c:?} has no meaning here"))),
        };
        tokens.push((at, token));
        i += length;
    }
    Ok(tokens)
}

/// A lone part is itself; several are joined side by side, so that a long expression is not a deep one.
fn joined(first: Node, mut rest: Vec<Node>, join: fn(Vec<Node>) -> Node) -> Node {
    if rest.is_empty() {
        return first;
    }
    rest.insert(0, first);
    join(rest)
}

struct Parser {
    tokens: Vec<(usize, Token)>,
    next: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next).map(|(_, token)| token)
    }

    fn at(&self) -> usize {
        self.tokens.get(self.next).map_or(self.end, |(at, _)| *at)
    }

    fn accept(&mut self, token: &Token) -> bool {
        let found = self.peek() == Some(token);
        self.next += usize::from(found);
        found
    }

    fn word(&mut self, word: &str) -> bool {
        let found = matches!(self.peek(), Some(Token::Word(w)) if w == word);
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, mark: char) -> Result<(), ExprError> {
        let at = self.at();
        if self.accept(&Token::Mark(mark)) { Ok(()) } else { Err(syntax(at, format!("{mark:?} expected"))) }
    }

    fn or(&mut self, depth: u32) -> Result<Node, ExprError> {
        let first = self.and(depth)?;
        let mut parts = Vec::new();
        while self.word("or") {
            parts.push(self.and(depth)?);
        }
        Ok(joined(first, parts, Node::Or))
    }

    fn and(&mut self, depth: u32) -> Result<Node, ExprError> {
        let first = self.not(depth)?;
        let mut parts = Vec::new();
        while self.word("and") {
            parts.push(self.not(depth)?);
        }
        Ok(joined(first, parts, Node::And))
    }

    fn not(&mut self, depth: u32) -> Result<Node, ExprError> {
        if depth > MAX_DEPTH {
            return Err(syntax(self.at(), "nested too deep"));
        }
        if self.word("not") {
            return Ok(Node::Not(Box::new(self.not(depth + 1)?)));
        }
        let left = self.operand(depth)?;
        let sign = match self.peek() {
            Some(Token::Sign(sign)) => Some(*sign),
            _ => None,
        };
        if let Some(sign) = sign {
            self.next += 1;
            return Ok(Node::Compare(sign, Box::new(left), Box::new(self.operand(depth)?)));
        }
        if self.word("contains") || self.word("has") {
            return Ok(Node::Contains(Box::new(left), Box::new(self.operand(depth)?)));
        }
        if self.word("in") {
            let list = if self.accept(&Token::Mark('(')) { self.list(')', depth)? } else { self.operand(depth)? };
            return Ok(Node::In(Box::new(left), Box::new(list)));
        }
        if let Some(Token::Number(from)) = self.peek().cloned() {
            self.next += 1;
            let at = self.at();
            let to = self.accept(&Token::Dots).then(|| self.peek().cloned());
            let Some(Some(Token::Number(to))) = to else { return Err(syntax(at, "a range A..B expected")) };
            self.next += 1;
            return Ok(Node::Range(Box::new(left), from, to));
        }
        Ok(left)
    }

    fn operand(&mut self, depth: u32) -> Result<Node, ExprError> {
        let at = self.at();
        let Some((_, token)) = self.tokens.get(self.next).cloned() else { return Err(syntax(at, "a value expected")) };
        self.next += 1;
        match token {
            Token::Text(text) => Ok(Node::Literal(Value::String(text))),
            Token::Number(number) => Ok(Node::Literal(json!(number))),
            Token::Mark('(') => {
                let node = self.or(depth + 1)?;
                self.expect(')')?;
                Ok(node)
            }
            Token::Mark('{') => self.list('}', depth),
            Token::Word(word) => self.named(at, word, depth),
            other => Err(syntax(at, format!("unexpected {other:?}"))),
        }
    }

    fn named(&mut self, at: usize, word: String, depth: u32) -> Result<Node, ExprError> {
        match word.as_str() {
            "true" | "yes" => return Ok(Node::Literal(json!(true))),
            "false" => return Ok(Node::Literal(json!(false))),
            _ => {}
        }
        if !self.accept(&Token::Mark('(')) {
            return Ok(Node::Path(word));
        }
        let function = match word.as_str() {
            "count" => Function::Count,
            "words" => Function::Words,
            "empty" => Function::Empty,
            "today" => Function::Today,
            "days" => Function::Days,
            _ => return Err(syntax(at, format!("no function {word}"))),
        };
        let mut args = Vec::new();
        while !self.accept(&Token::Mark(')')) {
            if !args.is_empty() {
                self.expect(',')?;
            }
            args.push(self.or(depth + 1)?);
        }
        Ok(Node::Call(function, args))
    }

    /// A list up to `close`; bare words in it are texts, as the form tables write them.
    fn list(&mut self, close: char, depth: u32) -> Result<Node, ExprError> {
        let mut items = Vec::new();
        while !self.accept(&Token::Mark(close)) {
            if !items.is_empty() {
                self.expect(',')?;
            }
            match self.peek().cloned() {
                Some(Token::Word(word)) if !word.contains('.') => {
                    self.next += 1;
                    items.push(Node::Literal(Value::String(word)));
                }
                _ => items.push(self.operand(depth + 1)?),
            }
        }
        Ok(Node::List(items))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    struct Fields(BTreeMap<&'static str, Value>);
    impl Scope for Fields {
        fn get(&self, path: &str) -> Option<Value> {
            self.0.get(path).cloned()
        }
        fn today(&self) -> Date {
            Date::from_days(20_000)
        }
    }

    fn scope() -> Fields {
        Fields(BTreeMap::from([
            ("profile", json!("NO")),
            ("pub.purposes", json!(["e", "f"])),
            ("app.mandate", Value::Null),
            ("use.format", json!("pseudonymised")),
            ("cart.countries", json!(["NO"])),
            ("value", json!("one two three")),
            ("len", json!(13)),
            ("a", json!("2024-01-01")),
            ("b", json!("2024-01-31")),
        ]))
    }

    #[test]
    fn acc_022_conditions_of_the_form_tables_are_evaluated() {
        for (text, expected) in [
            ("yes", true),
            ("-", false),
            ("profile='NO'", true),
            ("not app.mandate", true),
            ("app.mandate=false", true),
            ("use.format in (anonymised,pseudonymised) and not empty(value)", true),
            ("cart.countries!={'NO'}", false),
            ("pub.purposes contains 'e' or pub.purposes contains 'a'", true),
            ("count(pub.purposes)>1", true),
            ("count(pub.purposes) 1..200", true),
            ("len 10..200", true),
            ("len>=30", false),
            ("words(value)<=250", true),
            ("days(a,b)=30 and a<b", true),
            ("today()>=b", true),
            ("app.mandate>3", false),
        ] {
            let expr = Expr::parse(text).unwrap_or_else(|e| panic!("{text}: {e}"));
            assert_eq!(expr.holds(&scope()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn acc_022_what_has_no_answer_says_so() {
        for text in ["value", "value < 3", "nobody.knows", "count(value)>1", "days(a)"] {
            assert!(Expr::parse(text).unwrap().holds(&scope()).is_err(), "{text}");
        }
        for text in ["", "a =", "(a", "a = 'b", "exists(a)", "a 1", "a b", "<=250 words", "must be true; or else"] {
            assert!(Expr::parse(text).is_err(), "{text}");
        }
        let long = vec!["a in (1,2,3)"; 2_000].join(" or ");
        assert_eq!(Expr::parse(&long).unwrap().holds(&scope()), Err(ExprError::Steps));
        assert!(Expr::parse(&"(".repeat(500)).is_err());
    }
}
