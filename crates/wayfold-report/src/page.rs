//! The page as HTML. maud escapes every text but the drawings, which escape their own.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::content::{Block, Chart, Content, Figure};
use crate::report::{Names, Part};
use crate::section::Management;
use crate::show::Show;
use crate::svg::{Anchor, Drawing, TEXT};
use crate::table::{Cell, Table};

const CHART_STYLE: &str = include_str!("page/chart.css");
const STYLE: &str = concat!(include_str!("page/chart.css"), include_str!("page/page.css"));
const SCRIPT: &str = include_str!("page/page.js");
/// Nothing is fetched, and nothing runs but this style and this script, named by their SHA-256.
const POLICY: &str = "default-src 'none'; img-src data:; base-uri 'none'; form-action 'none'; \
     style-src 'sha256-gmNTclRUIYSqKEhnFez1MRK5p6kTOAbrY2Kj1mLmxFg='; script-src 'sha256-UszYBHxf2lOVY7oCPt2kvIGh6pN3HKw2eyHYJ7DwPSo='";

pub(crate) fn page(title: &str, subtitle: &str, parts: &[Part<'_>], show: &Show) -> Markup {
    let mut names = Names::default();
    let head: Vec<_> = parts.iter().filter(|part| part.section.management.is_none()).collect();
    let groups: Vec<(Management, Vec<&Part<'_>>)> = Management::ALL
        .into_iter()
        .map(|of| (of, parts.iter().filter(|part| part.section.management == Some(of)).collect::<Vec<_>>()))
        .filter(|(_, parts)| !parts.is_empty())
        .collect();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="color-scheme" content="light dark";
                title { (title) }
                // Keeps browsers from asking for an icon.
                link rel="icon" href="data:,";
                style { (PreEscaped(STYLE)) }
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header {
                    h1 { (title) }
                    p { (subtitle) }
                }
                (navigation(&head, &groups))
                main #content {
                    section #at-a-glance aria-labelledby="at-a-glance-h" {
                        h2 #at-a-glance-h { "At a glance" }
                        @for part in head.iter().filter(|part| is_overview(part)) { (all_figures(part, show)) }
                        (findings(parts))
                        @for part in &head {
                            @if is_overview(part) { (folded(part, &mut names, show)) }
                            @else {
                                section.part id=(part.id) {
                                    h3 { (part.section.title) }
                                    (content(part, &mut names, show))
                                }
                            }
                        }
                    }
                    @for (management, parts) in &groups {
                        section.management id=(anchor(*management)) {
                            h2 { (management.title()) }
                            @for part in parts {
                                section.part id=(part.id) {
                                    h3 { (part.section.title) }
                                    (content(part, &mut names, show))
                                }
                            }
                        }
                    }
                }
                footer { p { "Made by Wayfold. This file holds all it shows and asks for nothing from elsewhere." } }
                div #hint aria-hidden="true" hidden {}
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
}

fn anchor(management: Management) -> String {
    format!("to-{}", management.title().to_lowercase())
}

/// Figures and tables of the overview stand at the head without a heading of their own.
fn is_overview(part: &Part<'_>) -> bool {
    part.section.name == "overview"
}

fn navigation(head: &[&Part<'_>], groups: &[(Management, Vec<&Part<'_>>)]) -> Markup {
    let apart: Vec<_> = head.iter().filter(|part| !is_overview(part)).collect();
    html! {
        nav aria-label="Sections" {
            ul {
                li {
                    a href="#at-a-glance" { "At a glance" }
                    @if !apart.is_empty() {
                        ul { @for part in &apart { li { a href=(format!("#{}", part.id)) { (part.section.title) } } } }
                    }
                }
                @for (management, parts) in groups {
                    li {
                        a href=(format!("#{}", anchor(*management))) { (management.title()) }
                        ul {
                            @for part in parts {
                                li { a href=(format!("#{}", part.id)) { (part.section.title) } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// What stands out in all sections, each with the way to its figures.
fn findings(parts: &[Part<'_>]) -> Markup {
    let found = parts.iter().filter(|part| part.section.management != Some(Management::Information));
    let found = found.flat_map(|part| part.content.findings.iter().map(move |finding| (part, finding)));
    html! {
        ul.findings {
            @for (part, finding) in found {
                li {
                    (finding)
                    @if !is_overview(part) {
                        " "
                        a href=(format!("#{}", part.id)) { (part.section.title) }
                    }
                }
            }
        }
    }
}

fn content(part: &Part<'_>, names: &mut Names, show: &Show) -> Markup {
    html! {
        @if let Some(note) = &part.section.note { p.note { (note) } }
        (all_figures(part, show))
        (folded(part, names, show))
    }
}

fn all_figures(part: &Part<'_>, show: &Show) -> Markup {
    let all = part.content.blocks.iter().filter_map(|block| match block {
        Block::Figures(all) => Some(figures(all, show)),
        _ => None,
    });
    html! { @for of in all { (of) } }
}

/// Charts and tables, and how they came about.
fn folded(part: &Part<'_>, names: &mut Names, show: &Show) -> Markup {
    let Content { blocks, method, .. } = &part.content;
    html! {
        @for block in blocks {
            @match block {
                Block::Figures(_) => {}
                Block::Chart(of) => (chart(of, &names.unique(&format!("{}-{}", part.id, of.name)), show)),
                Block::Table(of) => (folded_table(of, show)),
                Block::Mermaid(text) => details { summary { "The map as text for Mermaid" } pre tabindex="0" { (text) } },
            }
        }
        @if !method.is_empty() {
            details.method {
                summary { "How this is measured" }
                @for line in method { p { (line) } }
            }
        }
    }
}

fn figures(figures: &[Figure], show: &Show) -> Markup {
    html! {
        dl.figures {
            @for figure in figures {
                div {
                    dt { (figure.label) }
                    dd {
                        strong { (figure.value.shown(show)) }
                        @if let Some(note) = &figure.note { span { (note) } }
                    }
                }
            }
        }
    }
}

fn chart(chart: &Chart, id: &str, show: &Show) -> Markup {
    let element = |drawing: &Drawing, class: &str, id: &str| {
        PreEscaped(drawing.element(class, id, &chart.title, &chart.axes))
    };
    let wide = if chart.narrow.is_some() { "wide" } else { "only" };
    html! {
        figure id=(id) {
            figcaption {
                strong { (chart.title) }
                span { (chart.axes) }
            }
            div.scroll tabindex=[chart.narrow.is_none().then_some("0")]
                role=[chart.narrow.is_none().then_some("region")]
                aria-label=[chart.narrow.is_none().then_some(&chart.title)] {
                (element(&chart.wide, wide, id))
                @if let Some(narrow) = &chart.narrow { (element(narrow, "narrow", &format!("{id}-n"))) }
            }
            @if let Some(semantics) = &chart.semantics { p.semantics { "Counted: " (semantics) } }
            (folded_table(&chart.table, show))
        }
    }
}

/// Longer tables are cut on the page, and say so.
const ROWS_MAX: usize = 200;

fn folded_table(of: &Table, show: &Show) -> Markup {
    let numbers: Vec<bool> = (0..of.columns.len()).map(|column| of.is_number(column)).collect();
    let cell = |column: usize, cell: &Cell| {
        let (number, key) = (numbers.get(column) == Some(&true), cell.sort_key());
        let key = key.filter(|_| number).map(|key| key.to_string());
        html! {
            @if column == 0 { th scope="row" class=[number.then_some("n")] data-k=[key] { (cell.shown(show)) } }
            @else { td class=[number.then_some("n")] data-k=[key] { (cell.shown(show)) } }
        }
    };
    html! {
        details open[of.is_open] {
            summary { "Figures: " (of.title) }
            div.scroll tabindex="0" role="region" aria-label=(of.title) {
                table {
                    thead {
                        tr {
                            @for (column, name) in of.columns.iter().enumerate() {
                                th scope="col" class=[numbers[column].then_some("n")] { (name) }
                            }
                        }
                    }
                    tbody {
                        @for row in of.rows.iter().take(ROWS_MAX) {
                            tr { @for (column, of) in row.iter().enumerate() { (cell(column, of)) } }
                        }
                    }
                }
            }
            @if of.rows.len() > ROWS_MAX {
                p.note {
                    "The first " (ROWS_MAX) " of " (show.count(of.rows.len())) " rows; the JSON of the report has all."
                }
            }
        }
    }
}

/// A chart as a document of its own, its title above it.
pub(crate) fn standalone(chart: &Chart, id: &str) -> String {
    let top = 28.0;
    let mut drawing = Drawing::new(chart.wide.width + 24.0, chart.wide.height + top + 24.0);
    drawing.body = format!("<style>{CHART_STYLE}</style>");
    drawing.rect("paper", (0.0, 0.0), (drawing.width, drawing.height), "");
    drawing.text_within("ink strong", (12.0, 12.0 + TEXT), Anchor::Start, &chart.title, chart.wide.width);
    drawing.body += &format!(r#"<g transform="translate(12 {})">{}</g>"#, top + 12.0, chart.wide.body);
    drawing.element("alone", id, &chart.title, &chart.axes)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::CHART_STYLE;

    /// The colours of a part of the sheet, by name: red, green and blue from 0 to 1.
    fn colours(sheet: &str) -> BTreeMap<&str, [f64; 3]> {
        let named = sheet.split("--").skip(1).filter_map(|text| text.split_once(":#"));
        named
            .map(|(name, text)| {
                let digits: Vec<f64> =
                    text.chars().map_while(|digit| digit.to_digit(16)).map(f64::from).collect();
                let part = |place: usize| match digits.len() {
                    3 => digits[place] / 15.0,
                    _ => (digits[2 * place] * 16.0 + digits[2 * place + 1]) / 255.0,
                };
                (name, [part(0), part(1), part(2)])
            })
            .collect()
    }

    /// After the Web Content Accessibility Guidelines 2.2, "contrast ratio".
    fn contrast(one: [f64; 3], other: [f64; 3]) -> f64 {
        let luminance = |colour: [f64; 3]| {
            let linear = colour
                .map(|part| if part <= 0.04045 { part / 12.92 } else { ((part + 0.055) / 1.055).powf(2.4) });
            0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
        };
        let (one, other) = (luminance(one), luminance(other));
        (one.max(other) + 0.05) / (one.min(other) + 0.05)
    }

    #[test]
    fn text_and_marks_stand_out_in_light_and_in_dark() {
        let (light, rest) = CHART_STYLE.split_once("@media").unwrap();
        for sheet in [light, rest.split_once("}}").unwrap().0] {
            let of = colours(sheet);
            let check = |text: &str, upon: &str, least: f64| {
                let found = contrast(of[text], of[upon]);
                assert!(found >= least, "{text} upon {upon} has {found:.2}");
            };
            ["ink", "soft", "hot"].iter().for_each(|text| check(text, "paper", 4.5));
            ["bar", "axis", "c0", "c1", "c2", "c3", "c4", "c5", "c6", "c7"]
                .iter()
                .for_each(|mark| check(mark, "paper", 3.0));
            // Texts upon shades and stages, as the sheet has them.
            ["s0", "s1", "s2", "s3", "s4", "s5"].iter().for_each(|shade| check("ink", shade, 4.5));
            ["s6", "s7", "s8", "c0", "c1", "c2", "c3", "c4", "c5"]
                .iter()
                .for_each(|shade| check("on", shade, 4.5));
            check("paper", "soft", 4.5);
        }
    }
}
