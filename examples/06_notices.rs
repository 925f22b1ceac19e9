//! Hear what changes for customers: churn by time alone, a late event that takes it back, a restart in between.
//!
//! Time is moved by hand, so that a year passes at once. A service leaves `by_hand` out and waits in `next`.

use std::collections::BTreeMap;

use pollster::block_on;
use wayfold::{
    Builder, Currency, CustomerKey, EventId, JourneyEvent, LifecycleStage, Money, Notice, NoticeId,
    OrderPlaced, Rules, Span, Start, StoreUrl, Subscription, Tag, Timestamp, Told, Transition, Wayfold,
};
use wayfold_examples::store_url;

/// Who writes to lost customers. It keeps what it was told by the notice's id, so that hearing twice does no harm; a
/// real one keeps it in its own database.
#[derive(Default)]
struct WinBack {
    lost: BTreeMap<NoticeId, Notice>,
}

impl WinBack {
    /// Hears everything that there is to tell by now; returns what was told.
    fn listen(&mut self, notices: &mut Subscription) -> wayfold::Result<Vec<Told>> {
        let mut heard = Vec::new();
        while let Some(delivery) = block_on(notices.try_next())? {
            delivery.told.iter().for_each(|told| self.hear(told));
            heard.extend(delivery.told);
        }
        Ok(heard)
    }

    /// Takes what is about lost customers, and passes over the rest: first purchases, classes, journeys, promises.
    fn hear(&mut self, told: &Told) {
        let notice = told.notice();
        let Transition::LifecycleStage { to: LifecycleStage::Churned, .. } = notice.transition else {
            return;
        };
        match told {
            Told::Fact(_) => {
                println!("  {} is lost since {}", notice.customer, notice.at);
                self.lost.insert(notice.id, notice.clone());
            }
            Told::Withdrawn(_) => {
                println!("  {} was not lost at {} after all", notice.customer, notice.at);
                self.lost.remove(&notice.id);
            }
        }
    }
}

fn main() -> anyhow::Result<()> {
    // A log that outlives a process; in a file that is thrown away, if none is named.
    let store = store_url()?;
    if store != "memory:".parse()? {
        return play(&store);
    }
    let folder = std::env::temp_dir().join(format!("wayfold-06-notices-{}", std::process::id()));
    std::fs::create_dir_all(&folder)?;
    let played = play(&format!("sqlite:{}", folder.join("customers.wayfold").display()).parse()?);
    std::fs::remove_dir_all(&folder)?;
    played
}

fn play(store: &StoreUrl) -> anyhow::Result<()> {
    let mut win_back = WinBack::default();
    lose(store, &mut win_back)?;
    take_back(store, &mut win_back)
}

/// Half a year of silence, and an end of the process before it has said that it heard.
fn lose(store: &StoreUrl, win_back: &mut WinBack) -> anyhow::Result<()> {
    println!("January: ada buys.");
    let (wayfold, mut notices) = open(store, "2024-01-10")?;
    block_on(wayfold.append([&order("o1", "2024-01-10")?]))?;
    assert_eq!(win_back.listen(&mut notices)?.len(), 2, "ada is first_time and a newcomer");

    println!("July: nothing has happened for more than 180 days, and that is told.");
    block_on(wayfold.advance_to(Timestamp::parse("2024-07-10")?))?;
    let delivery = block_on(notices.try_next())?.expect("churn is due");
    delivery.told.iter().for_each(|told| win_back.hear(told));
    let lost: Vec<Notice> = win_back.lost.values().cloned().collect();
    assert_eq!(lost[0].at, (Timestamp::parse("2024-01-10")? + Span::from_days(180)).next());
    assert!(lost[0].causes.is_empty(), "by time alone");

    println!("The process ends before it has said that it heard: the same is told again, with the same ids.");
    drop((notices, wayfold));
    let (_wayfold, mut notices) = open(store, "2024-07-10")?;
    assert_eq!(win_back.listen(&mut notices)?, delivery.told);
    assert_eq!(win_back.lost.values().collect::<Vec<_>>(), [&lost[0]], "heard twice, kept once");
    // Asking for more has said that it heard, and there was no more; `commit` says so without asking.
    block_on(notices.commit())?;
    Ok(())
}

/// A late event after a restart.
fn take_back(store: &StoreUrl, win_back: &mut WinBack) -> anyhow::Result<()> {
    println!("It starts again and goes on where it was: nothing is told a third time.");
    let (wayfold, mut notices) = open(store, "2024-07-20")?;
    assert_eq!(win_back.listen(&mut notices)?, []);

    println!("A till in the country sends its May order late: what was told is taken back.");
    block_on(wayfold.append([&order("o2", "2024-05-02")?]))?;
    win_back.listen(&mut notices)?;
    assert!(win_back.lost.is_empty(), "no letter to a customer who is here");
    Ok(())
}

/// Opens the log and subscribes under a name, as a process does that starts at a date.
fn open(store: &StoreUrl, date: &str) -> anyhow::Result<(Wayfold, Subscription)> {
    let builder = Builder::new(Rules::default())?.by_hand(Timestamp::parse(date)?);
    let wayfold = block_on(builder.on_demand().open(store.open_blocking()?))?;
    // Where it begins counts only for the first time; from then on the name knows.
    let notices = block_on(wayfold.subscribe_as("win-back", Start::Beginning))?;
    Ok((wayfold, notices))
}

fn order(name: &str, date: &str) -> wayfold::Result<JourneyEvent> {
    let amount = Money::parse("20", Currency::EUR)?;
    let placed = OrderPlaced { lines: vec![], amount, promised_at: None };
    let id = EventId::from_natural_key("till", "order", &[name]);
    let at = Timestamp::parse(date)?;
    Ok(JourneyEvent::new(id, CustomerKey::new("ada")?, at, placed).with_tag(Tag::order(name)?))
}
