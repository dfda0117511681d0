/* SPDX-License-Identifier: BSD-2-Clause */
/* What upcall.S and the C beneath it say to each other. */
#pragma once

#include <aegis/aegis.h>
#include <aegis/upcall.h>

/* Upcall PCs, as they are put into an activation. */
void upcall_exception(void);
void upcall_nested(void);
void upcall_slice_end(void);
void upcall_slice_begin(void);
void upcall_entry(void);
void upcall_revoke(void);
void upcall_caller_gone(void);
void upcall_emergency(void);

/* Labels, in the order in which they stand in upcall.S; for slice.c and forced.c. */
extern const char aegis_restart_begin[], context_call_masked[], context_call_away[], context_return_away[], context_back_noted[], context_back_end[], exception_saved[], exception_save_end[], pct_masked[],
    context_go[], context_go_noted[], aegis_return_begin[], aegis_return_end[], aegis_restart_end[],
    slice_save[], slice_registers_saved[], slice_save_end[], slice_code_end[],
    context_reenter_noted[], context_reenter_end[], nested_reenter_noted[], nested_reenter_end[],
    nested_saved[], nested_save_end[], pct_saved[], pct_back[], pct_stored[], pct_end[];

long pct_call(unsigned slot, uint64_t *message, struct context *context);

/* Of upcall handlers: leaves for a context, unmasking; into masked code; into an exception (a
 * nested one) not yet taken. */
void context_restore(const struct context *context, struct aegis_activation *activation)
    __attribute__((noreturn));
void context_resume_masked(const struct context *context, struct aegis_activation *activation)
    __attribute__((noreturn));
/* context_restore by a jump: a call would have its caller keep registers that nobody ever wants back. */
static inline __attribute__((always_inline, noreturn)) void
context_leave(const struct context *context, struct aegis_activation *activation)
{
    register const struct context *c __asm__("a0") = context;
    register struct aegis_activation *a __asm__("a1") = activation;

    __asm__ volatile("j context_restore" ::"r"(c), "r"(a) : "memory");
    __builtin_unreachable();
}
void context_back(const struct context *saved, struct aegis_activation *activation)
    __attribute__((noreturn));
void context_enter(uint64_t a0, uint64_t a1, uint64_t sp, uint64_t pc,
                   struct aegis_activation *activation) __attribute__((noreturn));
void context_reenter(const struct context *context, struct aegis_activation *activation)
    __attribute__((noreturn));
void nested_reenter(const struct context *context, struct aegis_activation *activation)
    __attribute__((noreturn));

/* Copies a context to memory that may not be there: -1. Masked, on a pinned stack. */
int context_copy(struct context *to, const struct context *from);
extern const char context_copy_failed[];

/* C, entered by upcall.S. */
void exception_handle(struct context *frame, struct aegis_activation *activation)
    __attribute__((noreturn));
void nested_handle(struct context *frame);
void slice_begin(struct aegis_activation *activation) __attribute__((noreturn));
void slice_fix(struct context *context, struct aegis_activation *activation);
void slice_forced(struct aegis_activation *activation);
void revoke_handle(struct aegis_activation *activation, unsigned long held)
    __attribute__((noreturn));
void emergency_handle(struct aegis_activation *activation) __attribute__((noreturn));

void fp_save(uint64_t area[33]);
void fp_restore(const uint64_t area[33]);

/* Of a thread (aegis/pager.h). */
extern const char masked_call_away[], masked_call_leave[], masked_call_end[];
