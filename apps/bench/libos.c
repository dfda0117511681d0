/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A first environment on the libOS, for the figures that take the libOS's share in: what comes between two readings of
 * `instret` less the instructions of ours. Warm, as in bench.c.
 */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include <aegis/aegis.h>
#include <aegis/pager.h>
#include <aegis/scheduler.h>

#define SWITCH 50 /* a round of the loop is 4; more than this was an upcall */

static char page[2 * AEGIS_PAGE_SIZE] __attribute__((aligned(AEGIS_PAGE_SIZE)));

static void report(const char *name, unsigned long value)
{
    /* before any session there are no files to print to */
    char line[80];
    int size = snprintf(line, sizeof line, "%s\t%lu\n", name, value);

    for (int at = 0; at < size;) {
        struct aegis_result r = aegis_console_write(AEGIS_SLOT_CONSOLE, 1, (unsigned long)line + (unsigned)at, (unsigned)(size - at));
        at += r.error ? 0 : (int)r.value;
    }
}

/* A claimed page whose translation is gone from table and STLB is touched: upcall, default pager, and on. */
static unsigned long fault_count(void)
{
    struct page_entry entry = pager_find((uintptr_t)page);
    unsigned long n, end;

    while (aegis_unmap(0, entry.slot).error == AEGIS_E_AGAIN)
        ;
    __asm__ volatile("rdinstret %0\n\tlb zero, 0(%2)\n\trdinstret %1" : "=&r"(n), "=&r"(end) : "r"(page) : "memory");
    return end - n - 2;
}

/* A round reads the counter once; the round in which the slot ended, and the next began, is longer. */
static unsigned long switch_count(void)
{
    unsigned long last, now, n;

    __asm__ volatile("rdinstret %0\n"
                     "1: rdinstret %1\n\tsub %2, %1, %0\n\tmv %0, %1\n\tbltu %2, %3, 1b"
                     : "=&r"(last), "=&r"(now), "=&r"(n) : "r"((unsigned long)SWITCH) : "memory");
    return n - 4;
}

/* ---- a device of ours: the clock's alarm ---- */

#define RTC_VA 0x2f000000UL
#define ALARM_NS 20000000UL
enum { RTC_LOW, RTC_HIGH, RTC_ALARM_LOW, RTC_ALARM_HIGH, RTC_ENABLE, RTC_CLEAR_INTERRUPT = 7 }; /* words */

static unsigned rtc_slot; /* the registers' claim; the line's stands in the one before */
static uint32_t rtc_line;

/* Two slots of the ledger that nobody uses yet, from its end. */
static unsigned slots_free(void)
{
    const volatile struct aegis_claim *ledger = (const volatile struct aegis_claim *)AEGIS_LEDGER_VA;
    unsigned slot = AEGIS_EXPOSED_STATE->env[0].pages * AEGIS_CLAIMS_PER_PAGE - 1;

    while (ledger[slot].what || ledger[slot - 1].what)
        slot--;
    return slot;
}

/* Claims device and line and maps the registers; false: this machine has no such clock. */
static bool rtc_open(void)
{
    const volatile struct aegis_device *d = AEGIS_EXPOSED_STATE->device;

    while (d->kind && d->kind != AEGIS_DEVICE_GOLDFISH_RTC)
        d++;
    rtc_slot = slots_free();
    rtc_line = d->irq;
    return d->kind && !aegis_page_alloc(AEGIS_SLOT_PAGES, d->page, 0, rtc_slot, AEGIS_NONE).error &&
           !aegis_alloc(AEGIS_SLOT_IRQS, d->irq, rtc_slot - 1).error &&
           !aegis_map(0, rtc_slot, RTC_VA | AEGIS_R | AEGIS_W).error;
}

/* The mark stands on the first instruction of ours when the interrupt has ended the wait. */
static void alarm_wait(uint64_t count)
{
    volatile uint32_t *rtc = (volatile uint32_t *)RTC_VA;
    struct aegis_predicate p = {AEGIS_NONE, AEGIS_GE, 8,
                                (uint32_t)(AEGIS_EXPOSED_OFFSET(irq_count) + 8 * rtc_line), count};
    uint64_t now = rtc[RTC_LOW];

    now = (now | (uint64_t)rtc[RTC_HIGH] << 32) + ALARM_NS;
    rtc[RTC_ENABLE] = 1;
    rtc[RTC_ALARM_HIGH] = (uint32_t)(now >> 32);
    rtc[RTC_ALARM_LOW] = (uint32_t)now;
    thread_wait(&p, 1, 0);
    __asm__ volatile(".globl mark_interrupt_to_app\nmark_interrupt_to_app: nop" ::: "memory");
    rtc[RTC_CLEAR_INTERRUPT] = 1;
    aegis_irq_done(rtc_slot - 1);
}

int main(void)
{
    unsigned long n = 0;

    page[0] = 1;
    for (int i = 0; i < 3; i++)
        n = fault_count();
    report("fault_pager", n);
    for (int i = 0; i < 3; i++)
        n = switch_count();
    report("slice_switch", n);
    for (uint64_t i = 1; i <= 3 && (i > 1 || rtc_open()); i++)
        alarm_wait(i);
    for (unsigned long at = 0; at < 7;)
        at += aegis_console_write(AEGIS_SLOT_CONSOLE, 3, (unsigned long)"exit 0\n" + at, 7 - at).value;
    aegis_machine_end(AEGIS_SLOT_MACHINE, 0);
    return 1;
}
