/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The stack that is none: who has an address. Whoever sent to us is known by that. Otherwise it is asked, and its answer, alone,
 * is taken from the session's stack by a filter that stands that long.
 */
#include <netinet/in.h>
#include <string.h>

#include "raw.h"

#define KNOWN 16
#define TRIES 4 /* a quarter of a second each */

static struct known {
    uint64_t owner; /* session_me of whom knows it */
    uint32_t address;
    uint8_t mac[6];
} table[KNOWN];
static unsigned next;

static struct known *known_find(uint32_t address)
{
    for (struct known *k = table; k < table + KNOWN; k++)
        if (k->owner == session_me && k->address == address)
            return k;
    return NULL;
}

void raw_neighbour_learn(uint32_t address, const uint8_t mac[6])
{
    struct known *k = known_find(address);

    if (!k)
        k = &table[next++ % KNOWN];
    k->owner = session_me;
    k->address = address;
    memcpy(k->mac, mac, 6);
}

bool raw_neighbour_answer(const uint8_t *frame, unsigned size)
{
    uint32_t from;

    if (size < 42)
        return false;
    memcpy(&from, frame + 28, 4);
    raw_neighbour_learn(from, frame + 22);
    return true;
}

static int question_queue(unsigned filter, uint32_t address)
{
    static const uint8_t kind[] = {8, 6, 0, 1, 8, 0, 6, 4, 0, 1};
    int buffer = raw_buffer();

    if (buffer < 0)
        return buffer;
    uint8_t *frame = raw_frame((unsigned)buffer);
    memset(frame, 0, 60);
    memset(frame, 0xff, 6);
    memcpy(frame + 6, raw.mac, 6);
    memcpy(frame + 12, kind, sizeof kind);
    memcpy(frame + 22, raw.mac, 6);
    memcpy(frame + 28, &raw.address, 4);
    memcpy(frame + 38, &address, 4);
    raw_queue(filter, (unsigned)buffer, 60, 0);
    raw_flush();
    return 0;
}

/* Takes in answers until one is his; datagrams that come meanwhile are lost, as they may be. */
static bool answer_await(uint32_t address)
{
    uint64_t deadline = time_now() + AEGIS_EXPOSED_STATE->time_hz / 4;
    const volatile struct aegis_rx *e;
    unsigned buffer;

    while (!known_find(address) && raw_wait(deadline) != -ETIMEDOUT)
        while ((e = raw_take(&buffer))) {
            if (e->tag == RAW_TAG_ARP)
                raw_neighbour_answer(raw_frame(buffer), e->length);
            raw_give(buffer);
        }
    return known_find(address);
}

static void program_make(struct raw_program *p, uint32_t address)
{
    uint64_t mac = 0;

    for (unsigned i = 0; i < 6; i++)
        mac = mac << 8 | raw.mac[i];
    raw_atom(p, false, 12, 2, 0xffff, 0x0806);
    raw_atom(p, false, 20, 2, 0xffff, 2);
    raw_atom(p, false, 28, 4, 0xffffffff, ntohl(address));
    raw_atom(p, true, 6, 8, ~0xffffUL, mac << 16);
    raw_atom(p, true, 12, 2, 0xffff, 0x0806);
    raw_atom(p, true, 28, 4, 0xffffffff, ntohl(raw.address));
}

int raw_neighbour(uint32_t address, uint8_t mac[6])
{
    struct raw_program p = {0};
    struct known *k = known_find(address);
    unsigned slot;

    if (address == raw.address)
        raw_neighbour_learn(address, raw.mac); /* the kernel leads it back */
    if (!k && !(k = known_find(address))) {
        program_make(&p, address);
        int filter = raw_install(&p, 0, RAW_TAG_ARP, &slot);
        if (filter < 0)
            return filter == -EADDRINUSE ? -EHOSTUNREACH : filter; /* another process asks just now */
        for (unsigned i = 0; i < TRIES && !k; i++)
            if (!question_queue((unsigned)filter, address) && answer_await(address))
                k = known_find(address);
        raw_remove(slot);
    }
    if (!k)
        return -EHOSTUNREACH;
    memcpy(mac, k->mac, 6);
    return 0;
}
