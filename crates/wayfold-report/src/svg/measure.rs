//! How wide text is at most. The reader's fonts are not known, so letters count as in wide ones (DejaVu Sans).

/// How wide a text is at most at a size, in pixels.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    text.chars().map(ems).sum::<f64>() * size
}

/// A text cut to a width, with an ellipsis where something is missing.
pub(crate) fn shortened(text: &str, within: f64, size: f64) -> String {
    if width(text, size) <= within {
        return text.to_owned();
    }
    let mut left = within - ems('\u{2026}') * size;
    let mut short = String::new();
    for letter in text.chars() {
        left -= ems(letter) * size;
        if left < 0.0 {
            break;
        }
        short.push(letter);
    }
    format!("{}\u{2026}", short.trim_end())
}

/// A text in lines of a width, broken between words where that is possible; beyond so many lines the last one is cut.
pub(crate) fn wrapped(text: &str, within: f64, size: f64, most: usize) -> Vec<String> {
    let (mut lines, mut line) = (Vec::new(), String::new());
    for word in text.split(' ') {
        let joined = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
        if width(&joined, size) <= within {
            line = joined;
            continue;
        }
        if !line.is_empty() {
            lines.push(std::mem::take(&mut line));
        }
        for letter in word.chars() {
            if !line.is_empty() && width(&line, size) + ems(letter) * size > within {
                lines.push(std::mem::take(&mut line));
            }
            line.push(letter);
        }
    }
    lines.push(line);
    if lines.len() > most {
        let rest = lines.split_off(most.saturating_sub(1)).join(" ");
        lines.push(shortened(&rest, within, size));
    }
    lines
}

fn ems(letter: char) -> f64 {
    match letter {
        'i' | 'j' | 'l' | '.' | ',' | ':' | ';' | '\'' | '|' | '!' | 'I' | ' ' | '\u{a0}' => 0.35,
        'f' | 't' | 'r' | '(' | ')' | '[' | ']' | '/' | '\\' | '-' | '"' => 0.42,
        'm' | 'w' | 'M' | 'W' | '@' | '%' | '\u{2026}' => 1.0,
        '0'..='9' | 'a'..='z' => 0.64,
        'A'..='Z' => 0.76,
        '_' => 0.5,
        ' '..='~' => 0.84,
        // Latin with accents, Greek, Cyrillic, Hebrew, Arabic.
        '\u{a1}'..='\u{6ff}' => 0.85,
        // Chinese, Japanese, Korean, pictures, and whatever else there is.
        _ => 1.1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_cut_to_what_fits() {
        assert_eq!(shortened("Order placed", 200.0, 12.0), "Order placed");
        let short = shortened("Order placed by the customer", 100.0, 12.0);
        assert!(short.starts_with("Order placed") && short.ends_with('\u{2026}'), "{short}");
        assert!(width(&short, 12.0) <= 100.0);
        assert_eq!(shortened("客户信息管理", 50.0, 12.0), "客户\u{2026}");
        assert_eq!(shortened("abc", 0.0, 12.0), "\u{2026}");
    }

    #[test]
    fn a_text_is_broken_between_words_and_words_where_they_do_not_fit() {
        let text = "Order placed by the customer";
        let lines = wrapped(text, 100.0, 12.0, 9);
        assert_eq!(lines, ["Order placed", "by the", "customer"]);
        assert_eq!(wrapped(text, 1_000.0, 12.0, 9), [text]);
        let lines = wrapped(text, 100.0, 12.0, 2);
        assert!(
            lines[0] == "Order placed" && lines[1].starts_with("by the") && lines[1].ends_with('\u{2026}'),
            "{lines:?}"
        );
        let lines = wrapped("a Kundenbeziehungsmanagement", 60.0, 12.0, 99);
        assert_eq!(lines.concat(), "aKundenbeziehungsmanagement");
        assert!(lines.iter().all(|line| width(line, 12.0) <= 60.0), "{lines:?}");
        assert_eq!(wrapped("", 60.0, 12.0, 9), [""]);
        assert_eq!(wrapped("abc", 0.0, 12.0, 9), ["a", "b", "c"]);
    }
}
