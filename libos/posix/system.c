/* SPDX-License-Identifier: BSD-2-Clause */
/* Small things of the system: identities, limits, and what this libOS does not have yet. */
#include <errno.h>
#include <reent.h>
#include <string.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include <aegis/exposed.h>

#include "../vm/vm.h"
#include "process.h"

#undef errno
extern __thread int _tls_errno;

/* Four objects of newlib ask for these although errno and the rest are thread-local. */
int *__errno(void)
{
    return &_tls_errno;
}

struct _reent *_impure_ptr;

#define errno (*__errno())

/*
 * Not for keys: this machine gives programs no entropy. A counter of time and identity, mixed; it
 * differs from run to run and from process to process.
 */
int _getentropy(void *buffer, size_t size)
{
    uint64_t x = clock_ticks() ^ AEGIS_EXPOSED_STATE->env[env_self()].check;
    uint8_t *p = buffer;

    if (size > 256) {
        errno = EIO;
        return -1;
    }
    for (size_t i = 0; i < size; i++) {
        x += 0x9e3779b97f4a7c15;
        uint64_t z = (x ^ x >> 30) * 0xbf58476d1ce4e5b9;
        z = (z ^ z >> 27) * 0x94d049bb133111eb;
        p[i] = (uint8_t)(z ^ z >> 31);
    }
    return 0;
}

