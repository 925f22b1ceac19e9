//! One self-contained HTML file of what is known about customers; its charts as SVG, its figures as JSON.
//!
//! ```
//! use wayfold_core::{
//!     CustomerKey, EventBatch, EventId, Fold, JourneyEvent, ProductViewed, ProjectionSet, Registered, Rules, Shard, Tenant,
//!     Timestamp, for_each_history,
//! };
//! use wayfold_insight::{Cases, Measure, ProcessMap};
//! use wayfold_report::{Report, Section};
//!
//! let (ada, as_of) = (CustomerKey::new("ada <b>")?, Timestamp::parse("2024-04-01")?);
//! let at = |day: u32| Timestamp::parse(&format!("2024-03-{day:02}"));
//! let batches = [EventBatch::from_events(&[
//!     JourneyEvent::new(EventId::from_u128(1), ada.clone(), at(1)?, Registered {}),
//!     JourneyEvent::new(EventId::from_u128(2), ada.clone(), at(3)?, ProductViewed {}),
//! ])?];
//! let mut fold = Fold::new(&ProjectionSet::new(Rules::default())?);
//! let _ = fold.apply(&batches);
//! let (map, mut total) = (ProcessMap::new(Cases::new()), Default::default());
//! for_each_history(&batches, Shard::ALL, as_of, |history| map.add(history, 1, &mut total));
//!
//! let report = Report::new("The shop", as_of)
//!     .with_population(&fold.population(&Tenant::default(), as_of)?)
//!     .with(Section::process_map(map.report(&total), None));
//! let html = report.html();
//! assert!(html.contains("<h1>The shop</h1>") && html.contains("product_viewed"));
//! assert!(report.charts().iter().any(|chart| chart.name == "map-map" && chart.svg.starts_with("<svg")));
//! assert_eq!(report.json()["sections"][0]["figures"]["Customers"], 1);
//! # Ok::<(), wayfold_core::Error>(())
//! ```
//!
//! # Main types
//!
//! - [`Report`]: a title, an instant and sections; [`Report::html`], [`Report::charts`], [`Report::json`].
//! - [`Section`]: one function for each result that can be shown. All are optional: a report with only a process map is
//!   right. Sections are arranged by [`Management`], in the order in which they were added.
//!
//! # What the file is
//!
//! It asks for nothing from elsewhere and says so in its content security policy, which names the only style and script
//! by their hashes: whatever a name in the data holds, nothing of it runs. It reads without script; script adds hints
//! under the pointer and sorting. Each chart has its figures in a table. It follows the reader's choice of light or dark,
//! and prints. Equal results give equal bytes.
//!
//! # What it is not
//!
//! It measures nothing: results come from `wayfold-core` and `wayfold-insight`. It is no dashboard: it holds as of an
//! instant. It writes no file.

mod chart;
mod content;
mod layout;
mod page;
mod report;
mod section;
mod show;
mod svg;
mod table;

/// The time zones of the IANA database.
pub use wayfold_insight::Tz;

pub use self::report::{NamedChart, Report};
pub use self::section::{Management, Section};
