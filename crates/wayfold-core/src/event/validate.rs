//! The rules of an event that no type can hold.

use super::body::{EventBody, OrderTag, is_known};
use super::line::{LineNumbers, margin_of};
use super::words::Instrument;
use super::{JourneyEvent, OrderLine};
use crate::error::{Error, ErrorKind, Result};
use crate::money::{Amount, Money};

fn invalid(message: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::InvalidEvent, message)
}

pub(super) fn check(event: &JourneyEvent) -> Result<()> {
    check_version(event)?;
    check_rules(event)
}

/// Checks all but the version, which whoever lifts events has seen to.
pub(super) fn check_rules(event: &JourneyEvent) -> Result<()> {
    check_stage(event)?;
    check_order_tags(event)?;
    check_fields(event)
}

fn check_version(event: &JourneyEvent) -> Result<()> {
    let (kind, version) = (event.kind(), event.schema_version);
    match &event.body {
        _ if version == 0 => Err(invalid("it has schema version 0; versions begin at 1")),
        EventBody::Unknown(unknown) if is_known(unknown.kind()) => {
            let name = unknown.kind();
            Err(invalid(format_args!(
                "{name} in schema version {version} could not be read, so it is not taken; update the program"
            )))
        }
        EventBody::Unknown(_) | EventBody::Custom(_) => Ok(()),
        _ if version == kind.schema_version() => Ok(()),
        _ => {
            let (name, current) = (kind.name(), kind.schema_version());
            Err(invalid(format_args!(
                "schema version {version} of {name} is not known; version {current} is"
            )))
        }
    }
}

fn check_stage(event: &JourneyEvent) -> Result<()> {
    match (event.stage, event.kind().stage()) {
        (Some(named), Some(own)) => {
            let name = event.kind().name();
            Err(invalid(format_args!(
                "{name} belongs to stage {own}, so it cannot name stage {named}; leave it out"
            )))
        }
        _ => Ok(()),
    }
}

fn check_order_tags(event: &JourneyEvent) -> Result<()> {
    let tags = event.tags.iter().filter(|tag| tag.object_type() == "order").count();
    let (name, rule) = (event.kind().name(), event.kind().order_tag());
    match rule {
        OrderTag::One if tags != 1 => Err(invalid(format_args!(
            "{name} has {tags} tags of type order; give it exactly one, such as order:o1"
        ))),
        OrderTag::AtMostOne if tags > 1 => {
            Err(invalid(format_args!("{name} has {tags} tags of type order; it can be about one order only")))
        }
        _ => Ok(()),
    }
}

fn check_fields(event: &JourneyEvent) -> Result<()> {
    match &event.body {
        EventBody::OrderPlaced(body) => {
            check_money(Some(body.amount)).and_then(|()| check_lines(&body.lines))
        }
        EventBody::OrderChanged(body) => check_money(body.amount).and_then(|()| check_lines(&body.lines)),
        EventBody::CartChanged(body) => check_lines(&body.lines),
        EventBody::Refunded(body) => check_money(Some(body.amount)),
        EventBody::Returned(body) => check_money(body.amount),
        EventBody::Exchanged(body) => check_money(body.amount),
        EventBody::PaymentReceived(body) => check_money(body.amount),
        EventBody::PaymentFailed(body) => check_money(body.amount),
        EventBody::QuoteIssued(body) => check_money(body.amount),
        EventBody::QuoteRevised(body) => check_money(body.amount),
        EventBody::QuoteAccepted(body) => check_money(body.amount),
        EventBody::Renewed(body) => check_money(body.amount),
        EventBody::OfferIssued(body) => check_money(body.value),
        EventBody::OfferRedeemed(body) => check_money(body.value),
        EventBody::PointsEarned(body) => check_points(body.points),
        EventBody::PointsRedeemed(body) => check_points(body.points),
        EventBody::PointsExpired(body) => check_points(body.points),
        EventBody::SurveyAnswered(body) => check_score(body.instrument, body.score),
        EventBody::EventRetracted(body) if body.event == event.id => {
            Err(invalid("it retracts itself; name the event that was wrong"))
        }
        _ => Ok(()),
    }
}

fn check_money(money: Option<Money>) -> Result<()> {
    match money {
        Some(money) if money.amount < Amount::ZERO => Err(invalid(format_args!(
            "its amount is {} {}; amounts are not negative, money given back is a refund",
            money.amount, money.currency
        ))),
        _ => Ok(()),
    }
}

fn check_points(points: i64) -> Result<()> {
    if points >= 0 {
        return Ok(());
    }
    Err(invalid(format_args!("it has {points} points; write a reversal instead of negative points")))
}

fn check_score(instrument: Instrument, score: i64) -> Result<()> {
    let scale = match instrument {
        Instrument::Nps => 0..=10,
        Instrument::Csat => 1..=5,
        Instrument::Ces => 1..=7,
        Instrument::Other => i64::MIN..=i64::MAX,
    };
    if scale.contains(&score) {
        return Ok(());
    }
    Err(invalid(format_args!(
        "score {score} is not on the scale of {instrument}, {} to {}",
        scale.start(),
        scale.end()
    )))
}

/// Line totals must fit 64 bits together, so that no margin can overflow.
fn check_lines(lines: &[OrderLine]) -> Result<()> {
    if let Some(nameless) = lines.iter().position(|line| line.product.is_empty()) {
        return Err(invalid(format_args!("line {} names no product", nameless + 1)));
    }
    match margin_of(lines.iter().map(LineNumbers::of)) {
        Some(_) => Ok(()),
        None => Err(invalid("the lines are worth more than 64 bits of ten-thousandths together")),
    }
}
