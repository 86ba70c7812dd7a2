"""Faults that attacks on wattlog found in November 2026, and the tests that show that each is repaired.

A class of faults has one line, in the order in which they were found. The tests are named by file and function; a name that no
longer exists fails here, so that no test of this list is lost when tests are moved.
"""

import ast
from pathlib import Path
from typing import Final

import pytest

TESTS = Path(__file__).parents[1]

FAULTS: Final[dict[str, tuple[str, ...]]] = {
    "1 the unit of a response is judged by one small row": (
        "unit/transform/test_units.py::test_one_row_of_a_response_in_watt_hours_shows_nothing",
        "unit/transform/test_units.py::test_a_small_day_in_watt_hours_among_days_in_kilowatt_hours_is_not_scaled",
    ),
    "2 the row of a day that lacks an hour is stored as five minutes": (
        "unit/transform/test_intervals.py::test_the_one_row_of_a_day_is_a_day_whatever_its_minute",
        "integration/test_odd_answers.py::test_the_day_row_of_a_day_without_one_o_clock_is_a_day",
    ),
    "3 sums of weeks among the days of a month are taken for days": (
        "unit/transform/test_periods.py::test_a_row_of_a_month_that_is_the_sum_of_its_week_is_no_day",
        "integration/test_odd_answers.py::test_sums_of_weeks_in_a_month_are_no_days",
    ),
    "4 zeros of five minutes stay although later quarter hours have the energy": (
        "unit/transform/test_interval_length.py::test_later_quarter_hours_with_the_energy_that_zeros_lack_count",
        "integration/test_late_data.py::test_rows_of_zeros_are_replaced_when_the_values_come",
    ),
    "5 days of an offset that never changes lose or gain an hour": (
        "integration/test_server_clock.py::test_days_of_an_offset_that_never_changes",
        "unit/transform/reconciliation/test_days.py::test_a_day_cut_by_another_clock_is_partial_and_loses_to_the_intervals",
    ),
    "6 a battery that is added changes the days before it": (
        "integration/test_battery_added.py::test_the_days_before_a_battery_are_those_of_a_site_without",
    ),
    "7 a session over a midnight that comes twice is divided at the second": (
        "unit/warehouse/models/test_models_equipment.py::test_first_of_two_midnights_divides_a_session",
    ),
    "8 a machine whose clock is ahead settles days that are not over": (
        "integration/test_clock_ahead.py::test_a_clock_ten_days_ahead_for_one_run_changes_nothing",
        "unit/extract/api/test_runs_ahead.py::test_what_a_clock_in_the_future_settled_is_asked_again_when_it_is_set_right",
    ),
    "9 an outage that is restated stays beside its earlier form": (
        "integration/test_restated_outages.py::test_merged_outages_replace_their_parts",
        "unit/transform/test_backup.py::test_events_that_a_later_list_merges_are_replaced_by_it",
    ),
    "10 a small negative reading costs its whole row": (
        "integration/test_odd_answers.py::test_a_meter_below_zero_at_night_costs_nothing",
    ),
    "11 a day that is answered wrongly, in whole or in part, loses its rows": (
        "integration/test_misplaced.py::test_a_day_answered_wrongly_once_is_asked_again_and_whole",
        "integration/test_misplaced.py::test_of_a_day_always_answered_hours_too_early_its_own_hours_are_kept",
    ),
    "12 a measure that one series omits is unknown although another has it": (
        "integration/test_odd_answers.py::test_a_measure_that_one_series_omits_is_that_of_another",
        "unit/transform/test_daily.py::test_each_flow_is_of_the_best_source_that_has_it",
    ),
    "13 a day is lost at the end of a month, or is a sum with gaps": (
        "integration/test_odd_answers.py::test_the_last_day_of_a_month_that_the_month_drops_is_that_of_its_week",
        "unit/transform/test_daily.py::test_a_settled_sum_without_some_rows_is_no_better_than_the_day_when_it_was_over",
    ),
    "14 data that arrive after their window has settled are never requested": (
        "integration/test_late_data.py::test_what_arrives_late_is_stored_and_its_gap_closes",
        "integration/test_late_data.py::test_an_empty_window_is_requested_again_on_the_schedule_and_not_otherwise",
    ),
    "15 a run of empty responses settles everything": (
        "integration/test_empty_responses.py::test_a_run_of_empty_responses_fails_settles_nothing_and_heals",
    ),
    "16 a site that left the account fails every night": (
        "integration/test_site_gone.py::test_a_site_that_left_is_gone_and_its_history_stays",
    ),
    "17 an absurd installation date is believed": (
        "integration/test_installation_date.py::test_an_absurd_date_is_not_known",
        "integration/test_bad_responses.py::test_an_implausible_installation_date_is_not_known",
    ),
    "18 days with energy before the installation date are left out": (
        "integration/test_installation_date.py::test_days_with_energy_before_the_date_exist",
        "integration/test_installation_date.py::test_days_stay_when_the_date_moves",
        "unit/flows/test_installation.py::test_the_first_row_is_the_installation_where_the_day_before_has_nothing",
    ),
    "19 rows of days that were not requested are thrown away": (
        "integration/test_earlier_days.py::test_rows_of_days_that_were_not_asked_for_are_stored_under_their_day",
        "unit/transform/test_periods.py::test_days_beside_those_asked_for_count_for_themselves",
    ),
    "20 an identity that home use broke by drift has no cause": (
        "integration/test_explained_differences.py::test_home_use_that_drifted_is_the_cause_of_broken_identities",
    ),
    "21 the tolerance of power leaves out flows in both directions": (
        "unit/transform/reconciliation/test_days.py::test_flows_of_both_directions_within_a_row_are_not_in_its_mean",
        "unit/transform/reconciliation/test_sampling.py::test_the_smaller_direction_of_each_slot_is_hidden",
    ),
    "22 a day that lacks rows in quarantine has no cause": (
        "integration/test_odd_answers.py::test_what_odd_rows_lack_is_missing_and_nothing_else_is",
    ),
    "23 a cause is that of a response that was replaced": (
        "integration/test_explained_differences.py::test_a_right_answer_after_a_wrong_one_leaves_no_wrong_window",
        (
            "integration/test_explained_differences.py::"
            "test_a_week_that_was_cut_at_its_request_is_no_difference_of_a_later_settled_day"
        ),
    ),
    "24 clean days do not agree, and a day without any source is an inconsistency": (
        "integration/test_explained_differences.py::test_a_day_that_no_source_has_is_a_gap_and_nothing_is_wrong_with_the_warehouse",
        "property/test_reconciliation_mixtures.py::test_every_fault_of_a_mixture_is_found_and_nothing_else",
    ),
    "25 one odd site_info makes every later run fail": (
        "integration/test_bad_descriptions.py::test_a_directory_broken_by_an_earlier_version_is_healed_by_the_next_run",
        "integration/test_bad_descriptions.py::test_one_bad_site_costs_no_other_and_is_healed",
        "unit/transform/test_responses.py::test_a_document_nested_without_end_is_not_json_rather_than_a_crash",
    ),
    "26 a snapshot that is repeated in the next month stops publishing": (
        "integration/test_month_end.py::test_what_an_offline_site_repeats_is_one_row",
        "integration/test_month_end.py::test_a_directory_in_which_two_months_hold_the_row_heals",
    ),
    "27 a token with a line end appears in errors and in the archive": (
        "integration/test_planted_secrets.py::test_a_line_end_behind_a_token_in_the_environment_is_taken_off",
        "integration/test_planted_secrets.py::test_a_transport_error_is_reported_by_its_type",
    ),
    "28 lost records are not reported": (
        "unit/extract/archive/test_losses.py::test_a_loss_is_found_each_time_until_the_file_is_restored",
        "integration/test_damaged_files.py::test_damaged_segments_are_named_and_come_back_from_a_backup_or_the_api",
    ),
    "29 an append that failed leaves bytes": (
        "unit/wattlog/test_durable.py::test_a_failed_append_leaves_no_byte",
        "unit/extract/archive/test_full_disk.py::test_an_archive_on_a_full_disk_is_sound_afterwards",
    ),
    "30 a flipped bit in the ledger of runs or in the index is believed": (
        "unit/flows/test_ledger.py::test_a_flipped_bit",
        "unit/extract/test_flipped_bits.py::test_in_the_index",
    ),
    "31 a flipped bit in the lake is published": (
        "unit/warehouse/lake/test_parquet_file.py::test_a_flipped_bit",
        "integration/test_damaged_files.py::test_damaged_files_of_the_lake_are_named_and_made_again_by_the_next_run",
    ),
    "32 two time zone databases contradict each other": (
        "unit/warehouse/models/test_zone_offsets.py::test_offsets_are_those_of_the_clock_in_every_zone",
        "integration/test_changed_clock.py::test_verify_warns_of_an_old_database",
    ),
    "33 the zone that the history names is not used": (
        "integration/test_server_clock.py::test_the_zone_that_the_history_names_is_the_sites",
        "integration/test_server_clock.py::test_a_zone_set_by_the_owner_changes_the_days_and_not_the_windows",
    ),
    "34 rows go missing when the server's zone is corrected": (
        "integration/test_server_clock.py::test_the_zone_of_a_site_is_corrected",
        "property/test_dated_mixtures.py::test_sites_that_change_have_the_same_faults_and_no_others",
    ),
    "35 a dark day is taken for a night": (
        "integration/test_dark_days.py::test_a_day_without_a_row_is_no_night",
        "unit/transform/test_coverage.py::test_a_night_is_no_longer_than_the_sun_is_down_and_two_hours_at_its_ends",
    ),
    "36 a login is lost by a full disk, or by a life that is no number": (
        "integration/test_token_renewal.py::test_a_token_is_not_spent_where_the_new_pair_would_not_fit",
        "unit/extract/auth/test_oauth.py::test_an_impossible_life_does_not_lose_the_pair",
    ),
    "37 a small body unpacks to more than the memory": (
        "unit/extract/api/test_transport.py::test_a_decompression_bomb_takes_no_memory",
        "unit/extract/api/test_transport.py::test_a_bomb_at_the_token_endpoint_is_refused",
    ),
    "38 a server that sends slowly or asks for a long wait is waited for": (
        "unit/extract/api/test_transport.py::test_a_request_ends_at_its_deadline",
        "unit/extract/api/test_fetch.py::test_retry_after_has_a_limit",
        "unit/extract/api/test_paging.py::test_pages_without_end_are_followed_to_a_bound",
        "integration/test_interrupted.py::test_an_interrupt_does_not_wait_for_a_server_that_is_silent",
    ),
    "39 a query writes or reads files": (
        "unit/warehouse/query/test_locked.py::test_nothing_is_written_or_changed",
        "unit/warehouse/query/test_locked.py::test_nothing_but_the_warehouse_is_read",
        "unit/warehouse/query/test_locked.py::test_an_export_of_a_query_is_checked_alike",
        "integration/test_interrupted.py::test_a_signal_ends_a_query",
    ),
    "40 control characters of outside text reach a terminal": (
        "integration/test_terminal.py::test_what_is_printed_fits_and_steers_nothing",
        "unit/test_visible.py::test_log_lines_and_tracebacks_steer_no_terminal",
    ),
    "41 a token follows an address that a response gives": (
        "unit/wattlog/test_addresses.py::test_nothing_else_is_known",
        "unit/extract/api/test_regions.py::test_an_address_that_is_not_known_gets_no_request",
        "unit/extract/api/test_fetch.py::test_the_token_goes_to_the_server_and_nowhere_else",
        "unit/flows/test_settings.py::test_plain_http_to_another_machine_is_refused",
    ),
    "42 files are readable by others, and serial numbers are stored": (
        "unit/flows/test_data_directory.py::test_a_new_directory_and_its_files_are_private",
        "unit/flows/test_data_directory.py::test_the_ledger_is_not_written_through_a_link",
        "unit/extract/auth/test_token_store.py::test_a_token_file_that_others_can_read_is_refused",
        "unit/extract/archive/test_personal_data.py::test_serial_numbers_of_history_are_masked_and_the_rest_stays_to_the_byte",
        "integration/test_planted_everywhere.py::test_no_command_shows_stores_or_sends_a_secret",
    ),
    "43 odd ids, zones, files, locks, statuses, and very large accounts": (
        "integration/test_bad_responses.py::test_a_site_id_may_be_spelt_as_a_string",
        "unit/wattlog/test_zones.py::test_settings_of_a_machine_are_no_zones",
        "unit/flows/test_data_directory.py::test_a_directory_where_a_file_belongs_is_named",
        "unit/flows/test_data_directory.py::test_a_file_system_without_locks_is_not_another_run",
        (
            "integration/test_site_discovery.py::"
            "test_an_account_of_ten_thousand_sites_is_a_request_a_site_and_several_at_a_time"
        ),
        "unit/extract/api/test_fetch.py::test_each_status_has_its_action",
    ),
    "44 tables do not fit a terminal": (
        "integration/test_terminal.py::test_what_is_printed_fits_and_steers_nothing",
        "integration/test_terminal.py::test_tables_of_a_fleet_fit",
        "integration/test_terminal.py::test_lineage_is_left_out_of_a_star_and_shown_where_it_is_asked_for",
        "unit/flows/test_table_layout.py::test_no_line_is_longer_than_the_terminal_is_wide",
    ),
    "45 sites are described one after the other, without progress": (
        "integration/test_site_discovery.py::test_sites_are_described_several_at_a_time_and_counted",
    ),
}
"""Fault → what shows that it is repaired."""


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_has_tests_that_exist(fault: str) -> None:
    for name in FAULTS[fault]:
        path, function = name.split("::")
        tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
        assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, name


def test_no_fault_is_left_out() -> None:
    assert [int(fault.split()[0]) for fault in FAULTS] == list(range(1, 46))
