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
#include "user.h"
#include "../session/random.h"

#undef errno
extern __thread int _tls_errno;

/* Four objects of newlib ask for these although errno and the rest are thread-local. */
int *__errno(void)
{
    return &_tls_errno;
}

struct _reent *_impure_ptr;

#define errno (*__errno())

/* EIO: more than POSIX promises, or a program outside any session. */
int _getentropy(void *buffer, size_t size)
{
    unsigned char own[256];
    int error = size > sizeof own || random_fill(own, size) ? -EIO : user_copy_out(buffer, own, size);

    if (error)
        errno = -error;
    return error ? -1 : 0;
}

