/* SPDX-License-Identifier: BSD-2-Clause */
/* Linear search, and lists linked through their elements. */
#include <search.h>
#include <stddef.h>
#include <string.h>

void *lfind(const void *key, const void *base, size_t *count, size_t size,
            int (*compare)(const void *, const void *))
{
    const char *element = base;

    for (size_t i = 0; i < *count; i++, element += size)
        if (!compare(key, element))
            return (void *)element;
    return NULL;
}

void *lsearch(const void *key, void *base, size_t *count, size_t size,
              int (*compare)(const void *, const void *))
{
    void *found = lfind(key, base, count, size, compare);

    return found ? found : memcpy((char *)base + size * (*count)++, key, size);
}

struct element {
    struct element *next, *previous;
};

void insque(void *new, void *after)
{
    struct element *e = new, *before = after;

    e->previous = before;
    e->next = before ? before->next : NULL;
    if (before)
        before->next = e;
    if (e->next)
        e->next->previous = e;
}

void remque(void *old)
{
    struct element *e = old;

    if (e->next)
        e->next->previous = e->previous;
    if (e->previous)
        e->previous->next = e->next;
}
