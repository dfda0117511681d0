/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handlers copied, verified, bound to filters, taken out of use (ash/binding.md is the chapter).
 */
#include "handler.h"

#include "../../ash/verify.h"
#include "../core/limbo.h"
#include "../core/env.h"
#include "../core/user.h"
#include "../riscv/boot.h"

#define CODE_PAGES  4
#define CHUNK       8192 /* bytes that one call copies */
#define VERIFIED    640  /* instructions that one call verifies, fewer where there are labels (ash/verify.h) */
#define WINDOW_ORDER 8   /* of its block at most */

/* The block that is lent: code; then, while it is verified, the desk, and afterwards the window's table and the frame's page. */
#define LEAF_PAGE   CODE_PAGES
#define FRAME_PAGE  (CODE_PAGES + 1)

/* Entries of the image's middle table, 2 MiB each: code and frames of all places; from WINDOWS on a pair a place. */
#define CODE_ENTRY  16
#define WINDOWS     32
#define ENTRY_SHIFT 21
#define WINDOW_AT   0x100000UL
/* Pages of the first of them. */
#define FRAMES      256
#define FRAME_SPAN  8

_Static_assert(ASH_WINDOW_MAX == WINDOW_AT && ASH_WINDOW_GUARD <= WINDOW_AT, "a window and the holes beside it fill a pair");
_Static_assert(ASH_FRAME_GUARD + ASH_FRAME_SIZE <= FRAME_SPAN * PAGE_SIZE && FRAMES + AEGIS_HANDLERS * FRAME_SPAN <= 512 &&
               AEGIS_HANDLERS * CODE_PAGES + ASH_FRAME_GUARD / PAGE_SIZE <= FRAMES, "frames' holes");
_Static_assert(CODE_PAGES * PAGE_SIZE == ASH_WORDS_MAX * 4 && PAGE_SIZE << WINDOW_ORDER == ASH_WINDOW_MAX, "places");

/* What is known of an image while it is being installed; its code is where it will run from. */
struct desk {
    uint32_t code_done, claims_done;
    struct ash_image head;
    struct ash_verifier verifier;
    char claims[8 + ASH_LABELS_MAX * sizeof(struct ash_label) + ASH_KNOWNS_MAX * sizeof(struct ash_known)] __attribute__((aligned(8)));
};
_Static_assert(sizeof(struct desk) <= (PAGE_SIZE << AEGIS_HANDLER_ORDER) - CODE_PAGES * PAGE_SIZE, "desk");

struct handler handler_place[AEGIS_HANDLERS];
static uint64_t table[512] __attribute__((aligned(4096))); /* of entry CODE_ENTRY */
static uint64_t serials;

/* ---- the end ---- */

/* Takes it out of the way of frames; network.lock is held. */
static void end(struct handler *h)
{
    if (h->filter != AEGIS_NONE && network.filter[h->filter].handler == h)
        __atomic_store_n(&network.filter[h->filter].handler, NULL, __ATOMIC_RELEASE);
    exposed.net.handler[h->number].check = 0;
    network.handlers--;
    h->state = ENDING;
    h->stamp = limbo_enter(kernel.online);
    dev_reap_wanted = 1;
}

/* The kernel's part of it in the direct map. */
static char *page_at(const struct handler *h, unsigned n)
{
    return (char *)machine_direct((pfn_t)(h->memory - pages) + n);
}

static struct desk *desk_of(const struct handler *h)
{
    return (struct desk *)page_at(h, LEAF_PAGE);
}

static void give_place(struct handler *h)
{
    if (h->filter != AEGIS_NONE)
        limit_give(h->filter, 1);
    lend_return((pfn_t)(h->memory - pages), false);
    h->state = FREE;
}

/* Every hart has left it: what is mapped of it, pin and block go. A hart that still has a translation flushes before it runs another handler. */
static bool finish(struct handler *h)
{
    if (!limbo_over(kernel.online, h->stamp))
        return false;
    image_middle[WINDOWS + 2 * h->number] = 0;
    table[FRAMES + h->number * FRAME_SPAN] = 0;
    for (unsigned i = 0; i < CODE_PAGES; i++)
        table[h->number * CODE_PAGES + i] = 0;
    machine_flush_all();
    __atomic_add_fetch(&handler_change, 1, __ATOMIC_RELEASE);
    handler_again_end(h);
    pin_give(h->head);
    machine_clear(h->frame);
    machine_clear(page_at(h, LEAF_PAGE));
    exposed.net.handler[h->number] = (struct aegis_handler_record){0};
    give_place(h);
    return true;
}

static bool is_forsaken(const struct handler *h)
{
    return h->filter == AEGIS_NONE || exposed.net.filter[h->filter].check != h->check || !h->memory->claims ||
           exposed.env[h->owner].check != h->owner_check || (h->state == LIVE && !h->head->claims);
}

bool handlers_reap(void)
{
    bool found = false;

    for (struct handler *h = handler_place; h < handler_place + AEGIS_HANDLERS; h++) {
        if (h->state == FREE)
            continue;
        bool is_over = is_forsaken(h);
        if (is_over && h->state == LOADING)
            give_place(h);
        else if (is_over && h->state == LIVE)
            end(h);
        found |= is_over && h->state != ENDING;
        dev_reap_wanted |= h->state == ENDING || h->state == LOADING;
        if (h->state == ENDING && finish(h))
            return true;
    }
    return found;
}

void handlers_orphan(unsigned filter)
{
    for (struct handler *h = handler_place; h < handler_place + AEGIS_HANDLERS; h++)
        if (h->state != FREE && h->filter == filter) {
            if (h->state == LIVE)
                end(h);
            limit_give(filter, 1);
            h->filter = AEGIS_NONE;
        }
}

/* ---- installing ---- */

/* What a call asks for, looked up. */
struct asked {
    struct env *env;
    uint32_t filter;
    uint64_t check, image, window, fuel;
    struct aegis_page *head, *memory;
    struct aegis_claim *lent;
};

static long ask(struct asked *a, unsigned long filter, unsigned long window, unsigned long memory)
{
    struct aegis_claim *c;

    TRY(ledger_use(a->env, filter, AEGIS_FILTER, AEGIS_R | AEGIS_W, &c));
    a->filter = AEGIS_WHAT_RESOURCE(c->what);
    a->check = c->check;
    TRY(ledger_use_page(a->env, window, AEGIS_R | AEGIS_W, &c, &a->head));
    a->window = c->what;
    TRY(ledger_use_page(a->env, memory, AEGIS_LEND, &a->lent, &a->memory));
    if (AEGIS_WHAT_ORDER(c->what) > WINDOW_ORDER || a->fuel - 1 >= ASH_FUEL_MAX)
        return REFUSED(BAD_RANGE);
    if (a->image & 7)
        return REFUSED(BAD_ADDRESS);
    return a->head->flags & (AEGIS_PAGE_IS_LENT | PAGE_UNREAD) ? REFUSED(LENT_PAGE) : 0;
}

/* The call before this one was of the same. */
static struct handler *under_way(const struct asked *a)
{
    for (struct handler *h = handler_place; h < handler_place + AEGIS_HANDLERS; h++)
        if (h->state == LOADING && h->memory == a->memory && h->filter == a->filter && h->check == a->check &&
            h->owner_check == a->env->check && h->image == a->image && h->window == a->window && h->fuel == a->fuel)
            return h;
    return NULL;
}

static struct handler *place_find(void)
{
    for (struct handler *h = handler_place; h < handler_place + AEGIS_HANDLERS; h++)
        if (h->state == FREE)
            return h;
    return NULL;
}

/* Its head, a place, and the block: nobody's to see from here on. */
static long begin(const struct asked *a, struct handler **made, uint64_t *value)
{
    struct ash_image i;
    struct handler *h = *made = place_find();
    bool clean;

    TRY(user_read(a->env, &i, a->image, sizeof i));
    if (i.magic != ASH_MAGIC || i.words - 1 >= ASH_WORDS_MAX || i.labels > ASH_LABELS_MAX || i.knowns > ASH_KNOWNS_MAX) {
        *value = ASH_EMPTY;
        return REFUSED(BAD_HANDLER);
    }
    if (i.window != (uint32_t)PAGE_SIZE << AEGIS_WHAT_ORDER(a->window))
        return REFUSED(BAD_RANGE);
    if (!h || exposed.net.filter[a->filter].limit == 0)
        return REFUSED(FULL);
    TRY(lend_take(a->lent, a->memory, AEGIS_HANDLER_ORDER, AEGIS_PAGE_IS_PRIVATE, &clean));
    limit_take(a->filter, 1);
    h->state = LOADING;
    h->memory = a->memory;
    h->filter = (uint16_t)a->filter;
    h->check = a->check;
    h->program = network.filter[a->filter].program;
    h->owner = a->env->index;
    h->owner_shown = &exposed.env[h->owner];
    h->owner_check = a->env->check;
    h->words = i.words;
    h->fuel = a->fuel;
    h->steps = h->words + h->fuel;
    h->serial = ++serials;
    h->image = a->image;
    h->window = a->window;
    struct desk *d = desk_of(h);
    d->code_done = d->claims_done = 0;
    d->head = i;
    d->verifier.code.words = 0;
    dev_reap_wanted = 1; /* for when its owner does not come back */
    return 0;
}

/* The next bytes of one part of the image, of *left that this call may still read: each byte once. */
static long part_read(struct env *e, char *to, uint64_t from, uint32_t bytes, uint32_t *done, uint32_t *left)
{
    uint32_t n = bytes - *done;

    if (n > *left)
        n = *left & ~7U;
    if (n)
        TRY(user_read(e, to + *done, from + *done, n));
    *done += n;
    *left -= n;
    return 0;
}

/* What follows the code begins at a multiple of 4; it is read from the multiple of 8 before it. */
static long copy(const struct handler *h, struct env *e)
{
    struct desk *d = desk_of(h);
    const struct ash_image *i = &d->head;
    uint32_t code = i->words * 4, over = code & 4, left = CHUNK;
    uint32_t claims = over + i->labels * (uint32_t)sizeof(struct ash_label) + i->knowns * (uint32_t)sizeof(struct ash_known);
    uint64_t from = h->image + sizeof *i;

    TRY(part_read(e, page_at(h, 0), from, code, &d->code_done, &left));
    if (d->code_done == code)
        TRY(part_read(e, d->claims, from + code - over, claims, &d->claims_done, &left));
    if (d->code_done < code || d->claims_done < claims)
        return AEGIS_E_AGAIN;
    const struct ash_label *label = (const struct ash_label *)(d->claims + over);
    const struct ash_code whole = {(const uint32_t *)page_at(h, 0), label, (const struct ash_known *)(label + i->labels),
                                   i->words, i->labels, i->knowns, i->window};
    return ash_verify_begin(&d->verifier, &whole) == ASH_MORE ? AEGIS_E_AGAIN : REFUSED(BAD_HANDLER);
}

static uint64_t entry_of(const void *page, uint64_t rights)
{
    return (uint64_t)machine_page_of(page) << 10 | PTE_V | rights;
}

/* Code, as much as there is of it, window and frame, where nobody looks yet. The desk is gone then. */
static long map_all(struct handler *h, const struct asked *a)
{
    uint64_t page = AEGIS_WHAT_RESOURCE(a->window), count = 1UL << AEGIS_WHAT_ORDER(a->window);
    uint64_t *leaf = (uint64_t *)page_at(h, LEAF_PAGE), rights = PTE_V | PTE_R | PTE_W | PTE_A | PTE_D;

    if (!pin_take(a->head))
        return REFUSED(LENT_PAGE);
    h->head = a->head;
    h->mask = count * PAGE_SIZE - 1;
    h->frame = page_at(h, FRAME_PAGE);
    machine_clear(leaf);
    machine_clear(h->frame);
    for (uint32_t *w = (uint32_t *)page_at(h, 0) + h->words; (uintptr_t)w % PAGE_SIZE; w++)
        *w = 0;
    for (unsigned i = 0; i * PAGE_SIZE < h->words * 4; i++)
        table[h->number * CODE_PAGES + i] = entry_of(page_at(h, i), PTE_R | PTE_X | PTE_A);
    for (uint64_t i = 0; i < count; i++)
        leaf[256 + i] = (page + i) << 10 | rights;
    table[FRAMES + h->number * FRAME_SPAN] = entry_of(h->frame, rights);
    image_middle[WINDOWS + 2 * h->number] = entry_of(leaf, 0);
    return 0;
}

/* Every hart that comes to it from here on has not seen this change, and flushes. The one that it replaces goes its own way. */
static void publish(struct handler *h)
{
    struct filter *f = &network.filter[h->filter];
    struct handler *before = f->handler;

    h->aborted = false;
    network.handlers++;
    h->state = LIVE;
    exposed.net.handler[h->number] = (struct aegis_handler_record){.check = h->check, .owner = h->owner, .filter = h->filter};
    __atomic_add_fetch(&handler_change, 1, __ATOMIC_RELEASE);
    __atomic_store_n(&f->handler, h, __ATOMIC_RELEASE);
    if (before) {
        end(before);
        finish(before);
    }
}

static long verify(struct handler *h, const struct asked *a, uint64_t *value)
{
    struct ash_verifier *v = &desk_of(h)->verifier;
    enum ash_error wrong = ash_verify_step(v, VERIFIED);

    if (wrong == ASH_MORE)
        return AEGIS_E_AGAIN;
    if (wrong) {
        *value = wrong | v->at << 8;
        return REFUSED(BAD_HANDLER);
    }
    TRY(map_all(h, a));
    *value = h->number;
    publish(h);
    return 0;
}

/* One step. network.lock is held, and the caller's. */
static long install(const struct asked *a, uint64_t *value)
{
    struct handler *h = under_way(a);
    long error;

    if (!h) {
        handlers_reap();
        TRY(begin(a, &h, value));
    }
    error = desk_of(h)->verifier.code.words ? verify(h, a, value) : copy(h, a->env);
    if (error && error != AEGIS_E_AGAIN)
        give_place(h);
    return error;
}

result_t call_handler_install(unsigned long filter, unsigned long window, unsigned long image, unsigned long fuel,
                              unsigned long memory)
{
    struct asked a = {.env = env_lock_self(), .image = image, .fuel = fuel};
    uint64_t value = 0;
    long error = ask(&a, filter, window, memory);

    if (!error) {
        lock_take(&network.lock);
        error = install(&a, &value);
        lock_give(&network.lock);
    }
    env_unlock(a.env);
    return (result_t){error, value};
}

result_t call_handler_remove(unsigned long filter)
{
    struct env *e = env_lock_self();
    struct aegis_claim *c;
    long error = ledger_use(e, filter, AEGIS_FILTER, AEGIS_R | AEGIS_W, &c);

    lock_take(&network.lock);
    for (struct handler *h = handler_place; !error && h < handler_place + AEGIS_HANDLERS; h++) {
        if (h->state == FREE || h->filter != (uint32_t)AEGIS_WHAT_RESOURCE(c->what))
            continue;
        if (h->state == LIVE)
            end(h);
        if (h->state == LOADING)
            give_place(h);
        else if (!finish(h))
            error = AEGIS_E_AGAIN;
    }
    lock_give(&network.lock);
    env_unlock(e);
    return (result_t){error, 0};
}

/* ---- boot ---- */

/* Addresses of each place. Leaves of frames have no neighbour within their holes, nor have windows. */
COLD void handlers_start(void)
{
    uint64_t gib = (uint64_t)image_start & -(1UL << 30);

    for (unsigned n = 0; n < AEGIS_HANDLERS; n++) {
        uint64_t first = gib + ((uint64_t)CODE_ENTRY << ENTRY_SHIFT);
        handler_place[n].number = (uint16_t)n;
        handler_place[n].shown = &exposed.net.handler[n];
        handler_place[n].run = first + n * CODE_PAGES * PAGE_SIZE;
        handler_place[n].frame_va = first + (FRAMES + n * FRAME_SPAN) * PAGE_SIZE;
        handler_place[n].window_va = gib + ((uint64_t)(WINDOWS + 2 * n) << ENTRY_SHIFT) + WINDOW_AT;
    }
    image_middle[CODE_ENTRY] = map_physical(table) >> 12 << 10 | PTE_V;
    machine_flush_all();
}
