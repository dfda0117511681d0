/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random(): an additive generator, x[n] = x[n-3] + x[n-31] and the like, over a state that the
 * caller may give. A state of 8 bytes is a linear congruence. Its first word says its kind and
 * where it stands, so that setstate() finds it again.
 */
#include <errno.h>
#include <stdlib.h>
#include <stdint.h>

struct kind {
    unsigned degree, separation;
    size_t bytes;
};

static const struct kind kinds[] = {{0, 0, 8}, {7, 3, 32}, {15, 1, 64}, {31, 3, 128}, {63, 1, 256}};
#define KINDS   5
#define DEFAULT 3

static int32_t default_state[32];
static int32_t *state; /* behind the word that tells its kind */
static unsigned kind = DEFAULT, front, rear;

static int32_t seed_next(int32_t seed)
{
    /* 16807 times seed modulo 2^31 - 1 */
    int64_t next = (int64_t)seed * 16807 % 2147483647;
    return (int32_t)(next < 0 ? next + 2147483647 : next);
}

static void state_seed(unsigned seed)
{
    const struct kind *k = &kinds[kind];

    state[0] = (int32_t)(seed ? seed : 1);
    for (unsigned i = 1; i < k->degree; i++)
        state[i] = seed_next(state[i - 1]);
    front = k->separation;
    rear = 0;
    for (unsigned i = 0; i < 10 * k->degree; i++)
        random();
}

static void state_keep(void)
{
    state[-1] = (int32_t)(kind + KINDS * rear);
}

static void state_boot(void)
{
    if (state)
        return;
    state = default_state + 1;
    state_seed(1);
}

long random(void)
{
    state_boot();
    if (!kind) {
        state[0] = (int32_t)(((uint32_t)state[0] * 1103515245u + 12345u) & 0x7fffffff);
        return state[0];
    }
    uint32_t sum = (uint32_t)state[front] + (uint32_t)state[rear];
    state[front] = (int32_t)sum;
    front = (front + 1) % kinds[kind].degree;
    rear = (rear + 1) % kinds[kind].degree;
    return (long)(sum >> 1);
}

void srandom(unsigned seed)
{
    if (!state)
        state = default_state + 1;
    state_seed(seed);
}

char *initstate(unsigned seed, char *memory, size_t size)
{
    unsigned best = KINDS;

    if (size < kinds[0].bytes) {
        errno = EINVAL;
        return NULL;
    }
    state_boot();
    state_keep();
    char *before = (char *)(state - 1);
    while (kinds[best - 1].bytes > size)
        best--;
    kind = best - 1;
    state = (int32_t *)memory + 1;
    state_seed(seed);
    state_keep();
    return before;
}

char *setstate(char *memory)
{
    uint32_t word = *(uint32_t *)memory;

    if (word % KINDS && word / KINDS >= kinds[word % KINDS].degree) {
        errno = EINVAL;
        return NULL;
    }
    state_boot();
    state_keep();
    char *before = (char *)(state - 1);
    kind = word % KINDS;
    rear = word / KINDS;
    front = kind ? (rear + kinds[kind].separation) % kinds[kind].degree : 0;
    state = (int32_t *)memory + 1;
    return before;
}
