/* SPDX-License-Identifier: BSD-2-Clause */
/* The network inside the kernel (net.md): what net.c, filter.c, endpoint.c, send.c and the drivers share. */
#pragma once

#include "../../dpf/trie.h"
#include "../core/ledger.h"

struct fdt_info;

/* ---- filters (filter.c); under net.lock, but what is said to be the receiver's ---- */

#define TEMPLATE_WORDS 8 /* eight bytes of a header each; what needs more is compared atom by atom */

struct filter {
    struct endpoint *endpoint; /* the receiver's: null, it is bound to none */
    uint32_t tag;
    uint64_t check;            /* of the claim by which it was bound: another one now, it is bound no more */
    bool may_send;             /* that claim had W */
    uint16_t children;         /* filters and endpoints beneath it */
    uint32_t bytes;            /* of `program` */
    struct program *program;   /* in the trie's memory; null: no filter */
    struct handler *handler;   /* the receiver's: null, its frames go to the endpoint */
};

/* What a filter keeps of its atoms; written once, and kept until every hart has let go of it. */
struct program {
    uint8_t receive, send; /* atoms */
    bool any;              /* AEGIS_FILTER_SEND_ANY */
    bool plain;      /* they are all of it */
    uint16_t reach;  /* bytes of a header that those words look at; ~0: more than it can have */
    struct program_word { uint64_t mask, value, offset; } *words_end, word[TEMPLATE_WORDS]; /* offset from 2 bytes before the frame */
    struct dpf_atom atom[]; /* `receive`, then `send` */
};

/* ---- endpoints (endpoint.c) ---- */

struct endpoint {
    struct lock lock;      /* what receiving changes */
    struct lock send_lock; /* what sending changes; before the device's */
    enum { ENDPOINT_FREE, ENDPOINT_LIVE, ENDPOINT_ENDING } state; /* under net.lock */
    uint16_t number, parent;
    uint32_t buffers_mask;  /* how many there are - 1 */
    uint32_t buffers_bytes;
    struct aegis_ring *ring;
    char *buffers;
    struct aegis_page *ring_head, *buffers_head;
    uint64_t received, dropped;
    uint64_t taken, completed, refused;
    uint32_t flight; /* frames with parts that the device has; with send_lock, or the device's lock for less */
    uint32_t stamp;  /* ending: every hart has let go when this is over */
    uint64_t since;  /* when it began to end */
};

/* ---- the machine's network (net.c) ---- */

#define NIC_PIECES (AEGIS_TX_PARTS + 1)

/* A frame on its way out: its header, in a buffer of the device's, then parts, in pinned blocks. */
struct nic_piece {
    uint64_t physical, length;
    struct aegis_page *head; /* of a part: the block's record */
};
struct nic_frame {
    uint64_t length; /* of all of it */
    uint64_t pieces; /* 1: there are no parts */
    uint16_t flags, checksum_start, checksum_offset;
    struct nic_piece piece[NIC_PIECES];
};
#define NIC_FLIGHTS 128 /* frames with parts that a device may have: two descriptors each, of 256 */

/* A frame that a device has received, in its page. */
struct net_in {
    char *frame;  /* 2 bytes behind a multiple of 8, in memory that nobody else writes; afterwards what goes back in its place */
    uint32_t length;
    uint16_t flags; /* AEGIS_RX_*, NET_PAGED */
    uint16_t id;    /* the driver's */
};
#define NET_BURST 64

/* A whole frame to be sent from its page, which comes back by frame_give. */
struct net_out {
    char *frame;
    uint32_t length;
};

#define NET_LANES 4 /* pairs of a device's queues that are used at most; a power of two */

/* A driver. All but `interrupt` under the lock that is named. */
struct nic {
    /* Where the header of the next frame goes, 2 bytes behind a multiple of 8; null: no room. send_lock. */
    char *(*header)(void);
    void (*send)(const struct nic_frame *f);
    /* Frames in pages, as many as there is room for, of `network.sender`'s. send_lock. */
    unsigned (*room)(void);
    void (*put)(const struct net_out *out, unsigned count);
    /* The device hears of what was sent; of what was put it has. */
    void (*kick)(void);
    /* Gives back what has been sent. send_lock. */
    void (*complete)(void);
    /* What came, up to NET_BURST frames: how many. And what is the device's again, in the same order. receive_lock. */
    unsigned (*take)(struct net_in *in, unsigned most);
    void (*give)(const struct net_in *in, unsigned count);
    /* Interrupts off, acknowledged; or on: true if something came, or went, before that. receive_lock. */
    bool (*interrupts)(bool on);
    /* Whatever the device has of frames to send is given up. Both locks. */
    void (*reset)(void);
};

/* ---- frames' pages (handler_page.c) ---- */

#define NET_PAGES 256
#define NET_RECEIVE 128    /* of them are the device's to receive into at once; the others are spare, or on their way out */
#define NET_PAGE_FRAME 66  /* where in its page a frame begins: ASH_FRAME_START */
#define NET_PAGE_ROOM 1536 /* of it a device writes at most */

struct network {
    struct lock lock;    /* filters, endpoints, the trie */
    struct lock receive_lock, send_lock; /* the device's halves */
    const struct nic *nic; /* null: none */
    uint32_t root_limit; /* filters and endpoints that may still be made beneath the network itself */
    uint32_t stamp;      /* dev_unsettled: a change of the trie is under way: 1 to be committed, 2 to be reclaimed, when this is over */
    uint32_t handlers;   /* that are bound */
    uint64_t window;     /* when the present window of interrupts' charged time began, and what was used of it */
    uint64_t charged;
    struct aegis_page *memory; /* of filters: the block that was lent; null: none yet */
    uint32_t memory_cleared;   /* pages of its code part */
    uint64_t mac;        /* our address, as it stands in a frame */
    bool news;           /* a ring, or what is sent, went on since it was cleared; or a handler wants its owner woken */
    bool held;           /* send_lock's: the device may have frames with parts, for which somebody may wait */
    uint32_t keep;       /* pages of frames that were dealt with, which the device may be without meanwhile */
    uint32_t sender;     /* send_lock's: the endpoint that sends, + NET_LANES; 0: handlers */
    uint32_t lane;       /* send_lock's: the pair of queues by which frames leave now */
    uint32_t spares;     /* send_lock's: pages of frames that are nobody's; each by where its frame begins */
    char *spare[NET_PAGES];
    struct filter filter[AEGIS_FILTERS];
    struct endpoint endpoint[AEGIS_ENDPOINTS];
};
extern struct network network;
extern struct dpf network_trie;
extern struct dpf_run net_run;

/* At boot: memory, filters' trie, the first device that a driver knows. */
void net_start(const struct fdt_info *fdt);
/* Its device's line at the interrupt controller, -1: none; and that one's interrupt. */
extern int32_t net_line;
bool net_interrupt(void); /* true: somebody may wait for what it brought */

/* Each to whom it belongs: his handler runs, or it comes into his ring. `sending`: send_lock is held. (handler.c) */
void net_frames(struct net_in *in, unsigned count, bool sending);
/* Those that asked to be run on this hart by now; slots are looked at as long as there are others. */
void handlers_again(struct hart *hart);
/* This hart's next slot begins in C, which comes to dev_poll() first. */
void handlers_look(struct hart *hart);
#define NET_PAGED 0x400 /* the frame is in a page of its own (a device's receiver says so) */
/* Its first six bytes; it stands 2 bytes behind a multiple of 8. */
static inline bool net_is_ours(const char *header)
{
    return *(const uint64_t *)(header - 2) >> 16 == network.mac;
}
/* What is kept of frames' pages for the device is spare again: before a reset. Both locks. */
void net_kept_give(void);
/* The device said something that cannot be. */
void net_nonsense(void);

/* Pages for ever the kernel's, at boot, cleared. */
void *net_pages(unsigned order);

/* ---- filter.c ---- */

void filters_start(void);
/* Commits and reclaims as far as every hart allows; net.lock is held. */
void filters_settle(void);
/* One step: a filter without claims goes. False: nothing to do, or nothing but to wait. */
bool filters_reap(void);
/* Whether a header may be sent by a filter: of a whole frame no more is looked at than a header may have. */
bool filter_allows_rest(const struct program *p, const char *header, uint32_t length);
static inline __attribute__((always_inline)) bool filter_allows(const struct program *p, const char *header, uint32_t length)
{
    if (p->reach > length)
        return false;
    for (const struct program_word *w = p->word; w != p->words_end; w++)
        if ((*(const uint64_t *)(header - 2 + w->offset) & w->mask) != w->value)
            return false;
    return LIKELY(p->plain) || filter_allows_rest(p, header, length);
}
/* `count` filters and endpoints fewer (or, negative, more) may be made beneath a filter, or the network. */
bool limit_take(unsigned parent, uint32_t count);
void limit_give(unsigned parent, uint32_t count);
/* What is to be above a new filter or endpoint: by a claim with ALLOC. */
struct above {
    unsigned parent;       /* a filter's number; AEGIS_NONE: the network itself */
    uint32_t first, count; /* numbers of filters that may be had (a root of a part: not all); of endpoints, every fourth */
};
long above_use(struct env *e, unsigned long slot, struct above *above);
_Static_assert(AEGIS_FILTERS == 4 * AEGIS_ENDPOINTS, "fourth");

/* ---- endpoint.c, send.c ---- */

/* One reason more why a block stays allocated. False: it is lent, or registers. */
bool pin_take(struct aegis_page *head);
static inline void pin_give(struct aegis_page *head)
{
    page_return(head, false);
}

bool endpoints_reap(void);
/* Frames from `in` on, at least that one, that the same filter takes, to its endpoint: up to the one that is returned.
   `*found`: what dpf_run said of the first, and then, if it is not `end`, of that one. A page is marked as one with others' bytes. */
struct net_in *frames_deliver(struct endpoint *p, struct net_in *in, const struct net_in *end, uint64_t *found);
/* The device is done with so many more frames with parts, in order: pins go. The device's send_lock is held. */
void frames_sent(uint32_t count);

/* `length` bytes, 14 at least, and up to 7 more, both 2 bytes behind a multiple of 8. Bytes around them in `to` become 0. */
void frame_copy(char *to, const char *from, uint32_t length);

/* ---- handler_page.c ---- */

/* There is a device: pages for it, each where a handler may see it and nothing else. */
void frames_start(void);
/* One that is spare, or null; and it is spare again. Before there is a second hart, or under send_lock. */
static inline char *frame_take(void)
{
    return network.spares ? network.spare[--network.spares] : NULL;
}
static inline void frame_give(char *frame)
{
    network.spare[network.spares++] = frame;
}
/* What stands in a page. Under send_lock, or receive_lock while the device's receiver has the page. */
extern struct net_pages {
    char *first;    /* in the direct map */
    uint64_t shown; /* to handlers at this address, the next ones NET_PAGE_SPAN pages on each: holes */
    union net_page {
        struct {
            uint64_t handler : 48; /* the last that saw it, by its serial number; 0: none */
            uint64_t foreign : 16; /* bytes from where a frame begins on that may be others' since */
        };
        uint64_t whole;
    } page[NET_PAGES];
} frame_pages;
#define NET_PAGE_SPAN 8

/* A checksum that the host's stack has left to be made: of all from `start` on, to stand `offset` behind that. */
void frame_sum(char *frame, uint32_t length, uint32_t start, uint32_t offset);

/* Something was written there that is no handler's own: up to `length` bytes from where a frame begins. */
static inline void frame_foreign(const char *frame, uint32_t length)
{
    union net_page *p = &frame_pages.page[(uint64_t)(frame - frame_pages.first) / PAGE_SIZE];

    if (p->foreign < length)
        p->foreign = length;
}

/* ---- handler.c, handler_bind.c ---- */

void handlers_start(void);
/* A filter ends: its handlers do. Under net.lock, as reaping: one step; false: nothing to do, or nothing but to wait. */
void handlers_orphan(unsigned filter);
bool handlers_reap(void);
