//! A heat map: figures in cells, the more the darker, each figure also written.

use super::Plot;
use super::bars::longest;
use crate::svg::{Anchor, Drawing, SMALL, TEXT, width};

/// One cell.
#[derive(Debug, Clone)]
pub(crate) struct GridCell {
    /// From 0 to 1: how dark.
    pub(crate) shade: f64,
    /// What is written in it; a second line where all second lines fit.
    pub(crate) lines: Vec<String>,
    pub(crate) tip: String,
}

/// Cells by row and column; a row may end early.
#[derive(Debug)]
pub(crate) struct Grid {
    pub(crate) rows: Vec<String>,
    pub(crate) columns: Vec<String>,
    pub(crate) cells: Vec<Vec<Option<GridCell>>>,
    /// What rows and columns are.
    pub(crate) across: String,
    pub(crate) down: String,
    pub(crate) cell_height: f64,
}

/// How many shades there are; the sheet has a class for each, and one for the text upon it.
const SHADES: f64 = 8.0;

impl Grid {
    /// Draws at a width or, where cells would be too small to be read, wider.
    pub(crate) fn draw_readable(&self, of_width: f64) -> Drawing {
        let needed = self.left() + self.columns.len() as f64 * (self.widest_text() + 8.0);
        self.draw(of_width.max(needed))
    }

    pub(crate) fn fits(&self, of_width: f64) -> bool {
        self.left() + self.columns.len() as f64 * (self.widest_text() + 8.0) <= of_width
    }

    fn left(&self) -> f64 {
        (longest(self.rows.iter()).max(width(&self.down, TEXT)) + 12.0).min(200.0)
    }

    /// The width of the widest first line of a cell.
    fn widest_text(&self) -> f64 {
        let cells = self.cells.iter().flatten().flatten();
        let texts = cells.filter_map(|cell| cell.lines.first()).map(|line| width(line, TEXT));
        texts.fold(width("100", TEXT), f64::max)
    }
}

impl Plot for Grid {
    fn draw(&self, of_width: f64) -> Drawing {
        let left = self.left();
        let size = ((of_width - left) / self.columns.len().max(1) as f64).min(116.0);
        let top = 40.0;
        let bottom = top + self.rows.len() as f64 * self.cell_height;
        let mut drawing = Drawing::new(of_width, bottom + 4.0);
        drawing.text("soft", (left, 12.0), Anchor::Start, &self.across);
        drawing.text("soft", (left - 10.0, 32.0), Anchor::End, &self.down);
        let each = ((longest(self.columns.iter()) + 6.0) / size).ceil().max(1.0) as usize;
        for (column, name) in self.columns.iter().enumerate().step_by(each) {
            drawing.text("soft", (left + (column as f64 + 0.5) * size, 32.0), Anchor::Middle, name);
        }
        let seconds = self.cells.iter().flatten().flatten().filter_map(|cell| cell.lines.get(1));
        let lines = if longest(seconds) * SMALL <= size - 8.0 { 2 } else { 1 };
        for (row, name) in self.rows.iter().enumerate() {
            let y = top + row as f64 * self.cell_height;
            let middle = y + self.cell_height / 2.0 + TEXT * 0.36;
            drawing.text_within("ink", (left - 10.0, middle), Anchor::End, name, left - 10.0);
            for (column, cell) in self.cells[row].iter().enumerate() {
                let Some(cell) = cell else { continue };
                let corner = (left + column as f64 * size, y);
                cell.draw(&mut drawing, corner, (size, self.cell_height), lines);
            }
        }
        drawing
    }
}

impl GridCell {
    fn draw(&self, drawing: &mut Drawing, (x, y): (f64, f64), (across, down): (f64, f64), lines: usize) {
        let shade = (self.shade.clamp(0.0, 1.0) * SHADES).ceil() as usize;
        drawing.rect(&format!("s{shade}"), (x + 1.0, y + 1.0), (across - 2.0, down - 2.0), &self.tip);
        let fitting = self.lines.len().min(lines);
        let first = y + down / 2.0 + TEXT * 0.36 - (fitting as f64 - 1.0) * 8.0;
        for (number, line) in self.lines.iter().take(fitting).enumerate() {
            let class = if number == 0 { "t" } else { "small t" };
            let at = (x + across / 2.0, first + number as f64 * 16.0);
            drawing.text(&format!("{class}{shade}"), at, Anchor::Middle, line);
        }
    }
}
