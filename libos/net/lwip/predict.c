/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Header prediction (Van Jacobson): of a connection that runs well the next segment is the next bytes, or acknowledges
 * some, or both, and says nothing else. Such a one is taken here, without lwIP's search and its questions; any other, and
 * whatever an established connection is told that is not new, is tcp_input's. What is done to the connection is what it
 * would have done (RFC 5681, 6298).
 */
#include "device.h"
#include "lwip/priv/tcp_priv.h"

#define STREAMS 512

static struct connection *streams[STREAMS]; /* by their names; the last ones that lwIP told of */

static inline struct connection **place_of(uint32_t from, uint64_t ports)
{
    uint64_t name = (from ^ ports) * 0x9e3779b97f4a7c15;
    return &streams[name >> 55];
}

void predict_remember(struct connection *c, const struct tcp_pcb *pcb)
{
    uint64_t ports = (uint64_t)lwip_htons(pcb->remote_port) | (uint64_t)lwip_htons(pcb->local_port) << 16;

    if (IP_IS_V4_VAL(pcb->remote_ip))
        *place_of(ip_2_ip4(&pcb->remote_ip)->addr, ports) = c;
}

/* It is in order, nothing is being repaired, and what it acknowledges was sent. */
static inline bool runs_well(const struct tcp_pcb *pcb, const struct predicted *g)
{
    uint32_t more = g->acknowledged - pcb->lastack;
    const struct tcp_seg *unsent = pcb->unsent;

    return g->sequence == pcb->rcv_nxt && g->size <= pcb->rcv_wnd && more <= pcb->snd_nxt - pcb->lastack && (more || g->size) &&
           !(pcb->flags & (TF_RXCLOSED | TF_FIN | TF_INFR | TF_RTO)) && !pcb->ooseq && !pcb->refused_data &&
           !pcb->persist_backoff && !(unsent && unsent->tcphdr->seqno != lwip_htonl(pcb->snd_nxt));
}

struct connection *predict_find(const struct predicted *g, uint32_t from, uint32_t to, uint32_t ports)
{
    struct connection *c = *place_of(from, ports);
    const struct tcp_pcb *pcb = c ? c->tcp : NULL;

    if (!pcb || c->kind != KIND_STREAM || pcb->state != ESTABLISHED || !IP_IS_V4_VAL(pcb->remote_ip) ||
        !IP_IS_V4_VAL(pcb->local_ip) || ip_2_ip4(&pcb->remote_ip)->addr != from || ip_2_ip4(&pcb->local_ip)->addr != to ||
        lwip_htons(pcb->remote_port) != (ports & 0xffff) || lwip_htons(pcb->local_port) != ports >> 16 ||
        pcb->netif_idx != NETIF_NO_INDEX)
        return NULL;
    return runs_well(pcb, g) ? c : NULL;
}

/* ---- what is acknowledged ---- */

static inline void window_open(struct tcp_pcb *pcb, tcpwnd_size_t by)
{
    pcb->cwnd = pcb->cwnd + by > pcb->cwnd ? pcb->cwnd + by : pcb->cwnd;
}

/* Slow start, two segments at most for each acknowledgement; then a segment for each window. */
static void congestion_count(struct tcp_pcb *pcb, uint32_t more)
{
    if (pcb->cwnd < pcb->ssthresh) {
        window_open(pcb, LWIP_MIN(more, 2U * pcb->mss));
        return;
    }
    pcb->bytes_acked += more;
    if (pcb->bytes_acked >= pcb->cwnd) {
        pcb->bytes_acked -= pcb->cwnd;
        window_open(pcb, pcb->mss);
    }
}

/* In eighths and fourths of a tick. */
static void time_measure(struct tcp_pcb *pcb)
{
    int error = (int16_t)(tcp_ticks - pcb->rttest) - (pcb->sa >> 3);

    pcb->sa = (s16_t)(pcb->sa + error);
    pcb->sv = (s16_t)(pcb->sv + (error < 0 ? -error : error) - (pcb->sv >> 2));
    pcb->rttest = 0;
}

static void segments_free(struct tcp_pcb *pcb)
{
    for (struct tcp_seg *seg; (seg = pcb->unacked);) {
        const uint32_t *head = (const uint32_t *)(const void *)seg->tcphdr; /* by words, not by bytes as lwIP's is */
        uint32_t ends = head[3] & PP_HTONL(TCP_FIN << 16 | TCP_SYN << 16);
        if (TCP_SEQ_GT(lwip_ntohl(head[1]) + seg->len + (ends != 0), pcb->lastack))
            return;
        pcb->unacked = seg->next;
        pcb->snd_queuelen = (u16_t)(pcb->snd_queuelen - (seg->p->next ? pbuf_clen(seg->p) : 1));
        pbuf_drop(seg->p);
        memp_free(MEMP_TCP_SEG, seg);
    }
}

static void acknowledged(struct tcp_pcb *pcb, uint32_t upto)
{
    uint32_t more = upto - pcb->lastack;

    pcb->nrtx = pcb->dupacks = 0;
    pcb->lastack = upto;
    congestion_count(pcb, more);
    segments_free(pcb);
    if (pcb->rttest && TCP_SEQ_LT(pcb->rtseq, upto))
        time_measure(pcb);
    pcb->rto = (s16_t)((pcb->sa >> 3) + pcb->sv);
    pcb->rtime = pcb->unacked ? 0 : -1;
    pcb->polltmr = 0;
    pcb->snd_buf += more;
    if (!pcb->unsent)
        pcb->unsent_oversize = 0;
}

static void window_take(struct tcp_pcb *pcb, const struct predicted *g)
{
    tcpwnd_size_t window = SND_WND_SCALE(pcb, g->window);

    if (TCP_SEQ_LT(pcb->snd_wl1, g->sequence) || (pcb->snd_wl1 == g->sequence && TCP_SEQ_LT(pcb->snd_wl2, g->acknowledged)) ||
        (pcb->snd_wl2 == g->acknowledged && window > pcb->snd_wnd)) {
        pcb->snd_wnd = window;
        pcb->snd_wnd_max = LWIP_MAX(pcb->snd_wnd_max, window);
        pcb->snd_wl1 = g->sequence;
        pcb->snd_wl2 = g->acknowledged;
    }
}

void predict_take(struct connection *c, const struct predicted *g, struct pbuf *p)
{
    struct tcp_pcb *pcb = c->tcp;
    bool acknowledges = g->acknowledged != pcb->lastack;

    pcb->tmr = tcp_ticks;
    pcb->keep_cnt_sent = pcb->persist_probe = 0;
    window_take(pcb, g);
    if (acknowledges) {
        acknowledged(pcb, g->acknowledged);
        stream_sent(c);
    }
    if (p) {
        pcb->rcv_nxt += g->size;
        pcb->rcv_wnd -= g->size;
        tcp_update_rcv_ann_wnd(pcb);
        tcp_ack(pcb);
        stream_received(c, p);
    }
    tcp_output(pcb);
}
