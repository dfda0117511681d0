/* SPDX-License-Identifier: BSD-2-Clause */
/* virtio-net inside: what its paths (virtio_net.c) and its beginning (virtio_start.c) share. */
#pragma once

#include "drivers.h"

/* mmio registers, in words */
enum {
    MAGIC = 0x00 / 4, VERSION = 0x04 / 4, DEVICE = 0x08 / 4, FEATURES = 0x10 / 4, FEATURES_SELECT = 0x14 / 4, ACCEPTED = 0x20 / 4,
    ACCEPTED_SELECT = 0x24 / 4, LEGACY_PAGE_SIZE = 0x28 / 4, QUEUE_SELECT = 0x30 / 4, QUEUE_MAX = 0x34 / 4, QUEUE_SIZE = 0x38 / 4,
    LEGACY_ALIGN = 0x3c / 4, LEGACY_PAGE = 0x40 / 4, QUEUE_READY = 0x44 / 4, NOTIFY = 0x50 / 4, INTERRUPT = 0x60 / 4,
    ACKNOWLEDGE = 0x64 / 4, STATUS = 0x70 / 4, QUEUE_DESC = 0x80 / 4, QUEUE_AVAIL = 0x90 / 4, QUEUE_USED = 0xa0 / 4, CONFIG = 0x100 / 4,
};
#define MAGIC_VALUE 0x74726976
#define DEVICE_NET 1
#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER 2
#define STATUS_OK 4
#define STATUS_FEATURES_OK 8

#define F_CSUM (1UL << 0)
#define F_GUEST_CSUM (1UL << 1)
#define F_MAC (1UL << 5)
#define F_STATUS (1UL << 16)
#define F_COMMANDS (1UL << 17)
#define F_PAIRS (1UL << 22)
#define F_ANY_LAYOUT (1UL << 27)
#define F_VERSION_1 (1UL << 32)

#define QUEUE 256 /* entries at most; a power of two, as each queue's size is */
/* Pages of a queue: descriptors 4096 bytes, avail 518, used (from the next page on) 2054; half as many entries, a page each. */
#define QUEUE_ORDER(size) ((size) > QUEUE / 2 ? 2 : 1)
#define HEADER 320  /* buffer of a header to be sent: NIC_FRAME + AEGIS_NET_HEADER_MAX, in whole lines */
#define HEADERS_ORDER 5
#define DESC_NEXT 1
#define DESC_WRITE 2
#define NO_INTERRUPT 1
#define NO_NOTIFY 1
#define COMMAND_PAIRS 4
#define COMMAND_PART 8 /* of a second is waited for its answer: QEMU's threads may be kept from running as long */
#define HEADER_NEEDS_CSUM 1
#define HEADER_DATA_VALID 2

struct desc { uint64_t address; uint32_t length; uint16_t flags, next; };
struct avail { uint16_t flags, index, ring[QUEUE]; };
struct used { uint16_t flags, index; struct used_entry { uint32_t id, length; } ring[QUEUE]; };
struct header { uint8_t flags, gso_type; uint16_t header_length, gso_size, checksum_start, checksum_offset, buffers; };

struct queue {
    struct desc *desc;
    struct avail *avail;
    volatile struct used *used;
    uint16_t number, size;
    uint16_t avail_index, used_index;
    /* By descriptor: where a frame begins in the page that the device has; null: it has none, or, sending, a header's buffer. */
    char **frame;
    /* Of sending. Descriptors of the frame that begins there, which the device has, or, with DONE, had; 0: none does. */
    uint8_t *sent;
    char *headers;
    unsigned long first, next; /* descriptors [first, next) are the device's */
};
#define DONE 0x80

/* Of the one device. */
extern struct virtio {
    volatile uint32_t *reg;
    unsigned long before; /* bytes of the header in front of a frame */
    struct queue rx, tx;  /* in use; receive_lock's, send_lock's */
    bool legacy;
} virtio;

#define FENCE(before_, after_) __asm__ volatile("fence " #before_ ", " #after_ ::: "memory")

static inline uint64_t physical_of(const void *direct)
{
    return (uint64_t)direct - MAP_DIRECT;
}

/* Checksums that the host's stack has left to be made are made where a handler may answer with them; returns `count`. */
unsigned virtio_sums(const struct net_in *in, unsigned count);
/* What was put into the ring becomes the device's. */
void virtio_notify(struct queue *q);

/* virtio_net.c: as struct nic says. */
char *virtio_header(void);
void virtio_send(const struct nic_frame *f);
unsigned virtio_room(void);
void virtio_put(const struct net_out *out, unsigned count);
void virtio_kick(void);
unsigned virtio_take(struct net_in *in, unsigned most);
void virtio_give(const struct net_in *in, unsigned count);
void virtio_complete(void);
bool virtio_interrupts(bool on);
/* Of virtio.tx; and what is marked as done there. False: the device has nothing any more. */
bool virtio_lane_complete(void);
bool virtio_free(void);
