//! The suite that every store has to pass: small cases with a name each, races, and a walk that compares the store with
//! [`Model`](crate::Model) step by step. [`conformance_tests!`](crate::conformance_tests) makes a test of every case.
//! What a single kind of store promises besides (opening, migrating, surviving a crash) is tested where it is written.

#![allow(
    missing_docs,
    clippy::cast_sign_loss,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    clippy::panic,
    clippy::unwrap_used,
    reason = "this is test code that other crates can call; the name of a case says what it checks"
)]

/// Asserts that a call is refused with that variant of [`StoreError`](crate::StoreError).
macro_rules! refused {
    ($call:expr, $variant:ident) => {
        match $call.await {
            Err($crate::StoreError::$variant { .. }) => {}
            answer => panic!("expected {}, got {answer:?}", stringify!($variant)),
        }
    };
}

mod background;
mod crowd;
mod samples;
mod steps;

pub mod append;
pub mod append_segment;
pub mod catalogue;
pub mod deletions;
pub mod devices;
pub mod keyed;
pub mod merging;
pub mod oracle;
pub mod races;
pub mod readings;
pub mod sealing;
pub mod sealing_races;
pub mod seals_and_snapshots;
pub mod server_timed;
pub mod snapshots;
pub mod users;
pub mod walk;

/// Makes one `#[tokio::test]` of every case of the suite.
///
/// `$open` names an `async fn() -> (Guard, Arc<dyn Store>)` that opens a fresh, empty store; the guard is dropped when
/// the case has dropped the store. The crate that calls it needs `tokio` among its dev-dependencies.
#[macro_export]
macro_rules! conformance_tests {
    ($open:ident) => {
        $crate::conformance_tests! { @subjects $open
            users {
                any_number_may_be_asked_for_as_a_user_id
                a_created_user_is_found_and_listed
                a_new_store_has_no_users
                ids_of_users_ascend_from_one_up
                an_id_of_a_user_is_never_given_again
                a_taken_email_is_told_before_a_taken_username
                a_taken_username_is_told
                a_refused_user_leaves_nothing_behind
                a_freed_username_and_email_can_be_taken
                usernames_are_compared_byte_by_byte
                the_text_of_a_user_is_kept_to_the_byte
                users_are_listed_in_pages_by_ascending_id
                a_page_of_users_may_begin_anywhere
                an_update_changes_only_what_it_names
                an_update_may_name_what_the_user_has_already
                an_update_of_a_missing_user_is_told_first
                an_update_tells_a_taken_email_before_a_taken_username
                a_refused_update_of_a_user_changes_nothing
                an_update_frees_the_old_username_and_email
                a_deleted_user_is_missing
                a_deleted_user_takes_devices_and_readings_along
            }
            devices {
                any_number_may_be_asked_for_as_a_device_key
                a_created_device_is_found_and_listed
                a_new_store_has_no_devices
                keys_of_devices_ascend_from_one_up
                a_key_of_a_device_is_never_given_again
                a_taken_device_id_is_told_before_a_missing_owner
                a_missing_owner_is_told
                a_refused_device_leaves_nothing_behind
                device_ids_are_compared_byte_by_byte
                the_text_of_a_device_is_kept_to_the_byte
                an_empty_name_is_not_a_missing_one
                devices_are_found_in_the_order_asked_for
                thousands_of_devices_are_found_at_once
                devices_are_listed_in_pages_by_ascending_key
                devices_of_a_user_are_listed_by_ascending_key
                an_absent_field_stays_and_a_cleared_one_goes
                a_device_can_change_its_owner
                an_update_of_a_missing_device_is_told_before_a_missing_owner
                a_refused_update_of_a_device_changes_nothing
                a_deleted_device_is_missing
                a_deleted_device_takes_only_its_own_readings_along
                readings_of_a_device_id_do_not_come_back_with_it
            }
            append {
                reserved_ids_start_at_one_and_never_repeat
                an_empty_call_appends_nothing
                a_reading_of_a_missing_device_stores_nothing_of_the_call
                the_first_reading_of_a_time_wins_across_calls
                the_first_reading_of_a_time_wins_within_a_call
                each_outcome_stands_where_its_reading_stood
                one_time_may_be_used_by_every_device
                the_same_numbers_at_another_time_are_no_repeat
                numbers_are_kept_bit_for_bit
                every_time_can_be_stored
                a_large_call_of_one_device_is_stored
                a_large_call_of_many_devices_is_stored
                a_large_call_can_be_repeated
            }
            server_timed {
                what_the_clock_says_is_taken_as_it_is
                it_comes_behind_all_readings_of_its_device
                times_ascend_where_the_clock_is_set_back
                readings_far_ahead_do_not_count
                times_ascend_in_the_order_of_the_call
                times_ascend_where_the_named_ones_do_not
                a_later_call_goes_on_behind_an_earlier_one
                given_times_are_stored_before_others_are_picked
                each_device_has_its_own_newest_reading
                it_is_never_a_repeat
                gaps_are_not_filled
                the_last_microsecond_can_be_taken_once
                a_missing_device_is_told_before_the_end_of_time
                thousands_of_readings_start_at_one_microsecond
            }
            keyed {
                a_request_is_done_once
                another_payload_of_a_key_is_told
                requests_of_one_call_are_told_apart
                what_was_not_stored_is_not_remembered
                a_receipt_ends_when_it_says
                a_request_outlives_its_device
                a_request_sent_by_many_callers_is_done_once
            }
            readings {
                readings_are_listed_newest_first
                a_window_holds_its_first_and_not_its_last_microsecond
                the_ends_of_a_window_may_be_open
                a_window_that_ends_before_it_begins_is_empty
                readings_are_listed_in_pages
                readings_of_a_missing_device_are_none
                only_the_readings_of_the_device_are_listed
                a_reading_is_found_by_device_and_time
            }
            snapshots {
                a_snapshot_of_a_missing_subject_is_refused
                a_device_without_readings_has_an_empty_snapshot
                a_snapshot_of_a_device_holds_the_window_only
                a_snapshot_of_a_user_holds_the_devices_by_ascending_key
                a_snapshot_of_a_user_holds_no_other_device
                a_snapshot_has_the_bits_of_the_numbers
                a_snapshot_holds_more_than_any_page
                what_was_deleted_is_in_no_snapshot
                a_snapshot_of_a_device_never_shows_half_a_call
                a_snapshot_of_a_user_never_shows_half_a_call
            }
            sealing {
                sealed_readings_stay_visible
                a_seal_takes_just_the_rows_it_names
                a_sealed_reading_is_kept_bit_for_bit
                every_time_can_be_sealed
                a_repeat_of_a_sealed_reading_is_a_repeat
                a_reading_sealed_for_one_device_is_new_for_another
                picked_times_lie_behind_sealed_ones
                picked_times_lie_behind_a_part_of_a_segment
                given_times_in_sealed_gaps_are_stored_before_picked_ones
                given_times_before_a_segment_and_picked_ones_behind_it_are_stored
                thousands_of_picked_times_lie_behind_thousands_of_sealed_ones
                a_late_reading_between_sealed_ones_stays_hot
                rows_that_are_not_hot_are_not_sealed
                nothing_is_sealed_for_a_missing_device
                a_paused_sealer_does_no_harm
                a_window_that_lies_between_sealed_readings_is_empty
                many_readings_are_sealed_at_once
            }
            merging {
                a_merged_segment_stands_in_the_place_of_its_parts
                segments_that_overlap_can_be_merged
                late_readings_do_not_disturb_a_merge
                what_is_gone_is_not_merged
                nothing_is_merged_for_a_missing_device
                hundreds_of_segments_are_merged_at_once
                a_name_of_a_segment_is_never_given_again
            }
            append_segment {
                an_appended_segment_is_stored_as_its_readings
                an_appended_segment_needs_a_device
                a_segment_is_not_appended_over_a_hot_reading
                a_segment_is_not_appended_over_a_sealed_reading
                a_segment_fits_between_two_readings_of_another
                a_segment_fits_beside_hot_and_sealed_readings
                the_same_segment_is_appended_once
                a_segment_may_span_all_time
            }
            catalogue {
                pieces_come_back_as_they_were_written
                pieces_that_are_not_there_are_none
                thousands_of_pieces_are_read_at_once
                the_newest_hot_readings_are_as_many_as_asked_for
                a_missing_device_has_nothing_hot_or_sealed
                hot_readings_are_read_from_the_earliest_on
                devices_with_hot_readings_are_listed_by_ascending_key
                segments_are_listed_by_ascending_first_time
                a_snapshot_of_a_user_names_the_segments_of_each_device
                a_deleted_device_takes_its_segments_along
                a_deleted_user_takes_the_segments_of_all_devices_along
            }
            races {
                one_caller_gets_a_username
                one_caller_gets_an_email
                one_caller_gets_a_device_id
                one_caller_renames_a_user
                one_caller_deletes_a_device
                one_caller_deletes_a_user
                reserved_ids_are_disjoint
                a_reading_sent_by_many_callers_is_stored_once
                callers_that_start_at_one_microsecond_share_none
                callers_with_many_devices_do_not_wait_in_a_circle
            }
            sealing_races {
                one_caller_seals_a_reading
                one_caller_merges_a_segment
                one_caller_appends_a_segment
                segments_and_readings_that_meet_are_stored_once
                free_times_are_shared_by_none_under_seals
                repeats_are_repeats_under_seals
                nothing_is_left_of_a_device_deleted_under_seals
            }
            seals_and_snapshots {
                a_snapshot_of_a_device_holds_each_reading_once_under_seals
                a_snapshot_of_a_user_holds_each_reading_once_under_seals
                lists_miss_nothing_under_seals
            }
            deletions {
                nothing_is_left_of_a_device_deleted_under_appends
                nothing_is_left_of_a_user_deleted_under_appends
                no_device_outlives_the_owner_deleted_under_it
            }
            walk {
                the_store_answers_what_the_model_answers
            }
        }
    };
    (@subjects $open:ident $($subject:ident { $($case:ident)+ })+) => {
        $(mod $subject {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let (_guard, store) = super::$open().await;
                $crate::conformance::$subject::$case(store).await;
            })+
        })+
    };
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use crate::{Model, Store};

    async fn open() -> ((), Arc<dyn Store>) {
        ((), Arc::new(Model::default()))
    }

    crate::conformance_tests!(open);

    /// A case that is written but not listed in the macro would never run.
    #[test]
    fn every_case_is_listed() {
        let list = include_str!("conformance.rs");
        let subjects = [
            include_str!("conformance/append.rs"),
            include_str!("conformance/deletions.rs"),
            include_str!("conformance/sealing_races.rs"),
            include_str!("conformance/seals_and_snapshots.rs"),
            include_str!("conformance/sealing.rs"),
            include_str!("conformance/merging.rs"),
            include_str!("conformance/catalogue.rs"),
            include_str!("conformance/append_segment.rs"),
            include_str!("conformance/devices.rs"),
            include_str!("conformance/server_timed.rs"),
            include_str!("conformance/keyed.rs"),
            include_str!("conformance/races.rs"),
            include_str!("conformance/readings.rs"),
            include_str!("conformance/snapshots.rs"),
            include_str!("conformance/users.rs"),
            include_str!("conformance/walk.rs"),
        ];
        let written = subjects.iter().flat_map(|text| text.lines());
        let cases = written.filter_map(|line| line.strip_prefix("pub async fn ")?.split('(').next());
        for case in cases {
            assert!(
                list.lines().any(|line| line.trim() == case),
                "{case} is not listed in conformance_tests!"
            );
        }
    }
}
