/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network as both worlds see it (SOSP'95 3.2.1, 5.3.2; SIGCOMM'96 DPF): filters, endpoints, rings. How it works, what
 * an attacker meets and why it is so stands in exokernel/dev/net.md.
 *
 *   filter     which frames are one's own, and which one may send: atoms, merged with everybody's into compiled code
 *   endpoint   where they go: a ring page and a block of buffers of the owner's, pinned while it lives. Any number of
 *              filters are bound to one endpoint
 *
 * Receiving needs no call: the kernel copies a frame into a posted buffer, writes the entry, then counts `received`, which
 * a predicate of slice_wait may watch. Sending is one call for all that is queued. What only counts (exposed.net's sums, a filter's
 * frames, a handler's runs) makes nobody who sleeps be looked at.
 */
#pragma once

#include <stdint.h>

#include <aegis/layout.h>

#define AEGIS_FILTERS 2048  /* installed at most */
#define AEGIS_ENDPOINTS 512
#define AEGIS_FILTER_MEMORY_LEAST 64 /* pages that filter_lend takes */
#define AEGIS_FILTER_MEMORY_MOST 1024
#define AEGIS_ATOMS 32      /* of a filter, and as many of its send template */
#define AEGIS_FILTER_OVER 4

/* ---- filters ---- */

/*
 * One comparison. Numbers are as they stand in the frame: network order, first byte highest. A load that reaches past the
 * frame's end does not match. Fields that a kind does not use are zero. (dpf/filter.h's struct dpf_atom, byte for byte.)
 */
enum aegis_atom_kind {
    AEGIS_ATOM_EQ = 1, /* (load(base + offset, width) & mask) == low */
    AEGIS_ATOM_RANGE,  /* low <= (load(base + offset, width) & mask) <= high */
    AEGIS_ATOM_SHIFT,  /* base += ((load(base + offset, width) & mask) << left) + add: the length of a header */
};
struct aegis_atom {
    uint8_t kind;
    uint8_t width;   /* bytes: 1, 2, 4, 8; RANGE 1, 2, 4; SHIFT 1, 2 */
    uint8_t left;
    uint8_t add;
    uint32_t offset; /* from the present base, which is the frame's first byte until a SHIFT */
    uint64_t mask;
    uint64_t low;
    uint64_t high;
};

/* What filter_install reads: this header, then `receive` atoms, then `send` atoms. */
struct aegis_filter {
    uint16_t receive; /* atoms that a frame for us matches, all of them: 1 to AEGIS_ATOMS */
    uint16_t send;    /* atoms that a frame of ours matches: the send template. 0: nothing may be sent by this filter */
    uint32_t limit;   /* filters and endpoints that may exist beneath it, all in all; taken out of its parent's */
    uint16_t over[AEGIS_FILTER_OVER]; /* slots with claims on filters whose frames it takes; AEGIS_NONE */
    uint32_t flags;   /* AEGIS_FILTER_* */
    uint32_t spare;   /* 0 */
};
#define AEGIS_FILTER_SEND_ANY 1 /* with send = 0: may send anything; only if its parent may */

/*
 * What everybody reads of a filter. Which of several that match gets a frame: the one with the most receive atoms; of two
 * with the same number the one installed later, which needed the other's claim.
 */
struct aegis_filter_record {
    uint64_t check;    /* 0: there is none of this number */
    uint32_t owner;    /* environment that installed it */
    uint16_t parent;   /* filter that it refines; AEGIS_NONE: the network itself */
    uint16_t endpoint; /* AEGIS_NONE: bound to none, its frames are dropped */
    uint64_t frames;   /* that matched, delivered or not */
    uint32_t limit;    /* what may still be made beneath it */
    uint32_t tag;
};

/* ---- endpoints ---- */

#define AEGIS_RX_ENTRIES 128
#define AEGIS_TX_ENTRIES 32
#define AEGIS_TX_PARTS 4
#define AEGIS_NET_BUFFER 2048     /* bytes of a buffer: buffer n lies n of these behind the start of the buffers' block */
#define AEGIS_NET_BUFFER_ORDER 7  /* of that block at most: 256 buffers */
#define AEGIS_NET_FRAME 2         /* where in a buffer the frame begins: so its IP header is aligned. Bytes 0 and 1 are 0 */
#define AEGIS_NET_FRAME_MAX 1518  /* bytes, without the checksum that the device adds */
#define AEGIS_NET_HEADER_MAX 256  /* bytes of a frame's beginning that are copied; what follows is sent from where it lies */

/*
 * Owner: `buffer`, then counts `posted`. Kernel: the rest, then counts `received`; entry n of either count is
 * n % AEGIS_RX_ENTRIES. After `received` has passed it the owner has the entry and its buffer, for as long as it likes.
 */
struct aegis_rx {
    uint16_t buffer; /* number; the kernel takes it modulo how many there are */
    uint16_t length; /* bytes of the frame */
    uint16_t filter; /* number of the filter that matched */
    uint16_t flags;  /* AEGIS_RX_* */
    uint32_t tag;    /* what filter_bind said */
    uint32_t spare;
};
#define AEGIS_RX_CHECKED 1 /* the device, or a sender on this machine, vouches for the transport checksum */

/* A piece of a frame in the sender's memory, to be sent by DMA. */
struct aegis_tx_part {
    uint16_t slot;   /* claim (R) on the block that holds it; AEGIS_NONE: the endpoint's buffers */
    uint16_t length; /* bytes; 0: this and the following parts are not used */
    uint32_t offset; /* bytes from the block's start */
};

/* A frame to be sent: the header is copied, once, and checked against the filter's send template; the parts follow it. */
struct aegis_tx {
    uint16_t filter; /* number of a filter bound to this endpoint, with W in its claim when it was bound */
    uint16_t header_length; /* 14 to AEGIS_NET_HEADER_MAX; a template matches what lies in it only */
    uint32_t header; /* bytes from the start of the buffers' block */
    uint16_t flags;  /* AEGIS_TX_* */
    uint16_t checksum_start;  /* (CHECKSUM) where the checksum begins, from the frame's start */
    uint16_t checksum_offset; /* (CHECKSUM) where it goes, from there: behind all that the filter says of what is sent; the pseudo-header's sum stands there already */
    uint16_t spare;
    struct aegis_tx_part part[AEGIS_TX_PARTS];
};
#define AEGIS_TX_CHECKSUM 1 /* only where exposed.net.features has AEGIS_NET_TX_CHECKSUM */

/*
 * The ring page. The kernel keeps counts of its own: what the owner writes where the kernel writes changes nothing but what
 * the owner reads.
 */
struct aegis_ring {
    /* the kernel's to write */
    uint64_t received;  /* frames ever; watch it with slice_wait: `received` NE seen */
    uint64_t taken;     /* entries that net_send has ever taken: their header is copied, the entry is free again */
    uint64_t completed; /* of these, frames that have left (or were refused): their parts' bytes may change again */
    uint64_t dropped;   /* frames for this endpoint that found no posted buffer */
    uint64_t refused;   /* entries of `taken` that were not sent: bad, or against the template */
    uint64_t spare[3];
    /* the owner's to write */
    uint64_t posted;    /* buffers ever given to the kernel; at most AEGIS_RX_ENTRIES beyond `received` */
    uint64_t queued;    /* entries ever filled; at most AEGIS_TX_ENTRIES beyond `taken` */
    uint64_t spare2[6];
    struct aegis_rx rx[AEGIS_RX_ENTRIES];
    struct aegis_tx tx[AEGIS_TX_ENTRIES];
};
_Static_assert(sizeof(struct aegis_atom) == 32, "atom");
_Static_assert(sizeof(struct aegis_filter) == 24, "filter");
_Static_assert(sizeof(struct aegis_rx) == 16 && sizeof(struct aegis_tx) == 48, "entries");
_Static_assert(sizeof(struct aegis_ring) <= AEGIS_PAGE_SIZE, "ring");

struct aegis_endpoint_record {
    uint64_t check; /* 0: there is none of this number */
    uint32_t owner;
    uint32_t filters; /* bound to it */
    uint64_t received, dropped, sent, refused;
};

/* ---- handlers (aegis/handler.h) ---- */

#define AEGIS_HANDLERS 32 /* at most */
#define AEGIS_HANDLER_ORDER 4 /* of the block that is lent for each */

/* What everybody reads of a handler, by the number that handler_install gave. It stays until the handler is removed. */
struct aegis_handler_record {
    uint64_t check;   /* of its filter when it was installed; 0: there is none of this number */
    uint32_t owner;   /* environment that installed it */
    uint16_t filter;
    uint16_t aborted; /* 1: it trapped, and is run no more; `cause`, `pc` and `value` say how */
    uint64_t runs;
    uint64_t steps;   /* instructions that these took, at most: the code's, and the fuel that was used */
    uint64_t sent;    /* frames that it sent */
    uint64_t refused; /* ... and that were not sent: against the template, or there was no room */
    uint64_t spent;   /* runs that ended since there was no more fuel */
    uint64_t passed;  /* frames that went to the ring since its owner had no more time in this rotation */
    uint64_t cause;   /* scause */
    uint64_t pc;      /* which instruction of the image */
    uint64_t value;   /* stval */
};

/* ---- the machine's one network ---- */

struct aegis_net {
    uint8_t mac[6];
    uint16_t up;       /* there is a device, and it has a link */
    uint32_t features; /* AEGIS_NET_* */
    uint32_t device;   /* enum aegis_nic */
    uint32_t irq;
    uint32_t pairs;    /* of queues of the device that are used */
    uint32_t filters, endpoints;
    uint32_t memory, memory_free; /* cells of 64 bytes for filters and their code, 0 until lent; what is left of it */
    uint64_t received, received_bytes; /* from the device */
    uint64_t sent, sent_bytes;         /* to it */
    uint64_t looped;    /* frames from an environment to our own address: they never reach the device */
    uint64_t unwanted;  /* frames that no filter matched */
    uint64_t dropped;   /* frames whose filter is bound to nothing, or whose endpoint had no buffer */
    uint64_t nonsense;  /* things that the device said and that cannot be */
    uint64_t resets;    /* of the device, since it did not complete in time */
    uint64_t polls;     /* turns of draining with the device's interrupts off */
    struct aegis_filter_record filter[AEGIS_FILTERS];
    struct aegis_endpoint_record endpoint[AEGIS_ENDPOINTS];
    struct aegis_handler_record handler[AEGIS_HANDLERS];
};
enum aegis_nic { AEGIS_NIC_NONE, AEGIS_NIC_VIRTIO, AEGIS_NIC_VIRTIO_LEGACY, AEGIS_NIC_GEM };
#define AEGIS_NET_TX_CHECKSUM 1 /* a frame's entry may ask for one */
#define AEGIS_NET_RX_CHECKSUM 2
/*
 * Each whole frame of IPv4 without options leaves with its right IP, TCP and UDP checksums, whatever stood in their places: UDP that had
 * none gets one. Of fragments TCP's and UDP's are the sender's, and over IPv6; what stays on this machine is as it was sent.
 */
#define AEGIS_NET_TX_CHECKSUM_ALL 4
