/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Handlers when a frame comes: run, and what they say is done (ash/binding.md is the chapter).
 * One runs at a time on the whole machine: network.send_lock is held, since what it says may be "send".
 */
#include "handler.h"

#include "../core/env.h"
#include "../core/slice.h"

#define LONG      1000 /* instructions: behind a run of more others that wait to send have their turn */
#define LATEST    (1UL << 60)
#define TIME_PART 64   /* of a rotation of the slice vector is an owner's for its handlers, while somebody runs */

_Static_assert(H_START == ASH_FRAME_START && HANDLER_DROP == ASH_DROP && HANDLER_SPENT == ASH_SPENT && HANDLER_TRAPPED == ASH_SPENT + 1, "handler.S");

extern char handler_trap[];
long handler_entry(unsigned long a, unsigned long b, unsigned long number);

struct here {
    uint64_t kernel_sp, sp, cause, pc, value;
    uint64_t vector, kept_pc, kept_status; /* between traps_take and traps_give */
} handler_here;
_Static_assert(offsetof(struct here, sp) == HERE_SP && offsetof(struct here, cause) == HERE_CAUSE &&
               offsetof(struct here, pc) == HERE_PC && offsetof(struct here, value) == HERE_VALUE &&
               offsetof(struct here, vector) == HERE_VECTOR && offsetof(struct here, kept_pc) == HERE_SEPC &&
               offsetof(struct here, kept_status) == HERE_STATUS, "handler.S");

uint32_t handler_change;
static struct account { uint32_t since, used; } account[AEGIS_HARTS][AEGIS_ENVS]; /* ticks in this rotation; under send_lock */

/* From a burst's first frame for a handler on until the burst is over: send_lock is held. */
static struct burst {
    uint64_t quick;        /* what finds a frame of the last one's filter, if it may run on it at once; ~0: it may not */
    struct handler *handler; /* the one that has run last: its binding holds. Null: none */
    struct aegis_filter_record *record; /* its filter's */
    const struct program *program;
    uint64_t mac;          /* our address, as it stands in a frame */
    uint64_t more;         /* frames that there is room for */
    char *frame;           /* the one that it runs for */
    uint64_t page;         /* ... where it sees it */
    char **spare;          /* behind the last spare page */
    struct net_out *out;   /* where the next frame to be sent goes */
    bool wake;             /* is wanted */
    struct net_out outs[NET_BURST];
} burst = {.quick = ~0UL};

/* ---- rings ---- */

/* The endpoint that a filter is bound to: null, a frame is nobody's. */
static inline struct endpoint *ring_of(unsigned long n)
{
    const struct filter *f = &network.filter[n];
    struct endpoint *p = __atomic_load_n(&f->endpoint, __ATOMIC_ACQUIRE);

    if (LIKELY(p && f->check == exposed.net.filter[n].check))
        return p;
    exposed.net.dropped++;
    return NULL;
}

/* As frames_deliver. */
static inline struct net_in *frames_to_ring(unsigned long n, struct net_in *in, const struct net_in *end, uint64_t *found)
{
    struct endpoint *p = ring_of(n);

    if (LIKELY(p))
        return frames_deliver(p, in, end, found);
    if (in->flags & NET_PAGED)
        frame_foreign(in->frame, in->length);
    if (++in < end)
        *found = dpf_run((const uint8_t *)in->frame, in->length, &net_run);
    return in;
}

/* A handler's frame: in a page, what was the handler's stays that. */
static void to_ring(unsigned long n, char *frame, uint32_t length, unsigned flags)
{
    struct net_in one = {frame, length, flags & AEGIS_RX_CHECKED, 0};
    struct endpoint *p = ring_of(n);
    uint64_t found = n + 1;

    if (p)
        frames_deliver(p, &one, &one + 1, &found);
}

/* ---- sending ---- */

static void out_open(struct burst *b)
{
    uint64_t device = network.nic ? network.nic->room() : 0;

    b->out = b->outs;
    b->spare = network.spare + network.spares;
    b->more = network.spares < NET_BURST ? network.spares : NET_BURST;
    b->more = device < b->more ? device : b->more;
}

static void out_close(struct burst *b)
{
    network.spares = (uint32_t)(b->spare - network.spare);
    if (b->out != b->outs)
        network.nic->put(b->outs, (unsigned)(b->out - b->outs));
}

/* The device hears of what waits, and is asked what it has sent: seldom, and then it is much. */
static COLD bool out_room(struct burst *b)
{
    out_close(b);
    if (network.nic)
        network.nic->complete();
    out_open(b);
    return b->more;
}

/* From the page where it is, in whose place another one comes; or a copy of it. */
static inline __attribute__((always_inline)) bool out_put(struct burst *b, uint32_t length, bool copied)
{
    if (!LIKELY(b->more) && !out_room(b))
        return false;
    char *other = *--b->spare, *frame = b->frame;
    struct net_out *out = b->out++;
    b->more--;
    if (copied) {
        frame_copy(other, frame, length);
        frame_foreign(other, length);
    } else {
        b->frame = other;
    }
    out->frame = copied ? other : frame;
    out->length = length;
    return true;
}

/* To somebody on this machine: without running another handler, so no frame is for ever. */
static COLD void loop(char *frame, uint32_t length)
{
    unsigned found = DPF_RESULT_NUMBER(dpf_run((const uint8_t *)frame, length, &net_run));

    exposed.net.looped++;
    if (!found) {
        exposed.net.unwanted++;
        return;
    }
    exposed.net.filter[found - 1].frames++;
    to_ring(found - 1, frame, length, AEGIS_RX_CHECKED);
}

/* The beginning of its frame: the template is held against the bytes that go out, which nobody can write but the handler. */
static inline __attribute__((always_inline)) bool send(struct burst *b, uint32_t length, bool copied)
{
    bool sent = filter_allows(b->program, b->frame, length);

    if (sent && !LIKELY(*(const uint64_t *)(b->frame - 2) >> 16 != b->mac))
        loop(b->frame, length);
    else if (sent)
        sent = out_put(b, length, copied);
    struct aegis_handler_record *r = b->handler->shown;
    if (LIKELY(sent))
        r->sent++;
    else
        r->refused++;
    return sent;
}

static COLD bool send_copy(uint32_t length)
{
    return send(&burst, length, true);
}

/* ---- later runs ---- */

/* While one is asked for, each slot of the hart begins in C, which looks at the time: somebody who computes does not put it off. */
static COLD void slots_watch(struct hart *hart)
{
    struct slot *s = hart->ring;

    for (unsigned n = 0; n < AEGIS_SLICES; n++, s = s->next) {
        struct activation *a = s->runs;
        if (!(a->attention & ATTENTION_LATER)) { /* the null one's slots begin in C all the same */
            __atomic_fetch_or(&a->attention, ATTENTION_LATER, __ATOMIC_SEQ_CST);
            a->run = 0;
        }
        if (s->next == hart->ring)
            break;
    }
}

void handlers_look(struct hart *hart)
{
    hart->again = 1;
    slots_watch(hart);
}

/* It asks no more of that hart, which looks who does when it may be the earliest: else its slots began in C until then. */
static void again_end(struct handler *h)
{
    if (h->again && h->hart->again == h->again)
        h->hart->again = 1;
    h->again = 0;
}

COLD void handler_again_end(struct handler *h)
{
    lock_take(&network.send_lock);
    again_end(h);
    lock_give(&network.send_lock);
}

/* The handler that runs asks: anything, in ticks. More than LATEST, and it is not run again. */
static COLD void again_ask(struct handler *h, uint64_t ticks)
{
    struct hart *hart = machine_self()->hart;

    if (h->hart != hart || ticks > LATEST)
        again_end(h);
    if (ticks > LATEST)
        return;
    h->hart = hart;
    h->again = machine_time() + ticks + 1;
    if (h->again - 1 >= hart->again - 1)
        return;
    hart->again = h->again;
    network.news = true; /* a hart that idles is to look when it must wake */
    slots_watch(hart);
}

/* ---- running ---- */

/* handler.S: an entry of the table. Both arguments are the handler's: anything. */
long handler_entry(unsigned long a, unsigned long b, unsigned long number)
{
    switch (number) {
    case ASH_CALL_send:
        return a == burst.page + ASH_FRAME_START && b - 14 <= AEGIS_NET_FRAME_MAX - 14 && send_copy((uint32_t)b) ? 0 : -1;
    case ASH_CALL_wake:
        burst.wake = true; /* once for a burst */
        return 0;
    case ASH_CALL_time:
        return (long)machine_time();
    default:
        again_ask(burst.handler, (uint64_t)a);
        return 0;
    }
}

/* It is what the verifier did not see coming, or an access in a hole: either way it is not run again. */
static COLD void abort_note(struct handler *h)
{
    struct aegis_handler_record *r = h->shown;

    h->aborted = true;
    burst.handler = NULL;
    burst.quick = ~0UL;
    r->cause = handler_here.cause;
    r->pc = (handler_here.pc - h->run) / 4;
    r->value = handler_here.value;
    __atomic_store_n(&r->aborted, 1, __ATOMIC_RELEASE);
    network.news = true;
    slice_poke();
}

/* Its verdict, if that is not to send. */
static COLD void conclude(struct burst *b, unsigned long verdict, const struct net_in *in)
{
    if (verdict == ASH_PASS)
        to_ring((unsigned long)(b->record - exposed.net.filter), b->frame, in->length, in->flags);
    else if (verdict == ASH_SPENT)
        b->handler->shown->spent++;
    else if (verdict == HANDLER_TRAPPED)
        abort_note(b->handler);
}

/* Into its code and back (handler.S). */
static inline __attribute__((always_inline)) unsigned long enter(const struct handler *h, uint64_t length, uint64_t page, uint64_t *fuel)
{
    register uint64_t a0 __asm__("a0") = (uint64_t)h, a1 __asm__("a1") = length, a2 __asm__("a2") = page;

    __asm__ volatile("jal handler_enter"
                     : "+r"(a0), "+r"(a1), "+r"(a2)
                     :
                     : "ra", "t0", "t1", "t2", "t3", "t4", "t5", "t6", "a3", "a4", "a5", "a6", "a7", "s3", "s4", "s5",
                       "s6", "s7", "s8", "s9", "s10", "s11", "memory");
    *fuel = a1;
    return a0;
}

/* A run is over. What it took of fuel. */
static inline uint64_t ran(const struct handler *h, uint64_t fuel)
{
    uint64_t used = h->steps - fuel;

    h->shown->runs++;
    h->shown->steps += used;
    return used;
}

/* On b->frame, which it sees at b->page; in a page that may be sent it goes out from there. What it took of fuel. */
static inline __attribute__((always_inline)) uint64_t run(struct burst *b, struct handler *h, struct net_in *in, bool paged)
{
    uint64_t fuel;
    unsigned long verdict = enter(h, in->length, b->page, &fuel);
    uint64_t used = ran(b->handler, fuel);

    if (!LIKELY(verdict == ASH_SEND))
        conclude(b, verdict, in);
    else if (send(b, in->length, !paged) && paged)
        in->frame = b->frame;
    return used;
}

/* ---- time ---- */

/* Whether there is time of an owner's left, now that somebody runs on this hart. */
static bool has_time(const struct handler *h, uint64_t now)
{
    const struct hart *hart = (const struct hart *)machine_self()->hart;
    struct account *a = &account[hart->index][h->owner];
    uint64_t slots = hart->shown->slices, rotation = (slots ? slots : 1) * hart->slice_ticks;

    if ((uint32_t)now - a->since >= rotation)
        *a = (struct account){.since = (uint32_t)now};
    return a->used < rotation / TIME_PART;
}

/* With no frame: its page is as its last run with one left it, and what it says is no matter. */
static COLD void run_alone(struct burst *b, struct handler *h)
{
    uint64_t fuel;
    unsigned long verdict = enter(h, 0, b->page, &fuel);

    ran(b->handler, fuel);
    if (verdict > ASH_SEND)
        conclude(b, verdict, NULL);
}

/* Any frame of a handler's; null: none. False: it may not run now. */
static COLD bool run_slowly(struct burst *b, struct net_in *in, bool busy)
{
    struct handler *h = b->handler;
    uint64_t now = busy ? machine_time() : 0;

    if (busy && !has_time(h, now)) {
        h->shown->passed += in != NULL;
        return false;
    }
    if (in && in->flags & NET_PAGED) {
        b->frame = in->frame;
        b->page = page_show(in->frame, in->length, h->serial);
    } else {
        b->frame = h->frame + ASH_FRAME_START;
        b->page = h->frame_va;
        if (in)
            frame_copy(b->frame, in->frame, in->length);
    }
    if (in)
        run(b, h, in, in->flags & NET_PAGED);
    else
        run_alone(b, h);
    if (busy) {
        uint64_t ticks = machine_time() - now;
        h->owner_shown->handler_ticks += ticks;
        account[machine_hart()][h->owner].used += (uint32_t)ticks;
    }
    return true;
}

/* ---- a burst ---- */

/* Between them traps come to the second vector. sepc and sstatus are our caller's, and a handler's trap would write over them. */
static inline void traps_take(void)
{
    __asm__ volatile("csrr %0, sepc" : "=r"(handler_here.kept_pc));
    __asm__ volatile("csrr %0, sstatus" : "=r"(handler_here.kept_status));
    __asm__ volatile("csrrw %0, stvec, %1" : "=r"(handler_here.vector) : "r"(handler_trap));
}

static inline void traps_give(void)
{
    __asm__ volatile("csrw stvec, %0" : : "r"(handler_here.vector));
}

/* Whether somebody waits for a lock that is ours. */
static inline bool lock_waited(const struct lock *l)
{
    return (uint32_t)__atomic_load_n(&l->next, __ATOMIC_RELAXED) - (uint32_t)l->serving != 1;
}

static inline __attribute__((always_inline)) void begin(struct burst *b, bool sending)
{
    if (!sending)
        lock_take(&network.send_lock);
    traps_take();
    b->mac = network.mac;
    out_open(b);
}

static void finish(struct burst *b, bool sending)
{
    out_close(b);
    traps_give();
    b->handler = NULL;
    b->quick = ~0UL;
    bool wake = b->wake;
    b->wake = false;
    if (!sending)
        lock_give(&network.send_lock);
    if (!LIKELY(!wake)) {
        network.news = true;
        slice_poke();
    }
}

/* A handler's binding, once in a burst: its filter's claim, its owner and its window are what they were. Whoever takes one of them away
   waits until this hart has left the kernel before anything of it is used again. */
static inline __attribute__((always_inline)) bool bind(struct burst *b, struct handler *h, unsigned long n)
{
    static uint32_t seen[AEGIS_HARTS];
    uint32_t *here = &seen[machine_hart()], change = __atomic_load_n(&handler_change, __ATOMIC_ACQUIRE);

    b->quick = ~0UL;
    b->handler = NULL;
    if (h->aborted)
        return false;
    b->record = &exposed.net.filter[n];
    b->program = h->program;
    if (h->check != b->record->check || !h->head->claims || !h->memory->claims || h->owner_shown->check != h->owner_check) {
        dev_reap_wanted = 1;
        return false;
    }
    if (*here != change) {
        *here = change;
        machine_flush_all();
    }
    b->handler = h;
    return true;
}

/* A frame for a handler. True: b->quick is it, and it may run at once; else it was dealt with. */
static bool frame_first(struct burst *b, struct handler *h, struct net_in *in, uint64_t found, bool sending)
{
    unsigned long n = DPF_RESULT_NUMBER(found) - 1UL;
    bool busy = machine_self()->env;

    if (h == b->handler || bind(b, h, n)) {
        if (!busy && !sending) {
            b->quick = found;
            return true;
        }
        if (run_slowly(b, in, busy))
            return false;
    }
    frames_to_ring(n, in, in + 1, &found);
    return false;
}

void net_frames(struct net_in *in, unsigned count, bool sending)
{
    struct burst *b = &burst;
    bool begun = false;

    __asm__("" : "+r"(b)); /* kept, not made anew for each use */
    for (struct net_in *end = in + count; in < end; in++) {
        uint64_t found = dpf_run((const uint8_t *)in->frame, in->length, &net_run), used = LONG;
    found:
        if (LIKELY(found == b->quick)) {
            b->record->frames++;
        } else if (!LIKELY(found)) {
            exposed.net.unwanted++;
            if (in->flags & NET_PAGED)
                frame_foreign(in->frame, NET_PAGE_ROOM); /* it may be one of no length, since it was too long */
            continue;
        } else {
            unsigned long n = DPF_RESULT_NUMBER(found) - 1UL;
            struct handler *h = __atomic_load_n(&network.filter[n].handler, __ATOMIC_ACQUIRE);
            if (!h) {
                struct net_in *first = in;
                in = frames_to_ring(n, in, end, &found);
                exposed.net.filter[n].frames += (uint64_t)(in - first);
                if (in == end)
                    break;
                goto found;
            }
            exposed.net.filter[n].frames++;
            if (!begun)
                begin(b, sending);
            begun = true;
            if (!frame_first(b, h, in, found, sending))
                goto next;
        }
        if (!LIKELY(page_is_shown(in->frame, b->handler->serial, &b->page)))
            page_show(in->frame, in->length, b->handler->serial);
        b->frame = in->frame;
        used = run(b, b->handler, in, true);
    next:
        if (!LIKELY(used < LONG) && !sending && lock_waited(&network.send_lock)) {
            finish(b, sending);
            begun = false;
        }
    }
    if (begun)
        finish(b, sending);
}

/* ---- runs that are due ---- */

/* One that was replaced, or has ended, is forgotten; one whose owner has no time left now asks anew. */
static COLD void run_again(struct burst *b, struct handler *h, uint64_t now)
{
    unsigned n = h->filter;
    bool busy = machine_self()->env;

    h->again = 0;
    if (n != AEGIS_NONE && __atomic_load_n(&network.filter[n].handler, __ATOMIC_ACQUIRE) == h && bind(b, h, n) && !run_slowly(b, NULL, busy))
        h->again = now + h->hart->slice_ticks + 1;
}

/* A hart that idles counts as having let go of what it had: it flushes. Behind a run for which others have waited to send it ends, with
   "look": they have their turn, in which any of the places may end. */
static COLD void run_due(struct hart *hart, uint64_t now)
{
    uint64_t next = ~0UL;

    if (!machine_self()->env)
        machine_flush_all();
    begin(&burst, false);
    for (struct handler *h = handler_place; next && h < handler_place + AEGIS_HANDLERS; h++) {
        if (h->hart != hart || !h->again)
            continue;
        bool runs = h->again - 1 <= now;
        if (runs)
            run_again(&burst, h, now);
        next = runs && lock_waited(&network.send_lock) ? 0 : h->again - 1 < next ? h->again - 1 : next;
    }
    hart->again = next + 1;
    finish(&burst, false);
}

void handlers_again(struct hart *hart)
{
    uint64_t now = machine_time();

    if (hart->again - 1 <= now)
        do
            run_due(hart, now);
        while (hart->again == 1);
    if (hart->again)
        slots_watch(hart);
}
