/* SPDX-License-Identifier: BSD-2-Clause */
/* The tests that are not one call's: X(name, harts). */
#pragma once
#define ALL(X)                                                                                     \
    X(upcall_exception, 1) X(upcall_nested, 1) X(nested_fault_death, 1) X(upcall_slice_end, 1)     \
    X(upcall_slice_begin, 1) X(masked_holds_slice_end, 1) X(overrun_forced_save_then_death, 1)     \
    X(fp_kept_per_activation, 1) X(fp_off_until_taken, 1) X(upcall_revoke, 1)                      \
    X(revoke_force_takes_highest_first_and_tells, 1)                                               \
    X(repossession_vector_saves_and_reserve_spares, 1) X(upcall_emergency, 1)
#define DECLARE(name, harts) void name(void);
ALL(DECLARE)
