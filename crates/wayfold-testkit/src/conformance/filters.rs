//! The filters that conditions and reads are tried with, and a second opinion on what they mean.

use wayfold_core::{CustomKind, EventBody, EventKind, JourneyEvent};
use wayfold_store::{EventFilter, KindFilter};

use super::events::{key, key_in, tag, tenant};

fn named(name: &str) -> CustomKind {
    CustomKind::new(name).expect("a name of the suite")
}

/// Kinds, tags, customers and tenants, alone and together, over the events of [`mixed`](super::events::mixed).
pub(crate) fn filters() -> Vec<(&'static str, EventFilter)> {
    let all = EventFilter::all;
    let of = |customer| EventFilter::customer(key(customer));
    let in_tenant = |name| EventFilter { tenant: Some(tenant(name)), ..all() };
    vec![
        ("everything", all()),
        ("a kind", all().with_kind(EventKind::Registered)),
        ("a kind that is absent", all().with_kind(EventKind::Refunded)),
        ("two kinds", all().with_kind(EventKind::Registered).with_kind(EventKind::NeedIdentified)),
        ("custom kinds of a stage", all().with_kind(EventKind::CustomDecision)),
        ("custom kinds of no stage", all().with_kind(EventKind::CustomNeutral)),
        ("a custom kind by name", all().with_kind(named("seen"))),
        ("a kind and a custom kind", all().with_kind(EventKind::OrderPlaced).with_kind(named("won"))),
        ("unknown kinds", all().with_kind(EventKind::Unknown)),
        ("a tag", all().with_tag(tag("order:o1"))),
        ("a tag that is absent", all().with_tag(tag("order:o"))),
        ("two tags", all().with_tag(tag("account:x")).with_tag(tag("account:y"))),
        ("two tags of different events", all().with_tag(tag("order:o1")).with_tag(tag("account:y"))),
        ("a customer", of("a")),
        ("a customer that is absent", of("d")),
        ("a customer of a tenant", EventFilter::customer(key_in("t", "a"))),
        ("a tenant", in_tenant("t")),
        ("the default tenant", in_tenant("")),
        ("a tenant that is absent", in_tenant("v")),
        ("a customer and a foreign tenant", EventFilter { tenant: Some(tenant("t")), ..of("a") }),
        ("a customer and its tenant", EventFilter { tenant: Some(tenant("")), ..of("a") }),
        ("a customer and a kind", of("a").with_kind(EventKind::OrderPlaced)),
        ("a customer and a tag", of("b").with_tag(tag("account:x"))),
        ("a tenant and a tag", in_tenant("t").with_tag(tag("account:x"))),
        ("a tenant and a kind", in_tenant("t").with_kind(EventKind::OrderPlaced)),
        ("a tag and a kind", all().with_tag(tag("account:x")).with_kind(EventKind::NeedIdentified)),
        (
            "all parts",
            of("b").with_kind(EventKind::OrderPlaced).with_kind(named("won")).with_tag(tag("account:x")),
        ),
    ]
}

/// Says whether an event is in the set: the port's words, read a second time over owned events.
pub(crate) fn is_in(filter: &EventFilter, event: &JourneyEvent) -> bool {
    let EventFilter { kinds, tags, customer, tenant } = filter;
    let is_kind = |kind: &KindFilter| match (kind, &event.body) {
        (KindFilter::Custom(name), EventBody::Custom(body)) => body.name == *name,
        (KindFilter::Custom(_), _) => false,
        (KindFilter::Kind(kind), _) => *kind == event.kind(),
    };
    if !kinds.is_empty() && !kinds.iter().any(is_kind) {
        return false;
    }
    if tags.iter().any(|tag| !event.tags.contains(tag)) {
        return false;
    }
    if customer.as_ref().is_some_and(|customer| *customer != event.customer) {
        return false;
    }
    tenant.as_ref().is_none_or(|tenant| *tenant == event.customer.tenant)
}
