/* SPDX-License-Identifier: BSD-2-Clause */
/* What the hostile programs share, and their list: X(name, harts). */
#pragma once

#include "lib/lib.h"


/* Said where the kernel let something through; the runner looks for the word. */
void breach(const char *what);
#define NEVER(condition)                                                                           \
    do {                                                                                           \
        if (condition)                                                                             \
            breach(#condition);                                                                    \
    } while (0)

/* A claim of what is no capability: the one error that there is for it. */
#define FORGED(call)                                                                               \
    do {                                                                                           \
        struct aegis_result r_ = (call);                                                           \
        NEVER(r_.error == 0);                                                                      \
        EQUAL(r_.error, AEGIS_E_BAD_CAPABILITY);                                                   \
    } while (0)

/* What a test and its children tell each other; clear() before. */
extern volatile unsigned long g[24];
extern volatile long stop;
extern volatile unsigned long mac; /* of a server's entry */
void clear(void);
/* A child that counts in g[n]. */
void counting_child(long n);

unsigned long draw(void);

#define HOSTILE(X) \
    X(every_single_bit_change_of_a_capability_refused, 1) \
    X(capability_of_another_type_page_rekeyed_or_more_rights, 1) \
    X(slots_out_of_range, 1) \
    X(share_with_an_environment_not_controlled_or_over_an_occupied_slot, 1) \
    X(nobody_controls_its_controller, 1) X(page_lent_then_mapped_writable, 1) \
    X(kernel_halves_are_mapped_by_nobody, 1) X(kernel_device_and_firmware_memory_by_name, 1) \
    X(user_ranges_misaligned_overflowing_kernel_unmapped_half_mapped, 1) \
    X(another_hart_rewrites_arguments, 2) X(another_hart_unmaps_and_releases_arguments, 2) \
    X(lending_against_claiming_on_another_hart, 2) X(destroy_from_inside_ones_own_upcall, 1) \
    X(destroy_from_another_hart, 2) X(destroy_in_the_middle_of_a_transfer, 1) \
    X(exhausts_pages, 1) X(exhausts_slots_of_the_ledger, 1) X(exhausts_the_stlb, 1) \
    X(exhausts_slice_positions, 1) X(exhausts_environments, 1) X(ignoring_slice_end, 1) \
    X(ignoring_revocation, 1) X(faulting_in_the_fault_handler, 1) \
    X(upcall_pcs_at_kernel_addresses, 1) X(a_gate_closed_for_ever, 1) \
    X(scribbled_activation_page, 1) X(a_donated_slot_that_never_comes_back, 1) \
    X(two_that_pass_the_hart_between_them_in_grace, 1) \
    X(neighbour_of_an_ignorer_keeps_its_share, 1) X(random_arguments, 1)
#define DECLARE(name, harts) void name(void);
HOSTILE(DECLARE)
