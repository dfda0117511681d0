/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first environment of the figures of ash_*: binds handlers of apps/handlers and sleeps. They answer what comes to 10.0.0.2, or
 * forward it. After enough frames of a kind it says how many instructions the machine executed for each, everything included but
 * idling; scripts/aegis/bench.py is the other side.
 */
#include <aegis/bind.h>

#include "bench.h"

#define WINDOW_VA(n) (0x30200000UL + (n) * 0x40000UL)
#define WARM 1024 /* until each page of frames has had its first one */
#define FRAMES 4096
#define FUEL 1000
#define KINDS 8
#ifdef BEAT /* one that is run for no frame, and wakes us */
#define LONE
#undef WARM
#undef FRAMES
#define WARM 250
#define FRAMES 1000
#endif
#ifdef LONE /* a handler alone on the machine: the echo */
#define BOUND 1
#else
#define BOUND KINDS
#endif

extern const struct ash_image image_udp_echo, image_beat, image_icmp_echo, image_kv_get, image_increment, image_tcp, image_balance, image_sample, image_behind,
    image_install_4k;

struct program {
    struct aegis_filter head;
    struct aegis_atom atom[8];
};

/* Each counts what it has answered in a word of its window. */
static const struct kind {
    const char *name;
    const struct ash_image *image;
    unsigned protocol, port, counter, width;
} kind[KINDS] = {
#ifdef BEAT
    {"ash_beat", &image_beat, 17, 7, 8, 8},
#else
    {"ash_echo", &image_udp_echo, 17, 7, 0, 8},
#endif
    {"ash_kv_get", &image_kv_get, 17, 11, 8, 8},
    {"ash_ping", &image_icmp_echo, 1, 0, 0, 8},
    {"ash_count", &image_increment, 17, 12, 0, 4}, /* counter 0 is what is added to */
    {"ash_tcp", &image_tcp, 6, 80, 8, 8}, /* segments with data, each answered */
    {"ash_balance", &image_balance, 17, 9, 20, 4}, /* the only server's frames */
    {"ash_sample", &image_sample, 17, 13, 0, 8}, /* passed, and given to nobody */
    {"ash_behind", &image_behind, 17, 14, 0, 8}, /* answered with what stands behind the frame too */
};
enum { KV = 1, TCP = 4, BALANCE = 5 };
static unsigned filter_slot[KINDS], window_slot[KINDS], memory_slot[KINDS + 1];

static struct aegis_atom equal(unsigned offset, unsigned width, unsigned long mask, unsigned long value)
{
    return (struct aegis_atom){.kind = AEGIS_ATOM_EQ, .width = (uint8_t)width, .offset = offset, .mask = mask, .low = value};
}

/* IPv4 without options of a protocol, to (from) our address and a port; any port if it is 0. */
static struct program p;
static unsigned long program_make(unsigned protocol, unsigned port)
{
    unsigned n = 0;

    p.head.receive = port ? 4 : 3;
    p.head.send = port == kind[BALANCE].port ? 1 : p.head.receive; /* it sends for its clients */
    p.head.limit = 2;
    for (unsigned i = 0; i < AEGIS_FILTER_OVER; i++)
        p.head.over[i] = AEGIS_NONE;
    for (unsigned way = 0; way < 2; way++) {
        p.atom[n++] = equal(12, 4, 0xffffff00, 0x08004500);
        p.atom[n++] = equal(23, 1, 0xff, protocol);
        p.atom[n++] = equal(way ? 26 : 30, 4, 0xffffffff, 0x0a000002);
        if (port)
            p.atom[n++] = equal(way ? 34 : 36, 2, 0xffff, port);
    }
    return (unsigned long)&p;
}

static unsigned order_of(const struct ash_image *i)
{
    unsigned order = 0;
    while ((uint32_t)AEGIS_PAGE_SIZE << order < i->window)
        order++;
    return order;
}

static __attribute__((noinline)) void bind(unsigned k)
{
    filter_slot[k] = slot_take();
    window_slot[k] = page_new(order_of(kind[k].image));
    memory_slot[k] = page_new(AEGIS_HANDLER_ORDER);
    ALL_STEPS(aegis_map(0, window_slot[k], WINDOW_VA(k) | AEGIS_R | AEGIS_W));
    ALL_STEPS(aegis_filter_install(AEGIS_SLOT_NETWORK, program_make(kind[k].protocol, kind[k].port), filter_slot[k]));
    ash_window_fill((volatile unsigned char *)WINDOW_VA(k), kind[k].image);
    must(ash_bind(filter_slot[k], window_slot[k], kind[k].image, FUEL, memory_slot[k]), "handler_install");
}

#ifndef LONE
/* The value of a key of 16 equal bytes is 64 bytes that count on from it. */
static void store_fill(void)
{
    struct entry {
        uint64_t key[2], value[8], used, spare[5];
    } *entry = (struct entry *)(WINDOW_VA(KV) + 64);

    for (unsigned k = 1; k < 100; k++) {
        uint64_t word = 0x0101010101010101 * k;
        unsigned bucket = (word ^ word) * 0x9e3779b97f4a7c15 >> 56;
        while (entry[bucket].used)
            bucket = (bucket + 1) & 255;
        entry[bucket].key[0] = entry[bucket].key[1] = word;
        for (unsigned i = 0; i < 64; i++)
            ((unsigned char *)entry[bucket].value)[i] = (unsigned char)(k + i);
        entry[bucket].used = 1;
        if (k >= 4)
            break; /* four of one bucket are found */
    }
}

/* A text of 36 bytes to be served; one server, who is the peer, for frames to be forwarded to. */
static void shared_fill(void)
{
    static const uint8_t server[] = {10, 0, 0, 1, 0x52, 0x54, 0, 0xaa, 0xbb, 0xcc};

    *(volatile uint32_t *)(WINDOW_VA(TCP) + 20) = 36;
    for (unsigned i = 0; i < sizeof server; i++)
        ((volatile uint8_t *)WINDOW_VA(BALANCE))[8 + i] = server[i];
    *(volatile uint64_t *)WINDOW_VA(BALANCE) = 1;
}

#endif

static uint64_t counter(unsigned k)
{
    unsigned long at = WINDOW_VA(k) + kind[k].counter;

    return kind[k].width == 4 ? *(volatile uint32_t *)at : *(volatile uint64_t *)at;
}

#ifdef LONE
#define LOOK 1
#else
#define LOOK 20
#endif

/* Until one of [first, end) has answered `count`: which. */
static unsigned wait(unsigned first, unsigned end, uint64_t count)
{
    struct aegis_predicate p[KINDS];

    for (;;) {
        for (unsigned k = first; k < end; k++) {
            p[k] = (struct aegis_predicate){.slot = (uint16_t)window_slot[k], .operation = AEGIS_GE, .width = (uint8_t)kind[k].width, .offset = kind[k].counter,
                                            .value = count};
            if (counter(k) >= count)
                return k;
        }
#ifdef BEAT
        unsigned long deadline = 0;
#else /* they do not ask for us to be woken: we look now and then */
        unsigned long deadline = time_now() + AEGIS_EXPOSED_STATE->time_hz / LOOK;
#endif
        leave((unsigned long)(p + first), end - first, deadline, AEGIS_CALL_slice_wait);
    }
}

#ifndef LONE
/* All steps of it, by the kernel's instructions. */
static void install_cost(void)
{
    unsigned slot = slot_take(), window = page_new(order_of(&image_install_4k)), memory = page_new(AEGIS_HANDLER_ORDER), sum = 0, steps = 0;
    struct aegis_result r;

    ALL_STEPS(aegis_filter_install(AEGIS_SLOT_NETWORK, program_make(17, 99), slot));
    do {
        sum += count_call(slot, window, (unsigned long)&image_install_4k, FUEL, memory, AEGIS_CALL_handler_install, &r) - 2;
        steps++;
    } while (r.error == AEGIS_E_AGAIN);
    must(r, "handler_install");
    report("ash_install_4k", sum);
    report("ash_install_4k.steps", steps);
    report("ash_install_4k.instructions", image_install_4k.words);
    must(ash_unbind(slot), "handler_remove");
    /* Its frames go to a ring in which no buffer is ever posted. */
    unsigned endpoint = slot_take(), ring = page_new(0), buffers = page_new(6);
    must(aegis_endpoint_create(AEGIS_SLOT_NETWORK, ring, buffers, endpoint), "endpoint_create");
    must(aegis_filter_bind(slot, endpoint, 0), "filter_bind");
}

#endif

#ifdef REPLACE
/* The echo's handler is replaced by itself, again and again, while frames come. */
static void replace(void)
{
    unsigned spare = page_new(AEGIS_HANDLER_ORDER), times = 0;

    while (counter(0) < WARM + FRAMES) {
        struct aegis_result r = ash_bind(filter_slot[0], window_slot[0], kind[0].image, FUEL, times & 1 ? memory_slot[0] : spare);
        times += !r.error;
        if (r.error && r.error != AEGIS_E_FULL && r.error != AEGIS_E_LENT_PAGE)
            fail("handler_install", r.error);
        aegis_reap(64);
        leave(0, 0, time_now() + AEGIS_EXPOSED_STATE->time_hz / 10000, AEGIS_CALL_slice_wait);
    }
    report("replaced", times);
}
#endif

#ifdef LOAD
/* The echo answers a few frames beside one environment that computes, then beside two, and so on. Others count how long each takes. */
static void load(void)
{
    static const unsigned loads[] = {1, 2, 5, 10, 20};

    for (unsigned i = 0, busy = 0; i < sizeof loads / sizeof *loads; i++) {
        for (; busy < loads[i]; busy++) {
            struct partner p;
            unsigned slice = slot_take();
            must(aegis_alloc(AEGIS_SLOT_SLICES, 0xff, slice), "alloc");
            partner_start(&p, busy_begin);
            must(aegis_slice_lend(slice, p.slot), "slice_lend");
        }
        report("busy", busy);
        wait(0, 1, counter(0) + LOAD);
    }
    report("passed", AEGIS_EXPOSED_STATE->net.handler[0].passed);
    end(0);
}
#endif

int main(void)
{
    slot_next = 390;
    unsigned memory = page_new(6);
    ALL_STEPS(aegis_filter_lend(AEGIS_SLOT_NETWORK, memory));
#ifndef LONE
    install_cost();
#endif
    for (unsigned k = 0; k < BOUND; k++)
        bind(k);
#ifndef LONE
    store_fill();
    shared_fill();
#endif
#ifdef BEAT
    *(volatile uint64_t *)WINDOW_VA(0) = AEGIS_EXPOSED_STATE->time_hz / 1000;
#endif
    settle();
    report("ready", 1);
#ifdef REPLACE
    replace();
#endif
#ifdef LOAD
    load();
#endif
    unsigned k = wait(0, BOUND, WARM);
    uint64_t begin = instret(), from = counter(k);
    wait(k, k + 1, from + FRAMES);
    uint64_t end_ = instret();
    report(kind[k].name, (end_ - begin) / (counter(k) - from));
    report("refused", AEGIS_EXPOSED_STATE->net.handler[k].refused);
    report("aborted", AEGIS_EXPOSED_STATE->net.handler[k].aborted);
    end(0);
}
