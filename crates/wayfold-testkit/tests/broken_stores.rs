//! A suite that nothing fails proves nothing: each of these broken stores is caught, and by which cases is
//! listed.
//!
//! `model` stands for the model test. A store that is broken in one thing may break others that follow from it:
//! a batch that is stored in reverse is read in reverse. Cases that run threads catch by luck what is not theirs;
//! they are listed only with the flaws that they are made for, which they have to catch every time.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "broken_stores/store.rs"]
mod store;

use std::collections::BTreeSet;
use std::panic;
use std::sync::{Arc, Once};

use wayfold_store::{FaultStore, MemoryStore};
use wayfold_testkit::conformance::{
    CASES, LogConfig, MODEL_PARTS, OpenLog, Opened, StoreBench, Verdict, check_model,
};

use self::store::{Flaw, FlawedBench};

/// The cases whose findings in a store that is broken elsewhere depend on how threads meet.
const THREADED: [&str; 10] = [
    "checkpoints::is_never_torn",
    "concurrency::bad_input_fails_nobody_else",
    "concurrency::one_caller_of_every_handle_wins_each_version",
    "concurrency::one_caller_wins_each_version",
    "concurrency::overlapping_batches_of_every_handle_take_each_id_once",
    "concurrency::overlapping_batches_take_each_id_once",
    "snapshots::reads_fit_while_threads_append_and_merge",
    "subscription::follower_sees_every_event_once",
    "subscription::follower_sees_the_events_of_every_handle",
    "waiting::wakes_who_waits_already",
];

/// What catches a broken store.
fn caught_by(bench: &Arc<dyn StoreBench>) -> Vec<(&'static str, String)> {
    // The findings are expected, and a few thousand backtraces of them would hide those that are not.
    static QUIET: Once = Once::new();
    QUIET.call_once(|| panic::set_hook(Box::new(|_| {})));
    let mut caught = Vec::new();
    for case in CASES {
        if let Verdict::Broken(how) = case.run(bench) {
            caught.push((case.name, how));
        }
    }
    let parts = (0..MODEL_PARTS).find_map(|part| check_model(bench, part).err());
    caught.extend(parts.map(|how| ("model", how)));
    caught
}

/// Says what is caught by others than are listed, or not by those that are.
fn check(bench: &Arc<dyn StoreBench>, expected: &[&str]) -> Result<(), String> {
    let caught = caught_by(bench);
    let found: BTreeSet<&str> = caught.iter().map(|(name, _)| *name).collect();
    let missed: Vec<_> = expected.iter().filter(|name| !found.contains(*name)).collect();
    let is_new = |name: &&str| !expected.contains(name) && !THREADED.contains(name);
    let more: Vec<_> = caught.iter().filter(|(name, _)| is_new(name)).collect();
    if missed.is_empty() && more.is_empty() {
        return Ok(());
    }
    Err(format!("not caught by {missed:#?}; caught also by {more:#?}"))
}

macro_rules! broken_stores {
    ($($test:ident: $flaw:ident => [$($case:literal,)*];)*) => {
        $(#[test]
        fn $test() -> Result<(), String> {
            let bench: Arc<dyn StoreBench> = Arc::new(FlawedBench(Flaw::$flaw));
            check(&bench, &[$($case),*])
        })*

        /// Every case that some broken store is listed with.
        const LISTED: &[&str] = &[$($($case),*),*];
    };
}

broken_stores! {
    any_tag_is_enough: AnyTagIsEnough => [
        "condition::matrix_of_filters_and_positions",
        "read::filters_forward",
        "read::filters_backward",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "snapshots::upkeep_changes_nothing",
        "reopening::everything_is_there",
        "reopening::conditions_see_what_was_before",
        "model",
    ];
    backward_leaves_one_out: BackwardLeavesOneOut => [
        "read::backward_from_every_position",
        "read::filters_backward",
        "read::pages_go_on_backward",
        "content::every_kind_is_kept",
        "content::every_field_of_the_envelope_is_kept",
        "snapshots::upkeep_changes_nothing",
        "snapshots::backward_pages_fit_amid_appends_and_upkeep",
        "model",
    ];
    backward_pages_count_from_the_end: BackwardPagesCountFromTheEnd => [
        "read::pages_go_on_backward",
        "read::customer_is_read_out_of_many",
        "content::every_kind_is_kept",
        "content::every_field_of_the_envelope_is_kept",
        "snapshots::upkeep_changes_nothing",
        "snapshots::backward_pages_fit_amid_appends_and_upkeep",
        "model",
    ];
    backward_read_goes_forward: BackwardReadGoesForward => [
        "read::backward_from_every_position",
        "read::filters_backward",
        "read::pages_go_on_backward",
        "read::limit_of_nothing",
        "read::limit_beyond_the_log",
        "read::customer_is_read_out_of_many",
        "content::every_kind_is_kept",
        "content::every_field_of_the_envelope_is_kept",
        "content::attributes_are_kept",
        "content::unknown_kinds_are_kept",
        "snapshots::upkeep_changes_nothing",
        "snapshots::backward_pages_fit_amid_appends_and_upkeep",
        "model",
    ];
    backward_takes_the_position: BackwardTakesThePosition => [
        "read::backward_from_every_position",
        "read::filters_backward",
        "read::pages_go_on_backward",
        "read::customer_is_read_out_of_many",
        "content::every_kind_is_kept",
        "content::every_field_of_the_envelope_is_kept",
        "snapshots::upkeep_changes_nothing",
        "snapshots::backward_pages_fit_amid_appends_and_upkeep",
        "model",
    ];
    bad_input_fails_its_neighbours: BadInputFailsItsNeighbours => [
        "concurrency::bad_input_fails_nobody_else",
    ];
    batch_reversed: BatchReversed => [
        "scan::every_event_stands_in_one_part",
        "scan::goes_on_after_every_position",
        "scan::a_history_holds_every_event_of_its_customer_once",
        "append::batch_is_written_whole_in_its_order",
        "append::large_batch_is_written_whole",
        "append::append_may_be_tried_again_after_a_fault",
        "ids::same_content_is_taken_where_it_stands",
        "ids::position_and_recording_time_are_not_content",
        "ids::partly_taken_batch_adds_only_what_is_new",
        "ids::twice_in_one_batch_counts_once",
        "condition::conflict_names_the_first_forbidden_event",
        "condition::retry_finds_its_own_first_attempt",
        "condition::own_events_are_left_aside",
        "read::forward_from_every_position",
        "read::backward_from_every_position",
        "read::filters_forward",
        "read::filters_backward",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "read::limit_of_nothing",
        "read::limit_beyond_the_log",
        "content::every_kind_is_kept",
        "content::every_field_of_the_envelope_is_kept",
        "content::attributes_are_kept",
        "content::unknown_kinds_are_kept",
        "content::generated_histories_are_kept",
        "sharing::ids_are_taken_for_every_handle",
        "model",
    ];
    checkpoint_cut_at_one_mebibyte: CheckpointCutAtOneMebibyte => [
        "checkpoints::keeps_any_position_and_any_bytes",
    ];
    checkpoint_keeps_the_tail: CheckpointKeepsTheTail => [
        "checkpoints::is_replaced_whole",
        "checkpoints::stands_beside_the_log",
        "checkpoints::is_there_after_reopening",
        "checkpoints::is_there_for_every_handle",
    ];
    checkpoint_moves_the_head: CheckpointMovesTheHead => [
        "waiting::does_not_end_early",
        "model",
    ];
    checkpoint_never_absent: CheckpointNeverAbsent => [
        "checkpoints::is_none_until_it_is_put",
        "checkpoints::names_are_kept_apart",
        "checkpoints::is_there_after_reopening",
        "model",
    ];
    checkpoint_never_goes_back: CheckpointNeverGoesBack => [
        "checkpoints::is_replaced_whole",
        "checkpoints::is_there_after_reopening",
        "checkpoints::is_there_for_every_handle",
        "model",
    ];
    checkpoint_torn: CheckpointTorn => [
        "checkpoints::is_never_torn",
    ];
    checkpoints_of_each_handle: CheckpointsOfEachHandle => [
        "checkpoints::is_there_after_reopening",
        "checkpoints::is_there_for_every_handle",
        "model",
    ];
    condition_at_the_position: ConditionAtThePosition => [
        "condition::matrix_of_filters_and_positions",
        "condition::conflict_names_the_first_forbidden_event",
        "names::quotes_and_separators",
        "names::control_characters",
        "names::blanks",
        "names::wildcards",
        "names::case",
        "names::normal_forms",
        "names::scripts_and_marks",
        "names::long_names",
        "snapshots::upkeep_keeps_ids_and_conditions",
        "sharing::conditions_see_what_every_handle_wrote",
        "model",
    ];
    condition_before_ids: ConditionBeforeIds => [
        "condition::retry_finds_its_own_first_attempt",
        "condition::ids_are_looked_at_before_the_condition",
        "model",
    ];
    condition_before_reuse: ConditionBeforeReuse => [
        "condition::ids_are_looked_at_before_the_condition",
        "model",
    ];
    condition_ignores_customer: ConditionIgnoresCustomer => [
        "condition::matrix_of_filters_and_positions",
        "condition::conflict_names_the_first_forbidden_event",
        "names::quotes_and_separators",
        "names::control_characters",
        "names::blanks",
        "names::wildcards",
        "names::case",
        "names::normal_forms",
        "names::scripts_and_marks",
        "names::long_names",
        "snapshots::upkeep_keeps_ids_and_conditions",
        "reopening::conditions_see_what_was_before",
        "model",
    ];
    condition_ignores_kinds: ConditionIgnoresKinds => [
        "condition::matrix_of_filters_and_positions",
        "names::quotes_and_separators",
        "names::control_characters",
        "names::blanks",
        "names::wildcards",
        "names::case",
        "names::normal_forms",
        "names::scripts_and_marks",
        "names::long_names",
        "reopening::conditions_see_what_was_before",
        "model",
    ];
    condition_ignores_tags: ConditionIgnoresTags => [
        "condition::matrix_of_filters_and_positions",
        "names::quotes_and_separators",
        "names::control_characters",
        "names::blanks",
        "names::wildcards",
        "names::case",
        "names::normal_forms",
        "names::scripts_and_marks",
        "names::long_names",
        "reopening::conditions_see_what_was_before",
        "model",
    ];
    condition_ignores_tenant: ConditionIgnoresTenant => [
        "condition::matrix_of_filters_and_positions",
        "names::quotes_and_separators",
        "names::control_characters",
        "names::blanks",
        "names::wildcards",
        "names::case",
        "names::normal_forms",
        "names::scripts_and_marks",
        "names::long_names",
        "reopening::conditions_see_what_was_before",
        "model",
    ];
    condition_sees_own_events: ConditionSeesOwnEvents => [
        "condition::own_events_are_left_aside",
        "model",
    ];
    condition_skips_one: ConditionSkipsOne => [
        "condition::matrix_of_filters_and_positions",
        "condition::conflict_writes_nothing",
        "condition::conflict_names_the_first_forbidden_event",
        "condition::own_events_are_left_aside",
        "condition::own_events_are_those_of_the_tenant",
        "names::quotes_and_separators",
        "names::control_characters",
        "names::blanks",
        "names::wildcards",
        "names::case",
        "names::normal_forms",
        "names::scripts_and_marks",
        "names::long_names",
        "snapshots::upkeep_keeps_ids_and_conditions",
        "reopening::conditions_see_what_was_before",
        "sharing::conditions_see_what_every_handle_wrote",
        "model",
    ];
    condition_unlocked: ConditionUnlocked => [
        "concurrency::one_caller_wins_each_version",
        "concurrency::one_caller_of_every_handle_wins_each_version",
    ];
    conditions_of_each_handle: ConditionsOfEachHandle => [
        "reopening::conditions_see_what_was_before",
        "sharing::conditions_see_what_every_handle_wrote",
        "model",
    ];
    conflict_names_the_head: ConflictNamesTheHead => [
        "condition::matrix_of_filters_and_positions",
        "condition::conflict_names_the_first_forbidden_event",
        "condition::own_events_are_left_aside",
        "names::quotes_and_separators",
        "names::control_characters",
        "names::blanks",
        "names::wildcards",
        "names::case",
        "names::normal_forms",
        "names::scripts_and_marks",
        "names::long_names",
        "snapshots::upkeep_keeps_ids_and_conditions",
        "reopening::conditions_see_what_was_before",
        "model",
    ];
    conflict_names_the_last: ConflictNamesTheLast => [
        "condition::matrix_of_filters_and_positions",
        "condition::conflict_names_the_first_forbidden_event",
        "condition::own_events_are_left_aside",
        "snapshots::upkeep_keeps_ids_and_conditions",
        "reopening::conditions_see_what_was_before",
        "model",
    ];
    conflict_writes_anyway: ConflictWritesAnyway => [
        "condition::matrix_of_filters_and_positions",
        "condition::conflict_writes_nothing",
        "sharing::conditions_see_what_every_handle_wrote",
        "model",
    ];
    content_is_the_body: ContentIsTheBody => [
        "ids::every_field_is_content",
        "model",
    ];
    custom_kinds_are_one: CustomKindsAreOne => [
        "condition::matrix_of_filters_and_positions",
        "read::filters_forward",
        "read::filters_backward",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "read::custom_and_unknown_kinds_are_told_apart",
        "names::quotes_and_separators",
        "names::control_characters",
        "names::blanks",
        "names::wildcards",
        "names::case",
        "names::normal_forms",
        "names::scripts_and_marks",
        "names::long_names",
        "snapshots::upkeep_changes_nothing",
        "reopening::everything_is_there",
        "model",
    ];
    customers_across_tenants: CustomersAcrossTenants => [
        "condition::matrix_of_filters_and_positions",
        "read::filters_forward",
        "read::filters_backward",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "snapshots::upkeep_changes_nothing",
        "reopening::everything_is_there",
        "reopening::conditions_see_what_was_before",
        "model",
    ];
    default_tenant_is_any: DefaultTenantIsAny => [
        "read::filters_forward",
        "read::filters_backward",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "snapshots::upkeep_changes_nothing",
        "reopening::everything_is_there",
        "model",
    ];
    dropped_wait_forgets_all: DroppedWaitForgetsAll => [
        "waiting::dropped_waits_disturb_nobody",
    ];
    empty_batch_taken: EmptyBatchTaken => [
        "append::empty_batch_writes_nothing",
        "condition::matrix_of_filters_and_positions",
        "condition::conflict_names_the_first_forbidden_event",
        "names::quotes_and_separators",
        "names::control_characters",
        "names::blanks",
        "names::wildcards",
        "names::case",
        "names::normal_forms",
        "names::scripts_and_marks",
        "names::long_names",
        "snapshots::upkeep_keeps_ids_and_conditions",
        "reopening::conditions_see_what_was_before",
        "model",
    ];
    empty_batch_unconditioned: EmptyBatchUnconditioned => [
        "condition::matrix_of_filters_and_positions",
        "condition::conflict_names_the_first_forbidden_event",
        "names::quotes_and_separators",
        "names::control_characters",
        "names::blanks",
        "names::wildcards",
        "names::case",
        "names::normal_forms",
        "names::scripts_and_marks",
        "names::long_names",
        "snapshots::upkeep_keeps_ids_and_conditions",
        "reopening::conditions_see_what_was_before",
        "model",
    ];
    empty_log_unreadable: EmptyLogUnreadable => [
        "ids::twice_in_one_batch_with_other_content_is_refused",
        "read::empty_log_reads_as_nothing",
        "limits::identity_kinds_are_refused",
        "model",
    ];
    empty_page_is_the_last: EmptyPageIsTheLast => [
        "read::limit_of_nothing",
    ];
    end_is_the_start: EndIsTheStart => [
        "read::forward_from_every_position",
        "read::filters_forward",
        "read::past_the_end_is_an_empty_last_page",
        "model",
    ];
    every_page_goes_on: EveryPageGoesOn => [
        "append::batch_is_written_whole_in_its_order",
        "append::batch_is_never_torn",
        "append::refused_batch_leaves_nothing",
        "append::empty_batch_writes_nothing",
        "append::large_batch_is_written_whole",
        "append::append_may_be_tried_again_after_a_fault",
        "ids::same_content_is_taken_where_it_stands",
        "ids::other_content_is_refused",
        "ids::position_and_recording_time_are_not_content",
        "ids::partly_taken_batch_adds_only_what_is_new",
        "ids::twice_in_one_batch_counts_once",
        "ids::twice_in_one_batch_with_other_content_is_refused",
        "ids::tenants_have_ids_of_their_own",
        "order::positions_grow",
        "order::head_is_the_last_position",
        "order::recorded_at_is_the_clock",
        "order::recorded_at_never_goes_back",
        "condition::matrix_of_filters_and_positions",
        "condition::conflict_writes_nothing",
        "condition::own_events_are_left_aside",
        "read::forward_from_every_position",
        "read::backward_from_every_position",
        "read::filters_forward",
        "read::filters_backward",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "read::limit_of_nothing",
        "read::limit_beyond_the_log",
        "read::past_the_end_is_an_empty_last_page",
        "read::empty_log_reads_as_nothing",
        "read::custom_and_unknown_kinds_are_told_apart",
        "read::customer_is_read_out_of_many",
        "content::every_kind_is_kept",
        "content::every_field_of_the_envelope_is_kept",
        "content::attributes_are_kept",
        "content::unknown_kinds_are_kept",
        "content::generated_histories_are_kept",
        "names::quotes_and_separators",
        "names::control_characters",
        "names::blanks",
        "names::wildcards",
        "names::case",
        "names::normal_forms",
        "names::scripts_and_marks",
        "names::long_names",
        "limits::identity_kinds_are_refused",
        "subscription::follower_sees_the_end_of_every_batch",
        "checkpoints::stands_beside_the_log",
        "snapshots::upkeep_changes_nothing",
        "snapshots::upkeep_keeps_ids_and_conditions",
        "snapshots::forward_pages_fit_amid_appends_and_upkeep",
        "snapshots::backward_pages_fit_amid_appends_and_upkeep",
        "reopening::everything_is_there",
        "reopening::ids_stay_taken",
        "reopening::conditions_see_what_was_before",
        "reopening::the_order_goes_on",
        "sharing::each_handle_sees_what_the_other_wrote",
        "sharing::one_order_for_every_handle",
        "model",
    ];
    first_kind_alone: FirstKindAlone => [
        "condition::matrix_of_filters_and_positions",
        "read::filters_forward",
        "read::filters_backward",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "snapshots::upkeep_changes_nothing",
        "reopening::everything_is_there",
        "model",
    ];
    first_of_two_in_one_batch_wins: FirstOfTwoInOneBatchWins => [
        "ids::twice_in_one_batch_with_other_content_is_refused",
        "model",
    ];
    forward_pages_go_on_at_the_head: ForwardPagesGoOnAtTheHead => [
        "snapshots::upkeep_changes_nothing",
        "snapshots::forward_pages_fit_amid_appends_and_upkeep",
        "model",
    ];
    forward_takes_the_position: ForwardTakesThePosition => [
        "append::large_batch_is_written_whole",
        "condition::matrix_of_filters_and_positions",
        "read::forward_from_every_position",
        "read::filters_forward",
        "read::pages_go_on_forward",
        "read::past_the_end_is_an_empty_last_page",
        "read::customer_is_read_out_of_many",
        "content::every_kind_is_kept",
        "content::generated_histories_are_kept",
        "subscription::follower_sees_the_end_of_every_batch",
        "snapshots::upkeep_changes_nothing",
        "snapshots::forward_pages_fit_amid_appends_and_upkeep",
        "model",
    ];
    first_part_is_the_last: FirstPartIsTheLast => [
        "scan::every_event_stands_in_one_part",
        "scan::goes_on_after_every_position",
    ];
    full_page_is_the_last: FullPageIsTheLast => [
        "append::large_batch_is_written_whole",
        "condition::matrix_of_filters_and_positions",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "read::customer_is_read_out_of_many",
        "content::every_kind_is_kept",
        "content::every_field_of_the_envelope_is_kept",
        "content::generated_histories_are_kept",
        "subscription::follower_sees_the_end_of_every_batch",
        "snapshots::upkeep_changes_nothing",
        "snapshots::forward_pages_fit_amid_appends_and_upkeep",
        "snapshots::backward_pages_fit_amid_appends_and_upkeep",
        "model",
    ];
    future_of_taken_events: FutureOfTakenEvents => [
        "limits::what_stands_is_not_asked_for_its_time",
        "model",
    ];
    future_unchecked: FutureUnchecked => [
        "limits::far_future_is_refused",
        "limits::what_stands_is_not_asked_for_its_time",
        "model",
    ];
    handle_sees_its_own_only: HandleSeesItsOwnOnly => [
        "sharing::each_handle_sees_what_the_other_wrote",
    ];
    head_is_the_event_before: HeadIsTheEventBefore => [
        "scan::past_the_end_is_an_empty_last_part",
        "order::head_is_the_last_position",
        "condition::conflict_writes_nothing",
        "read::forward_from_every_position",
        "read::backward_from_every_position",
        "read::filters_forward",
        "read::filters_backward",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "read::limit_of_nothing",
        "read::limit_beyond_the_log",
        "read::past_the_end_is_an_empty_last_page",
        "waiting::returns_at_once_when_the_log_is_past",
        "waiting::ends_with_the_next_append",
        "waiting::wakes_who_waits_already",
        "waiting::does_not_end_early",
        "waiting::wakes_everybody",
        "waiting::wakes_only_past_the_position",
        "waiting::dropped_waits_disturb_nobody",
        "waiting::append_by_another_handle_wakes",
        "model",
    ];
    head_moves_with_retries: HeadMovesWithRetries => [
        "order::head_is_the_last_position",
        "waiting::does_not_end_early",
        "model",
    ];
    history_leaves_one_out: HistoryLeavesOneOut => [
        "scan::a_history_holds_every_event_of_its_customer_once",
    ];
    identity_accepted: IdentityAccepted => [
        "limits::identity_kinds_are_refused",
    ];
    identity_never_taken: IdentityNeverTaken => [
        "content::every_kind_is_kept",
        "limits::identity_kinds_are_taken",
    ];
    ids_across_tenants: IdsAcrossTenants => [
        "ids::tenants_have_ids_of_their_own",
        "condition::own_events_are_those_of_the_tenant",
        "content::generated_histories_are_kept",
        "model",
    ];
    ids_of_each_handle: IdsOfEachHandle => [
        "reopening::ids_stay_taken",
        "sharing::ids_are_taken_for_every_handle",
        "model",
    ];
    ids_unlocked: IdsUnlocked => [
        "concurrency::overlapping_batches_take_each_id_once",
        "concurrency::overlapping_batches_of_every_handle_take_each_id_once",
    ];
    lane_hands_customers_out_again: LaneHandsCustomersOutAgain => [
        "scan::every_event_stands_in_one_part",
        "scan::goes_on_after_every_position",
    ];
    last_event_of_a_batch_lost: LastEventOfABatchLost => [
        "scan::every_event_stands_in_one_part",
        "scan::goes_on_after_every_position",
        "scan::a_history_holds_every_event_of_its_customer_once",
        "append::batch_is_written_whole_in_its_order",
        "append::batch_is_never_torn",
        "append::large_batch_is_written_whole",
        "append::append_may_be_tried_again_after_a_fault",
        "ids::same_content_is_taken_where_it_stands",
        "ids::other_content_is_refused",
        "ids::position_and_recording_time_are_not_content",
        "ids::partly_taken_batch_adds_only_what_is_new",
        "ids::twice_in_one_batch_counts_once",
        "ids::tenants_have_ids_of_their_own",
        "order::positions_grow",
        "order::head_is_the_last_position",
        "order::recorded_at_is_the_clock",
        "condition::conflict_names_the_first_forbidden_event",
        "condition::retry_finds_its_own_first_attempt",
        "condition::own_events_are_left_aside",
        "read::forward_from_every_position",
        "read::backward_from_every_position",
        "read::filters_forward",
        "read::filters_backward",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "read::limit_of_nothing",
        "read::limit_beyond_the_log",
        "read::past_the_end_is_an_empty_last_page",
        "read::custom_and_unknown_kinds_are_told_apart",
        "read::customer_is_read_out_of_many",
        "content::every_kind_is_kept",
        "content::every_field_of_the_envelope_is_kept",
        "content::attributes_are_kept",
        "content::unknown_kinds_are_kept",
        "content::generated_histories_are_kept",
        "names::quotes_and_separators",
        "names::control_characters",
        "names::blanks",
        "names::wildcards",
        "names::case",
        "names::normal_forms",
        "names::scripts_and_marks",
        "names::long_names",
        "waiting::returns_at_once_when_the_log_is_past",
        "waiting::does_not_end_early",
        "subscription::follower_sees_the_end_of_every_batch",
        "checkpoints::stands_beside_the_log",
        "sharing::each_handle_sees_what_the_other_wrote",
        "sharing::ids_are_taken_for_every_handle",
        "model",
    ];
    late_commit_passed: LateCommitPassed => [
        "subscription::follower_sees_every_event_once",
        "subscription::follower_sees_the_events_of_every_handle",
    ];
    limit_ignored: LimitIgnored => [
        "append::large_batch_is_written_whole",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "read::limit_of_nothing",
        "read::customer_is_read_out_of_many",
        "content::every_kind_is_kept",
        "content::every_field_of_the_envelope_is_kept",
        "content::generated_histories_are_kept",
        "subscription::follower_sees_the_end_of_every_batch",
        "snapshots::upkeep_changes_nothing",
        "snapshots::forward_pages_fit_amid_appends_and_upkeep",
        "snapshots::backward_pages_fit_amid_appends_and_upkeep",
        "model",
    ];
    limit_plus_one_overflows: LimitPlusOneOverflows => [
        "read::limit_beyond_the_log",
    ];
    limits_not_reached: LimitsNotReached => [
        "limits::what_reaches_a_limit_is_taken",
        "limits::what_exceeds_a_limit_is_refused_whole",
    ];
    limits_unchecked: LimitsUnchecked => [
        "limits::what_exceeds_a_limit_is_refused_whole",
    ];
    long_customers_cut_short: LongCustomersCutShort => [
        "append::large_batch_is_written_whole",
        "read::customer_is_read_out_of_many",
        "snapshots::forward_pages_fit_amid_appends_and_upkeep",
        "reopening::everything_is_there",
        "model",
    ];
    names_are_patterns: NamesArePatterns => [
        "names::wildcards",
    ];
    names_end_at_nul: NamesEndAtNul => [
        "names::control_characters",
        "checkpoints::names_are_kept_apart",
    ];
    names_folded_to_lower_case: NamesFoldedToLowerCase => [
        "names::case",
        "names::normal_forms",
        "checkpoints::names_are_kept_apart",
        "model",
    ];
    names_normalised: NamesNormalised => [
        "names::normal_forms",
        "checkpoints::names_are_kept_apart",
    ];
    names_of_255_bytes: NamesOf255Bytes => [
        "names::long_names",
        "checkpoints::names_are_kept_apart",
    ];
    names_trimmed: NamesTrimmed => [
        "names::control_characters",
        "names::blanks",
        "checkpoints::names_are_kept_apart",
        "model",
    ];
    names_unquoted: NamesUnquoted => [
        "names::quotes_and_separators",
    ];
    names_without_marks: NamesWithoutMarks => [
        "names::scripts_and_marks",
        "checkpoints::names_are_kept_apart",
    ];
    nested_json_lost: NestedJsonLost => [
        "content::every_kind_is_kept",
        "content::attributes_are_kept",
    ];
    nobody_woken: NobodyWoken => [
        "waiting::ends_with_the_next_append",
        "waiting::wakes_who_waits_already",
        "waiting::wakes_everybody",
        "waiting::wakes_only_past_the_position",
        "waiting::dropped_waits_disturb_nobody",
        "waiting::append_by_another_handle_wakes",
    ];
    offset_lost: OffsetLost => [
        "content::every_kind_is_kept",
        "content::every_field_of_the_envelope_is_kept",
        "content::generated_histories_are_kept",
    ];
    one_position_for_a_batch: OnePositionForABatch => [
        "scan::every_event_stands_in_one_part",
        "scan::goes_on_after_every_position",
        "append::large_batch_is_written_whole",
        "order::positions_grow",
        "condition::conflict_names_the_first_forbidden_event",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "content::every_kind_is_kept",
        "content::generated_histories_are_kept",
        "waiting::returns_at_once_when_the_log_is_past",
        "subscription::follower_sees_the_end_of_every_batch",
        "snapshots::upkeep_changes_nothing",
        "snapshots::forward_pages_fit_amid_appends_and_upkeep",
        "snapshots::backward_pages_fit_amid_appends_and_upkeep",
        "reopening::the_order_goes_on",
        "model",
    ];
    one_waiter_woken: OneWaiterWoken => [
        "waiting::wakes_who_waits_already",
        "waiting::wakes_everybody",
        "waiting::wakes_only_past_the_position",
    ];
    order_lines_lost: OrderLinesLost => [
        "content::every_kind_is_kept",
        "content::generated_histories_are_kept",
    ];
    own_events_across_tenants: OwnEventsAcrossTenants => [
        "condition::own_events_are_those_of_the_tenant",
    ];
    page_border_doubled: PageBorderDoubled => [
        "append::large_batch_is_written_whole",
        "condition::matrix_of_filters_and_positions",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "read::customer_is_read_out_of_many",
        "content::every_kind_is_kept",
        "content::every_field_of_the_envelope_is_kept",
        "content::generated_histories_are_kept",
        "subscription::follower_sees_the_end_of_every_batch",
        "snapshots::upkeep_changes_nothing",
        "snapshots::forward_pages_fit_amid_appends_and_upkeep",
        "snapshots::backward_pages_fit_amid_appends_and_upkeep",
        "model",
    ];
    page_border_skipped: PageBorderSkipped => [
        "append::large_batch_is_written_whole",
        "condition::matrix_of_filters_and_positions",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "read::limit_of_nothing",
        "content::every_kind_is_kept",
        "content::every_field_of_the_envelope_is_kept",
        "content::generated_histories_are_kept",
        "subscription::follower_sees_the_end_of_every_batch",
        "snapshots::upkeep_changes_nothing",
        "snapshots::forward_pages_fit_amid_appends_and_upkeep",
        "snapshots::backward_pages_fit_amid_appends_and_upkeep",
        "model",
    ];
    partly_taken_refused: PartlyTakenRefused => [
        "ids::partly_taken_batch_adds_only_what_is_new",
        "condition::own_events_are_left_aside",
        "limits::far_future_is_refused",
        "limits::what_stands_is_not_asked_for_its_time",
        "model",
    ];
    partly_taken_stored_again: PartlyTakenStoredAgain => [
        "ids::partly_taken_batch_adds_only_what_is_new",
        "condition::own_events_are_left_aside",
        "limits::what_stands_is_not_asked_for_its_time",
        "model",
    ];
    position_is_content: PositionIsContent => [
        "ids::position_and_recording_time_are_not_content",
    ];
    product_tags_lost: ProductTagsLost => [
        "content::every_field_of_the_envelope_is_kept",
        "content::generated_histories_are_kept",
    ];
    receipt_lost: ReceiptLost => [
        "content::every_kind_is_kept",
        "content::every_field_of_the_envelope_is_kept",
    ];
    recorded_when_it_happened: RecordedWhenItHappened => [
        "order::recorded_at_is_the_clock",
        "order::recorded_at_never_goes_back",
        "sharing::one_order_for_every_handle",
        "model",
    ];
    recording_time_goes_back: RecordingTimeGoesBack => [
        "order::recorded_at_never_goes_back",
        "reopening::the_order_goes_on",
        "sharing::one_order_for_every_handle",
        "model",
    ];
    recording_time_of_each_handle: RecordingTimeOfEachHandle => [
        "reopening::the_order_goes_on",
        "sharing::one_order_for_every_handle",
        "model",
    ];
    refusal_of_unknown_outcome: RefusalOfUnknownOutcome => [
        "append::refused_batch_leaves_nothing",
        "ids::other_content_is_refused",
        "ids::every_field_is_content",
        "ids::twice_in_one_batch_with_other_content_is_refused",
        "ids::tenants_have_ids_of_their_own",
        "limits::what_exceeds_a_limit_is_refused_whole",
        "limits::far_future_is_refused",
        "limits::what_stands_is_not_asked_for_its_time",
        "limits::identity_kinds_are_refused",
        "model",
    ];
    refusal_without_the_id: RefusalWithoutTheId => [
        "ids::refusal_names_the_id",
    ];
    refused_batch_written_in_part: RefusedBatchWrittenInPart => [
        "append::refused_batch_leaves_nothing",
        "ids::other_content_is_refused",
        "model",
    ];
    reopening_counts_from_the_start: ReopeningCountsFromTheStart => [
        "reopening::the_order_goes_on",
        "model",
    ];
    reopening_forgets_conditions: ReopeningForgetsConditions => [
        "reopening::conditions_see_what_was_before",
        "model",
    ];
    reopening_forgets_ids: ReopeningForgetsIds => [
        "reopening::ids_stay_taken",
        "model",
    ];
    reopening_forgets_the_time: ReopeningForgetsTheTime => [
        "reopening::the_order_goes_on",
        "model",
    ];
    reopening_loses_checkpoints: ReopeningLosesCheckpoints => [
        "checkpoints::is_there_after_reopening",
        "model",
    ];
    reopening_loses_the_last_event: ReopeningLosesTheLastEvent => [
        "reopening::everything_is_there",
        "reopening::ids_stay_taken",
        "model",
    ];
    retry_refused: RetryRefused => [
        "append::append_may_be_tried_again_after_a_fault",
        "ids::same_content_is_taken_where_it_stands",
        "ids::every_field_is_content",
        "ids::position_and_recording_time_are_not_content",
        "ids::partly_taken_batch_adds_only_what_is_new",
        "ids::twice_in_one_batch_counts_once",
        "ids::tenants_have_ids_of_their_own",
        "order::head_is_the_last_position",
        "condition::retry_finds_its_own_first_attempt",
        "condition::own_events_are_left_aside",
        "limits::far_future_is_refused",
        "limits::what_stands_is_not_asked_for_its_time",
        "waiting::does_not_end_early",
        "snapshots::upkeep_keeps_ids_and_conditions",
        "reopening::ids_stay_taken",
        "sharing::ids_are_taken_for_every_handle",
        "model",
    ];
    reused_id_taken: ReusedIdTaken => [
        "append::refused_batch_leaves_nothing",
        "ids::other_content_is_refused",
        "ids::refusal_names_the_id",
        "ids::every_field_is_content",
        "ids::tenants_have_ids_of_their_own",
        "condition::ids_are_looked_at_before_the_condition",
        "snapshots::upkeep_keeps_ids_and_conditions",
        "reopening::ids_stay_taken",
        "sharing::ids_are_taken_for_every_handle",
        "model",
    ];
    scan_leaves_one_out: ScanLeavesOneOut => [
        "scan::every_event_stands_in_one_part",
        "scan::goes_on_after_every_position",
    ];
    scan_past_the_end_is_at_the_head: ScanPastTheEndIsAtTheHead => [
        "scan::past_the_end_is_an_empty_last_part",
    ];
    scan_takes_the_position: ScanTakesThePosition => [
        "scan::every_event_stands_in_one_part",
        "scan::goes_on_after_every_position",
        "scan::past_the_end_is_an_empty_last_part",
    ];
    stages_of_custom_kinds_are_one: StagesOfCustomKindsAreOne => [
        "condition::matrix_of_filters_and_positions",
        "read::filters_forward",
        "read::filters_backward",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "read::custom_and_unknown_kinds_are_told_apart",
        "snapshots::upkeep_changes_nothing",
        "reopening::everything_is_there",
        "reopening::conditions_see_what_was_before",
        "model",
    ];
    taken_positions_sorted: TakenPositionsSorted => [
        "ids::same_content_is_taken_where_it_stands",
        "model",
    ];
    twice_in_one_batch_stored_twice: TwiceInOneBatchStoredTwice => [
        "ids::twice_in_one_batch_counts_once",
        "ids::twice_in_one_batch_with_other_content_is_refused",
        "model",
    ];
    unknown_kinds_are_custom: UnknownKindsAreCustom => [
        "read::filters_forward",
        "read::filters_backward",
        "read::pages_go_on_forward",
        "read::pages_go_on_backward",
        "read::custom_and_unknown_kinds_are_told_apart",
        "snapshots::upkeep_changes_nothing",
        "reopening::everything_is_there",
        "model",
    ];
    upkeep_drops_checkpoints: UpkeepDropsCheckpoints => [
        "checkpoints::stands_beside_the_log",
        "model",
    ];
    upkeep_forgets_ids: UpkeepForgetsIds => [
        "snapshots::upkeep_keeps_ids_and_conditions",
        "reopening::ids_stay_taken",
        "model",
    ];
    upkeep_loses_an_event: UpkeepLosesAnEvent => [
        "checkpoints::stands_beside_the_log",
        "snapshots::upkeep_changes_nothing",
        "snapshots::upkeep_keeps_ids_and_conditions",
        "sharing::each_handle_sees_what_the_other_wrote",
        "model",
    ];
    upkeep_moves_events_away: UpkeepMovesEventsAway => [
        "snapshots::reads_fit_while_threads_append_and_merge",
    ];
    upkeep_sorts_by_customer: UpkeepSortsByCustomer => [
        "snapshots::upkeep_changes_nothing",
        "snapshots::forward_pages_fit_amid_appends_and_upkeep",
        "snapshots::backward_pages_fit_amid_appends_and_upkeep",
        "reopening::the_order_goes_on",
        "model",
    ];
    version_of_unknown_kinds_lost: VersionOfUnknownKindsLost => [
        "content::every_kind_is_kept",
        "content::unknown_kinds_are_kept",
    ];
    wait_ends_at_the_position: WaitEndsAtThePosition => [
        "waiting::ends_with_the_next_append",
        "waiting::wakes_who_waits_already",
        "waiting::does_not_end_early",
        "waiting::wakes_only_past_the_position",
        "waiting::dropped_waits_disturb_nobody",
        "waiting::append_by_another_handle_wakes",
        "model",
    ];
    wait_ends_with_any_write: WaitEndsWithAnyWrite => [
        "waiting::does_not_end_early",
    ];
    wait_ignores_the_position: WaitIgnoresThePosition => [
        "waiting::returns_at_once_when_the_log_is_past",
        "waiting::ends_with_the_next_append",
        "waiting::wakes_who_waits_already",
        "waiting::does_not_end_early",
        "waiting::wakes_everybody",
        "waiting::wakes_only_past_the_position",
        "waiting::dropped_waits_disturb_nobody",
        "waiting::append_by_another_handle_wakes",
        "model",
    ];
    wait_tells_where_it_began: WaitTellsWhereItBegan => [
        "waiting::returns_at_once_when_the_log_is_past",
        "waiting::ends_with_the_next_append",
        "waiting::wakes_who_waits_already",
        "waiting::does_not_end_early",
        "waiting::wakes_everybody",
        "waiting::wakes_only_past_the_position",
        "waiting::dropped_waits_disturb_nobody",
        "waiting::append_by_another_handle_wakes",
        "model",
    ];
    waiters_of_other_handles_not_woken: WaitersOfOtherHandlesNotWoken => [
        "waiting::append_by_another_handle_wakes",
    ];
}

#[test]
fn every_case_is_failed_by_a_broken_store() {
    let never: Vec<_> = CASES.iter().map(|case| case.name).filter(|name| !LISTED.contains(name)).collect();
    assert!(never.is_empty(), "a case that nothing fails proves nothing: {never:#?}");
}

/// The same store without its flaw passes, so that what is caught is the flaw.
#[test]
fn store_without_a_flaw_passes() -> Result<(), String> {
    let bench: Arc<dyn StoreBench> = Arc::new(FlawedBench(Flaw::None));
    let caught = caught_by(&bench);
    if caught.is_empty() { Ok(()) } else { Err(format!("{caught:#?}")) }
}

#[test]
fn store_of_identity_without_a_flaw_passes() -> Result<(), String> {
    let bench: Arc<dyn StoreBench> = Arc::new(FlawedBench(Flaw::NoneWithIdentity));
    let case = CASES.iter().find(|case| case.name == "limits::identity_kinds_are_taken").unwrap();
    match case.run(&bench) {
        Verdict::Held => Ok(()),
        other => Err(format!("{other:?}")),
    }
}

/// Memory under a layer that writes a part of one batch and fails.
struct Torn;

impl StoreBench for Torn {
    fn log(&self, config: LogConfig) -> OpenLog {
        Box::new(move || {
            let clock = config.clock.clone();
            let store = MemoryStore::with_limits(config.limits.clone()).with_clock(move || clock.now());
            Opened::new(FaultStore::new(store).tear(1, 1))
        })
    }
}

#[test]
fn torn_append_is_noticed_as_torn() {
    let bench: Arc<dyn StoreBench> = Arc::new(Torn);
    let caught = caught_by(&bench);
    let how =
        caught.iter().find(|(name, _)| *name == "append::batch_is_never_torn").map(|(_, how)| how.as_str());
    assert!(how.is_some_and(|how| how.starts_with("1 of 2 events are there")), "{how:?}");
}
