/* SPDX-License-Identifier: BSD-2-Clause */
/* Endpoints: a ring page and a block of buffers of the owner's, pinned; filters bound to them; their end. */
#include "../core/env.h"
#include "../core/limbo.h"
#include "net.h"

#define UNDER_WAY_MS 100 /* what the device has not sent by then is given up */

static uint32_t next_number;

/* ---- making one ---- */

/* A block of the caller's that stays allocated and that both may write. */
static long block_pin(struct env *e, unsigned long slot, unsigned order_max, struct aegis_page **head, uint32_t *order, pfn_t *page)
{
    struct aegis_claim *c;
    long error = ledger_use_page(e, slot, AEGIS_R | AEGIS_W, &c, head);

    if (error)
        return error;
    *order = AEGIS_WHAT_ORDER(c->what);
    *page = AEGIS_WHAT_RESOURCE(c->what);
    return *order > order_max ? REFUSED(BAD_RANGE) : pin_take(*head) ? 0 : REFUSED(LENT_PAGE);
}

static struct endpoint *number_take(const struct above *above)
{
    for (unsigned i = 0; i < (above->count + 3) / 4; i++) {
        unsigned n = above->first / 4 + (next_number + i) % ((above->count + 3) / 4);
        if (n < AEGIS_ENDPOINTS && network.endpoint[n].state == ENDPOINT_FREE && !kernel.endpoint_claims[n]) {
            next_number = n + 1;
            network.endpoint[n].number = (uint16_t)n;
            return &network.endpoint[n];
        }
    }
    return NULL;
}

/* Counts begin at 0 and entries as they are: the ring is the owner's to clear. */
static void endpoint_fill(struct endpoint *p, uint32_t owner, unsigned parent)
{
    struct aegis_endpoint_record *r = &exposed.net.endpoint[p->number];

    p->parent = (uint16_t)parent;
    p->received = p->dropped = p->taken = p->completed = p->refused = 0;
    p->flight = 0;
    p->ring->received = p->ring->taken = p->ring->completed = p->ring->dropped = p->ring->refused = 0;
    p->ring->posted = p->ring->queued = 0;
    p->state = ENDPOINT_LIVE;
    *r = (struct aegis_endpoint_record){.owner = owner};
    r->check = check_new();
    kernel.endpoint_claims[p->number] = 1;
    exposed.net.endpoints++;
}

/* e->lock and network.lock are held. */
static long create(struct env *e, unsigned long root, unsigned long ring, unsigned long buffers, unsigned long slot, struct endpoint **made)
{
    struct aegis_claim *c;
    struct above above;
    uint32_t order;
    pfn_t page, first;
    long error = above_use(e, root, &above);

    if (!error)
        error = ledger_empty(e, slot, &c);
    if (error)
        return error;
    struct endpoint *p = *made = number_take(&above);
    if (!p || !limit_take(above.parent, 1))
        return REFUSED(FULL);
    error = block_pin(e, ring, 0, &p->ring_head, &order, &page);
    if (!error && (error = block_pin(e, buffers, AEGIS_NET_BUFFER_ORDER, &p->buffers_head, &order, &first)))
        pin_give(p->ring_head);
    if (error) {
        limit_give(above.parent, 1);
        return error;
    }
    p->ring = machine_direct(page);
    p->buffers = machine_direct(first);
    p->buffers_bytes = PAGE_SIZE << order;
    p->buffers_mask = p->buffers_bytes / AEGIS_NET_BUFFER - 1;
    endpoint_fill(p, e->index, above.parent);
    claim_fill(e, c, AEGIS_WHAT(AEGIS_ENDPOINT, AEGIS_W | AEGIS_REKEY, 0, p->number), exposed.net.endpoint[p->number].check);
    return 0;
}

result_t call_endpoint_create(unsigned long root, unsigned long ring, unsigned long buffers, unsigned long slot)
{
    struct env *e = env_lock_self();
    struct endpoint *p = NULL;

    lock_take(&network.lock);
    long error = create(e, root, ring, buffers, slot, &p);
    lock_give(&network.lock);
    env_unlock(e);
    return (result_t){error, error ? 0 : p->number};
}

/* ---- binding ---- */

static COLD void filter_bind(struct filter *f, struct aegis_filter_record *r, struct endpoint *p)
{
    if (r->endpoint != AEGIS_NONE)
        exposed.net.endpoint[r->endpoint].filters--;
    __atomic_store_n(&f->endpoint, p, __ATOMIC_RELEASE);
    r->endpoint = p ? p->number : AEGIS_NONE;
    if (p)
        exposed.net.endpoint[p->number].filters++;
}

result_t call_filter_bind(unsigned long filter, unsigned long endpoint, unsigned long tag)
{
    struct env *e = env_lock_self();
    struct aegis_claim *c, *p;

    lock_take(&network.lock); /* before the claims are looked at: what they name does not end meanwhile */
    long error = ledger_use(e, filter, AEGIS_FILTER, AEGIS_R, &c);
    if (!error && endpoint != AEGIS_NONE)
        error = ledger_use(e, endpoint, AEGIS_ENDPOINT, AEGIS_W, &p);
    if (!error) {
        uint32_t n = AEGIS_WHAT_RESOURCE(c->what);
        struct filter *f = &network.filter[n];
        struct aegis_filter_record *r = &exposed.net.filter[n];
        f->tag = r->tag = (uint32_t)tag;
        f->may_send = AEGIS_WHAT_RIGHTS(c->what) & AEGIS_W;
        f->check = c->check;
        filter_bind(f, r, endpoint == AEGIS_NONE ? NULL : &network.endpoint[AEGIS_WHAT_RESOURCE(p->what)]);
    }
    lock_give(&network.lock);
    env_unlock(e);
    return (result_t){error, 0};
}

/* ---- the end ---- */

/* Nobody claims it, or nobody claims its memory any more. */
static bool is_forsaken(const struct endpoint *p)
{
    return !kernel.endpoint_claims[p->number] || !p->ring_head->claims || !p->buffers_head->claims;
}

/* Its filters lead nowhere, receiving and sending find it ending; others may be on their way through it. */
static void ending(struct endpoint *p)
{
    for (unsigned n = 0; n < AEGIS_FILTERS && exposed.net.endpoint[p->number].filters; n++)
        if (network.filter[n].endpoint == p)
            filter_bind(&network.filter[n], &exposed.net.filter[n], NULL);
    lock_take(&p->send_lock);
    lock_take(&p->lock);
    p->state = ENDPOINT_ENDING;
    lock_give(&p->lock);
    lock_give(&p->send_lock);
    exposed.net.endpoint[p->number].check = 0;
    p->stamp = limbo_enter(kernel.online);
    p->since = machine_time();
}

/* What the device still has of its pages: it is asked; in the end it is reset. True: it has none. */
static bool landed(struct endpoint *p)
{
    if (!p->flight)
        return true;
    lock_take(&network.receive_lock);
    lock_take(&network.send_lock);
    network.nic->complete();
    if (p->flight && machine_time() - p->since > exposed.time_hz * UNDER_WAY_MS / 1000) {
        exposed.net.resets++;
        net_kept_give();
        network.nic->reset();
        for (unsigned n = 0; n < NET_PAGES; n++) /* what came and was not taken stands there */
            frame_pages.page[n].foreign = NET_PAGE_ROOM;
    }
    lock_give(&network.send_lock);
    lock_give(&network.receive_lock);
    return !p->flight;
}

/* One step; network.lock is held. */
bool endpoints_reap(void)
{
    for (unsigned n = 0, left = exposed.net.endpoints; left; n++) {
        struct endpoint *p = &network.endpoint[n];
        left -= p->state != ENDPOINT_FREE;
        if (p->state == ENDPOINT_LIVE && is_forsaken(p)) {
            dev_reap_wanted = 1;
            ending(p);
            return true;
        }
        if (p->state != ENDPOINT_ENDING)
            continue;
        dev_reap_wanted = 1;
        if (!limbo_over(kernel.online, p->stamp) || !landed(p))
            continue;
        pin_give(p->ring_head);
        pin_give(p->buffers_head);
        limit_give(p->parent, 1);
        p->state = ENDPOINT_FREE;
        exposed.net.endpoint[n] = (struct aegis_endpoint_record){0};
        exposed.net.endpoints--;
        return true;
    }
    return false;
}
