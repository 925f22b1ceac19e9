//! Two versions of a rule over the same log: who belongs by which.

use anyhow::Result;
use wayfold::insight::{
    CompareSegments, ComparedCustomer, ComparedGroup, ComparedGroups, Rule, Segment, SegmentComparison,
    SegmentVersion,
};
use wayfold::{ProjectionSet, Rules, Spell, Timestamp};

use super::Compare;
use crate::ask::{Asked, parse_time};
use crate::failure::usage;
use crate::output::Output;
use crate::table::Table;
use crate::words::{NONE, count, instant, many};

impl Compare {
    /// Compares the rules of the arguments; the second is under the other thresholds, if there are some.
    pub(super) fn tell_versions(
        &self,
        output: &mut Output,
        asked: &Asked,
        others: Option<Rules>,
    ) -> Result<()> {
        let rules: Vec<Rule> = self.texts.iter().map(|text| text.parse()).collect::<Result<_, _>>()?;
        let [old, new] = match (rules.as_slice(), &others) {
            ([old, new], _) => [old.clone(), new.clone()],
            ([rule], Some(_)) => [rule.clone(), rule.clone()],
            _ => {
                return Err(usage(
                    "one rule is compared with nothing; name a second one, or thresholds --with",
                ));
            }
        };
        let own = asked.wayfold.rules();
        let since = self.since.as_deref().map_or(Ok(asked.as_of), parse_time)?;
        let version = |version, rule: Rule, thresholds: Rules| -> Result<SegmentVersion> {
            let mut projections = ProjectionSet::new(thresholds.clone()).map_err(wayfold::Error::from)?;
            let lists = asked.lists(&[&rule], thresholds, since)?;
            lists.into_iter().for_each(|list| projections.put_list(list));
            Ok(SegmentVersion::over(Segment { name: "segment".to_owned(), version, rule }, projections)?)
        };
        let others = others.unwrap_or_else(|| own.clone());
        let (old, new) = (version(1, old, own)?, version(2, new, others)?);
        let question = CompareSegments::new(old, new, since, asked.as_of)?;
        let total = asked.wayfold.measure_of(&asked.tenant, &question, asked.as_of)?;
        let limit = if output.is_json() { usize::MAX } else { self.limit };
        let found = question.report(&total, limit)?;
        if output.is_json() {
            return output.object(&found);
        }
        self.tell_comparison(output, &found)
    }

    fn tell_comparison(&self, output: &mut Output, found: &SegmentComparison) -> Result<()> {
        output.heading(&format!("As of {}, of {}", instant(found.to), many(found.customers, "customer")))?;
        for (name, version) in [("old", &found.old), ("new", &found.new)] {
            output.line(format!("{name}: {}, under rules {:?}", version.segment.rule, version.rules))?;
        }
        output.line("")?;
        output.table(groups_table(&found.at_end))?;
        let ComparedGroups { only_old, only_new, .. } = if found.from == found.to {
            &found.at_end
        } else {
            self.tell_period(output, found)?;
            &found.in_period
        };
        let examples = only_old.examples.iter().chain(&only_new.examples);
        let differ = only_old.customers + only_new.customers;
        let rows = examples.take(self.limit).map(|member| member_row(member, found.from));
        let table = Table::new(&["customer", "old", "new", "net"], 3).with_rows(rows);
        self.tell_who(output, table, usize::try_from(differ)?)
    }

    fn tell_period(&self, output: &mut Output, found: &SegmentComparison) -> Result<()> {
        output.heading(&format!("At some instant since {}", instant(found.from)))?;
        output.line("")?;
        output.table(groups_table(&found.in_period))?;
        let (old, new) = (found.old_changes, found.new_changes);
        output.line(format!(
            "Entered {} times and left {} by the old, entered {} and left {} by the new; of both, {} did so at other \
             instants.",
            count(old.entered),
            count(old.left),
            count(new.entered),
            count(new.left),
            many(found.at_other_instants.customers, "customer")
        ))?;
        output.line("")
    }
}

fn groups_table(groups: &ComparedGroups) -> Table {
    let ComparedGroups { both, only_old, only_new } = groups;
    let rows = [("both", both), ("only old", only_old), ("only new", only_new)];
    let row = |(name, group): (&str, &ComparedGroup)| {
        let net: Vec<String> = group.net.iter().map(ToString::to_string).collect();
        vec![name.to_owned(), count(group.customers), net.join(", ")]
    };
    Table::new(&["by", "customers", "net"], 1).with_rows(rows.into_iter().map(row))
}

fn member_row(member: &ComparedCustomer, from: Timestamp) -> Vec<String> {
    let net: Vec<String> = member.net.iter().map(ToString::to_string).collect();
    vec![member.customer.to_string(), times(&member.old, from), times(&member.new, from), net.join(", ")]
}

/// When a customer belonged, since an instant.
fn times(spells: &[Spell], from: Timestamp) -> String {
    let time = |spell: &Spell| {
        let begin = if spell.entered_at <= from { String::new() } else { instant(spell.entered_at) };
        let end = spell.left_at.map_or_else(String::new, instant);
        match (begin.is_empty(), end.is_empty()) {
            (true, true) => "all the time".to_owned(),
            (true, false) => format!("until {end}"),
            (false, true) => format!("since {begin}"),
            (false, false) => format!("{begin} to {end}"),
        }
    };
    let all: Vec<String> = spells.iter().map(time).collect();
    if all.is_empty() { NONE.to_owned() } else { all.join(", ") }
}
