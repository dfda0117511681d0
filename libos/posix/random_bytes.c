/* SPDX-License-Identifier: BSD-2-Clause */
/* getrandom over the libOS's getentropy: see there what these bytes are good for. */
#include <errno.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

ssize_t getrandom(void *buffer, size_t size, unsigned flags)
{
    if (flags & ~(GRND_NONBLOCK | GRND_RANDOM)) {
        errno = EINVAL;
        return -1;
    }
    for (size_t done = 0; done < size; done += 256) {
        size_t part = size - done < 256 ? size - done : 256;
        if (getentropy((char *)buffer + done, part))
            return -1;
    }
    return (ssize_t)size;
}
