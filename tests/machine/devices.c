/* SPDX-License-Identifier: BSD-2-Clause */
/* A device that the kernel leaves to applications: the clock's alarm (goldfish-rtc), its page and its line. */
#include "lib/lib.h"
#include "parts.h"

#define RTC_VA (AREA + 0x3000)
#define RTC(word) (((volatile unsigned *)RTC_VA)[word])
enum { RTC_LOW, RTC_HIGH, RTC_ALARM_LOW, RTC_ALARM_HIGH, RTC_ENABLE, RTC_CLEAR_INTERRUPT = 7 };

/* The first device of a kind, or null; other machines have others. */
static const volatile struct aegis_device *device_find(unsigned kind)
{
    for (unsigned i = 0; i < AEGIS_DEVICES; i++)
        if (EXPOSED->device[i].kind == kind)
            return &EXPOSED->device[i];
    return 0;
}

static const volatile struct aegis_device *any_device(void)
{
    return EXPOSED->device[0].kind ? &EXPOSED->device[0] : 0;
}

static void alarm_set(unsigned long ns)
{
    unsigned long when = RTC(RTC_LOW);
    when = (when | (unsigned long)RTC(RTC_HIGH) << 32) + ns;
    RTC(RTC_ENABLE) = 1;
    RTC(RTC_ALARM_HIGH) = (unsigned)(when >> 32);
    RTC(RTC_ALARM_LOW) = (unsigned)when;
}

/* Page and line claimed, registers mapped, alarm set, slept until the line's count says so: no driver of the kernel's. */
void device_driven_by_its_claimant(void)
{
    const volatile struct aegis_device *d = device_find(AEGIS_DEVICE_GOLDFISH_RTC);
    if (!d)
        return;
    struct aegis_predicate p = {.slot = AEGIS_NONE, .operation = AEGIS_GE, .width = 8,
                                .offset = (unsigned)(AEGIS_EXPOSED_OFFSET(irq_count) + 8 * d->irq)};
    unsigned long before = EXPOSED->irq_count[d->irq];
    DONE(aegis_page_alloc(PAGES_ROOT, d->page, 0, S(0), NONE));
    DONE(aegis_alloc(AEGIS_SLOT_IRQS, d->irq, S(1)));
    DONE(UNTIL_DONE(aegis_map(0, S(0), RTC_VA | AEGIS_R | AEGIS_W)));
    for (unsigned long i = 1; i <= 3; i++) {
        alarm_set(1000000);
        p.value = before + i;
        if (up_wait(&p, 1, now() + milliseconds(20000)))
            EQUAL(activation()->wake, 0);
        CHECK(EXPOSED->irq_count[d->irq] >= p.value); /* a busy host may have let it pass before we slept */
        RTC(RTC_CLEAR_INTERRUPT) = 1;
        DONE(aegis_irq_done(S(1)));
    }
    EQUAL(EXPOSED->irq_count[d->irq], before + 3);
    page_put(S(0));
    EQUAL(probe_read(RTC_VA), 1); /* 1: it faults */
    page_put(S(1));
}

/* Registers are never copied, cleared, waited on, lent or read by the kernel; a second claimant gets none. */
void device_page_is_no_memory(void)
{
    const volatile struct aegis_device *d = any_device();
    struct aegis_predicate p = {.slot = S(0), .operation = AEGIS_EQ, .width = 4, .value = 1};
    if (!d)
        return;
    GIVES(aegis_page_alloc(PAGES_ROOT, d->page & ~1UL, 1, S(0), NONE), NO_RESOURCE);
    GIVES(aegis_page_alloc(PAGES_ROOT, d->page + 1, 0, S(0), NONE), NO_RESOURCE);
    page_get(S(3), 0);
    GIVES(aegis_page_alloc(PAGES_ROOT, d->page, 0, S(0), S(3)), BAD_RANGE);
    DONE(aegis_page_alloc(PAGES_ROOT, d->page, 0, S(0), NONE));
    GIVES(aegis_page_alloc(PAGES_ROOT, d->page, 0, S(1), NONE), NO_RESOURCE);
    GIVES(aegis_page_alloc(PAGES_ROOT, ANY, 0, S(1), S(0)), BAD_RANGE);
    GIVES(aegis_slice_wait((unsigned long)&p, 1, now() + 1), BAD_RANGE);
    GIVES(aegis_table_lend(0, S(0), AEGIS_TABLE_MIDDLE, 0x80000000UL), LENT_PAGE);
    DONE(UNTIL_DONE(aegis_map(0, S(0), RTC_VA | AEGIS_R | AEGIS_W)));
    GIVES(aegis_console_write(AEGIS_SLOT_CONSOLE, 1, RTC_VA, 4), BAD_ADDRESS);
    GIVES(aegis_slice_wait(RTC_VA, 1, 0), BAD_ADDRESS);
    GIVES(aegis_env_create(ENVS_ROOT, RTC_VA, S(1)), BAD_ADDRESS);
    page_put(S(0));
    page_put(S(3));
}

/* It passes as any page does; what was had of it before it was given back is worth nothing to the next. */
void device_capabilities_end_with_the_last_claim(void)
{
    const volatile struct aegis_device *d = any_device();
    if (!d)
        return;
    unsigned long what = AEGIS_WHAT(AEGIS_PAGE, AEGIS_R, 0, d->page);
    GIVES(aegis_claim(what, 0, S(1)), BAD_CAPABILITY);
    DONE(aegis_page_alloc(PAGES_ROOT, d->page, 0, S(0), NONE));
    unsigned long mac = aegis_capability_make(S(0), AEGIS_R, 0, 0).value;
    DONE(aegis_claim(what, mac, S(1)));
    page_put(S(0));
    GIVES(aegis_page_alloc(PAGES_ROOT, d->page, 0, S(0), NONE), NO_RESOURCE); /* S(1) still has it */
    GIVES(aegis_map(0, S(1), RTC_VA | AEGIS_R | AEGIS_W), NO_RIGHT);
    page_put(S(1));
    GIVES(aegis_claim(what, mac, S(1)), BAD_CAPABILITY);
    DONE(aegis_page_alloc(PAGES_ROOT, d->page, 0, S(0), NONE));
    GIVES(aegis_claim(what, mac, S(1)), BAD_CAPABILITY);
    DONE(UNTIL_DONE(aegis_rekey(S(0))));
    page_put(S(0));
}
