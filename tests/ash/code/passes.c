/* SPDX-License-Identifier: BSD-2-Clause */
/* 1,500 bytes copied, summed and turned: in one pass, or (PASSES) in three. */
#include <aegis/ash.h>

#define BYTES 1500

ASH_SHARED struct {
    uint64_t sum;
    uint64_t from[192], to[192];
} message;

#ifdef PASSES
static void copy(void)
{
    ASH_PASS_OVER(message.to, message.from, BYTES, word, (void)0);
}

static uint64_t sum(void)
{
    const ash_u64 *p = message.to, *end = p + BYTES / 8;
    uint64_t sum = 0;

    for (; end - p >= 2; p += 2) {
        sum = ash_sum(sum, p[0]);
        sum = ash_sum(sum, p[1]);
    }
    if (p != end)
        sum = ash_sum(sum, *p++);
    return ash_sum(sum, *p & 0xffffffff);
}

static void swap(void)
{
    ASH_PASS_OVER(message.to, message.to, BYTES, word, word = ash_swap16s(word));
}
#endif

ASH_HANDLER long handler(unsigned char *frame, unsigned long length)
{
    (void)frame;
    (void)length;
#ifdef PASSES
    copy();
    message.sum = ash_folded(sum());
    swap();
#else
    struct ash_lanes sum = {0, 0};
    ASH_PASS_OVER(message.to, message.from, BYTES, word, word = ash_swap16s_summed(word, &sum));
    message.sum = ash_lanes_folded(sum);
#endif
    return ASH_DROP;
}
