//! A flow: where customers stood at the left, where they stand at the right, bands as thick as they are many.

use super::Plot;
use crate::svg::{Anchor, Drawing, Px, TEXT, width};

/// One band.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Places in the names.
    pub(crate) from: usize,
    pub(crate) to: usize,
    pub(crate) customers: u64,
    pub(crate) tip: String,
}

/// Bands between two columns of the same names.
pub(crate) struct Flow<'a> {
    pub(crate) names: Vec<String>,
    /// The class of each name's colour.
    pub(crate) classes: Vec<&'static str>,
    pub(crate) streams: Vec<Stream>,
    /// What the columns are called.
    pub(crate) heads: [String; 2],
    pub(crate) shown: &'a dyn Fn(u64) -> String,
}

const HEIGHT: f64 = 300.0;
const GAP: f64 = 22.0;
const POST: f64 = 10.0;

/// From where to where a name reaches in a column, and how far its bands have come.
#[derive(Debug, Clone, Copy, Default)]
struct Post {
    top: f64,
    height: f64,
    used: f64,
    customers: u64,
}

impl Plot for Flow<'_> {
    fn draw(&self, of_width: f64) -> Drawing {
        let all: u64 = self.streams.iter().map(|stream| stream.customers).sum();
        let sides = [self.posts(all, |stream| stream.from), self.posts(all, |stream| stream.to)];
        let label = |side: &[Option<Post>]| {
            let texts = side.iter().enumerate().filter_map(|(name, post)| Some(self.label(name, (*post)?)));
            texts.map(|text| width(&text, TEXT)).fold(0.0, f64::max) + 10.0
        };
        let most = of_width * 0.34;
        let (left, right) = (label(&sides[0]).min(most), of_width - label(&sides[1]).min(most));
        let end = |side: &[Option<Post>]| {
            side.iter().flatten().map(|post| post.top + post.height).fold(0.0, f64::max)
        };
        let mut drawing = Drawing::new(of_width, end(&sides[0]).max(end(&sides[1])) + 10.0);
        drawing.text("soft", (0.0, 12.0), Anchor::Start, &self.heads[0]);
        drawing.text("soft", (of_width, 12.0), Anchor::End, &self.heads[1]);

        let (mut from, mut to) = (sides[0].clone(), sides[1].clone());
        let unit = unit(all);
        for stream in &self.streams {
            let (Some(from), Some(to)) = (&mut from[stream.from], &mut to[stream.to]) else { continue };
            let thick = stream.customers as f64 * unit;
            let (y1, y2) = (from.top + from.used + thick / 2.0, to.top + to.used + thick / 2.0);
            (from.used, to.used) = (from.used + thick, to.used + thick);
            let (x1, x2) = (left + POST, right - POST);
            let middle = Px((x1 + x2) / 2.0);
            let path = format!(
                "M{} {}C{middle} {} {middle} {} {} {}",
                Px(x1),
                Px(y1),
                Px(y1),
                Px(y2),
                Px(x2),
                Px(y2)
            );
            let class = format!("band {}", self.classes[stream.from]);
            drawing.path(&class, &path, Some(thick.max(0.7)), &stream.tip);
        }
        for (name, class) in self.classes.iter().enumerate() {
            if let Some(post) = sides[0][name] {
                self.post(&mut drawing, (class, name), (left, left - 8.0), post, Anchor::End);
            }
            if let Some(post) = sides[1][name] {
                self.post(&mut drawing, (class, name), (right - POST, right + 8.0), post, Anchor::Start);
            }
        }
        drawing
    }
}

/// How many pixels a customer is thick.
fn unit(all: u64) -> f64 {
    HEIGHT / all.max(1) as f64
}

impl Flow<'_> {
    fn posts(&self, all: u64, side: impl Fn(&Stream) -> usize) -> Vec<Option<Post>> {
        let mut top = 28.0;
        let post = |name: usize| {
            let of_name = self.streams.iter().filter(|stream| side(stream) == name);
            let customers: u64 = of_name.map(|stream| stream.customers).sum();
            if customers == 0 {
                return None;
            }
            let post = Post { top, height: customers as f64 * unit(all), used: 0.0, customers };
            top += post.height + GAP.max(20.0 - post.height);
            Some(post)
        };
        (0..self.names.len()).map(post).collect()
    }

    fn label(&self, name: usize, post: Post) -> String {
        format!("{} {}", self.names[name], (self.shown)(post.customers))
    }

    fn post(
        &self,
        drawing: &mut Drawing,
        (class, name): (&str, usize),
        (x, text_x): (f64, f64),
        post: Post,
        anchor: Anchor,
    ) {
        let label = self.label(name, post);
        drawing.rect(class, (x, post.top), (POST, post.height.max(1.0)), &label);
        let room = if anchor == Anchor::End { text_x } else { drawing.width - text_x };
        drawing.text_within(
            "ink",
            (text_x, post.top + post.height / 2.0 + TEXT * 0.36),
            anchor,
            &label,
            room,
        );
    }
}
