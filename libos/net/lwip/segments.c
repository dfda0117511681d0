/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments of a stream that runs well, written and sent with no more than they need: whole, in one piece, without options,
 * from our address to a neighbour that is known, in order. What is otherwise is lwIP's: these are its own segments, in its
 * own queues, and it may go on with them at any time (it does when they are to be sent again).
 */
#include "device.h"
#include "lwip/priv/mem_priv.h"
#include "lwip/priv/tcp_priv.h"
#include "lwip/prot/ip4.h"

/* A pbuf, and room for the headers before a segment's bytes. */
#define PBUF_BEFORE (LWIP_MEM_ALIGN_SIZE(sizeof(struct pbuf)) + LWIP_MEM_ALIGN_SIZE((size_t)PBUF_TRANSPORT))

#define WHOLE_POOL 1600
#define POOL_NAME  LWIP_MEM_ALIGN_SIZE(sizeof(struct memp_malloc_helper)) /* before what it gives: which pool it was */

err_t lwip_tcp_output(struct tcp_pcb *pcb);

/* ---- written ---- */

/* Its header's words, which lwIP's packed structure would have read by bytes: ports, sequence, acknowledged; of 16 bits: marks. */
static inline uint32_t *words_of(const void *head)
{
    return (uint32_t *)(uintptr_t)head;
}
#define MARKS 6 /* the seventh, in words of 16 bits: length of header, flags */

static inline uint16_t *halves_of(const void *head)
{
    return (uint16_t *)(uintptr_t)head;
}

/* The caller's bytes, copied, and summed, if their sum is not known and no device makes it. False: he has none there. */
static inline bool bytes_take(void *to, const uint8_t *user, unsigned size, int32_t *sum)
{
    if (*sum != AEGIS_NO_SUM)
        return !stack_caller->copy(to, user, size);
    if (device_offloads || (uintptr_t)user & 3) {
        *sum = 0;
        if (stack_caller->copy(to, user, size))
            return false;
        if (!device_offloads)
            *sum = stack_checksum(to, (int)size);
        return true;
    }
    long found = stack_caller->copy_sum(to, user, size);
    *sum = (int32_t)sum_fold((uint64_t)found);
    return found >= 0;
}

/* As mem_malloc, which looks through all pools: the one of whole segments first. */
static inline void *memory_take(unsigned size)
{
    struct memp_malloc_helper *from = size > WHOLE_POOL / 2 && size <= WHOLE_POOL - POOL_NAME ? memp_malloc(MEMP_POOL_1600) : NULL;

    if (!from)
        return mem_malloc((mem_size_t)size);
    from->poolnr = MEMP_POOL_1600;
    return (char *)from + POOL_NAME;
}

/* As pbuf_alloc(PBUF_TRANSPORT, size, PBUF_RAM) with TCP's header before the payload, and room for `most` bytes. */
static inline struct pbuf *pbuf_make(unsigned size, unsigned most)
{
    struct pbuf *p = memory_take(PBUF_BEFORE + most);

    if (!p)
        return NULL;
    *p = (struct pbuf){.payload = (char *)p + PBUF_BEFORE - TCP_HLEN,
                       .tot_len = (u16_t)(TCP_HLEN + size),
                       .len = (u16_t)(TCP_HLEN + size),
                       .type_internal = (u8_t)PBUF_RAM,
                       .ref = 1};
    return p;
}

/* The next segment, of `size` bytes that lie at `user`, with room for `most`. Null: no memory, or (`*bad`) there are none. */
static struct tcp_seg *segment_make(const struct tcp_pcb *pcb, const uint8_t *user, unsigned size, unsigned most, uint32_t ports,
                                    int32_t sum, bool *bad)
{
    struct tcp_seg *seg = memp_malloc(MEMP_TCP_SEG);
    struct pbuf *p = seg ? pbuf_make(size, most) : NULL;

    if (!p) {
        if (seg)
            memp_free(MEMP_TCP_SEG, seg);
        return NULL;
    }
    struct tcp_hdr *head = p->payload;
    words_of(head)[0] = ports;
    words_of(head)[1] = lwip_htonl(pcb->snd_lbb);
    halves_of(head)[MARKS] = PP_HTONS(TCP_HLEN / 4 << 12);
    halves_of(head)[MARKS + 3] = 0; /* nothing is urgent */
    seg->next = NULL;
    seg->p = p;
    if (!bytes_take(head + 1, user, size, &sum)) {
        tcp_seg_free(seg);
        *bad = true;
        return NULL;
    }
    seg->len = (u16_t)size;
    seg->chksum = size & 1 ? (u16_t)(sum << 8 | sum >> 8) : (u16_t)sum;
    seg->chksum_swapped = size & 1;
    seg->flags = TF_SEG_DATA_CHECKSUMMED;
    seg->tcphdr = head;
    return seg;
}

/* Makes the last segment that is written whole, if it is not; the bytes that it took, or -1: lwIP has no memory. */
static long last_fill(struct tcp_pcb *pcb, unsigned most, const uint8_t *user, size_t size, bool more)
{
    const struct tcp_seg *last = pcb->unsent;

    while (last && last->next)
        last = last->next;
    unsigned room = last && last->len < most ? most - last->len : 0;
    if (!room)
        return 0;
    unsigned n = size < room ? (unsigned)size : room;
    u8_t flags = TCP_WRITE_FLAG_COPY | (more || n < size ? TCP_WRITE_FLAG_MORE : 0);
    return !user_is_there(user, n) ? -EFAULT : tcp_write(pcb, user, (u16_t)n, flags) == ERR_OK ? (long)n : -1;
}

/* More may be written behind a segment that is not whole before it is sent, as lwIP would think. */
static inline bool is_waiting(const struct tcp_pcb *pcb, const struct tcp_seg *before)
{
    return (before || pcb->unacked) && !(pcb->flags & TF_NODELAY);
}

/*
 * Whole segments behind what is written already, and the last one as it is if nothing more is to come. The bytes that were
 * written; lwIP is to write the rest, if it is to be written now. -EFAULT: none, since the first are nowhere.
 */
long segments_write(struct tcp_pcb *pcb, const uint8_t *user, size_t size, bool more, int32_t sum)
{
    unsigned most = LWIP_MIN(pcb->mss, TCPWND_MIN16(pcb->snd_wnd_max / 2));
    struct tcp_seg *seg = NULL;
    bool bad = false;

    if ((pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT) || size > pcb->snd_buf || !most)
        return 0;
    long at = last_fill(pcb, most, user, size, more);
    if (at < 0 || (size_t)at == size)
        return at == -1 ? 0 : at;
    struct tcp_seg **end = &pcb->unsent;
    while (*end) {
        seg = *end;
        end = &seg->next;
    }
    const struct tcp_seg *before = seg;
    user += at;
    size -= (size_t)at;
    if (at || size > most)
        sum = AEGIS_NO_SUM; /* it is that of no segment */
    size_t begin = size;
    uint32_t ports = lwip_htons(pcb->local_port) | (uint32_t)lwip_htons(pcb->remote_port) << 16;
    for (; size && pcb->snd_queuelen < TCP_SND_QUEUELEN; user += seg->len, size -= seg->len) {
        unsigned n = size < most ? (unsigned)size : most, room = n < most && is_waiting(pcb, seg) ? most : n;
        if ((n < most && more) || !(*end = segment_make(pcb, user, n, room, ports, sum, &bad)))
            break;
        seg = *end;
        end = &seg->next;
        pcb->snd_lbb += n;
        pcb->snd_queuelen++;
        pcb->unsent_oversize = (u16_t)(room - n);
    }
    if (seg != before && !size && !more)
        TCPH_SET_FLAG(seg->tcphdr, TCP_PSH);
    pcb->snd_buf -= (tcpwnd_size_t)(begin - size);
    return bad && !at && size == begin ? -EFAULT : at + (long)(begin - size);
}

/* ---- sent ---- */

/* What is alike for all segments that leave in one go, and for all of one length. */
struct train {
    uint64_t front[2], first, life, to, window, acknowledged; /* the frame's words, but for what differs */
    uint64_t packet_sum, segment_sum;                         /* of these */
    uint64_t entry, place;                                    /* filter and length of header; claim on the chunk */
    unsigned length;                                          /* of segments; 0: the following is not known */
    uint64_t first_length, packet_length_sum, segment_length_sum;
};

static bool train_begin(struct train *t, const struct tcp_pcb *pcb)
{
    const struct neighbour *k;
    uint32_t from = netif_ip4_addr(&device)->addr, to = ip_2_ip4(&pcb->remote_ip)->addr;

    if (device_asked || !from || !IP_IS_V4_VAL(pcb->remote_ip) || !IP_IS_V4_VAL(pcb->local_ip) ||
        ip_2_ip4(&pcb->local_ip)->addr != from || pcb->netif_idx != NETIF_NO_INDEX || !(k = neighbour_find(to)))
        return false;
    uint64_t ports = (uint64_t)lwip_htons(pcb->local_port) | (uint64_t)lwip_htons(pcb->remote_port) << 16;
    uint32_t acknowledged = lwip_htonl(pcb->rcv_nxt), life = pcb->ttl | IP_PROTO_TCP << 8, first = 0x45U | pcb->tos << 8;
    uint16_t window = lwip_htons(TCPWND_MIN16(RCV_WND_SCALE(pcb, pcb->rcv_ann_wnd)));

    t->front[0] = k->front[0];
    t->front[1] = k->front[1];
    t->first = first;
    t->life = life | (uint64_t)from << 32;
    t->to = to | ports << 32;
    t->window = (uint64_t)window << 16;
    t->acknowledged = (uint64_t)acknowledged << 32;
    t->packet_sum = (uint64_t)first + life + from + to;
    t->segment_sum = (uint64_t)from + to + ports + acknowledged + window + (IP_PROTO_TCP << 8);
    t->entry = NETWORK->filter[1] | (14UL + IP_HLEN + TCP_HLEN) << 16;
    t->place = stack_caller->chunk_slot;
    t->length = 0;
    return true;
}

static void train_length(struct train *t, unsigned length)
{
    uint64_t packet = lwip_htons((u16_t)(IP_HLEN + TCP_HLEN + length));

    t->length = length;
    t->first_length = t->first | packet << 16;
    t->packet_length_sum = t->packet_sum + packet;
    t->segment_length_sum = t->segment_sum + lwip_htons((u16_t)(TCP_HLEN + length));
}

/* The `n`th entry's frame: the header in its slot, the bytes from where they lie, or behind the header if they are few. */
static inline void train_send(struct train *t, const struct tcp_seg *seg, uint64_t n)
{
    uint64_t *entry = (uint64_t *)&NET_RING->tx[n % AEGIS_TX_ENTRIES], *at = (uint64_t *)ring_slot(n);
    const struct tcp_hdr *head = seg->tcphdr;
    uint64_t sequence = words_of(head)[1], marks = halves_of(head)[MARKS] | PP_HTONS(TCP_ACK), id = packet_number++ & 0xffff;
    unsigned length = seg->len, bytes = seg->chksum;

    if (length != t->length)
        train_length(t, length);
    if (seg->chksum_swapped)
        bytes = (u16_t)(bytes << 8 | bytes >> 8);
    at[0] = t->front[0];
    at[1] = t->front[1];
    at[2] = t->first_length | id << 32;
    at[3] = t->life | (uint64_t)(sum_fold(t->packet_length_sum + id) ^ 0xffff) << 16;
    at[4] = t->to;
    at[5] = t->acknowledged | sequence;
    at[6] = t->window | marks | (uint64_t)(sum_fold(t->segment_length_sum + sequence + marks + bytes) ^ 0xffff) << 32;
    entry[0] = t->entry | ((uint64_t)at + PADDING - NET_BUFFERS) << 32;
    entry[1] = entry[3] = 0;
    if (length > HEADER_MOST - 14 - IP_HLEN - TCP_HLEN) {
        entry[2] = t->place | (uint64_t)length << 16 | ((uint64_t)(head + 1) - NET_CHUNK) << 32;
        held[n % HELD] = seg->p;
        seg->p->ref++;
        return;
    }
    const uint64_t *from = (const uint64_t *)(head + 1);
    for (unsigned i = 0; i < (length + 7U) / 8; i++)
        at[7 + i] = from[i];
    entry[0] += (uint64_t)length << 16;
    entry[2] = 0;
    held[n % HELD] = NULL;
}

/* Of new bytes, behind `pcb->snd_nxt`: whether lwIP would say that they may go now, and they are of the kind that this file
 * sends. */
static inline bool may_leave(const struct tcp_pcb *pcb, const struct tcp_seg *seg, uint32_t window)
{
    const struct tcp_hdr *head = seg->tcphdr;
    const struct pbuf *p = seg->p;

    return pcb->snd_nxt - pcb->lastack + seg->len <= window && seg->flags == TF_SEG_DATA_CHECKSUMMED && p->ref == 1 && !p->next &&
           !((uintptr_t)(head + 1) % 8) && !(halves_of(head)[MARKS] & PP_HTONS(TCP_FIN | TCP_SYN | TCP_RST)) &&
           (seg->next || tcp_do_output_nagle(pcb) || pcb->flags & (TF_NAGLEMEMERR | TF_FIN));
}

static __attribute__((noinline)) void train_output(struct tcp_pcb *pcb)
{
    struct tcp_seg **end = &pcb->unacked, *seg = pcb->unsent;
    uint32_t window = LWIP_MIN(pcb->snd_wnd, pcb->cwnd);
    struct train t;

    /* what is to be sent again stands before what is new */
    if (words_of(seg->tcphdr)[1] != lwip_htonl(pcb->snd_nxt) || !may_leave(pcb, seg, window) || !train_begin(&t, pcb))
        return;
    unsigned room = ring_room();
    if (!room)
        return;
    while (*end)
        end = &(*end)->next;
    if (pcb->rttest == 0) {
        pcb->rttest = tcp_ticks;
        pcb->rtseq = pcb->snd_nxt;
    }
    uint64_t n = NET_RING->queued;
    do {
        train_send(&t, seg, n++);
        pcb->snd_nxt += seg->len;
        *end = seg;
        end = &seg->next;
        seg = pcb->unsent = seg->next;
        if (--room == 0) {
            __atomic_store_n(&NET_RING->queued, n, __ATOMIC_RELEASE);
            room = ring_room();
        }
    } while (room && seg && may_leave(pcb, seg, window));
    *end = NULL;
    __atomic_store_n(&NET_RING->queued, n, __ATOMIC_RELEASE);
    tcp_clear_flags(pcb, TF_ACK_DELAY | TF_ACK_NOW);
    pcb->rcv_ann_right_edge = pcb->rcv_nxt + pcb->rcv_ann_wnd;
    pcb->persist_backoff = 0;
    if (pcb->rtime < 0)
        pcb->rtime = 0;
    if (!seg)
        pcb->unsent_oversize = 0;
}

/* Nothing is left that lwIP would do: to send, or since nothing can be sent, to ask for room. */
static bool is_over(const struct tcp_pcb *pcb)
{
    const struct tcp_seg *seg = pcb->unsent;

    if (pcb->flags & TF_ACK_NOW)
        return false;
    return !seg || (pcb->unacked && words_of(seg->tcphdr)[1] == lwip_htonl(pcb->snd_nxt) &&
                    pcb->snd_nxt - pcb->lastack + seg->len > LWIP_MIN(pcb->snd_wnd, pcb->cwnd));
}

static __attribute__((noinline)) err_t rest_output(struct tcp_pcb *pcb)
{
    if (tcp_input_pcb == pcb || (pcb->state != ESTABLISHED && pcb->state != CLOSE_WAIT))
        return lwip_tcp_output(pcb);
    if (pcb->unsent)
        train_output(pcb);
    if (!is_over(pcb))
        return lwip_tcp_output(pcb);
    tcp_clear_flags(pcb, TF_NAGLEMEMERR);
    return ERR_OK;
}

/* lwIP's, with a train in front of it. */
err_t tcp_output(struct tcp_pcb *pcb)
{
    if (pcb->unsent || pcb->flags & TF_ACK_NOW)
        return rest_output(pcb);
    tcp_clear_flags(pcb, TF_NAGLEMEMERR);
    return ERR_OK;
}
