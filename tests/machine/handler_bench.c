/* SPDX-License-Identifier: BSD-2-Clause */
#include "handler_bench.h"

struct image image, second;
struct other other;

struct image *image_make(struct image *to, const uint32_t *word, unsigned words, unsigned pages)
{
    to->head = (struct ash_image){.magic = ASH_MAGIC, .words = words, .window = pages * 4096};
    for (unsigned i = 0; i < words; i++)
        to->word[i] = word[i];
    return to;
}

struct image *image_spin(struct image *to)
{
    IMAGE(to, COUNT(0), ADDI(X_S8, X_S8, -6), BLT(X_S8, X_ZERO, 8), JAL(0, -20), SAY(ASH_SPENT));
    struct ash_label *label = (struct ash_label *)(to->word + to->head.words);
    label[0] = (struct ash_label){.at = 0};
    label[1] = (struct ash_label){.at = 6};
    to->head.labels = 2;
    return to;
}

void rotate(void)
{
    unsigned long until = now() + (EXPOSED->hart[0].slices + 1) * EXPOSED->slice_ticks;
    while (now() < until)
        up_yield();
}

void bench_open(struct bench *b, unsigned limit)
{
    struct packet_filter f = udp_ports(PORT, PORT, limit);
    socket_open(&b->socket, ROOT, S(0), RING_VA, 2);
    struct aegis_result r = filter_make(ROOT, &f, FILTER);
    DONE(r);
    b->filter = (unsigned)r.value;
    DONE(aegis_filter_bind(FILTER, S(2), 0));
    page_get(WINDOW, 0);
    DONE(UNTIL_DONE(aegis_map(0, WINDOW, WINDOW_VA | AEGIS_R | AEGIS_W)));
    b->window = (volatile uint64_t *)WINDOW_VA;
    page_get(MEMORY, AEGIS_HANDLER_ORDER);
    page_get(MEMORY + 1, AEGIS_HANDLER_ORDER);
}

void bench_close(struct bench *b)
{
    if (LEDGER[FILTER].what)
        page_put(FILTER);
    if (LEDGER[WINDOW].what)
        page_put(WINDOW);
    socket_close(&b->socket);
    settle();
    for (unsigned i = 0; i < 2; i++)
        if (LEDGER[MEMORY + i].what)
            page_put(MEMORY + i);
}

struct aegis_result install(const struct image *i)
{
    unsigned long memory = MEMORY;
    for (unsigned n = 0; LEDGER[memory].what && RECORDS_OF(memory).pins && n < 1000000; n++) {
        aegis_reap(64);
        memory = RECORDS_OF(MEMORY).pins ? MEMORY + 1 : MEMORY;
    }
    return UNTIL_DONE(aegis_handler_install(FILTER, WINDOW, (unsigned long)i, FUEL, memory));
}

unsigned install_done(const struct image *i)
{
    struct aegis_result r = install(i);
    DONE(r);
    return (unsigned)r.value;
}
void frame_at_once(struct bench *b, unsigned first)
{
    udp_frame(b->socket.buffers + 2, LENGTH, PORT, PORT, first - 42);
    socket_queue(&b->socket, b->filter, 2, LENGTH);
    EQUAL(aegis_net_send(S(2)).value, 1);
}
void frame(struct bench *b, unsigned first)
{
    rotate();
    frame_at_once(b, first);
}

unsigned pins(unsigned long slot)
{
    return RECORDS_OF(slot).pins;
}

void other_start(struct child *c, unsigned hart, void (*function)(long), long argument, unsigned count)
{
    other.stop = other.done = other.errors = 0;
    child_make(c, 0);
    DONE(aegis_share(c->slot, FILTER, count, AEGIS_R | AEGIS_W | AEGIS_ALLOC | AEGIS_LEND | AEGIS_REKEY));
    child_on(c, hart, function, argument);
    child_slice(c, hart);
}

bool all_gone(void *bench)
{
    aegis_reap(64);
    return EXPOSED->net.filter[((struct bench *)bench)->filter].limit == 3;
}
