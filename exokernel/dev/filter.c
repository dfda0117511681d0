/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filters: installed under the network or under one that they refine, merged into the trie, taken out when nobody claims
 * them any more (net.md: authority, order of steps).
 */
#include "../core/env.h"
#include "../core/limbo.h"
#include "../core/user.h"
#include "net.h"

#define ANCESTORS 16 /* filters above a filter, at most */
#define RIVALS 16    /* whose frames it may take, at most; those of its ancestors included */
#define SETTLED_CELLS 256 /* kept for taking filters out */

_Static_assert(sizeof(struct dpf_atom) == sizeof(struct aegis_atom) && DPF_ATOMS == AEGIS_ATOMS, "atoms are the ABI's");
_Static_assert(offsetof(struct dpf_atom, add) == offsetof(struct aegis_atom, add) &&
               offsetof(struct dpf_atom, offset) == offsetof(struct aegis_atom, offset) &&
               offsetof(struct dpf_atom, mask) == offsetof(struct aegis_atom, mask) &&
               offsetof(struct dpf_atom, low) == offsetof(struct aegis_atom, low) &&
               offsetof(struct dpf_atom, high) == offsetof(struct aegis_atom, high), "field by field");

static struct dpf_filter receive, send, other; /* while a call looks at them: network.lock */
static uint32_t next_number, reap_at;

/* ---- settling ---- */

void filters_settle(void)
{
    if (!dev_unsettled || !limbo_over(kernel.online, network.stamp))
        return;
    if (dev_unsettled == 1) {
        machine_flush_all(); /* fence.i, for this hart */
        dpf_commit(&network_trie);
        network.stamp = limbo_enter(kernel.online);
        dev_unsettled = 2;
        if (!limbo_over(kernel.online, network.stamp))
            return;
    }
    dpf_reclaim(&network_trie);
    dev_unsettled = 0;
    exposed.net.memory_free = network_trie.data.free + network_trie.code.free;
}

/* The trie was changed, or an attempt to was made. */
static void unsettle(void)
{
    dev_unsettled = 1;
    network.stamp = limbo_enter(kernel.online);
    filters_settle();
}

/* ---- limits ---- */

static uint32_t *limit_of(unsigned parent)
{
    return parent == AEGIS_NONE ? &network.root_limit : &exposed.net.filter[parent].limit;
}

bool limit_take(unsigned parent, uint32_t count)
{
    uint32_t *limit = limit_of(parent);

    if (*limit < count)
        return false;
    *limit -= count;
    if (parent != AEGIS_NONE)
        network.filter[parent].children++;
    return true;
}

void limit_give(unsigned parent, uint32_t count)
{
    *limit_of(parent) += count;
    if (parent != AEGIS_NONE)
        network.filter[parent].children--;
}

long above_use(struct env *e, unsigned long slot, struct above *above)
{
    struct aegis_claim *c;
    long error = ledger_any(e, slot, &c);
    unsigned type = error ? 0 : AEGIS_WHAT_TYPE(c->what);

    if (!error)
        error = ledger_use(e, slot, type == AEGIS_FILTER ? type : AEGIS_FILTER | AEGIS_ROOT, AEGIS_ALLOC, &c);
    *above = (struct above){AEGIS_NONE, 0, AEGIS_FILTERS};
    if (!error && type == AEGIS_FILTER) {
        above->parent = AEGIS_WHAT_RESOURCE(c->what);
    } else if (!error && AEGIS_WHAT_ORDER(c->what) != AEGIS_ROOT_ORDER) {
        above->first = AEGIS_WHAT_RESOURCE(c->what);
        above->count = AEGIS_WHAT_ORDER(c->what) < 12 ? 1U << AEGIS_WHAT_ORDER(c->what) : AEGIS_FILTERS;
    }
    return error;
}

/* ---- what is asked for ---- */

static long program_read(struct env *e, unsigned long va, struct aegis_filter *head)
{
    long error = user_read(e, head, va, sizeof *head);

    if (error)
        return error;
    if (!head->receive || head->receive > AEGIS_ATOMS || head->send > AEGIS_ATOMS || head->limit > AEGIS_FILTERS + AEGIS_ENDPOINTS ||
        head->flags & ~(uint32_t)AEGIS_FILTER_SEND_ANY || head->spare || (head->send && head->flags))
        return REFUSED(BAD_RANGE);
    receive.count = head->receive;
    send.count = head->send;
    size_t bytes = receive.count * sizeof receive.atom[0];
    error = user_read(e, receive.atom, va + sizeof *head, bytes);
    if (!error && send.count)
        error = user_read(e, send.atom, va + sizeof *head + bytes, send.count * sizeof send.atom[0]);
    if (error)
        return error;
    return dpf_check(&receive) || (send.count && dpf_check(&send)) ? REFUSED(BAD_FILTER) : 0;
}

static void program_atoms(const struct program *p, bool sent, struct dpf_filter *out)
{
    out->count = sent ? p->send : p->receive;
    for (unsigned i = 0; i < out->count; i++)
        out->atom[i] = p->atom[sent ? p->receive + i : i];
}

/* It matches and sends nothing that its parent does not. */
static long refines(unsigned parent, const struct aegis_filter *head)
{
    if (parent == AEGIS_NONE)
        return 0;
    const struct program *p = network.filter[parent].program;
    program_atoms(p, false, &other);
    if (!dpf_refines(&other, &receive))
        return REFUSED(NOT_REFINED);
    if ((head->flags && !p->any) || (send.count && !p->any && !p->send))
        return REFUSED(NOT_REFINED);
    program_atoms(p, true, &other);
    return send.count && !p->any && !dpf_refines(&other, &send) ? REFUSED(NOT_REFINED) : 0;
}

static bool is_ancestor(uint32_t number, unsigned parent)
{
    for (; parent != AEGIS_NONE; parent = exposed.net.filter[parent].parent)
        if (parent == number)
            return true;
    return false;
}

/* A live claim on the filter, in one of the slots that the caller named. */
static bool is_over(struct env *e, const struct aegis_filter *head, uint32_t number)
{
    struct aegis_claim *c;

    for (unsigned i = 0; i < AEGIS_FILTER_OVER; i++)
        if (head->over[i] != AEGIS_NONE && !ledger_use(e, head->over[i], AEGIS_FILTER, 0, &c) && AEGIS_WHAT_RESOURCE(c->what) == number)
            return true;
    return false;
}

/* Whoever would lose frames to it agrees. */
static long takes_nothing(struct env *e, unsigned parent, const struct aegis_filter *head)
{
    uint32_t rival[RIVALS];
    int count = dpf_rivals(&network_trie, &receive, rival, RIVALS);

    for (int i = 0; i < count; i++) {
        program_atoms(network.filter[rival[i]].program, false, &other);
        if (dpf_overlap(&other, &receive) && exposed.net.filter[rival[i]].check && !is_ancestor(rival[i], parent) &&
            !is_over(e, head, rival[i]))
            return REFUSED(NOT_OWNER);
    }
    return count < 0 ? REFUSED(NOT_OWNER) : 0;
}

static unsigned depth_of(unsigned parent)
{
    unsigned depth = 0;

    for (; parent != AEGIS_NONE; parent = exposed.net.filter[parent].parent)
        depth++;
    return depth;
}

/* ---- the template ---- */

/* An atom's mask or value, within eight bytes of the header: bytes `at` to `at` + 7, counted from 2 before the frame. */
static uint64_t word_of(const struct dpf_atom *a, uint64_t field, uint32_t at)
{
    uint64_t word = 0;

    for (unsigned i = 0; i < a->width; i++) {
        uint32_t byte = a->offset + 2 + i;
        if (byte - at < 8)
            word |= (field >> 8 * (a->width - 1 - i) & 0xff) << 8 * (byte - at);
    }
    return word;
}

/* One atom's part in the word at `at`; false: there are too many words, or it contradicts another. */
static bool word_add(struct program *p, const struct dpf_atom *a, uint32_t at)
{
    uint64_t mask = word_of(a, a->mask, at), value = word_of(a, a->low, at);
    struct program_word *w = p->word;

    if (!mask)
        return true;
    while (w != p->words_end && w->offset != at)
        w++;
    if (w == p->word + TEMPLATE_WORDS || (w != p->words_end && (w->value ^ value) & w->mask & mask))
        return false;
    if (w == p->words_end) {
        *w = (struct program_word){.offset = at};
        p->words_end = w + 1;
    }
    w->mask |= mask;
    w->value |= value;
    return true;
}

/* Comparisons for equality before any shift become words. */
static void template_make(struct program *p)
{
    p->words_end = p->word;
    p->plain = p->any || send.count;
    p->reach = 0;
    for (unsigned i = 0; i < send.count; i++) {
        const struct dpf_atom *a = &send.atom[i];
        uint32_t first = (a->offset + 2) & ~7U, end = a->offset + a->width;
        p->plain = a->kind == DPF_EQ && word_add(p, a, first) && word_add(p, a, first + 8);
        if (!p->plain)
            break;
        p->reach = (uint16_t)(end > AEGIS_NET_HEADER_MAX ? ~0U : end > p->reach ? end : p->reach);
    }
}

/* Without a template nothing is allowed. */
bool filter_allows_rest(const struct program *p, const char *header, uint32_t length)
{
    struct dpf_filter whole;

    program_atoms(p, true, &whole);
    return p->send && dpf_match(&whole, (const uint8_t *)header, length < AEGIS_NET_HEADER_MAX ? length : AEGIS_NET_HEADER_MAX);
}

/* ---- the call ---- */

static bool number_take(const struct above *above, unsigned *number)
{
    for (unsigned i = 0; i < above->count; i++) {
        unsigned n = above->first + (next_number + i) % above->count;
        if (n < AEGIS_FILTERS && !network.filter[n].program && !kernel.filter_claims[n]) {
            *number = n;
            next_number = n + 1;
            return true;
        }
    }
    return false;
}

static struct program *program_take(uint32_t *bytes)
{
    struct cells *pool = &network_trie.data;

    *bytes = (uint32_t)(sizeof(struct program) + (receive.count + send.count) * sizeof(struct dpf_atom));
    if (pool->free < SETTLED_CELLS || network_trie.code.free < SETTLED_CELLS / 8)
        return NULL;
    return cells_take(pool, *bytes);
}

static void program_fill(struct program *p, uint32_t flags)
{
    p->receive = (uint8_t)receive.count;
    p->send = (uint8_t)send.count;
    p->any = flags & AEGIS_FILTER_SEND_ANY;
    template_make(p);
    for (unsigned i = 0; i < receive.count; i++)
        p->atom[i] = receive.atom[i];
    for (unsigned i = 0; i < send.count; i++)
        p->atom[receive.count + i] = send.atom[i];
}

/* Everything was checked. */
static long insert(struct env *e, unsigned number, unsigned parent, const struct aegis_filter *head, struct aegis_claim *c)
{
    struct filter *f = &network.filter[number];
    struct aegis_filter_record *r = &exposed.net.filter[number];
    uint32_t bytes;
    struct program *p = program_take(&bytes);

    if (!p)
        return REFUSED(NO_MEMORY);
    int error = dpf_insert(&network_trie, &receive, number);
    if (error != DPF_AGAIN)
        unsettle();
    if (error) {
        cells_give(&network_trie.data, p, bytes);
        return error == DPF_DUPLICATE ? REFUSED(DUPLICATE) : error == DPF_AGAIN ? AEGIS_E_AGAIN : REFUSED(NO_MEMORY);
    }
    program_fill(p, head->flags);
    limit_take(parent, head->limit + 1);
    *f = (struct filter){.bytes = bytes, .program = p};
    *r = (struct aegis_filter_record){.owner = e->index, .parent = (uint16_t)parent, .endpoint = AEGIS_NONE, .limit = head->limit};
    kernel.filter_claims[number] = 1;
    r->check = check_new();
    exposed.net.filters++;
    claim_fill(e, c, AEGIS_WHAT(AEGIS_FILTER, AEGIS_R | AEGIS_W | AEGIS_ALLOC | AEGIS_REKEY, 0, number), r->check);
    return 0;
}

/* e->lock and network.lock are held. */
static long install(struct env *e, unsigned long root, unsigned long va, unsigned long slot, unsigned *number)
{
    struct aegis_filter head;
    struct aegis_claim *c;
    struct above above;
    long error = above_use(e, root, &above);
    unsigned parent = above.parent;

    if (!error)
        error = ledger_empty(e, slot, &c);
    if (!error)
        error = program_read(e, va, &head);
    if (!error)
        error = refines(parent, &head);
    if (error)
        return error;
    filters_settle();
    if (dev_unsettled || filters_reap())
        return AEGIS_E_AGAIN;
    if (*limit_of(parent) < head.limit + 1 || depth_of(parent) >= ANCESTORS || !number_take(&above, number))
        return REFUSED(FULL);
    error = takes_nothing(e, parent, &head);
    return error ? error : insert(e, *number, parent, &head, c);
}

/* What a call before this one began in the slot: it is done when running code knows of it. */
static bool installing(struct env *e, unsigned long slot, unsigned *number)
{
    struct aegis_claim *c;

    if (ledger_any(e, slot, &c) || AEGIS_WHAT_TYPE(c->what) != AEGIS_FILTER || (c->where & CLAIM_UNSETTLED) != AEGIS_CLEARING)
        return false;
    *number = AEGIS_WHAT_RESOURCE(c->what);
    filters_settle();
    if (dev_unsettled != 1)
        c->where = 0;
    return true;
}

result_t call_filter_install(unsigned long root, unsigned long program, unsigned long slot)
{
    struct env *e = env_lock_self();
    unsigned number = 0;
    long error = 0;

    lock_take(&network.lock);
    if (!installing(e, slot, &number))
        error = install(e, root, program, slot, &number);
    if (!error && dev_unsettled == 1) {
        ledger_at(e, slot)->where = AEGIS_CLEARING;
        error = AEGIS_E_AGAIN;
    }
    lock_give(&network.lock);
    env_unlock(e);
    return (result_t){error, error ? 0 : number};
}

/* ---- the end ---- */

/* What it allowed beneath it and is in use goes on under its parent. */
static void orphans_give(unsigned number, unsigned parent)
{
    for (unsigned n = 0; n < AEGIS_FILTERS && network.filter[number].children; n++)
        if (network.filter[n].program && exposed.net.filter[n].parent == number) {
            exposed.net.filter[n].parent = (uint16_t)parent;
            network.filter[number].children--;
            if (parent != AEGIS_NONE)
                network.filter[parent].children++;
        }
    for (unsigned n = 0; n < AEGIS_ENDPOINTS && network.filter[number].children; n++)
        if (network.endpoint[n].state != ENDPOINT_FREE && network.endpoint[n].parent == number) {
            network.endpoint[n].parent = (uint16_t)parent;
            network.filter[number].children--;
            if (parent != AEGIS_NONE)
                network.filter[parent].children++;
        }
}

static void filter_end(unsigned number)
{
    struct filter *f = &network.filter[number];
    struct aegis_filter_record *r = &exposed.net.filter[number];

    if (r->endpoint != AEGIS_NONE)
        exposed.net.endpoint[r->endpoint].filters--;
    handlers_orphan(number);
    orphans_give(number, r->parent);
    limit_give(r->parent, r->limit + 1);
    *f = (struct filter){0};
    *r = (struct aegis_filter_record){0};
    exposed.net.filters--;
}

/* One that has lost its last claim, of the next few; or AEGIS_FILTERS. */
static unsigned dead_find(void)
{
    for (unsigned seen = 0; seen < exposed.net.filters; reap_at++) {
        unsigned n = reap_at % AEGIS_FILTERS;
        if (network.filter[n].program && !kernel.filter_claims[n])
            return n;
        seen += network.filter[n].program != NULL;
    }
    return AEGIS_FILTERS;
}

/* network.lock is held. Frames of its that come meanwhile are dropped: its check is 0. */
bool filters_reap(void)
{
    if (!dev_reap_wanted)
        return false;
    filters_settle();
    if (dev_unsettled)
        return false;
    dev_reap_wanted = 0;
    unsigned number = dead_find();
    if (number == AEGIS_FILTERS)
        return handlers_reap() || endpoints_reap();
    dev_reap_wanted = 1;
    struct filter *f = &network.filter[number];
    program_atoms(f->program, false, &other);
    int error = dpf_remove(&network_trie, &other);
    if (!error)
        dpf_retire(&network_trie, &network_trie.data, f->program, f->bytes);
    if (error != DPF_AGAIN)
        unsettle();
    if (error)
        return false;
    filter_end(number);
    return true;
}
