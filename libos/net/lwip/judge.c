/* SPDX-License-Identifier: BSD-2-Clause */
/* Segments that ask for more than they should, made harmless before lwIP looks at them. */
#include "hooks.h"
#include "lwip/priv/tcp_priv.h"

/* Who says that he takes no more at once does not make us send a frame for each byte: as Linux's tcp_min_snd_mss. */
#define MSS_LEAST 48

static u8_t *option_at(struct tcp_hdr *head, unsigned i, unsigned here, u8_t *rest)
{
    return i < here ? (u8_t *)(head + 1) + i : rest + (i - here);
}

/* Only who begins a connection may say his segments' size (RFC 9293, 3.7.1); what lwIP would take for that later on becomes nothing. */
static void size_judge(struct tcp_hdr *head, unsigned i, unsigned here, u8_t *rest)
{
    u8_t *high = option_at(head, i + 2, here, rest), *low = option_at(head, i + 3, here, rest);
    unsigned size = (unsigned)*high << 8 | *low;

    if (!(TCPH_FLAGS(head) & TCP_SYN)) {
        *option_at(head, i, here, rest) = *option_at(head, i + 1, here, rest) = *high = *low = LWIP_TCP_OPT_NOP;
    } else if (size && size < MSS_LEAST) { /* 0 is as if nothing were said */
        *high = 0;
        *low = MSS_LEAST;
    }
}

static void options_judge(struct tcp_hdr *head, unsigned length, unsigned here, u8_t *rest)
{
    for (unsigned i = 0, size; i < length; i += size) {
        u8_t kind = *option_at(head, i, here, rest);
        if (kind == LWIP_TCP_OPT_EOL)
            return;
        size = kind == LWIP_TCP_OPT_NOP ? 1 : i + 1 < length ? *option_at(head, i + 1, here, rest) : 0;
        if (!size || (size == 1 && kind != LWIP_TCP_OPT_NOP) || i + size > length)
            return; /* lwIP goes no further either */
        if (kind == LWIP_TCP_OPT_MSS && size == LWIP_TCP_OPT_LEN_MSS)
            size_judge(head, i, here, rest);
    }
}

/*
 * A listener whose queue is full of connections that are only begun gives up the oldest of them: who never answers would keep others out for
 * 20 seconds, by as many segments as the queue is long.
 */
static void begun_give_up(const struct tcp_pcb_listen *l)
{
    struct tcp_pcb *oldest = NULL;

    if (l->accepts_pending < l->backlog)
        return;
    for (struct tcp_pcb *pcb = tcp_active_pcbs; pcb; pcb = pcb->next)
        if (pcb->state == SYN_RCVD && pcb->listener == l && (!oldest || tcp_ticks - pcb->tmr >= tcp_ticks - oldest->tmr))
            oldest = pcb;
    if (oldest)
        tcp_abandon(oldest, 0);
}

err_t segment_judge(struct tcp_pcb *pcb, struct tcp_hdr *head, u16_t length, u16_t here, u8_t *rest)
{
    if (length)
        options_judge(head, length, here, rest);
    if (pcb->state == LISTEN && (TCPH_FLAGS(head) & (TCP_SYN | TCP_ACK | TCP_RST)) == TCP_SYN)
        begun_give_up((const struct tcp_pcb_listen *)pcb);
    return ERR_OK;
}
