/* SPDX-License-Identifier: BSD-2-Clause */
#include "parts.h"

#include <aegis/aegis.h>
#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "../../libos/proc/space.h"

#define E      AEGIS_EXPOSED_STATE
#define SWEEPS 100

static void release(unsigned slot)
{
    while (aegis_release(AEGIS_SLOT_SELF, slot).error == AEGIS_E_AGAIN)
        ;
}

/* The kernel says which block is free; it is not kept, nor cleared. */
static bool pages_find(struct part *p)
{
    unsigned slot = slot_find();
    struct aegis_result r = {AEGIS_E_NO_MEMORY, 0};

    if (slot)
        r = aegis_page_alloc(AEGIS_SLOT_PAGES, AEGIS_ANY, p->order, slot, AEGIS_NONE);
    p->first = slot ? AEGIS_WHAT_RESOURCE(slot_claim(slot)->what) : 0;
    if (p->first)
        release(slot);
    return p->first && (!r.error || r.error == AEGIS_E_AGAIN);
}

/* From the end: who asks for any gets the first ones. */
static bool slices_find(struct part *p, unsigned hart)
{
    unsigned count = 1U << p->order, free = 0;

    for (unsigned at = AEGIS_SLICES; at >= count && free < count;) {
        p->first = hart << 8 | (at -= count);
        for (free = 0; free < count && E->slice[hart][at + free].owner == AEGIS_ANY; free++)
            ;
    }
    return free == count;
}

static bool environments_find(struct part *p)
{
    unsigned count = 1U << p->order, free = 0;

    for (unsigned at = AEGIS_ENVS; at >= count && free < count;) {
        p->first = at -= count;
        for (free = 0; free < count && E->env[at + free].state == AEGIS_ENV_FREE; free++)
            ;
    }
    return free == count;
}

const char *parts_find(struct parts *p)
{
    return !pages_find(&p->pages)                 ? "pages"
           : !slices_find(&p->slices, p->hart)    ? "slots of time"
           : !environments_find(&p->environments) ? "environments"
                                                  : 0;
}

static bool root_confine(unsigned slot, const struct part *p)
{
    uint64_t root = slot_claim(slot)->what;
    uint64_t what = AEGIS_WHAT(AEGIS_WHAT_TYPE(root), AEGIS_ALLOC, p->order, p->first);
    struct aegis_result mac = aegis_capability_make(slot, AEGIS_ALLOC, p->first - AEGIS_WHAT_RESOURCE(root), p->order);

    if (mac.error)
        return false;
    release(slot);
    return aegis_claim(what, mac.value, slot).error == 0;
}

/* What is only read may be passed on: the archive. */
bool parts_confine(const struct parts *p)
{
    for (unsigned slot = SLOT_INHERITED; slot < SLOT_OWN; slot++) {
        uint64_t what = slot_claim(slot)->what;
        bool read_only = AEGIS_WHAT_TYPE(what) == AEGIS_PAGE && AEGIS_WHAT_RIGHTS(what) == AEGIS_R;
        if (slot > AEGIS_SLOT_ENVS && what && !read_only)
            release(slot);
    }
    return root_confine(AEGIS_SLOT_PAGES, &p->pages) && root_confine(AEGIS_SLOT_SLICES, &p->slices) &&
           root_confine(AEGIS_SLOT_ENVS, &p->environments);
}

static bool end(unsigned slot, uint32_t index)
{
    if (aegis_alloc(AEGIS_SLOT_ENVS, index, slot).error)
        return false;
    while (aegis_env_destroy(slot).error == AEGIS_E_AGAIN)
        ;
    release(slot);
    return true;
}

/* Again, until nobody is found: they may make new ones meanwhile. */
void parts_sweep(const struct parts *p)
{
    bool found = true;
    unsigned slot = slot_find();

    for (unsigned n = 0; slot && found && n < SWEEPS; n++) {
        found = false;
        for (uint32_t i = 0; i < 1U << p->environments.order; i++) {
            uint32_t state = E->env[p->environments.first + i].state;
            if (state == AEGIS_ENV_NEW || state == AEGIS_ENV_LIVE || state == AEGIS_ENV_DYING)
                found |= end(slot, p->environments.first + i);
        }
    }
}
