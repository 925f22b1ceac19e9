//! Charts: each takes its figures and draws itself at a width.

mod bars;
mod columns;
mod curve;
mod flow;
mod grid;
mod intervals;
mod map;
mod scale;
mod steps;
mod timeline;

pub(crate) use self::bars::{Bar, Bars};
pub(crate) use self::columns::{Columns, Series};
pub(crate) use self::curve::Curve;
pub(crate) use self::flow::{Flow, Stream};
pub(crate) use self::grid::{Grid, GridCell};
pub(crate) use self::intervals::{Axis, Intervals, Range};
pub(crate) use self::map::MapPicture;
pub(crate) use self::steps::{StepBar, Steps};
pub(crate) use self::timeline::{Mark, Period, Timeline};
use crate::content::Chart;
use crate::svg::Drawing;
use crate::table::Table;

/// How wide a chart is on a page, and on a phone, in pixels.
const WIDE: f64 = 860.0;
const NARROW: f64 = 340.0;

/// What draws itself at a width in pixels, as high as it needs.
pub(crate) trait Plot {
    fn draw(&self, width: f64) -> Drawing;
}

impl Chart {
    /// A chart for pages and for phones; `axes` says what is shown in which units.
    pub(crate) fn new(name: &'static str, axes: impl Into<String>, plot: &dyn Plot, table: Table) -> Self {
        let (wide, narrow) = (plot.draw(WIDE), Some(plot.draw(NARROW)));
        Self { name, title: table.title.clone(), axes: axes.into(), wide, narrow, table, semantics: None }
    }

    /// A heat map, wider than a page where its cells could not be read otherwise.
    pub(crate) fn of_grid(name: &'static str, axes: impl Into<String>, grid: &Grid, table: Table) -> Self {
        let narrow = grid.fits(NARROW).then(|| grid.draw(NARROW));
        Self { narrow, ..Self::of_own_size(name, axes, grid.draw_readable(WIDE), table) }
    }

    /// A chart of its own size, which is moved under the finger where it does not fit.
    pub(crate) fn of_own_size(
        name: &'static str,
        axes: impl Into<String>,
        wide: Drawing,
        table: Table,
    ) -> Self {
        Self {
            name,
            title: table.title.clone(),
            axes: axes.into(),
            wide,
            narrow: None,
            table,
            semantics: None,
        }
    }
}
