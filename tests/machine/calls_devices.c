/* SPDX-License-Identifier: BSD-2-Clause */
/* The calls on devices, the FP unit and the gate; what every call leaves in registers. */
#include "lib/lib.h"
#include "calls.h"

void call_console_write(void)
{
    char text[80];
    for (unsigned i = 0; i < sizeof text; i++)
        text[i] = '#';
    text[63] = '\n';
    unsigned long at = (unsigned long)text;
    struct aegis_result r = aegis_console_write(AEGIS_SLOT_CONSOLE, 1, at, 80);
    CHECK(r.error == AEGIS_E_AGAIN || (r.error == 0 && r.value <= 64));
    GIVES(aegis_console_write(AEGIS_SLOT_CONSOLE, 0, at, 1), BAD_RANGE);
    GIVES(aegis_console_write(AEGIS_SLOT_CONSOLE, 4, at, 1), BAD_RANGE);
    GIVES(aegis_console_write(AEGIS_SLOT_CONSOLE, 1, 0, 1), BAD_ADDRESS);
    GIVES(aegis_console_write(AEGIS_SLOT_CONSOLE, 1, 0xffffffc080200000UL, 8), BAD_ADDRESS);
    GIVES(aegis_console_write(AEGIS_SLOT_CONSOLE, 1, ~0UL, 64), BAD_ADDRESS);
    GIVES(aegis_console_write(BAD, 1, at, 1), BAD_SLOT);
    GIVES(aegis_console_write(S(0), 1, at, 1), EMPTY_SLOT);
    GIVES(aegis_console_write(PAGES_ROOT, 1, at, 1), WRONG_TYPE);
    r = aegis_capability_make(AEGIS_SLOT_CONSOLE, AEGIS_R, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_CONSOLE, AEGIS_R, 0, 0), r.value, S(0)));
    GIVES(aegis_console_write(S(0), 1, at, 1), NO_RIGHT);
    page_put(S(0));
    r = aegis_capability_make(AEGIS_SLOT_CONSOLE, AEGIS_W, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_CONSOLE, AEGIS_W, 0, 0), r.value, S(0)));
    DONE(aegis_rekey(AEGIS_SLOT_CONSOLE));
    GIVES(aegis_console_write(S(0), 1, at, 1), REVOKED);
    page_put(S(0));
}

static bool input_came(void *unused)
{
    (void)unused;
    return EXPOSED->input_count > 0;
}

/* The tests' standard input is the word "typed". */
void call_console_read(void)
{
    char text[80] = {0};
    unsigned long at = (unsigned long)text;
    struct aegis_result r = aegis_console_read(AEGIS_SLOT_CONSOLE, at, 1);
    if (r.error == AEGIS_E_AGAIN) { /* now the host knows that input is wanted */
        CHECK(wait_for(input_came, 0, 20000));
        r = aegis_console_read(AEGIS_SLOT_CONSOLE, at, 1);
    }
    EQUAL(r.error, 0);
    EQUAL(r.value, 1);
    EQUAL(text[0], 't');
    CHECK(wait_for(input_came, 0, 20000));
    /* what cannot be handed over was not read */
    GIVES(aegis_console_read(AEGIS_SLOT_CONSOLE, 1UL << 38, 8), BAD_ADDRESS);
    GIVES(aegis_console_read(AEGIS_SLOT_CONSOLE, AEGIS_LEDGER_VA, 8), BAD_ADDRESS);
    r = aegis_console_read(AEGIS_SLOT_CONSOLE, at, 80);
    EQUAL(r.error, 0);
    CHECK(r.value >= 1 && r.value <= 4);
    EQUAL(text[0], 'y');
    GIVES(aegis_console_read(AEGIS_SLOT_CONSOLE, at, 0), BAD_RANGE);
    GIVES(aegis_console_read(BAD, at, 1), BAD_SLOT);
    GIVES(aegis_console_read(S(0), at, 1), EMPTY_SLOT);
    GIVES(aegis_console_read(PAGES_ROOT, at, 1), WRONG_TYPE);
    r = aegis_capability_make(AEGIS_SLOT_CONSOLE, AEGIS_W, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_CONSOLE, AEGIS_W, 0, 0), r.value, S(0)));
    GIVES(aegis_console_read(S(0), at, 1), NO_RIGHT);
    page_put(S(0));
    r = aegis_capability_make(AEGIS_SLOT_CONSOLE, AEGIS_R, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_CONSOLE, AEGIS_R, 0, 0), r.value, S(0)));
    DONE(aegis_rekey(AEGIS_SLOT_CONSOLE));
    GIVES(aegis_console_read(S(0), at, 1), REVOKED);
    page_put(S(0));
}

void call_irq_done(void)
{
    DONE(aegis_alloc(AEGIS_SLOT_IRQS, 2, S(0)));
    DONE(aegis_irq_done(S(0)));
    GIVES(aegis_irq_done(BAD), BAD_SLOT);
    GIVES(aegis_irq_done(S(1)), EMPTY_SLOT);
    GIVES(aegis_irq_done(AEGIS_SLOT_CONSOLE), WRONG_TYPE);
    struct aegis_result r = aegis_capability_make(S(0), AEGIS_R, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_IRQ, AEGIS_R, 0, 2), r.value, S(1)));
    DONE(aegis_rekey(S(0)));
    GIVES(aegis_irq_done(S(1)), REVOKED);
    page_put(S(1));
    page_put(S(0));
}

/* That it ends the machine is what every run of these tests shows. */
void call_machine_end(void)
{
    GIVES(aegis_machine_end(BAD, 0), BAD_SLOT);
    GIVES(aegis_machine_end(S(0), 0), EMPTY_SLOT);
    GIVES(aegis_machine_end(AEGIS_SLOT_CONSOLE, 0), WRONG_TYPE);
    struct aegis_result r = aegis_capability_make(AEGIS_SLOT_MACHINE, 0, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_MACHINE, 0, 0, 0), r.value, S(0)));
    GIVES(aegis_machine_end(S(0), 0), NO_RIGHT);
    page_put(S(0));
    r = aegis_capability_make(AEGIS_SLOT_MACHINE, AEGIS_W, 0, 0);
    DONE(aegis_claim(AEGIS_WHAT(AEGIS_MACHINE, AEGIS_W, 0, 0), r.value, S(0)));
    DONE(aegis_rekey(AEGIS_SLOT_MACHINE));
    GIVES(aegis_machine_end(S(0), 0), REVOKED);
    page_put(S(0));
}

void call_fp_take(void)
{
    CHECK(aegis_fp_take().value <= 1);
    EQUAL(aegis_fp_take().value, 1);
    double x = 1.5;
    __asm__ volatile("fadd.d %0, %0, %0" : "+f"(x));
    CHECK(x == 3.0);
    EQUAL(activation()->fp_live, 1);
}

void call_pct_return(void)
{
    GIVES(aegis_pct_return(), NO_TRANSFER);
}

void registers_zero_after_calls(void)
{
    for (long n = 3; n < AEGIS_CALLS; n++) {
        if (n == AEGIS_CALL_slice_yield_to || n == AEGIS_CALL_slice_wait || n == AEGIS_CALL_machine_end ||
            n == AEGIS_CALL_env_destroy)
            continue;
        EQUAL(registers_after(n), 0);
    }
    EQUAL(registers_after(1000), 0);
    up_yield();
    EQUAL(my()->dirty, 0);
}
