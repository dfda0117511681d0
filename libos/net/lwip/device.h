/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The endpoint, in three: device.c begins it and is lwIP's interface, input.c takes frames in,
 * output.c sends them.
 *
 *     buffers  0 .. RECEIVING - 1   frames as they came; each has a pbuf of its own (input.c)
 *              then HEADERS slots   what goes by copy of a frame that is sent (output.c), by the
 * count of its entry
 */
#pragma once

#include "connection.h"

#define HEADER_BUFFERS 8 /* the last ones: headers of frames on their way to the kernel */
#define HEADERS        (HEADER_BUFFERS * AEGIS_NET_BUFFER / AEGIS_NET_HEADER_MAX)
#define RECEIVING      (NET_BUFFER_COUNT - HEADER_BUFFERS)
#define HEADER_MOST    (AEGIS_NET_HEADER_MAX - AEGIS_NET_FRAME)
#define PADDING        ETH_PAD_SIZE

/* Where frames for `to` go. */
struct neighbour {
    uint64_t known;    /* `time`; 0: it is not */
    uint64_t front[2]; /* the Ethernet header, the pad before it included */
    uint32_t to;
};

/* It makes TCP's and UDP's checksums; where it is asked to, frame by frame, also over IPv6. */
extern bool device_there, device_offloads, device_asked;

static inline uint8_t *buffer_at(unsigned number)
{
    return (uint8_t *)NET_BUFFERS + number * AEGIS_NET_BUFFER;
}

static inline uint64_t device_time(void)
{
    uint64_t t;
    __asm__ volatile("rdtime %0" : "=r"(t));
    return t;
}

/* ---- the ring, for sending ---- */

#define HELD 256

extern struct pbuf *held[HELD]; /* pbufs of which frames are being sent, by the count of their entry */
extern uint64_t released;       /* entries whose pbufs were let go */
extern uint64_t packet_number;  /* of the next IPv4 packet; 16 bits of it are used */

/* How many entries may be filled. */
static inline unsigned ring_room(void)
{
    volatile struct aegis_ring *ring = NET_RING;

    for (bool flushed = false;; flushed = true) {
        uint64_t queued = ring->queued, entries = AEGIS_TX_ENTRIES - (queued - ring->taken), pbufs = HELD - (queued - released);
        unsigned room = (unsigned)LWIP_MIN(entries, pbufs);
        if (room || flushed)
            return room <= AEGIS_TX_ENTRIES ? room : 0;
        device_flush();
    }
}

/* Where the frame of the `n`th entry begins, the pad before it. */
static inline uint8_t *ring_slot(uint64_t n)
{
    return buffer_at(RECEIVING) + n % HEADERS * AEGIS_NET_HEADER_MAX;
}

/* A sum of 16-bit words, in one of them: each step adds the two halves, whose carry comes round. */
static inline uint32_t sum_fold(uint64_t sum)
{
    uint32_t half = (uint32_t)((sum + (sum << 32 | sum >> 32)) >> 32);
    return (half + (half << 16 | half >> 16)) >> 16;
}

/* image.c: the sum of 16-bit words, modulo 65535; aligned to 4. */
uint64_t words_add(const uint8_t *p, unsigned size);

/* As pbuf_free, of what mostly is one piece of a pool's. */
static inline void pbuf_drop(struct pbuf *p)
{
    if (p->ref > 1)
        p->ref--;
    else if (p->type_internal == (u8_t)PBUF_RAM && !p->flags && !p->next)
        mem_free(p);
    else
        pbuf_free(p);
}

/* input.c */
void input_begin(void);
void input_frames(void);

/* etharp.c: something that was sent waits for the answer of a neighbour. */
bool neighbours_awaited(void);

/* predict.c: what a segment says beside its bytes, in host order. */
struct predicted {
    uint32_t sequence, acknowledged;
    unsigned window, size;
};
/* Whose it is, if it is what was to come; ports as they stand in the frame. Then it is to be taken, with its bytes. */
struct connection *predict_find(const struct predicted *g, uint32_t from, uint32_t to, uint32_t ports);
void predict_take(struct connection *c, const struct predicted *g, struct pbuf *p);
/* lwIP has told of it: its next segment is looked for here. */
void predict_remember(struct connection *c, const struct tcp_pcb *pcb);

/* segments.c */
/* Bytes of the caller's that were written, or -EFAULT; `sum`: of all of them, or AEGIS_NO_SUM. */
long segments_write(struct tcp_pcb *pcb, const uint8_t *user, size_t size, bool more, int32_t sum);

/* output.c */
void output_begin(void);
/* lwIP's: a frame; an IPv4 packet. */
err_t device_output(struct netif *n, struct pbuf *p);
err_t device_output4(struct netif *n, struct pbuf *p, const ip4_addr_t *to);
/* What was learnt of neighbours may be over. */
void neighbours_forget(void);
/* Who is reached at `to`, if a frame went there lately; else null. */
const struct neighbour *neighbour_find(uint32_t to);
/* A frame of the next entry: IPv4's header is put into its slot, whose transport header follows.
 * Null: no room. */
uint8_t *packet_begin(const struct neighbour *k, uint32_t from, unsigned size,
                      unsigned ttl_protocol, unsigned tos);
/* It is `header` bytes, and those of `p` from `skip` on. False: it lies in too many pieces. */
bool packet_end(unsigned header, struct pbuf *p, unsigned skip);
/* As ip_output_if, for TCP. */
err_t segment_output(struct pbuf *p, const ip_addr_t *from, const ip_addr_t *to, u8_t ttl, u8_t tos,
                     u8_t protocol, struct netif *n);
