/* SPDX-License-Identifier: BSD-2-Clause */
/* The tests that are not one call's: X(name, harts). */
#pragma once
#define ALL(X)                                                                                     \
    X(upcall_exception, 1) X(upcall_nested, 1) X(nested_fault_death, 1) X(upcall_slice_end, 1)     \
    X(upcall_slice_begin, 1) X(masked_holds_slice_end, 1) X(overrun_forced_save_then_death, 1)     \
    X(overrun_anywhere_in_a_wait, 1)                                                               \
    X(fp_kept_per_activation, 1) X(fp_off_until_taken, 1) X(upcall_revoke, 1)                      \
    X(revoke_force_takes_highest_first_and_tells, 1)                                               \
    X(repossession_vector_saves_and_reserve_spares, 1) X(upcall_emergency, 1)            \
    X(pct_sync, 1) X(pct_refusals, 1) X(pct_async, 1) X(pct_deadline, 1)                           \
    X(pct_deadline_while_idle, 1) X(pct_callee_dies, 1) X(upcall_caller_gone, 1)                   \
    X(server_that_returns_in_grace_is_not_charged, 1)                                               \
    X(caller_gone_after_its_entry_was_released, 1) X(pct_chain, 1)                                 \
    X(pct_message, 1) X(pct_only_on_its_own_hart, 2) X(pct_second_is_busy_while_one_is_outstanding, 1) \
    X(pct_busy_server_is_pushed_through, 1) X(what_is_given_away_is_the_rest_of_the_slot, 1)       \
    X(masked_holds_revocation, 1) X(own_tables_are_read_in_place, 1)                               \
    X(slice_vector_order, 1) X(slice_share_by_positions, 1) X(tickless_idle, 1)                    \
    X(wait_on_a_claimed_page, 1) X(wait_wakes_with_revoked, 1) X(wait_wakes_when_released, 1)      \
    X(wait_wakes_for_an_upcall, 1) X(ring_wakes_another_hart, 2)                                   \
    X(deaths_wake_a_sleeper, 1) X(deaths_wake_a_sleeper_on_another_hart, 2)                        \
    X(ring_looks_at_the_whole_vector, 2) X(no_lost_wakeup_across_harts, 2) X(superpages, 1) X(superpage_of_a_gib, 1)                    \
    X(stlb_refill_after_recycling, 1)                                                              \
    X(environment_on_several_harts, 2) X(protect_seen_by_other_harts, 2)                           \
    X(page_exchange_never_while_another_hart_may_read, 2)                                          \
    X(page_exchange_beside_a_reader_of_the_old_page, 2)                                            \
    X(device_driven_by_its_claimant, 1) X(device_page_is_no_memory, 1)                             \
    X(device_capabilities_end_with_the_last_claim, 1)                                              \
    X(root_of_a_part_of_the_pages, 1) X(root_of_a_part_of_the_slices, 1)                           \
    X(root_of_a_part_of_the_environments, 1) X(root_never_gives_control_of_a_controller, 1)        \
    X(exposed_pages_hold_no_secret, 1) X(pages_come_back_clear, 1)                           \
    X(each_slot_out_of_range, 1) X(each_slot_empty, 1) X(each_slot_of_another_type, 1)             \
    X(each_environment_without_the_right, 1) X(each_environment_gone, 1)                           \
    X(each_page_without_the_right, 1) X(each_page_dead, 1) X(each_page_unsettled, 1)               \
    X(errors_of_dead_claims, 1) X(errors_while_unsettled_or_without_a_right, 1)
/* Of another image: network.c, network_service.c, handlers.c, handlers_owner.c, handlers_later.c. */
#define NETWORK(X)                                                                                 \
    X(call_filter_lend, 1) X(call_filter_install, 1) X(call_endpoint_create, 1) X(call_filter_bind, 1) X(call_net_send, 1) \
    X(network_claims_that_are_dead_or_unsettled, 1) X(network_filter_that_is_being_installed_is_busy, 2) \
    X(network_frames_of_every_length, 1) X(network_gathers_parts, 1) X(network_wakes_by_predicate, 1) \
    X(network_many_filters_one_endpoint, 1) X(network_longest_match_wins, 1)                       \
    X(network_hundreds_of_filters, 1) X(network_root_of_a_part, 1) X(network_service_that_holds_a_range, 1) \
    X(network_corrupted_ring_hurts_its_owner_only, 1) X(network_filters_come_and_go_while_frames_flow, 2) \
    X(call_handler_install, 1) X(call_handler_remove, 1) X(handler_passes_and_sends, 1)            \
    X(handler_claims_that_are_dead_or_unsettled, 1) X(handler_calls_are_paid_for, 1)               \
    X(handler_sees_frames_of_every_length, 1) X(handler_entries, 1) X(handler_trap_is_contained, 1) \
    X(handler_flood_is_bounded, 1) X(handler_ends_with_its_filter_and_its_window, 1)               \
    X(handler_places_run_out, 1) X(handler_replaced_while_frames_flow, 2)                          \
    X(handler_image_rewritten_by_another_hart, 2)                                                  \
    X(handler_never_wakes, 1) X(handler_wakes, 2) X(handler_replies_to_itself, 1)                  \
    X(handler_window_goes_while_it_runs, 2) X(handler_window_revoked_while_it_runs, 1)             \
    X(handler_window_rekeyed_when_it_has_ended, 1)                                                 \
    X(handler_runs_later, 1) X(handler_runs_later_beside_who_computes, 1)                          \
    X(handler_runs_later_beside_transfers, 1) X(handler_sends_later, 1)                            \
    X(handler_runs_later_in_its_owners_time, 1) X(handler_runs_later_once, 1) X(handler_runs_no_more, 1)                  \
    X(handler_runs_no_more_for_the_dead, 1)                                                        \
    X(handler_runs_later_beside_who_comes_back, 2) X(handler_asks_no_more, 1) X(handler_time_is_each_harts, 2) \
    X(handler_asks_for_no_time, 1) X(handler_sends_nonsense_later, 1) X(handler_traps_later, 1)
#define DECLARE(name, harts) void name(void);
ALL(DECLARE)
NETWORK(DECLARE)
