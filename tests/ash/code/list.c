/* SPDX-License-Identifier: BSD-2-Clause */
/* Pointers out of memory, tables on the stack, a frame's address kept over a call: what needs guards, and what must come out right. */
#include <aegis/ash.h>

struct node {
    struct node *next;
    uint64_t value;
};

ASH_SHARED struct {
    uint64_t sum, walked;
    struct node *head;
    struct node node[16];
} list;

static const uint16_t weights[8] = {1, 2, 4, 8, 16, 32, 64, 128};

ASH_HANDLER long handler(unsigned char *frame, unsigned long length)
{
    uint8_t seen[64] = {0};
    uint64_t sum = 0;

    if (!list.head) /* the first time: a list of 16 */
        for (unsigned i = 0; i < 16; i++) {
            list.node[i].value = i * i;
            list.node[i].next = list.head;
            list.head = &list.node[i];
        }
    for (struct node *n = list.head; n; n = n->next) {
        sum += n->value;
        list.walked++;
    }
    for (unsigned long i = 0; i < length; i++)
        seen[frame[i] % 64]++;
    ash_wake();
    for (unsigned i = 0; i < 8; i++)
        sum += (uint64_t)seen[frame[i] % 64] * weights[i];
    list.sum = sum;
    *(ash_u64 *)(frame + 14) = sum;
    return ASH_DROP;
}
