//! Reads conditions. Every error says how many characters stand before the fault.

use super::expression::{Comparison, DETECTORS, Expression, ExpressionError, LONGEST, MOST_NODES, Operator, fields};

const SHAPE: &str = "`when` takes comparisons like `detector('loop').repeats >= 4`, joined by `&&` and `||`";
const DEEPEST: usize = 32;

pub(super) fn parse(text: &str) -> Result<Expression, ExpressionError> {
    if text.len() > LONGEST {
        return Err(error(0, format!("the condition is longer than {LONGEST} bytes")));
    }
    let mut parser = Parser { text: text.chars().collect(), at: 0, nodes: 0, depth: 0 };
    let expression = parser.or()?;
    parser.spaces();
    if parser.at < parser.text.len() {
        let found = parser.word();
        return Err(refused(parser.at, &found));
    }
    Ok(expression)
}

struct Parser {
    text: Vec<char>,
    at: usize,
    nodes: usize,
    depth: usize,
}

impl Parser {
    fn or(&mut self) -> Result<Expression, ExpressionError> {
        let mut any = vec![self.and()?];
        while self.takes("||") {
            any.push(self.and()?);
        }
        Ok(if any.len() == 1 { any.remove(0) } else { Expression::Or(any) })
    }

    fn and(&mut self) -> Result<Expression, ExpressionError> {
        let mut all = vec![self.one()?];
        while self.takes("&&") {
            all.push(self.one()?);
        }
        Ok(if all.len() == 1 { all.remove(0) } else { Expression::And(all) })
    }

    fn one(&mut self) -> Result<Expression, ExpressionError> {
        self.nodes += 1;
        if self.nodes > MOST_NODES {
            return Err(error(self.at, format!("the condition has more than {MOST_NODES} parts")));
        }
        if !self.takes("(") {
            return self.comparison().map(Expression::Compare);
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(error(self.at, format!("brackets are nested deeper than {DEEPEST}")));
        }
        let inner = self.or()?;
        self.expect(")")?;
        self.depth -= 1;
        Ok(inner)
    }

    fn comparison(&mut self) -> Result<Comparison, ExpressionError> {
        self.spaces();
        let start = self.at;
        let word = self.word();
        if word != "detector" {
            return Err(refused(start, &word));
        }
        self.at += word.chars().count();
        self.expect("(")?;
        let (detector, detector_at) = self.quoted()?;
        self.expect(")")?;
        self.expect(".")?;
        let (field, field_at) = self.name()?;
        check_names(&detector, detector_at, &field, field_at)?;
        let operator = self.operator()?;
        let number = self.number()?;
        Ok(Comparison { detector, field, operator, number })
    }

    fn quoted(&mut self) -> Result<(String, usize), ExpressionError> {
        self.spaces();
        let quote = self.text.get(self.at).copied().filter(|c| matches!(c, '\'' | '"'));
        let Some(quote) = quote else {
            return Err(error(self.at, "expected the id of a detector in quotes"));
        };
        let start = self.at + 1;
        let inside: String = self.text.iter().skip(start).take_while(|c| **c != quote).collect();
        self.at = start + inside.chars().count();
        if self.text.get(self.at) != Some(&quote) {
            return Err(error(start - 1, "the quotation never ends"));
        }
        self.at += 1;
        Ok((inside, start))
    }

    fn name(&mut self) -> Result<(String, usize), ExpressionError> {
        self.spaces();
        let start = self.at;
        let name: String = self.text.iter().skip(start).take_while(|c| c.is_ascii_alphanumeric() || **c == '_').collect();
        if name.is_empty() {
            return Err(error(start, "expected a field of the detector's findings"));
        }
        self.at += name.chars().count();
        Ok((name, start))
    }

    fn operator(&mut self) -> Result<Operator, ExpressionError> {
        let operators = [
            ("<=", Operator::LessOrEqual),
            (">=", Operator::GreaterOrEqual),
            ("==", Operator::Equal),
            ("!=", Operator::NotEqual),
            ("<", Operator::Less),
            (">", Operator::Greater),
        ];
        let found = operators.into_iter().find(|(text, _)| self.takes(text));
        found.map(|(_, operator)| operator).ok_or_else(|| error(self.at, "expected one of `<` `<=` `>` `>=` `==` `!=`"))
    }

    fn number(&mut self) -> Result<f64, ExpressionError> {
        self.spaces();
        let start = self.at;
        let text: String = self
            .text
            .iter()
            .skip(start)
            .take_while(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '+' | '_'))
            .collect();
        self.at += text.chars().count();
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(error(start, format!("expected a number, found `{}`", if text.is_empty() { self.word() } else { text }))),
        }
    }

    fn takes(&mut self, symbol: &str) -> bool {
        self.spaces();
        let length = symbol.chars().count();
        let fits = self.text.iter().skip(self.at).take(length).copied().eq(symbol.chars());
        if fits {
            self.at += length;
        }
        fits
    }

    fn expect(&mut self, symbol: &str) -> Result<(), ExpressionError> {
        if self.takes(symbol) { Ok(()) } else { Err(error(self.at, format!("expected `{symbol}`"))) }
    }

    fn spaces(&mut self) {
        self.at += self.text.iter().skip(self.at).take_while(|c| c.is_whitespace()).count();
    }

    /// What stands here, for messages: a word, else one character.
    fn word(&self) -> String {
        let rest = || self.text.iter().skip(self.at);
        let word: String = rest().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '.')).collect();
        if word.is_empty() { rest().take(1).collect() } else { word }
    }
}

fn check_names(detector: &str, detector_at: usize, field: &str, field_at: usize) -> Result<(), ExpressionError> {
    let Some(mut known) = fields(detector) else {
        let ids: Vec<String> = DETECTORS.iter().map(|(id, _)| format!("`{id}`")).collect();
        return Err(ExpressionError {
            at: detector_at,
            message: format!("unknown detector `{detector}`"),
            hint: Some(format!("detectors are {}", ids.join(", "))),
        });
    };
    if known.any(|name| name == field) {
        return Ok(());
    }
    let names: Vec<String> = fields(detector).into_iter().flatten().map(|name| format!("`{name}`")).collect();
    let message = if field == "severity" {
        "`severity` is a word and cannot be compared with a number yet".to_owned()
    } else {
        format!("findings of `{detector}` have no `{field}`")
    };
    Err(ExpressionError { at: field_at, message, hint: Some(format!("they have {}", names.join(", "))) })
}

fn refused(at: usize, found: &str) -> ExpressionError {
    let message =
        if found.is_empty() { "the condition ends too early".to_owned() } else { format!("cannot evaluate `{found}` yet") };
    ExpressionError { at, message, hint: Some(SHAPE.to_owned()) }
}

fn error(at: usize, message: impl Into<String>) -> ExpressionError {
    ExpressionError { at, message: message.into(), hint: None }
}
