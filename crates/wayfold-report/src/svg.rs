//! SVG written element by element: what text may hold is escaped, what is measured is measured with a margin.

mod measure;

use std::fmt::{self, Write};

pub(crate) use self::measure::{shortened, width, wrapped};

/// The size of text in charts, in pixels.
pub(crate) const TEXT: f64 = 12.0;

/// How much smaller small text is.
pub(crate) const SMALL: f64 = 11.0 / TEXT;
/// How much wider strong text is.
pub(crate) const STRONG: f64 = 1.13;

/// A picture of a size in pixels.
#[derive(Debug, Default)]
pub(crate) struct Drawing {
    pub(crate) width: f64,
    pub(crate) height: f64,
    /// The elements.
    pub(crate) body: String,
}

/// Where a text stands to its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Anchor {
    Start,
    Middle,
    End,
}

impl Drawing {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self { width, height, body: String::new() }
    }

    /// Adds what is written; writing into a text cannot fail.
    fn put(&mut self, written: fmt::Arguments<'_>) {
        let _ = self.body.write_fmt(written);
    }

    /// A rectangle; no size is negative.
    pub(crate) fn rect(&mut self, class: &str, corner: (f64, f64), size: (f64, f64), tip: &str) {
        self.rect_with("", class, corner, size, tip);
    }

    /// A rectangle with round corners.
    pub(crate) fn round_rect(&mut self, class: &str, corner: (f64, f64), size: (f64, f64), tip: &str) {
        self.rect_with(r#" rx="6""#, class, corner, size, tip);
    }

    fn rect_with(
        &mut self,
        more: &str,
        class: &str,
        (x, y): (f64, f64),
        (width, height): (f64, f64),
        tip: &str,
    ) {
        let (x, y, width, height) = (Px(x), Px(y), Px(width.max(0.0)), Px(height.max(0.0)));
        self.put(format_args!(
            r#"<rect class="{class}" x="{x}" y="{y}" width="{width}" height="{height}"{more}"#
        ));
        self.close_with("rect", tip);
    }

    pub(crate) fn line(&mut self, class: &str, (x1, y1): (f64, f64), (x2, y2): (f64, f64)) {
        let ends = (Px(x1), Px(y1), Px(x2), Px(y2));
        self.put(format_args!(
            r#"<line class="{class}" x1="{}" y1="{}" x2="{}" y2="{}"/>"#,
            ends.0, ends.1, ends.2, ends.3
        ));
    }

    pub(crate) fn circle(&mut self, class: &str, (x, y): (f64, f64), radius: f64, tip: &str) {
        self.put(format_args!(r#"<circle class="{class}" cx="{}" cy="{}" r="{}""#, Px(x), Px(y), Px(radius)));
        self.close_with("circle", tip);
    }

    /// A path of a stroke's width, or of the sheet's where it is `None`.
    pub(crate) fn path(&mut self, class: &str, path: &str, stroke_width: Option<f64>, tip: &str) {
        self.put(format_args!(r#"<path class="{class}" d="{path}""#));
        if let Some(stroke_width) = stroke_width {
            self.put(format_args!(r#" stroke-width="{}""#, Px(stroke_width)));
        }
        self.close_with("path", tip);
    }

    pub(crate) fn text(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str) {
        self.text_with_tip(class, (x, y), anchor, text, "");
    }

    /// A text that is shortened to a width; the whole stands in its title then.
    pub(crate) fn text_within(
        &mut self,
        class: &str,
        at: (f64, f64),
        anchor: Anchor,
        text: &str,
        within: f64,
    ) {
        let short = shortened(text, within, TEXT);
        let tip = if short == text { "" } else { text };
        self.text_with_tip(class, at, anchor, &short, tip);
    }

    fn text_with_tip(&mut self, class: &str, (x, y): (f64, f64), anchor: Anchor, text: &str, tip: &str) {
        let anchor = match anchor {
            Anchor::Start => "",
            Anchor::Middle => r#" text-anchor="middle""#,
            Anchor::End => r#" text-anchor="end""#,
        };
        self.put(format_args!(r#"<text class="{class}" x="{}" y="{}"{anchor}>"#, Px(x), Px(y)));
        if !tip.is_empty() {
            self.put(format_args!("<title>{}</title>", Escaped(tip)));
        }
        self.put(format_args!("{}</text>", Escaped(text)));
    }

    fn close_with(&mut self, element: &str, tip: &str) {
        match tip {
            "" => self.put(format_args!("/>")),
            tip => self.put(format_args!("><title>{}</title></{element}>", Escaped(tip))),
        }
    }

    /// The element that holds the picture, with a name for who does not see it; `id` is unique in the document.
    pub(crate) fn element(&self, class: &str, id: &str, title: &str, description: &str) -> String {
        let (width, height) = (Px(self.width.ceil()), Px(self.height.ceil()));
        format!(
            r#"<svg xmlns="http://www.w3.org/2000/svg" class="chart {class}" width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" aria-labelledby="{id}-t {id}-d"><title id="{id}-t">{}</title><desc id="{id}-d">{}</desc>{}</svg>"#,
            Escaped(title),
            Escaped(description),
            self.body
        )
    }
}

/// A length with at most one decimal, so that files stay small and equal.
pub(crate) struct Px(pub(crate) f64);

impl fmt::Display for Px {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tenths = (self.0 * 10.0).round();
        if tenths % 10.0 == 0.0 {
            write!(f, "{}", tenths as i64 / 10)
        } else {
            write!(f, "{:.1}", tenths / 10.0)
        }
    }
}

/// Text between or within tags; characters that XML does not allow become a question mark.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for letter in self.0.chars() {
            match letter {
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '&' => f.write_str("&amp;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                '\t' | '\n' | '\r' => f.write_char(' ')?,
                '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}' | '\u{fffe}' | '\u{ffff}' => {
                    f.write_char('\u{fffd}')?;
                }
                letter => f.write_char(letter)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_short_and_text_is_escaped() {
        let lengths = [1.0, 1.04, 1.26, -0.04, -12.35].map(|length| Px(length).to_string());
        assert_eq!(lengths, ["1", "1", "1.3", "0", "-12.4"]);
        assert_eq!(Escaped("<a b='\"&\">\u{0}\n").to_string(), "&lt;a b=&#39;&quot;&amp;&quot;&gt;\u{fffd} ");
    }
}
