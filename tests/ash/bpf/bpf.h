/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs of the kind need of libbpf's header. */
#pragma once

#include <linux/types.h>

#include <linux/bpf.h>

#define SEC(name)           __attribute__((section(name), used))
#define __uint(name, value) int (*name)[value]
#define __type(name, value) value *name

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *value, __u64 flags) = (void *)2;
static long (*bpf_map_delete_elem)(void *map, const void *key) = (void *)3;
static __u64 (*bpf_ktime_get_ns)(void) = (void *)5;
static __u32 (*bpf_get_prandom_u32)(void) = (void *)7;

#define bpf_htons(n) ((__u16)__builtin_bswap16(n))
