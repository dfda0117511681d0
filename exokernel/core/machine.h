/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * All that core/ wants of the machine under it. riscv/machine.h has it for the hardware, tests/host/host.h for the
 * host's tests, which hold memory in an array and let harts be numbers.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <aegis/aegis.h>

struct activation;
struct env;

#if defined(__riscv)
#include "../riscv/machine.h"
#else
#include "host.h"
#endif

/*
 * machine_direct(page)           void *: the page in the direct map
 * machine_page_of(pointer)       its page number
 * machine_self()                 struct activation * that trapped on this hart
 * machine_hart()                 this hart's number, 0 .. 7
 * machine_time()                 the `time` counter
 * machine_timer(when)            next timer interrupt of this hart; ~0: none
 * machine_flush_page(va, asid)   drop this hart's cached translations of one page
 * machine_flush_env(asid)        of one address space
 * machine_interrupt(hart)        S-mode software interrupt to another hart (or this one)
 * machine_clear(p) _copy(d, s)   one page
 * machine_run(activation, pc)    never returns: into user mode at pc, integer registers zero but gp
 * machine_idle()                 wait for an interrupt with interrupts masked; value: MACHINE_* that are pending
 * machine_fp_save(area) _off     the FP unit
 * dev_waiting, dev_poll(idle)   a device has work that no interrupt tells of; does some of it, and may listen for more; runs handlers that are due
 * dev_reap_wanted, dev_reap()    a filter or an endpoint has lost its last claim; a step of taking such out of use
 * dev_unsettled                  ... or of what a change of the filters has left
 * dev_interrupt()                serves a device; false: what it brought concerns nobody who sleeps
 * dev_put_off(hart)              no device interrupts this hart before its next slot, which begins with dev_poll
 * machine_user_end()             what the slice switch must know of address-space ids: satp of an environment
 * machine_panic(format, ...)     the kernel's own mistakes only
 */

#define ASSERT(condition)                                                                          \
    do {                                                                                           \
        if (__builtin_expect(!(condition), 0))                                                     \
            machine_panic("%s:%d: %s", __FILE__, __LINE__, #condition);                            \
    } while (0)
