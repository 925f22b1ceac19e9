//! The list of all cases: the one place that names them, for the macro and for whoever asks.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::bench::StoreBench;
use super::case::{Case, Need, Verdict, capabilities};
use super::{
    append, checkpoints, concurrency, condition, content, ids, limits, names, order, read, reopening, scan,
    sharing, snapshots, subscription, waiting,
};
use crate::skip::skip;

/// Hands the list of cases to a macro, after what it is called with.
#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_cases {
    ($($then:ident)::+ ! ($($arguments:tt)*)) => {
        $($then)::+! { $($arguments)*
            append {
                batch_is_written_whole_in_its_order: Nothing,
                batch_is_never_torn: Nothing,
                refused_batch_leaves_nothing: Nothing,
                empty_batch_writes_nothing: Nothing,
                large_batch_is_written_whole: Nothing,
                append_may_be_tried_again_after_a_fault: Nothing,
            }
            ids {
                same_content_is_taken_where_it_stands: Nothing,
                other_content_is_refused: Nothing,
                refusal_names_the_id: Nothing,
                every_field_is_content: Nothing,
                position_and_recording_time_are_not_content: Nothing,
                partly_taken_batch_adds_only_what_is_new: Nothing,
                twice_in_one_batch_counts_once: Nothing,
                twice_in_one_batch_with_other_content_is_refused: Nothing,
                tenants_have_ids_of_their_own: Nothing,
            }
            order {
                positions_grow: Nothing,
                head_is_the_last_position: Nothing,
                recorded_at_is_the_clock: Nothing,
                recorded_at_never_goes_back: Nothing,
            }
            condition {
                matrix_of_filters_and_positions: Nothing,
                conflict_writes_nothing: Nothing,
                conflict_names_the_first_forbidden_event: Nothing,
                retry_finds_its_own_first_attempt: Nothing,
                own_events_are_left_aside: Nothing,
                own_events_are_those_of_the_tenant: Nothing,
                ids_are_looked_at_before_the_condition: Nothing,
            }
            read {
                forward_from_every_position: Nothing,
                backward_from_every_position: Nothing,
                filters_forward: Nothing,
                filters_backward: Nothing,
                pages_go_on_forward: Nothing,
                pages_go_on_backward: Nothing,
                limit_of_nothing: Nothing,
                limit_beyond_the_log: Nothing,
                past_the_end_is_an_empty_last_page: Nothing,
                empty_log_reads_as_nothing: Nothing,
                custom_and_unknown_kinds_are_told_apart: Nothing,
                customer_is_read_out_of_many: Nothing,
            }
            scan {
                every_event_stands_in_one_part: Nothing,
                goes_on_after_every_position: Nothing,
                past_the_end_is_an_empty_last_part: Nothing,
                a_history_holds_every_event_of_its_customer_once: Nothing,
            }
            content {
                every_kind_is_kept: Nothing,
                every_field_of_the_envelope_is_kept: Nothing,
                attributes_are_kept: Nothing,
                unknown_kinds_are_kept: Nothing,
                generated_histories_are_kept: Nothing,
            }
            names {
                quotes_and_separators: Nothing,
                control_characters: Nothing,
                blanks: Nothing,
                wildcards: Nothing,
                case: Nothing,
                normal_forms: Nothing,
                scripts_and_marks: Nothing,
                long_names: Nothing,
            }
            limits {
                what_reaches_a_limit_is_taken: Nothing,
                what_exceeds_a_limit_is_refused_whole: Nothing,
                far_future_is_refused: Nothing,
                what_stands_is_not_asked_for_its_time: Nothing,
                identity_kinds_are_refused: NoIdentity,
                identity_kinds_are_taken: Identity,
            }
            waiting {
                returns_at_once_when_the_log_is_past: Nothing,
                ends_with_the_next_append: Nothing,
                wakes_who_waits_already: Nothing,
                does_not_end_early: Nothing,
                wakes_everybody: Nothing,
                wakes_only_past_the_position: Nothing,
                dropped_waits_disturb_nobody: Nothing,
                append_by_another_handle_wakes: Shared,
            }
            subscription {
                follower_sees_every_event_once: Nothing,
                follower_sees_the_end_of_every_batch: Nothing,
                follower_sees_the_events_of_every_handle: Shared,
            }
            checkpoints {
                is_none_until_it_is_put: Nothing,
                is_replaced_whole: Nothing,
                keeps_any_position_and_any_bytes: Nothing,
                names_are_kept_apart: Nothing,
                stands_beside_the_log: Nothing,
                is_never_torn: Nothing,
                is_there_after_reopening: Durable,
                is_there_for_every_handle: Shared,
            }
            snapshots {
                upkeep_changes_nothing: Nothing,
                upkeep_keeps_ids_and_conditions: Nothing,
                forward_pages_fit_amid_appends_and_upkeep: Nothing,
                backward_pages_fit_amid_appends_and_upkeep: Nothing,
                reads_fit_while_threads_append_and_merge: Nothing,
            }
            reopening {
                everything_is_there: Durable,
                ids_stay_taken: Durable,
                conditions_see_what_was_before: Durable,
                the_order_goes_on: Durable,
            }
            sharing {
                each_handle_sees_what_the_other_wrote: Shared,
                ids_are_taken_for_every_handle: Shared,
                conditions_see_what_every_handle_wrote: Shared,
                one_order_for_every_handle: Shared,
            }
            concurrency {
                overlapping_batches_take_each_id_once: Nothing,
                one_caller_wins_each_version: Nothing,
                bad_input_fails_nobody_else: Nothing,
                overlapping_batches_of_every_handle_take_each_id_once: Shared,
                one_caller_of_every_handle_wins_each_version: Shared,
            }
        }
    };
}

macro_rules! list {
    ($($group:ident { $($rule:ident : $need:ident,)* })*) => {
        /// Every case, in the order of the groups.
        pub const CASES: &[Case] = &[$($(Case {
            name: concat!(stringify!($group), "::", stringify!($rule)),
            needs: Need::$need,
            check: $group::$rule,
        },)*)*];
    };
}

__conformance_cases!(list!());

/// Makes one test of each case of the suite, the model test, and the test of what is ruled out.
///
/// The first argument names the module that is made, the second is the bench of the store: see
/// [`conformance`](mod@crate::conformance) for a whole example.
#[macro_export]
macro_rules! conformance {
    ($name:ident, $bench:expr) => {
        $crate::__conformance_cases!($crate::__conformance_tests!($name, $bench;));
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __conformance_tests {
    ($name:ident, $bench:expr; $($group:ident { $($rule:ident : $need:ident,)* })*) => {
        #[cfg(test)]
        mod $name {
            use super::*;

            fn the_bench() -> ::std::sync::Arc<dyn $crate::conformance::StoreBench> {
                ::std::sync::Arc::new($bench)
            }

            $(mod $group {
                $(#[test]
                fn $rule() {
                    let rule = concat!(stringify!($group), "::", stringify!($rule));
                    $crate::conformance::run(&super::the_bench(), stringify!($name), rule);
                })*
            })*

            mod model {
                fn check(part: u64) {
                    let bench = super::the_bench();
                    if $crate::conformance::is_missing(&bench, &format!("{}::model::{part}", stringify!($name))) {
                        return;
                    }
                    let found = $crate::conformance::check_model(&bench, part);
                    found.unwrap_or_else(|difference| panic!("{difference}"));
                }

                #[test]
                fn first_quarter_of_the_sequences_agrees() {
                    check(0);
                }

                #[test]
                fn second_quarter_of_the_sequences_agrees() {
                    check(1);
                }

                #[test]
                fn third_quarter_of_the_sequences_agrees() {
                    check(2);
                }

                #[test]
                fn last_quarter_of_the_sequences_agrees() {
                    check(3);
                }
            }

            #[test]
            fn cases_are_ruled_out_by_capabilities_alone() {
                let bench = the_bench();
                if !$crate::conformance::is_missing(&bench, concat!(stringify!($name), "::ruled_out")) {
                    $crate::conformance::assert_ruled_out_as_declared(&bench);
                }
            }
        }
    };
}

/// Says whether a bench can make no log here, and then notes the test as skipped.
///
/// # Panics
/// If the note cannot be written.
pub fn is_missing(bench: &Arc<dyn StoreBench>, test: &str) -> bool {
    let missing = bench.missing();
    missing.inspect(|reason| skip(test, reason)).is_some()
}

/// Runs the case of a name for the bench of a store.
///
/// # Panics
/// If the case fails, or there is none of that name.
pub fn run(bench: &Arc<dyn StoreBench>, store: &str, name: &str) {
    if is_missing(bench, &format!("{store}::{name}")) {
        return;
    }
    let case = CASES.iter().find(|case| case.name == name);
    match case.expect("the macro names cases of the list").run(bench) {
        Verdict::Held => {}
        Verdict::Broken(how) => panic!("{store} breaks {name}: {how}"),
        Verdict::RuledOut(need) => println!("RULED OUT by capability: {store}::{name} ({need})"),
    }
}

/// What a store that is not durable is not asked.
const DURABLE: [&str; 5] = [
    "checkpoints::is_there_after_reopening",
    "reopening::conditions_see_what_was_before",
    "reopening::everything_is_there",
    "reopening::ids_stay_taken",
    "reopening::the_order_goes_on",
];

/// What a store of one handle is not asked.
const SHARED: [&str; 9] = [
    "checkpoints::is_there_for_every_handle",
    "concurrency::one_caller_of_every_handle_wins_each_version",
    "concurrency::overlapping_batches_of_every_handle_take_each_id_once",
    "sharing::conditions_see_what_every_handle_wrote",
    "sharing::each_handle_sees_what_the_other_wrote",
    "sharing::ids_are_taken_for_every_handle",
    "sharing::one_order_for_every_handle",
    "subscription::follower_sees_the_events_of_every_handle",
    "waiting::append_by_another_handle_wakes",
];

/// Checks that the cases which do not run are exactly those that the capabilities rule out, by lists that
/// are written down a second time.
///
/// # Panics
/// If another case does not run, or one runs that should not.
pub fn assert_ruled_out_as_declared(bench: &Arc<dyn StoreBench>) {
    let capabilities = capabilities(bench);
    let found: BTreeSet<&str> =
        CASES.iter().filter(|case| !case.needs.is_met_by(&capabilities)).map(|case| case.name).collect();
    let mut expected = BTreeSet::new();
    if !capabilities.durable {
        expected.extend(DURABLE);
    }
    if !capabilities.shared {
        expected.extend(SHARED);
    }
    let identity = if capabilities.identity { "refused" } else { "taken" };
    let identity = format!("limits::identity_kinds_are_{identity}");
    expected.insert(identity.as_str());
    assert_eq!(found, expected, "cases are ruled out that need not be, or run that cannot");
}
