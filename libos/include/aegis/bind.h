/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * For those who bind handlers (ash/README.md says what they are, ash/binding.md how the kernel has them). A handler's file,
 * as scripts/ash-cc makes it, lies in memory at a multiple of 8.
 */
#pragma once

#include <aegis/aegis.h>
#include <aegis/handler.h>

/* The window's first bytes, in the file. */
static inline const unsigned char *ash_image_data(const struct ash_image *i)
{
    return (const unsigned char *)(i + 1) + i->words * 4UL + i->labels * sizeof(struct ash_label) + i->knowns * sizeof(struct ash_known);
}

/* Bytes of the whole file. */
static inline unsigned long ash_image_size(const struct ash_image *i)
{
    return (unsigned long)(ash_image_data(i) + i->data - (const unsigned char *)i);
}

/* The window, i->window bytes, as the handler is to find it. What a handler before it left there is gone. */
static inline void ash_window_fill(volatile unsigned char *window, const struct ash_image *i)
{
    const unsigned char *data = ash_image_data(i);

    for (unsigned long n = 0; n < i->window; n++)
        window[n] = n < i->data ? data[n] : 0;
}

/*
 * Binds it, with all steps: slots of the filter (R and W, its limit 1 at least), of the window's block, of a block of
 * AEGIS_HANDLER_ORDER that is lent meanwhile. Errors as handler_install's; value: its number in exposed.net.handler.
 */
static inline struct aegis_result ash_bind(unsigned long filter, unsigned long window, const struct ash_image *i, unsigned long fuel,
                                           unsigned long memory)
{
    struct aegis_result r;
    volatile const unsigned char *at = (volatile const unsigned char *)i;

    do { /* what the kernel reads shall be mapped */
        for (unsigned long n = 0; n < ash_image_size(i); n += AEGIS_PAGE_SIZE)
            (void)at[n];
        (void)at[ash_image_size(i) - 1];
        r = aegis_handler_install(filter, window, (unsigned long)i, fuel, memory);
    } while (r.error == AEGIS_E_AGAIN);
    return r;
}

static inline struct aegis_result ash_unbind(unsigned long filter)
{
    struct aegis_result r;

    do
        r = aegis_handler_remove(filter);
    while (r.error == AEGIS_E_AGAIN);
    return r;
}
