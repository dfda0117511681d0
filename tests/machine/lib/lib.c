/* SPDX-License-Identifier: BSD-2-Clause */
#include "lib.h"

#include <stdarg.h>

#define STACK 4096
char main_stack[8192] __attribute__((aligned(16)));
__asm__(".globl main_stack_end\n.set main_stack_end, main_stack + 8192\n");
static char exc_stack[2048] __attribute__((aligned(16)));
static char entry_stack[2048] __attribute__((aligned(16)));
/* each child's, on each hart: stack, exception stack, entry stack */
static char stacks[CHILDREN][4][3][2048] __attribute__((aligned(16)));

extern char image_text_end[], return_begin[], return_end[];
extern char up_slice_begin[], up_slice_end[], up_exception[], up_nested[], up_revoke[], up_entry[], up_entry_async[];
extern char up_caller_gone[], up_emergency[], probe_read_at[], probe_write_at[], probe_failed[];

unsigned long image_first, image_end;
static unsigned long image_own; /* where boot has put them, mapped */
#define IMAGE_SLOT 20
const char *test_now;
static unsigned failures;
static volatile int failing;
void (*child_prepare)(volatile struct aegis_activation *u, struct my *m);
unsigned child_stlb;

/* ---- words ---- */

static void put(unsigned long channel, const char *s, unsigned long n)
{
    while (n) {
        struct aegis_result r = aegis_console_write(AEGIS_SLOT_CONSOLE, channel, (unsigned long)s, n < 64 ? n : 64);
        if (r.error == AEGIS_E_AGAIN)
            continue;
        if (r.error)
            return;
        s += r.value;
        n -= r.value;
    }
}

static char *number(char *to, unsigned long v, unsigned base, bool sign)
{
    char digits[24];
    unsigned n = 0;
    if (sign && (long)v < 0) {
        *to++ = '-';
        v = -v;
    }
    do
        digits[n++] = "0123456789abcdef"[v % base];
    while (v /= base);
    while (n)
        *to++ = digits[--n];
    return to;
}

void say(const char *f, ...)
{
    char line[400], *to = line;
    va_list list;
    va_start(list, f);
    for (; *f && to < line + 350; f++) {
        if (*f != '%') {
            *to++ = *f;
            continue;
        }
        f++;
        if (*f == 'l')
            f++;
        if (*f == 's') {
            for (const char *s = va_arg(list, const char *); *s && to < line + 350; s++)
                *to++ = *s;
        } else {
            to = number(to, va_arg(list, unsigned long), *f == 'x' ? 16 : 10, *f == 'd');
        }
    }
    va_end(list);
    *to++ = '\n';
    put(1, line, (unsigned long)(to - line));
}

void lib_fail(const char *file, int line, const char *what, long got, long wanted)
{
    for (const char *s = file; *s; s++)
        if (*s == '/')
            file = s + 1;
    if (failing++ < 5)
        say("# %s:%d: %s is %d, not %d", file, (long)line, what, got, wanted);
}

/* ---- time ---- */

unsigned long now(void)
{
    unsigned long t;
    __asm__ volatile("rdtime %0" : "=r"(t));
    return t;
}

unsigned long milliseconds(unsigned long n)
{
    return n * EXPOSED->slice_ticks / 10;
}

/* `ms` is enough for a hart of one's own; a host that is busy with others may need more. */
bool wait_for(bool (*over)(void *), void *argument, unsigned long ms)
{
    unsigned long until = now() + milliseconds(failing ? ms / 20 : 10 * ms);
    while (!over(argument)) {
        if (now() > until)
            return over(argument);
        up_yield();
    }
    return true;
}

struct word_test {
    const volatile unsigned long *word;
    unsigned long value;
};

static bool word_reached(void *w)
{
    struct word_test *t = w;
    return *t->word >= t->value;
}

bool wait_word(const volatile unsigned long *word, unsigned long value)
{
    struct word_test t = {word, value};
    return wait_for(word_reached, &t, 20000);
}

void spin_ms(unsigned long ms)
{
    unsigned long until = now() + milliseconds(ms);
    while (now() < until)
        ;
}

void pause_ms(unsigned long ms)
{
    unsigned long until = now() + milliseconds(ms);
    while (now() < until)
        up_yield();
}

static bool nothing_dies(void *unused)
{
    (void)unused;
    aegis_reap(64);
    return EXPOSED->dying == AEGIS_ENVS;
}

void settle(void)
{
    if (!wait_for(nothing_dies, 0, 2000))
        lib_fail("settle", 0, "environments that never end", EXPOSED->dying, AEGIS_ENVS);
}

/* ---- exceptions ---- */

void lib_exception(unsigned long *state);

void lib_exception(unsigned long *state)
{
    struct my *m = my();
    unsigned long pc = state[0];
    if (m->exc_again) {
        m->exc_again = 0;
        *(volatile int *)8 = 1;
    }
    if (pc == (unsigned long)probe_byte || pc == (unsigned long)probe_read_at || pc == (unsigned long)probe_write_at) {
        state[0] = (unsigned long)probe_failed;
        return;
    }
    if (state[1] > (unsigned long)probe_execute && state[1] < (unsigned long)probe_failed && pc == activation()->exc_value) {
        state[0] = state[1];
        state[10] = 1;
        return;
    }
    if (m->exc_fn) {
        ((void (*)(unsigned long *))m->exc_fn)(state);
        return;
    }
    say("# exception: cause %d, pc %lx, value %lx, ra %lx", activation()->exc_cause, pc, activation()->exc_value, state[1]);
    if (m != (struct my *)AEGIS_ACTIVATION(0) || LEDGER[AEGIS_SLOT_MACHINE].what == 0) {
        aegis_env_destroy(0);
        for (;;)
            ;
    }
    say("not ok %s: died", test_now);
    put(3, "signal 11\n", 10);
    aegis_machine_end(AEGIS_SLOT_MACHINE, 1);
    for (;;)
        ;
}

/* ---- pages and environments ---- */

unsigned long page_get(unsigned long slot, unsigned order)
{
    struct aegis_result r = UNTIL_DONE(aegis_page_alloc(PAGES_ROOT, ANY, order, slot, NONE));
    DONE(r);
    return r.value;
}

void page_put(unsigned long slot)
{
    DONE(UNTIL_DONE(aegis_release(0, slot)));
}

void dead_claim(unsigned n)
{
    page_get(S(n), 0);
    struct aegis_result r = aegis_capability_make(S(n), AEGIS_RWX | AEGIS_REKEY | AEGIS_LEND, 0, 0);
    DONE(r);
    DONE(aegis_claim(LEDGER[S(n)].what, r.value, S(n) + 100));
    r = aegis_rekey(S(n) + 100); /* one step kills the other; it is not walked yet */
    CHECK(r.error == 0 || r.error == AEGIS_E_AGAIN);
}

void dead_end(unsigned n)
{
    DONE(UNTIL_DONE(aegis_rekey(S(n) + 100)));
    EQUAL(LEDGER[S(n)].what, 0);
    page_put(S(n) + 100);
}

#define CHILD_SLOTS 20
#define CHILD_BASE (1024 - CHILDREN * CHILD_SLOTS)
#define SCRATCH 0x38000000UL

unsigned long child_slot(unsigned k, unsigned n)
{
    return CHILD_BASE + k * CHILD_SLOTS + n;
}

void child_make(struct child *c, unsigned k)
{
    uint64_t vector[AEGIS_ENV_LENT];
    unsigned long base = child_slot(k, 0);

    *c = (struct child){.slot = base, .k = k};
    for (unsigned i = 0; i < AEGIS_ENV_LENT; i++) {
        page_get(base + 1 + i, 0);
        vector[i] = base + 1 + i;
    }
    struct aegis_result r = aegis_env_create(ENVS_ROOT, (unsigned long)vector, base);
    DONE(r);
    c->index = r.value;
    page_get(base + 1 + AEGIS_ENV_LENT, 1);
    DONE(aegis_table_lend(base, base + 1 + AEGIS_ENV_LENT, AEGIS_TABLE_LEAF, 0));
    for (unsigned i = 0; i <= AEGIS_ENV_LENT; i++)
        page_put(base + 1 + i);
    if (child_stlb) {
        page_get(base + 1, child_stlb);
        DONE(aegis_table_lend(base, base + 1, AEGIS_TABLE_STLB, 0));
        page_put(base + 1);
    }
    DONE(aegis_share(base, AEGIS_SLOT_CONSOLE, 1, AEGIS_W));
    DONE(aegis_share(base, image_first, image_end - image_first, AEGIS_RWX));
    for (unsigned long s = image_first; s < image_end; s++) {
        unsigned long va = LEDGER[image_own + s - image_first].where & ~0xfffUL;
        unsigned long rights = va < (unsigned long)image_text_end ? AEGIS_R | AEGIS_X : AEGIS_R | AEGIS_W;
        DONE(UNTIL_DONE(aegis_map(base, s, va | rights)));
    }
}

void child_on(struct child *c, unsigned hart, void (*function)(long), long argument)
{
    unsigned long slot = child_slot(c->k, 8);
    char(*s)[2048] = stacks[c->k][hart & 3];

    page_get(slot, 1);
    DONE(UNTIL_DONE(aegis_map(0, slot, SCRATCH | AEGIS_R | AEGIS_W)));
    volatile struct aegis_activation *u = (volatile struct aegis_activation *)SCRATCH;
    struct my *m = (struct my *)SCRATCH;
    u->up_exception = (uint64_t)up_exception;
    u->up_nested = (uint64_t)up_nested;
    u->up_slice_end = (uint64_t)up_slice_end;
    u->up_slice_begin = (uint64_t)up_slice_begin;
    u->up_entry = (uint64_t)up_entry;
    u->up_entry_async = (uint64_t)up_entry_async;
    u->up_revoke = (uint64_t)up_revoke;
    u->up_caller_gone = (uint64_t)up_caller_gone;
    u->up_emergency = (uint64_t)up_emergency;
    u->return_begin = (uint64_t)return_begin;
    u->return_end = (uint64_t)return_end;
    u->save_slot = NONE;
    m->sp = (unsigned long)s[1];
    m->exc_sp = (unsigned long)s[2];
    m->entry_sp = (unsigned long)s[2] + 2048;
    m->function = (unsigned long)function;
    m->argument = (unsigned long)argument;
    if (child_prepare)
        child_prepare(u, m);
    DONE(UNTIL_DONE(aegis_unmap(0, slot)));
    DONE(aegis_activation_lend(c->slot, slot, hart));
    page_put(slot);
}

void child_slice(struct child *c, unsigned hart)
{
    unsigned long slot = child_slot(c->k, 10 + hart);
    DONE(aegis_alloc(AEGIS_SLOT_SLICES, hart << 8 | 0xff, slot));
    c->slices[hart] = slot;
    DONE(aegis_slice_lend(slot, c->slot));
}

void child_start(struct child *c, unsigned k, unsigned hart, void (*function)(long), long argument)
{
    child_make(c, k);
    child_on(c, hart, function, argument);
    child_slice(c, hart);
}

bool env_gone(void *child)
{
    aegis_reap(8);
    unsigned state = EXPOSED->env[((struct child *)child)->index].state;
    return state == AEGIS_ENV_DEAD || state == AEGIS_ENV_FREE;
}

void child_end(struct child *c)
{
    struct aegis_result r;
    unsigned long until = now() + milliseconds(30000);
    while ((r = aegis_env_destroy(c->slot)).error == AEGIS_E_AGAIN && now() < until)
        up_yield();
    DONE(r);
    for (unsigned h = 0; h < AEGIS_HARTS; h++)
        if (c->slices[h])
            page_put(c->slices[h]);
    page_put(c->slot);
}

unsigned long low_slot(unsigned n)
{
    for (unsigned long s = AEGIS_SLOT_BOOT; s < AEGIS_ENTRY_SLOTS; s++)
        if (!LEDGER[s].what && !n--)
            return s;
    say("# no low slot left");
    return 0;
}

/* ---- counts before and after ---- */

struct counts {
    unsigned long pages, claims, environments, slices;
    unsigned long filters, endpoints, cells; /* of the network */
};

unsigned long given_pages, given_cells;

static void count(struct counts *c)
{
    *c = (struct counts){.pages = EXPOSED->free_pages};
    for (unsigned s = 0; s < 1024; s++)
        c->claims += LEDGER[s].what != 0;
    for (unsigned i = 0; i < AEGIS_ENVS; i++)
        c->environments += EXPOSED->env[i].state != AEGIS_ENV_FREE;
    for (unsigned h = 0; h < EXPOSED->harts; h++)
        c->slices += EXPOSED->hart[h].slices;
    c->filters = EXPOSED->net.filters;
    c->endpoints = EXPOSED->net.endpoints;
    c->cells = EXPOSED->net.memory_free;
}

static bool same_counts(void *before)
{
    struct counts *b = before, a;
    aegis_reap(64);
    count(&a);
    /* an idle hart may have had a page in hand, being cleared, when we counted first */
    return a.pages >= b->pages && a.pages < b->pages + EXPOSED->harts && a.claims == b->claims && a.environments == b->environments && a.slices == b->slices &&
           a.filters == b->filters && a.endpoints == b->endpoints && a.cells == b->cells;
}

/* What a failed test left behind. */
static void tidy(void)
{
    for (unsigned s = FREE_SLOT; s < 1024; s++)
        if (AEGIS_WHAT_TYPE(LEDGER[s].what) == AEGIS_ENV)
            UNTIL_DONE(aegis_env_destroy(s));
    for (unsigned s = FREE_SLOT; s < 1024; s++)
        if (LEDGER[s].what)
            UNTIL_DONE(aegis_release(0, s));
    for (unsigned long s = AEGIS_SLOT_BOOT; s < image_first; s++)
        if (LEDGER[s].what)
            UNTIL_DONE(aegis_release(0, s));
    settle();
}

/* Idle harts clear ahead; what one has in hand is on no list for that moment. */
static bool nothing_to_clear(void *unused)
{
    (void)unused;
    return EXPOSED->clean_pages >= 1024 || EXPOSED->clean_pages == EXPOSED->free_pages;
}

static void run(const struct test *t)
{
    struct counts before, after;
    settle();
    wait_for(nothing_to_clear, 0, 100);
    if (EXPOSED->harts > 1)
        pause_ms(1);
    count(&before);
    for (unsigned i = 0; i < 300; i++) { /* a page that an idle hart is clearing is not counted for that moment */
        unsigned long pages = EXPOSED->free_pages;
        if (pages > before.pages)
            before.pages = pages;
    }
    failing = 0;
    test_now = t->name;
    my()->exc_fn = 0;
    my()->ignore = 0;
    child_prepare = 0;
    given_pages = given_cells = 0;
    t->run();
    before.pages -= given_pages;
    before.cells += given_cells;
    if (!failing)
        settle();
    if (!failing && !wait_for(same_counts, &before, 500)) {
        count(&after);
        EQUAL(after.pages, before.pages);
        EQUAL(after.claims, before.claims);
        EQUAL(after.environments, before.environments);
        EQUAL(after.slices, before.slices);
    }
    say("%s %s", failing ? "not ok" : "ok", t->name);
    failures += failing != 0;
    if (failing)
        tidy();
}

/* The image's claims once more, in the ledger's first page: children have no other, and that one is spared by revocation. */
static void image_again(void)
{
    image_first = image_end = IMAGE_SLOT;
    for (unsigned long s = image_own; s < EXPOSED->first_claims; s++, image_end++) {
        unsigned long what = LEDGER[s].what;
        struct aegis_result r = aegis_capability_make(s, AEGIS_WHAT_RIGHTS(what), 0, AEGIS_WHAT_ORDER(what));
        DONE(aegis_claim(what, r.value, image_end));
    }
    CHECK(image_end < 126 && EXPOSED->first_claims <= 224);
}

void lib_start(void);

void lib_start(void)
{
    volatile struct aegis_activation *u = AEGIS_ACTIVATION(0);
    struct my *m = my();

    u->up_exception = (uint64_t)up_exception;
    u->up_nested = (uint64_t)up_nested;
    u->up_slice_end = (uint64_t)up_slice_end;
    u->up_slice_begin = (uint64_t)up_slice_begin;
    u->up_entry = (uint64_t)up_entry;
    u->up_entry_async = (uint64_t)up_entry_async;
    u->up_revoke = (uint64_t)up_revoke;
    u->up_caller_gone = (uint64_t)up_caller_gone;
    u->up_emergency = (uint64_t)up_emergency;
    u->return_begin = (uint64_t)return_begin;
    u->return_end = (uint64_t)return_end;
    u->save_slot = NONE;
    m->exc_sp = (unsigned long)exc_stack + sizeof exc_stack;
    m->entry_sp = (unsigned long)entry_stack + sizeof entry_stack;
    u->forced = 0; /* if we overran before this, we have begun anew */
    if (u->held)
        up_yield(); /* which unmasks */
    u->masked = u->held = 0;
    image_own = AEGIS_SLOT_BOOT;
    while (!(LEDGER[image_own].where & AEGIS_MAPPED))
        image_own++;
    /* the archive's slots are the low ones that the tests need */
    for (unsigned long s = AEGIS_SLOT_BOOT; s < image_own; s++)
        UNTIL_DONE(aegis_release(0, s));
    image_again();
    unsigned ran = 0;
    for (unsigned i = 0; i < test_count; i++) {
        if (tests[i].harts > EXPOSED->harts || !tests[i].run) /* it is in another image */
            continue;
        run(&tests[i]);
        ran++;
    }
    say("# %d tests, %d failed", (long)ran, (long)failures);
    put(3, failures ? "exit 1\n" : "exit 0\n", 7);
    aegis_machine_end(AEGIS_SLOT_MACHINE, 0);
    for (;;)
        ;
}

/* What the compiler calls. */
void *memset(void *to, int byte, size_t size);
void *memcpy(void *to, const void *from, size_t size);

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *memset(void *to, int byte, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((char *)to)[i] = (char)byte;
    return to;
}

__attribute__((optimize("no-tree-loop-distribute-patterns"))) void *memcpy(void *to, const void *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((char *)to)[i] = ((const char *)from)[i];
    return to;
}
