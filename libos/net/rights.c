/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors in messages. */
#include <string.h>

#include "socket.h"

#include "../session/inline.h"

#define A_STAY 16 /* files let go in one stay in the monitor */

static size_t rights_size(uint64_t count)
{
    return sizeof(struct rights) + count * sizeof(struct file *);
}

struct rights *rights_make(const struct socket_control *c)
{
    struct rights *r = session_alloc(rights_size(RIGHTS_MOST));

    if (!r)
        return NULL;
    r->count = c->count;
    for (unsigned i = 0; i < c->count; i++) {
        struct file *file = c->file[i];
        r->file[i] = file;
        session_set(file->references, file->references + 1);
    }
    return r;
}

/* The descriptor takes over the message's reference. Those that find no place are let go later,
 * with the message. */
int rights_take(struct rights *r, struct socket_control *c)
{
    unsigned n = 0;

    while (n < r->count) {
        int d = descriptor_make(r->file[n], 0, c->flags);
        if (d == -EAGAIN) {
            if (n)
                descriptors_lower(c->descriptor[0]);
            return d;
        }
        if (d < 0)
            break;
        c->descriptor[n++] = d;
    }
    c->count = n;
    c->cut = n < r->count;
    for (unsigned i = n; i < r->count; i++)
        session_set(r->file[i - n], r->file[i]);
    session_set(r->count, r->count - n);
    return 0;
}

bool rights_drop(struct rights *r)
{
    for (unsigned n = 0; r->count; n++) {
        if (n == A_STAY)
            return false;
        session_set(r->count, r->count - 1);
        file_drop(r->file[r->count]);
    }
    session_free(r, rights_size(RIGHTS_MOST));
    return true;
}
