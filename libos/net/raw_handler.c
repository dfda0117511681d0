/* SPDX-License-Identifier: BSD-2-Clause */
/* Handlers of a program that has its own ring: filter, window, and what the kernel wants lent. */
#include <netinet/in.h>

#include <aegis/bind.h>
#include <aegis/pager.h>

#include "raw.h"

static unsigned order_of(uint32_t bytes)
{
    unsigned order = 0;

    while ((uint32_t)AEGIS_PAGE_SIZE << order < bytes)
        order++;
    return order;
}

/* The filter's claim. A handler takes one of what its filter may have beneath it; two while it is
 * replaced. */
static int filter_make(unsigned protocol, uint16_t port, bool forwards, unsigned *slot)
{
    struct raw_program p = {.head.limit = 2};
    int error;

    if (!protocol) {
        *slot = raw.parent_slot[1];
        return 0;
    }
    raw_program_make(&p, protocol, port, forwards);
    if (protocol == IPPROTO_TCP && raw_ports_used(protocol, port, port))
        return -EADDRINUSE;
    if (protocol != IPPROTO_UDP)
        return (error = raw_install(&p, 1, 0, slot)) < 0 ? error : 0;
    error = raw_port_open(&p, port);
    if (!error)
        *slot = raw_port_find(port)->slot;
    return error;
}

int raw_handle(struct raw_handler *h, unsigned protocol, uint16_t port, bool forwards,
               const struct ash_image *image)
{
    bool sane = image->magic == ASH_MAGIC && image->window >= ASH_WINDOW_MIN &&
                image->window <= ASH_WINDOW_MAX && image->data <= image->window;
    int error = sane ? raw_start() : -EINVAL;

    if (error)
        return error;
    int window = raw_block(order_of(image->window), &h->window);
    long memory = window < 0 ? window : page_get_whole(AEGIS_HANDLER_ORDER);
    if (memory <= 0)
        return -ENOMEM;
    ash_window_fill(h->window, image);
    error = filter_make(protocol, port, forwards, &h->filter_slot);
    if (error)
        return error;
    struct aegis_result r =
        ash_bind(h->filter_slot, (unsigned)window, image, ASH_FUEL_MAX, (unsigned long)memory);
    if (r.error)
        return r.error == AEGIS_E_FULL ? -ENOBUFS : -ENOEXEC;
    h->number = (unsigned)r.value;
    return 0;
}
