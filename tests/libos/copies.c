/* SPDX-License-Identifier: BSD-2-Clause */
/* What a caller's memory is copied by: each alignment of both sides, sizes about all of its steps, nothing beside it touched. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tap.h"

#define MOST 300
#define ROOM 1024

static unsigned char from[ROOM] __attribute__((aligned(8))), to[ROOM] __attribute__((aligned(8))), like[ROOM];

static bool is_like(int fd, unsigned x, unsigned y, unsigned n, bool out)
{
    memset(to, 0xee, sizeof to);
    memset(like, 0xee, sizeof like);
    if (out) {
        if (pread(fd, to + 8 + y, n, x) != (ssize_t)n)
            return false;
        for (unsigned i = 0; i < n; i++)
            like[8 + y + i] = from[x + i];
    } else {
        if (pwrite(fd, to, sizeof to, ROOM) != sizeof to || pwrite(fd, from + x, n, ROOM + 8 + y) != (ssize_t)n ||
            pread(fd, to, sizeof to, ROOM) != sizeof to)
            return false;
        for (unsigned i = 0; i < n; i++)
            like[8 + y + i] = from[x + i];
    }
    return !memcmp(to, like, sizeof to);
}

static bool all(int fd, bool out)
{
    for (unsigned x = 0; x < 9; x++)
        for (unsigned y = 0; y < 9; y++)
            for (unsigned n = 0; n < MOST; n += n < 70 ? 1 : 7)
                if (!is_like(fd, x, y, n, out))
                    return false;
    return true;
}

long user_copy_sum(void *to, const void *user, size_t size); /* libos/posix/user.h */

static unsigned long modulo(const unsigned char *p, unsigned size)
{
    unsigned long sum = 0;

    for (unsigned i = 0; i < size; i++)
        sum += (unsigned long)p[i] << i % 2 * 8;
    return sum % 65535;
}

/* Copied and summed: the same bytes, the same sum, nothing beside. */
static bool sums(void)
{
    for (unsigned x = 0; x < 16; x += 4)
        for (unsigned y = 0; y < 16; y += 4)
            for (unsigned n = 0; n < MOST; n++) {
                memset(to, 0xee, sizeof to);
                long sum = user_copy_sum(to + 8 + y, from + x, n);
                if (sum < 0 || (unsigned long)sum % 65535 != modulo(from + x, n) || memcmp(to + 8 + y, from + x, n) ||
                    to[7 + y] != 0xee || to[8 + y + n] != 0xee)
                    return false;
            }
    return true;
}

int main(void)
{
    int fd = open("/tmp/copies", O_RDWR | O_CREAT | O_TRUNC, 0600);

    for (unsigned i = 0; i < ROOM; i++)
        from[i] = (unsigned char)(i * 7 + i / 251);
    tap(fd >= 0 && pwrite(fd, from, ROOM, 0) == ROOM, "copies_file");
    tap(all(fd, true), "copies_out_of_any_alignment");
    tap(all(fd, false), "copies_in_of_any_alignment");
    tap(sums(), "copies_sum_of_any_size");
    memset(from, 0xff, 2 * MOST); /* each addition carries */
    tap(sums(), "copies_sum_that_carries");
    for (unsigned i = 0; i < ROOM; i++)
        from[i] = (unsigned char)(i * 7 + i / 251);
    char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    bool good = page != MAP_FAILED && !munmap(page + 4096, 4096);
    for (unsigned n = 1; n < MOST && good; n++) /* to the last byte, and one more */
        good = pread(fd, page + 4096 - n, n, 3) == (ssize_t)n && !memcmp(page + 4096 - n, from + 3, n) &&
               pwrite(fd, page + 4096 - n, n, ROOM + 1) == (ssize_t)n && pwrite(fd, page + 4096 - n, n + 1, ROOM) == -1 &&
               errno == EFAULT;
    for (unsigned n = 0; n < MOST && good; n += 4)
        good = user_copy_sum(to, page + 4096 - n, n) >= 0 && user_copy_sum(to, page + 4096 - n, n + 1) == -EFAULT;
    tap(good, "copies_at_the_end_of_memory");
    return tap_failed;
}
