/* SPDX-License-Identifier: BSD-2-Clause */
/* What both freestanding first environments need: saying numbers, counting one call, making a partner. */
#include "bench.h"

unsigned slot_next;

static void text_put(int channel, const char *text)
{
    while (*text) {
        unsigned long n = 0;
        while (text[n] && n < 64)
            n++;
        struct aegis_result r = aegis_console_write(AEGIS_SLOT_CONSOLE, (unsigned long)channel, (unsigned long)text, n);
        text += r.error ? 0 : r.value;
    }
}

static char *number(char *to, unsigned long value, unsigned base)
{
    char digits[24];
    unsigned n = 0;
    do {
        digits[n++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    while (n)
        *to++ = digits[--n];
    return to;
}

void report(const char *name, unsigned long value)
{
    char line[80], *to = line;
    while (*name)
        *to++ = *name++;
    *to++ = '\t';
    to = number(to, value, 10);
    *to++ = '\n';
    *to = 0;
    text_put(1, line);
}

_Noreturn void end(int status)
{
    text_put(3, status ? "exit 1\n" : "exit 0\n");
    for (;;)
        aegis_machine_end(AEGIS_SLOT_MACHINE, (unsigned long)status);
}

_Noreturn void fail(const char *what, long value)
{
    char line[80], *to = line;
    text_put(2, what);
    *to++ = ':';
    *to++ = ' ';
    to = number(to, (unsigned long)value, 16);
    *to++ = '\n';
    *to = 0;
    text_put(2, line);
    end(1);
}

_Noreturn void main_lost(void)
{
    volatile struct aegis_activation *u = AEGIS_ACTIVATION(0);
    report("exc_cause", u->exc_cause + 8);
    report("exc_value", u->exc_value);
    report("slice_pc", u->slice_pc);
    fail("an upcall that nobody waited for, exception's pc", (long)u->exc_pc);
}

struct aegis_result must(struct aegis_result r, const char *what)
{
    if (r.error)
        fail(what, r.error);
    return r;
}

unsigned slot_take(void)
{
    return slot_next++;
}

unsigned page_new(unsigned order)
{
    unsigned slot = slot_take();
    ALL_STEPS(aegis_page_alloc(AEGIS_SLOT_PAGES, AEGIS_ANY, order, slot, AEGIS_NONE));
    return slot;
}

/* ---- a partner: another environment with the same image ---- */

volatile struct aegis_capability partner_capability;

/* Runs in the partner, by its slice-begin upcall. */
void partner_main(void)
{
    struct aegis_result r = aegis_alloc(AEGIS_SLOT_SELF, 0, 1);
    if (r.error)
        return;
    r = aegis_capability_make(1, AEGIS_CALL | AEGIS_SEND, 0, 0);
    partner_capability.what = AEGIS_WHAT(AEGIS_ENTRY, AEGIS_CALL | AEGIS_SEND, 0, AEGIS_ACTIVATION(0)->user[0]);
    partner_capability.mac = r.value;
}

void activation_fill(unsigned slot, unsigned long index, void (*begin)(void))
{
    must(aegis_map(0, slot, SPARE_VA | AEGIS_R | AEGIS_W), "map");
    volatile struct aegis_activation *u = (volatile struct aegis_activation *)SPARE_VA;
    u->user[0] = (uint8_t)index;
    u->up_exception = u->up_nested = u->up_slice_end = u->up_revoke = (uint64_t)lost;
    u->up_caller_gone = u->up_emergency = (uint64_t)lost;
    u->up_slice_begin = (uint64_t)begin;
    u->up_entry = (uint64_t)partner_entry;
    ALL_STEPS(aegis_unmap(0, slot));
}

void partner_pages(struct partner *p)
{
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        p->lent[i] = page_new(0);
    p->activation = page_new(1);
    p->slot = slot_take();
}

unsigned long partner_create(struct partner *p)
{
    uint64_t lent[AEGIS_ENV_LENT];
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++)
        lent[i] = p->lent[i];
    return must(aegis_env_create(AEGIS_SLOT_ENVS, (unsigned long)lent, p->slot), "env_create").value;
}

void partner_destroy(struct partner *p)
{
    ALL_STEPS(aegis_env_destroy(p->slot));
    ALL_STEPS(aegis_release(0, p->slot));
}

/* Our image, mapped where we have it. */
static void partner_image(struct partner *p)
{
    const volatile struct aegis_claim *ledger = (const volatile struct aegis_claim *)AEGIS_LEDGER_VA;
    for (unsigned slot = AEGIS_SLOT_BOOT; slot < AEGIS_EXPOSED_STATE->first_claims; slot++) {
        uint64_t where = ledger[slot].where;
        if (!(where & AEGIS_MAPPED))
            continue;
        must(aegis_share(p->slot, slot, 1, AEGIS_RWX), "share");
        where -= where % AEGIS_PAGE_SIZE;
        unsigned long rights = where < (unsigned long)writable ? AEGIS_R | AEGIS_X : AEGIS_R | AEGIS_W;
        must(aegis_map(p->slot, slot, where | rights), "map into the partner");
    }
}

void partner_start(struct partner *p, void (*begin)(void))
{
    partner_pages(p);
    unsigned long index = partner_create(p);
    must(aegis_table_lend(p->slot, page_new(1), AEGIS_TABLE_LEAF, 0), "table_lend");
    must(aegis_table_lend(p->slot, page_new(0), AEGIS_TABLE_LEDGER, 0), "table_lend");
    partner_image(p);
    activation_fill(p->activation, index, begin);
    must(aegis_activation_lend(p->slot, p->activation, 0), "activation_lend");
}

void settle(void)
{
    uint64_t clean;

    do {
        clean = AEGIS_EXPOSED_STATE->clean_pages;
        leave(0, 0, time_now() + AEGIS_EXPOSED_STATE->time_hz / 1000, AEGIS_CALL_slice_wait);
    } while (clean != AEGIS_EXPOSED_STATE->clean_pages);
}
