//! From text to tree: a lexer and a recursive-descent parser with limits on length, depth, atoms and items, so that no
//! text makes it run long.

use crate::Date;

use super::{
    Atom, Comparison, Crit, Criteria, CriteriaError, Item, MAX_ATOMS, MAX_DEPTH, MAX_ITEMS, MAX_TEXT, Position, Test,
    Value,
};

pub(super) fn parse(text: &str) -> Result<Criteria, CriteriaError> {
    if text.len() > MAX_TEXT {
        return Err(CriteriaError::new("too_long", 0, format!("at most {MAX_TEXT} characters")));
    }
    let tokens = lex(text)?;
    let mut parser = Parser { tokens, next: 0, atoms: 0, end: text.chars().count() };
    let root = parser.or(0)?;
    match parser.peek() {
        None => Ok(Criteria { root }),
        Some(token) => Err(unexpected(token, "'and', 'or' or the end of the expression")),
    }
}

#[derive(Clone, PartialEq, Debug)]
enum Kind {
    Word(String),
    Value(Value),
    Sign(Comparison),
    Open,
    Close,
    Comma,
    Dots,
}

#[derive(Clone, PartialEq, Debug)]
struct Token {
    kind: Kind,
    at: usize,
}

impl Token {
    fn is_word(&self, word: &str) -> bool {
        matches!(&self.kind, Kind::Word(w) if w.eq_ignore_ascii_case(word))
    }

    fn shown(&self) -> String {
        match &self.kind {
            Kind::Word(word) => format!("'{word}'"),
            Kind::Value(value) => value.to_string(),
            Kind::Sign(sign) => format!("'{sign}'"),
            Kind::Open => "'('".into(),
            Kind::Close => "')'".into(),
            Kind::Comma => "','".into(),
            Kind::Dots => "'..'".into(),
        }
    }
}

fn unexpected(token: &Token, wanted: &str) -> CriteriaError {
    CriteriaError::new("syntax", token.at, format!("{} stands where {wanted} is expected", token.shown()))
}

fn lex(text: &str) -> Result<Vec<Token>, CriteriaError> {
    let chars: Vec<char> = text.chars().collect();
    let mut tokens = Vec::new();
    let mut i = 0;
    while let Some(&c) = chars.get(i) {
        let at = i;
        if c.is_whitespace() {
            i += 1;
            continue;
        }
        let pair = chars.get(i + 1).copied();
        let (kind, length) = match (c, pair) {
            ('(', _) => (Kind::Open, 1),
            (')', _) => (Kind::Close, 1),
            (',', _) => (Kind::Comma, 1),
            ('.', Some('.')) => (Kind::Dots, 2),
            ('=', _) => (Kind::Sign(Comparison::Equal), 1),
            ('!', Some('=')) => (Kind::Sign(Comparison::NotEqual), 2),
            ('<', Some('=')) => (Kind::Sign(Comparison::AtMost), 2),
            ('<', _) => (Kind::Sign(Comparison::Less), 1),
            ('>', Some('=')) => (Kind::Sign(Comparison::AtLeast), 2),
            ('>', _) => (Kind::Sign(Comparison::Greater), 1),
            ('\'', _) => lex_text(&chars, at)?,
            (c, next) if c.is_ascii_digit() || (c == '-' && next.is_some_and(|n| n.is_ascii_digit())) => {
                lex_number(&chars, at)?
            }
            (c, _) if c.is_ascii_alphabetic() || c == '_' => lex_word(&chars, at),
            _ => {
                let message = format!("{c:?} has no meaning here; texts stand in single quotes");
                return Err(CriteriaError::new("syntax", at, message));
            }
        };
        tokens.push(Token { kind, at });
        i += length;
    }
    Ok(tokens)
}

fn lex_text(chars: &[char], at: usize) -> Result<(Kind, usize), CriteriaError> {
    let mut text = String::new();
    let mut i = at + 1;
    loop {
        match (chars.get(i), chars.get(i + 1)) {
            (Some('\''), Some('\'')) => {
                text.push('\'');
                i += 2;
            }
            (Some('\''), _) => return Ok((Kind::Value(Value::Text(text)), i + 1 - at)),
            (Some(&c), _) => {
                text.push(c);
                i += 1;
            }
            (None, _) => {
                return Err(CriteriaError::new("syntax", at, "this text has no closing quote (')"));
            }
        }
    }
}

fn lex_number(chars: &[char], at: usize) -> Result<(Kind, usize), CriteriaError> {
    let digits = |from: usize| chars[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let date: String = chars[at..].iter().take(10).collect();
    let looks_like_date = date.len() == 10
        && date.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
    if looks_like_date && !chars.get(at + 10).is_some_and(|c| c.is_ascii_digit()) {
        let day: Date = date
            .parse()
            .map_err(|_| CriteriaError::new("syntax", at, format!("{date} is no day of the calendar (YYYY-MM-DD)")))?;
        return Ok((Kind::Value(Value::Date(day)), 10));
    }
    let mut end = at + usize::from(chars[at] == '-');
    end += digits(end);
    if chars.get(end) == Some(&'.') && chars.get(end + 1).is_some_and(|c| c.is_ascii_digit()) {
        end += 1;
        end += digits(end);
    }
    if chars.get(end).is_some_and(|c| c.is_ascii_alphabetic() || *c == '_') {
        let message = "a number is followed by letters; write texts and codes in single quotes";
        return Err(CriteriaError::new("syntax", at, message));
    }
    let text: String = chars[at..end].iter().collect();
    match text.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok((Kind::Value(Value::Number(number)), end - at)),
        _ => Err(CriteriaError::new("syntax", at, "this number cannot be read")),
    }
}

/// A keyword, or a variable: letters, digits, `_` and `-` in parts joined by single dots.
fn lex_word(chars: &[char], at: usize) -> (Kind, usize) {
    let part = |c: &char| c.is_ascii_alphanumeric() || *c == '_';
    let mut end = at;
    while let Some(c) = chars.get(end) {
        let joins = (*c == '.' || *c == '-') && chars.get(end + 1).is_some_and(part);
        if !part(c) && !joins {
            break;
        }
        end += 1;
    }
    (Kind::Word(chars[at..end].iter().collect()), end - at)
}

struct Parser {
    tokens: Vec<Token>,
    next: usize,
    atoms: usize,
    end: usize,
}

impl Parser {
    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.next)
    }

    fn take(&mut self, wanted: &str) -> Result<Token, CriteriaError> {
        let token = self.peek().cloned().ok_or_else(|| {
            CriteriaError::new("syntax", self.end, format!("the expression ends where {wanted} is expected"))
        })?;
        self.next += 1;
        Ok(token)
    }

    fn accept_word(&mut self, word: &str) -> bool {
        let found = self.peek().is_some_and(|token| token.is_word(word));
        self.next += usize::from(found);
        found
    }

    fn expect(&mut self, kind: &Kind, wanted: &str) -> Result<(), CriteriaError> {
        let token = self.take(wanted)?;
        if token.kind == *kind { Ok(()) } else { Err(unexpected(&token, wanted)) }
    }

    fn or(&mut self, depth: usize) -> Result<Crit, CriteriaError> {
        let mut parts = vec![self.and(depth)?];
        while self.accept_word("or") {
            parts.push(self.and(depth)?);
        }
        Ok(one_or(parts, Crit::Or))
    }

    fn and(&mut self, depth: usize) -> Result<Crit, CriteriaError> {
        let mut parts = vec![self.not(depth)?];
        while self.accept_word("and") {
            parts.push(self.not(depth)?);
        }
        Ok(one_or(parts, Crit::And))
    }

    fn not(&mut self, depth: usize) -> Result<Crit, CriteriaError> {
        if depth > MAX_DEPTH {
            let at = self.peek().map_or(self.end, |token| token.at);
            return Err(CriteriaError::new("too_deep", at, format!("at most {MAX_DEPTH} levels of parentheses")));
        }
        if self.accept_word("not") {
            return Ok(Crit::Not(Box::new(self.not(depth + 1)?)));
        }
        if self.peek().is_some_and(|token| token.kind == Kind::Open) {
            self.next += 1;
            let inner = self.or(depth + 1)?;
            self.expect(&Kind::Close, "')'")?;
            return Ok(inner);
        }
        self.atom()
    }

    fn atom(&mut self) -> Result<Crit, CriteriaError> {
        let token = self.take("a variable")?;
        let variable = match &token.kind {
            Kind::Word(word) if word.contains('.') => word.clone(),
            Kind::Word(word) if !is_keyword(word) => {
                let message = format!("'{word}' is no variable id; write source, collection and name joined by dots");
                return Err(CriteriaError::new("syntax", token.at, message));
            }
            _ => return Err(unexpected(&token, "a variable")),
        };
        self.atoms += 1;
        if self.atoms > MAX_ATOMS {
            return Err(CriteriaError::new("too_many_atoms", token.at, format!("at most {MAX_ATOMS} conditions")));
        }
        let test = self.test()?;
        Ok(Crit::Atom(Atom { variable, test, at: Position(token.at) }))
    }

    fn test(&mut self) -> Result<Test, CriteriaError> {
        const WANTED: &str = "a comparison, 'in', 'between' or 'is missing'";
        if self.accept_word("in") {
            return Ok(Test::In { negated: false, items: self.items()? });
        }
        if self.accept_word("not") {
            let token = self.take("'in'")?;
            if !token.is_word("in") {
                return Err(unexpected(&token, "'in'"));
            }
            return Ok(Test::In { negated: true, items: self.items()? });
        }
        if self.accept_word("between") {
            let from = self.value()?;
            let token = self.take("'and'")?;
            if !token.is_word("and") {
                return Err(unexpected(&token, "'and'"));
            }
            return Ok(Test::Between(from, self.value()?));
        }
        if self.accept_word("is") {
            let token = self.take("'missing'")?;
            return if token.is_word("missing") { Ok(Test::Missing) } else { Err(unexpected(&token, "'missing'")) };
        }
        let token = self.take(WANTED)?;
        match token.kind {
            Kind::Sign(sign) => Ok(Test::Compare(sign, self.value()?)),
            _ => Err(unexpected(&token, WANTED)),
        }
    }

    fn value(&mut self) -> Result<Value, CriteriaError> {
        const WANTED: &str = "a number, a date or a text in single quotes";
        let token = self.take(WANTED)?;
        match token.kind {
            Kind::Value(value) => Ok(value),
            _ => Err(unexpected(&token, WANTED)),
        }
    }

    fn items(&mut self) -> Result<Vec<Item>, CriteriaError> {
        self.expect(&Kind::Open, "'('")?;
        let mut items = Vec::new();
        loop {
            let at = self.peek().map_or(self.end, |token| token.at);
            if items.len() == MAX_ITEMS {
                return Err(CriteriaError::new("too_many_items", at, format!("at most {MAX_ITEMS} items in one list")));
            }
            let from = self.value()?;
            let is_range = self.peek().is_some_and(|token| token.kind == Kind::Dots);
            if is_range {
                self.next += 1;
                items.push(Item::Range(from, self.value()?));
            } else {
                items.push(Item::One(from));
            }
            let token = self.take("',' or ')'")?;
            match token.kind {
                Kind::Comma => {}
                Kind::Close => return Ok(items),
                _ => return Err(unexpected(&token, "',' or ')'")),
            }
        }
    }
}

fn is_keyword(word: &str) -> bool {
    ["and", "or", "not", "in", "between", "is", "missing"].iter().any(|k| word.eq_ignore_ascii_case(k))
}

fn one_or(mut parts: Vec<Crit>, join: fn(Vec<Crit>) -> Crit) -> Crit {
    match (parts.len(), parts.pop()) {
        (1, Some(only)) => only,
        (_, Some(last)) => {
            parts.push(last);
            join(parts)
        }
        (_, None) => join(parts),
    }
}
