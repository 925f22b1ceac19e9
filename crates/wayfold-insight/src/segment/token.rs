//! The words of which rules consist.

use winnow::combinator::{alt, delimited, opt, preceded, repeat};
use winnow::prelude::*;
use winnow::stream::LocatingSlice;
use winnow::token::{any, none_of, one_of, take_while};

type Input<'a> = LocatingSlice<&'a str>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A field, kind, keyword or plain text, such as `value.currencies[EUR].net`.
    Word(&'a str),
    /// What begins like a number: a number, a share or an instant.
    Number(&'a str),
    /// A text in quotes, as JSON writes it, with the quotes.
    Quoted(&'a str),
    /// A parenthesis, comma or comparison.
    Sign(&'a str),
    /// The end of the text.
    End,
}

/// Parts a text into tokens and the bytes at which they begin; the last is its end.
///
/// # Errors
/// The byte at which no token begins.
pub(super) fn tokens(text: &str) -> Result<Vec<(usize, Token<'_>)>, usize> {
    let mut input = LocatingSlice::new(text);
    let space = |input: &mut Input<'_>| -> winnow::Result<()> {
        take_while(0.., char::is_whitespace).void().parse_next(input)
    };
    let token = token.with_span().map(|(token, span)| (span.start, token));
    let read: winnow::Result<Vec<_>> =
        delimited(space, repeat(0.., delimited(space, token, space)), space).parse_next(&mut input);
    let mut tokens = read.unwrap_or_default();
    if !input.is_empty() {
        return Err(text.len() - input.len());
    }
    tokens.push((text.len(), Token::End));
    Ok(tokens)
}

fn token<'a>(input: &mut Input<'a>) -> winnow::Result<Token<'a>> {
    let sign = alt(("<=", ">=", "<", ">", "(", ")", ","));
    alt((word.map(Token::Word), number.map(Token::Number), quoted.map(Token::Quoted), sign.map(Token::Sign)))
        .parse_next(input)
}

fn word<'a>(input: &mut Input<'a>) -> winnow::Result<&'a str> {
    let start = one_of(|first: char| first.is_alphabetic() || first == '_');
    let plain = take_while(1.., |next: char| next.is_alphanumeric() || "_:@-".contains(next)).void();
    let element = ('[', alt((quoted.void(), take_while(0.., |next| !"[]\"\n".contains(next)).void())), ']');
    let member = ('.', opt(quoted)).void();
    let part = alt((member, plain, element.void()));
    (start, repeat::<_, _, (), _, _>(0.., part)).take().parse_next(input)
}

fn number<'a>(input: &mut Input<'a>) -> winnow::Result<&'a str> {
    let digit = |next: char| next.is_ascii_digit();
    let rest = take_while(0.., |next: char| next.is_ascii_alphanumeric() || ".:+-%".contains(next));
    (opt('-'), take_while(1.., digit), rest).take().parse_next(input)
}

fn quoted<'a>(input: &mut Input<'a>) -> winnow::Result<&'a str> {
    let escaped = preceded('\\', any);
    let part = alt((escaped.void(), none_of(['"', '\\']).void()));
    ('"', repeat::<_, _, (), _, _>(0.., part), '"').take().parse_next(input)
}
