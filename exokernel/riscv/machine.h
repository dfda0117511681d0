/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine under core/ (core/machine.h lists what it wants). In the kernel's C code gp holds the
 * boundary pointer of the activation that trapped, or of the hart's null activation; nothing
 * defines __global_pointer$, so that the compiler and linker leave gp alone, and tp is not touched
 * at all.
 */
#pragma once

#include <aegis/layout.h>

#include "addresses.h"
#include "sbi.h"

struct hart;

register struct activation *machine_gp __asm__("gp");

#define csr_read(csr)                                                                              \
    ({                                                                                             \
        unsigned long csr_value_;                                                                  \
        __asm__ volatile("csrr %0, " #csr : "=r"(csr_value_)::"memory");                           \
        csr_value_;                                                                                \
    })
#define csr_write(csr, value)                                                                      \
    __asm__ volatile("csrw " #csr ", %0" ::"rK"((unsigned long)(value)) : "memory")
#define csr_set(csr, bits)                                                                         \
    __asm__ volatile("csrs " #csr ", %0" ::"rK"((unsigned long)(bits)) : "memory")
#define csr_clear(csr, bits)                                                                       \
    __asm__ volatile("csrc " #csr ", %0" ::"rK"((unsigned long)(bits)) : "memory")

#define SSTATUS_SIE 0x2
#define SSTATUS_SPIE 0x20
#define SSTATUS_FS_INITIAL 0x2000
#define SSTATUS_UXL_64 0x200000000
#define MACHINE_SOFTWARE 0x002 /* interrupts, in sip and sie */
#define MACHINE_TIMER 0x020
#define MACHINE_EXTERNAL 0x200
#define SATP_SV39 (8UL << 60)
#define SATP_ASID_SHIFT 44
/* The kernel's own address space has an id beyond every environment's index. */
#define MACHINE_KERNEL_ASID AEGIS_ENVS

/* What boot found out; never written afterwards. */
extern bool machine_sstc;       /* the timer is stimecmp */
extern bool machine_asids;      /* satp has enough ASID bits for an id per environment */
extern bool machine_framed;     /* the console carries channels */
extern bool machine_bench;      /* user mode may read cycle and instret */
extern bool machine_powers_off; /* the firmware can switch it off, not only reboot */
extern uint64_t machine_kernel_satp;
extern uint64_t machine_hartid[AEGIS_HARTS];
extern uint64_t machine_trace;  /* bit n: call n is traced */
extern uint64_t kernel_exposed_entry; /* entry 255 of every root table */

static inline void *machine_direct(uint32_t page)
{
    return (void *)(MAP_DIRECT + ((uint64_t)page << AEGIS_PAGE_SHIFT));
}

/* Of a pointer into the direct map. */
static inline uint32_t machine_page_of(const void *pointer)
{
    return (uint32_t)(((uint64_t)pointer - MAP_DIRECT) >> AEGIS_PAGE_SHIFT);
}

static inline struct activation *machine_self(void)
{
    return machine_gp;
}

#define machine_hart() (machine_self()->hart->index)

static inline uint64_t machine_time(void)
{
    return csr_read(time);
}

/* The next timer interrupt of this hart; ~0: none. Also takes a pending one back. */
static inline __attribute__((always_inline)) void machine_timer(uint64_t when)
{
    if (machine_sstc)
        csr_write(0x14d, when);
    else
        sbi_call(SBI_TIME, 0, when, 0, 0);
}

static inline uint64_t machine_satp(uint32_t root_page, uint32_t asid)
{
    return SATP_SV39 | (machine_asids ? (uint64_t)asid << SATP_ASID_SHIFT : 0) | root_page;
}

/* The address-space id of an environment. Without ids everything is in that of number 0. */
static inline uint64_t machine_asid(uint32_t index)
{
    return machine_asids ? index : 0;
}

static inline void machine_flush_page(uint64_t va, uint64_t asid)
{
    __asm__ volatile("sfence.vma %0, %1" ::"r"(va), "r"(asid) : "memory");
}

static inline void machine_flush_env(uint64_t asid)
{
    __asm__ volatile("sfence.vma zero, %0" ::"r"(asid) : "memory");
}

static inline void machine_flush_all(void)
{
    __asm__ volatile("sfence.vma\n\tfence.i" ::: "memory");
}

/* A hint in a waiting loop (Zihintpause; elsewhere a fence that orders nothing). */
static inline void machine_relax(void)
{
    __asm__ volatile(".word 0x0100000f" ::: "memory");
}

static inline void machine_fp_on(void)
{
    csr_set(sstatus, SSTATUS_FS_INITIAL);
}

/* `sstatus` of an activation that is in user mode: with its FP unit, or without. */
static inline uint64_t machine_sstatus(bool fp)
{
    return SSTATUS_UXL_64 | SSTATUS_SPIE | (fp ? SSTATUS_FS_INITIAL : 0);
}

/* FS must be on: f0 .. f31 and fcsr to area[0 .. 32]; from there; all of them zero. */
void machine_fp_save(void *area);
/* What trapped, while nothing else has. */
static inline void machine_trap_read(uint32_t *cause, uint64_t *pc, uint64_t *value)
{
    *cause = (uint32_t)csr_read(scause);
    *pc = csr_read(sepc);
    *value = csr_read(stval);
}

/* An environment's end by a fault, told on the log. */
struct aegis_env_record;
void machine_death(uint32_t index, const struct aegis_env_record *record);
void machine_fp_load(const void *area);

void machine_interrupt(unsigned hart);

/* What waits to interrupt this hart: MACHINE_*. */
static inline unsigned long machine_pending(void)
{
    return csr_read(sip) & csr_read(sie);
}

/* Waits with interrupts masked until one is pending: which. */
static inline unsigned long machine_idle(void)
{
    unsigned long pending;

    while (!(pending = machine_pending()))
        __asm__ volatile("wfi" ::: "memory");
    return pending;
}

/* The software interrupt is taken. If the host asked for a dump, this hart says where it is. */
void machine_interrupt_clear(void);

/* dev/console.c: an external interrupt, with interrupts off; serves one line. */
bool dev_interrupt(void);
void dev_put_off(struct hart *h);
/* dev/net.c: with its interrupts off a device may have frames waiting; takes some. */
extern volatile uint32_t dev_waiting, dev_reap_wanted, dev_unsettled;
void dev_poll(bool idle);
/* One step on what has lost its last claim. False: nothing to do but to wait. */
bool dev_reap(void);

/* One page; 645 instructions to clear it. */
void machine_clear(void *page);
void machine_copy(void *to, const void *from);

/* The kernel's part of a root table, put there or taken back. */
void machine_root_set(uint64_t *root, bool on);
/* What a new activation needs of this machine; the rest is filled already. */
void machine_activation_fill(struct activation *activation, struct hart *hart);

/* Interrupt lines that environments may claim; one is let through while it is claimed. */
bool machine_irq_valid(uint32_t line);
void machine_irq_enable(uint32_t line, bool on);

/* Into user mode at pc, integer registers zero but gp, a0 and t0 (entry.S). */
static inline __attribute__((noreturn, always_inline)) void
machine_run(struct activation *activation, uint64_t pc, uint64_t a0, uint64_t t0)
{
    register uint64_t x0 __asm__("a0") = (uint64_t)activation, x1 __asm__("a1") = pc;
    register uint64_t x2 __asm__("a2") = a0, x3 __asm__("a3") = t0;

    /* a jump: a call would have its caller keep registers that nobody ever wants back */
    __asm__ volatile("j user_enter" ::"r"(x0), "r"(x1), "r"(x2), "r"(x3) : "memory");
    __builtin_unreachable();
}
/* Nobody runs on this hart from here on: the null activation, the kernel's own address space. */
void machine_enter_null(struct hart *hart);

/*
 * Replaces the fast paths' timer and address-space instructions where the machine lacks Sstc or
 * ASIDs.
 */
void machine_patch(void);

/* The kernel's own mistakes: one hart prints, then the machine ends. */
void machine_panic(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));
/* A debug build says which check refused a call. */
void machine_refused(const char *function, int line, const char *error);
/* The end, with the control record already written. */
void machine_stop(void) __attribute__((noreturn));
