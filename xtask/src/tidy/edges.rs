//! Who may import whom: the arrows between the crates point from the core outwards and never back.

use std::collections::BTreeSet;

use crate::cargo::{Dependency, Package};

/// One row of the house's table.
struct Row {
    name: &'static str,
    imports: &'static [&'static str],
    /// Imports that have to be optional, so that a user pays only for what is switched on.
    imports_by_feature: &'static [&'static str],
}

const fn row(name: &'static str, imports: &'static [&'static str]) -> Row {
    Row { name, imports, imports_by_feature: &[] }
}

const ADAPTERS_AND_ANALYSIS: &[&str] =
    &["wayfold-sqlite", "wayfold-postgres", "wayfold-nats", "wayfold-ingest", "wayfold-insight"];
const EVERYTHING: &[&str] = &["wayfold", "wayfold-report", "wayfold-testkit"];

/// The whole house, also the crates that are still to come. Arrows are transitive.
const HOUSE: &[Row] = &[
    row("wayfold-core", &[]),
    row("wayfold-block", &["wayfold-core"]),
    row("wayfold-store", &["wayfold-block"]),
    row("wayfold-sqlite", &["wayfold-store"]),
    row("wayfold-postgres", &["wayfold-store"]),
    row("wayfold-nats", &["wayfold-store"]),
    row("wayfold-testkit", &["wayfold-store"]),
    row("wayfold-ingest", &["wayfold-core"]),
    row("wayfold-insight", &["wayfold-core"]),
    row("wayfold-report", &["wayfold-ingest", "wayfold-insight"]),
    Row { name: "wayfold", imports: &["wayfold-store"], imports_by_feature: ADAPTERS_AND_ANALYSIS },
    row("wayfold-cli", EVERYTHING),
    row("wayfold-examples", EVERYTHING),
    row("wayfold-benches", EVERYTHING),
    row("xtask", &[]),
];

const TESTKIT: &str = "wayfold-testkit";

/// Finds every edge between our crates that the table does not allow, and every crate that it does not know.
pub(super) fn problems(packages: &[Package]) -> Vec<String> {
    let ours: BTreeSet<&str> = packages
        .iter()
        .map(|package| package.name.as_str())
        .chain(HOUSE.iter().map(|row| row.name))
        .collect();
    let mut found = Vec::new();
    for package in packages {
        let Some(row) = find(&package.name) else {
            found.push(format!("crate {} is not in the table of xtask/src/tidy/edges.rs", package.name));
            continue;
        };
        let inside = package.dependencies.iter().filter(|dependency| ours.contains(dependency.name.as_str()));
        found.extend(inside.filter_map(|dependency| problem(row, dependency)));
    }
    found
}

fn problem(row: &Row, dependency: &Dependency) -> Option<String> {
    let Row { name, imports_by_feature, .. } = row;
    let to = dependency.name.as_str();
    let is_dev = dependency.kind.as_deref() == Some("dev");
    if to == TESTKIT && (dependency.path.is_none() || dependency.req != "*") {
        return Some(format!("{name} must name {TESTKIT} by path alone, because it is never published"));
    }
    if is_dev && to == TESTKIT {
        return None;
    }
    if !reachable(row).contains(to) {
        return Some(format!("{name} must not import {to}"));
    }
    let by_feature = imports_by_feature.contains(&to) && !is_dev;
    (by_feature && !dependency.optional).then(|| format!("{name} may import {to} only by a feature"))
}

fn find(name: &str) -> Option<&'static Row> {
    HOUSE.iter().find(|row| row.name == name)
}

fn reachable(from: &Row) -> BTreeSet<&'static str> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<&str> = [from.imports, from.imports_by_feature].concat();
    while let Some(name) = open.pop() {
        if reached.insert(name) {
            open.extend(
                find(name).into_iter().flat_map(|row| [row.imports, row.imports_by_feature]).flatten(),
            );
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edge(from: &str, to: &str) -> Package {
        let dependency = Dependency {
            name: to.into(),
            kind: None,
            req: if to == TESTKIT { "*" } else { "^0.1.0" }.into(),
            path: Some("crates".into()),
            optional: false,
        };
        Package { name: from.into(), dependencies: vec![dependency], targets: vec![] }
    }

    #[track_caller]
    fn check(package: Package, expected: &[&str]) {
        assert_eq!(problems(&[package]), expected);
    }

    #[test]
    fn edges_of_the_table_pass_also_through_others() {
        check(edge("wayfold-block", "wayfold-core"), &[]);
        check(edge("wayfold-sqlite", "wayfold-core"), &[]);
        check(edge("wayfold-report", "wayfold-core"), &[]);
        check(edge("wayfold", "wayfold-block"), &[]);
        check(edge("wayfold-cli", "wayfold-nats"), &[]);
        check(edge("wayfold-core", "serde"), &[]);
    }

    #[test]
    fn edges_against_the_arrows_fail() {
        check(edge("wayfold-core", "wayfold-store"), &["wayfold-core must not import wayfold-store"]);
        check(
            edge("wayfold-sqlite", "wayfold-postgres"),
            &["wayfold-sqlite must not import wayfold-postgres"],
        );
        check(edge("wayfold-insight", "wayfold-store"), &["wayfold-insight must not import wayfold-store"]);
        check(edge("wayfold-store", "wayfold"), &["wayfold-store must not import wayfold"]);
        check(edge("wayfold", "wayfold-report"), &["wayfold must not import wayfold-report"]);
        check(edge("wayfold", "wayfold-testkit"), &["wayfold must not import wayfold-testkit"]);
    }

    #[test]
    fn facade_imports_adapters_only_by_feature() {
        check(edge("wayfold", "wayfold-sqlite"), &["wayfold may import wayfold-sqlite only by a feature"]);
        let mut optional = edge("wayfold", "wayfold-sqlite");
        optional.dependencies[0].optional = true;
        check(optional, &[]);
    }

    #[test]
    fn dev_dependency_is_free_only_on_the_testkit_by_path() {
        let dev = |from, to| {
            let mut package = edge(from, to);
            package.dependencies[0].kind = Some("dev".into());
            package
        };
        check(dev("wayfold-core", TESTKIT), &[]);
        check(dev("wayfold", "wayfold-sqlite"), &[]);
        check(dev("wayfold-core", "wayfold-store"), &["wayfold-core must not import wayfold-store"]);

        let mut versioned = dev("wayfold-core", TESTKIT);
        versioned.dependencies[0].req = "^0.1.0".into();
        check(
            versioned,
            &["wayfold-core must name wayfold-testkit by path alone, because it is never published"],
        );
    }

    #[test]
    fn crate_outside_the_table_fails() {
        check(
            edge("wayfold-extra", "wayfold-core"),
            &["crate wayfold-extra is not in the table of xtask/src/tidy/edges.rs"],
        );
        let unknown = Package { name: "wayfold-extra".into(), dependencies: vec![], targets: vec![] };
        let found = problems(&[edge("wayfold-core", "wayfold-extra"), unknown]);
        assert!(found.contains(&"wayfold-core must not import wayfold-extra".to_owned()), "{found:?}");
    }

    #[test]
    fn table_names_only_its_own_rows_and_has_no_cycle() {
        for row in HOUSE {
            let reached = reachable(row);
            assert!(reached.iter().all(|name| find(name).is_some()), "{}", row.name);
            assert!(!reached.contains(row.name), "{} imports itself", row.name);
        }
    }
}
