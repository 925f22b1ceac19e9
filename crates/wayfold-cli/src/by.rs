//! By what customers are told apart in a measure.

use std::collections::BTreeMap;

use anyhow::Result;
use wayfold::{AttributeName, AttributeValue, CustomerKey, History};

use crate::ask::Asked;
use crate::failure::usage;

/// Says to which segment a customer belongs, if to any.
pub(crate) type SegmentOf = Box<dyn Fn(&History<'_>) -> Option<String> + Send + Sync>;

/// Reads what customers are told apart by: `stage` and `class` as of the instant of the question, `channel`, which is the first
/// that a customer's events name, or `attribute:NAME`, which is its last text.
pub(crate) fn segment_of(by: &str, asked: &Asked) -> Result<SegmentOf> {
    Ok(match by {
        "stage" => known(asked, |member| Some(member.lifecycle.to_string()))?,
        "class" => known(asked, |member| member.class.map(|class| class.to_string()))?,
        "channel" => Box::new(|history| {
            history.events().iter().find_map(|event| event.channel()).map(|channel| channel.to_string())
        }),
        _ => {
            let name = by.strip_prefix("attribute:").ok_or_else(|| {
                usage(format_args!(
                    "{by:?} tells nobody apart; write stage, class, channel or attribute:NAME"
                ))
            })?;
            let name = AttributeName::new(name).map_err(usage)?;
            Box::new(move |history| {
                history.events().iter().rev().find_map(|event| match event.attribute(name.as_str())? {
                    AttributeValue::Text(text) => Some(text),
                    _ => None,
                })
            })
        }
    })
}

/// By a field of the population as of the instant of the question.
fn known(asked: &Asked, of: impl Fn(&wayfold::Member) -> Option<String>) -> Result<SegmentOf> {
    let population = asked.population()?;
    let members = population.members().iter().filter_map(|member| Some((member.key.clone(), of(member)?)));
    let segments: BTreeMap<CustomerKey, String> = members.collect();
    Ok(Box::new(move |history| {
        let (tenant, customer) = history.customer();
        segments.get(&CustomerKey::in_tenant(tenant, customer).ok()?).cloned()
    }))
}
