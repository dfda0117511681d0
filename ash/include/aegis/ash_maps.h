/* SPDX-License-Identifier: BSD-2-Clause */
/* eBPF's maps and helpers for handlers (ash/ebpf.c writes code that uses them). Sizes are constants where it is compiled. */
#pragma once

#include <aegis/ash.h>

#define ASH_PROBES 32 /* places that a key may be at */

static inline void ash_copy(void *to, const void *from, unsigned long bytes)
{
    unsigned long i = 0;

    for (; i + 8 <= bytes; i += 8)
        *(ash_u64 *)((uint8_t *)to + i) = *(const ash_u64 *)((const uint8_t *)from + i);
    for (; i < bytes; i++)
        ((uint8_t *)to)[i] = ((const uint8_t *)from)[i];
}

static inline int ash_same(const void *a, const void *b, unsigned long bytes)
{
    uint64_t other = 0;
    unsigned long i = 0;

    for (; i + 4 <= bytes; i += 4)
        other |= *(const ash_u32 *)((const uint8_t *)a + i) ^ *(const ash_u32 *)((const uint8_t *)b + i);
    for (; i < bytes; i++)
        other |= ((const uint8_t *)a)[i] ^ ((const uint8_t *)b)[i];
    return !other;
}

/* ---- array: values of `size` bytes (a multiple of 8) in a row ---- */

static inline void *ash_array_find(uint8_t *array, uint32_t count, unsigned long size, const void *key)
{
    uint64_t number = *(const ash_u32 *)key;
    return number < count ? array + number * size : 0;
}

static inline long ash_array_update(uint8_t *array, uint32_t count, unsigned long size, unsigned long value_size, const void *key,
                                    const void *value, uint64_t flags)
{
    uint8_t *at = ash_array_find(array, count, size, key);

    if (flags > 2)
        return -22;
    if (flags == 1)
        return -17; /* every key is there */
    if (!at)
        return -7;
    ash_copy(at, value, value_size);
    return 0;
}

/* ---- hash: 2^order places of a state (0 free, 1 taken, 2 was taken), a key and a value, each filled up to 8 bytes ---- */

static inline uint64_t ash_hashed(const void *key, unsigned long bytes, unsigned order)
{
    uint64_t hash = 0;
    unsigned long i = 0;

    for (; i + 4 <= bytes; i += 4)
        hash = (hash ^ *(const ash_u32 *)((const uint8_t *)key + i)) * 0x9e3779b97f4a7c15;
    for (; i < bytes; i++)
        hash = (hash ^ ((const uint8_t *)key)[i]) * 0x9e3779b97f4a7c15;
    return hash >> (64 - order);
}

/* The place of a key, or null; *room (if asked for): where it could be put. */
static inline uint64_t *ash_hash_place(uint64_t *table, unsigned order, unsigned long words, unsigned long key_size, const void *key,
                                       uint64_t **room)
{
    uint64_t bucket = ash_hashed(key, key_size, order);

    for (unsigned i = 0; i < ASH_PROBES; i++, bucket = (bucket + 1) & ((1UL << order) - 1)) {
        uint64_t *at = table + bucket * words;
        if (*at != 1 && room && !*room)
            *room = at;
        if (*at == 0)
            return 0;
        if (*at == 1 && ash_same(at + 1, key, key_size))
            return at;
    }
    return 0;
}

static inline void *ash_hash_find(uint64_t *table, unsigned order, unsigned long words, unsigned long key_size, const void *key)
{
    uint64_t *at = ash_hash_place(table, order, words, key_size, key, 0);
    return at ? at + 1 + (key_size + 7) / 8 : 0;
}

static inline long ash_hash_update(uint64_t *table, uint64_t *used, uint32_t count, unsigned order, unsigned long words,
                                   unsigned long key_size, unsigned long value_size, const void *key, const void *value, uint64_t flags)
{
    uint64_t *room = 0, *at = ash_hash_place(table, order, words, key_size, key, &room);

    if (flags > 2)
        return -22;
    if (at && flags == 1)
        return -17;
    if (!at && flags == 2)
        return -2;
    if (!at) {
        if (!room || *used >= count)
            return -7;
        at = room;
        *at = 1;
        ++*used;
        ash_copy(at + 1, key, key_size);
    }
    ash_copy(at + 1 + (key_size + 7) / 8, value, value_size);
    return 0;
}

static inline long ash_hash_delete(uint64_t *table, uint64_t *used, unsigned order, unsigned long words, unsigned long key_size,
                                   const void *key)
{
    uint64_t *at = ash_hash_place(table, order, words, key_size, key, 0);

    if (!at)
        return -2;
    *at = 2;
    --*used;
    return 0;
}

/* ---- helpers ---- */

#ifndef ASH_TICK_NS
#define ASH_TICK_NS 100 /* QEMU virt: 10 MHz */
#endif

static inline uint64_t ash_random32(uint64_t *state)
{
    uint64_t x = *state ? *state : ash_time() | 1;

    x ^= x << 13;
    x ^= x >> 7;
    x ^= x << 17;
    *state = x;
    return (uint32_t)(x >> 16);
}
