/* SPDX-License-Identifier: BSD-2-Clause */
/* Limits and small macros as BSD had them. */
#pragma once

#include <endian.h>
#include <limits.h>
#include <signal.h>
#include <sys/types.h>

#define MAXPATHLEN     PATH_MAX
#define MAXNAMLEN      NAME_MAX
#define MAXHOSTNAMELEN 256
#define MAXSYMLINKS    8
#define NGROUPS        NGROUPS_MAX
#define NOFILE         256
#define NCARGS         ARG_MAX
#define NBBY           8
#define DEV_BSIZE      512
#define HZ             100
#ifndef PAGE_SIZE
#define PAGE_SIZE 4096
#endif

#ifndef MIN
#define MIN(a, b) ((a) < (b) ? (a) : (b))
#endif
#ifndef MAX
#define MAX(a, b) ((a) > (b) ? (a) : (b))
#endif
#define howmany(count, unit) (((count) + (unit)-1) / (unit))
#define roundup(count, unit) (howmany(count, unit) * (unit))
#define powerof2(x)          (!((x) & ((x)-1)))
#define setbit(map, n)       ((map)[(n) / NBBY] |= 1 << (n) % NBBY)
#define clrbit(map, n)       ((map)[(n) / NBBY] &= ~(1 << (n) % NBBY))
#define isset(map, n)        ((map)[(n) / NBBY] & 1 << (n) % NBBY)
#define isclr(map, n)        (!isset(map, n))
