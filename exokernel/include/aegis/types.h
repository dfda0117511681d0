/* SPDX-License-Identifier: BSD-2-Clause */
/* Capabilities, claims and rights, as both worlds see them (SOSP'95, 3.2 and 3.3). */
#pragma once

#include <stdint.h>

#include <aegis/layout.h>

/*
 * What a capability or a claim is for. A type with AEGIS_ROOT added is the authority over the type's resources
 * [resource, resource + 2^order): the first environment's roots have order AEGIS_ROOT_ORDER, which is all of them;
 * capability_make gives a naturally aligned part. A root of a part allocates by name only, but environments.
 */
enum aegis_type {
    AEGIS_EMPTY = 0,
    AEGIS_PAGE = 1,    /* resource: physical page number of a block of 2^order pages */
    AEGIS_SLICE = 2,   /* hart << 8 | position */
    AEGIS_ENV = 3,     /* environment index */
    AEGIS_ENTRY = 4,   /* environment index: the right to transfer into it */
    AEGIS_CONSOLE = 5, /* 0 */
    AEGIS_IRQ = 6,     /* interrupt line */
    AEGIS_MACHINE = 7, /* 0: end the machine */
    AEGIS_FILTER = 8,  /* number of an installed filter (aegis/net.h). Its root is the network: any filter at all */
    AEGIS_ENDPOINT = 9, /* number of an endpoint */
    AEGIS_TYPES,
    AEGIS_ROOT = 0x80,
};
#define AEGIS_ROOT_ORDER 32

/* Rights, masked by whoever passes them on. The hardware's three stand where a page table entry has them. */
#define AEGIS_R 0x0002       /* (filter) bind it to an endpoint: receive */
#define AEGIS_W 0x0004       /* (filter) send what its template allows; (endpoint) bind to it, send from its ring */
#define AEGIS_X 0x0008
#define AEGIS_REKEY 0x0010   /* draw a new check: ends every other claim */
#define AEGIS_REVOKE 0x0020  /* (on a root) ask for resources back, then take them */
#define AEGIS_ALLOC 0x0040   /* (on a root) allocate; (filter) install its refinements, make endpoints */
#define AEGIS_CONTROL 0x0080 /* (environment) everything that it could do itself */
#define AEGIS_LEND 0x0100    /* (page) give to the kernel for tables; (slice) lend to another environment */
#define AEGIS_CALL 0x0200    /* (entry) synchronous transfer */
#define AEGIS_SEND 0x0400    /* (entry) asynchronous transfer */
#define AEGIS_RING 0x0800    /* (environment) wake it */
#define AEGIS_RWX (AEGIS_R | AEGIS_W | AEGIS_X)
#define AEGIS_RIGHTS 0x0ffe
/* Pass through `share` only where the caller names them. */
#define AEGIS_RIGHTS_NAMED (AEGIS_REKEY | AEGIS_REVOKE | AEGIS_ALLOC)

#define AEGIS_ANY 0xffffffffUL /* as a name: whichever is free */
#define AEGIS_NONE 0xffffUL    /* as a slot: none */

/* Bits, to be kept anywhere: word 0 says what, word 1 is MAC_k(word 0, check[resource]). */
struct aegis_capability {
    uint64_t what;
    uint64_t mac;
};

#define AEGIS_WHAT(type, rights, order, resource)                                                  \
    ((uint64_t)(type) << 56 | (uint64_t)(rights) << 40 | (uint64_t)(order) << 32 |                 \
     (uint32_t)(resource))
#define AEGIS_WHAT_TYPE(w) ((unsigned)((w) >> 56))
#define AEGIS_WHAT_RIGHTS(w) ((unsigned)((w) >> 40) & 0xffff)
#define AEGIS_WHAT_ORDER(w) ((unsigned)((w) >> 32) & 0xff)
#define AEGIS_WHAT_RESOURCE(w) ((uint32_t)(w))

/* One entry of a ledger; the environment reads it in place at AEGIS_LEDGER_VA. 32 bytes. */
struct aegis_claim {
    uint64_t what;  /* as in a capability; 0: the slot is empty */
    uint64_t check; /* the resource's check when this claim was made; another one now: the claim is dead */
    uint64_t where; /* page-aligned address at which the block is mapped, and the flags below */
    uint32_t tag;   /* the application's own */
    uint32_t step;  /* the kernel's: how far a call that answers AGAIN has come */
};

#define AEGIS_MAPPED 0x001
#define AEGIS_ACCESSED 0x002 /* what the hardware recorded in translations that are gone; or the live one's */
#define AEGIS_DIRTY 0x004
#define AEGIS_PINNED_DOWN 0x008 /* a guaranteed mapping */
#define AEGIS_CLEARING 0x020    /* being cleared or copied: not yet usable */
#define AEGIS_LEAVING 0x040     /* released, waiting for every hart to let go */
#define AEGIS_UNMAPPING 0x080   /* unmapped, likewise */
#define AEGIS_REKEYING 0x100    /* `rekey` is walking the ledgers */
#define AEGIS_REKEYED 0x200     /* and waits for every hart to let go */
#define AEGIS_FLAGS 0xfff

/* What every call returns: a0 and a1. */
struct aegis_result {
    long error; /* 0 or one of errors.def, negative */
    unsigned long value;
};

/* One comparison of `slice_wait`. The word lies in a claimed page (slot) or, with AEGIS_NONE, in exposed memory. */
enum aegis_operation { AEGIS_EQ, AEGIS_NE, AEGIS_LT, AEGIS_GE }; /* unsigned; word OP value */
struct aegis_predicate {
    uint16_t slot;
    uint8_t operation;
    uint8_t width;   /* 4 or 8 bytes */
    uint32_t offset; /* bytes from the start of the block, or from AEGIS_EXPOSED; aligned to width */
    uint64_t value;
};

/* One item of `map_vector`: slot, and as `map` takes it, address | rights. */
struct aegis_mapping {
    uint64_t slot;
    uint64_t va_rights;
};

/* What a lent page becomes (`table_lend`). */
enum aegis_table {
    AEGIS_TABLE_LEDGER, /* one page: 128 more slots, after those that are there */
    AEGIS_TABLE_MIDDLE, /* one page: translations of the GiB of address `va` */
    AEGIS_TABLE_LEAF,   /* a block of order 1: table and shadow, kept in the pool until a map wants it */
    AEGIS_TABLE_STLB,   /* a block of order 0 to 3: 512 to 4,096 entries in place of the present ones; BUSY with an activation on another hart */
};

/* Lent pages of `env_create`, slots in this order; each a block of one page, the last of two. */
enum aegis_env_page {
    AEGIS_ENV_RECORD, /* the kernel's own */
    AEGIS_ENV_ROOT,
    AEGIS_ENV_MIDDLE, /* the first GiB */
    AEGIS_ENV_PINNED,
    AEGIS_ENV_STLB,
    AEGIS_ENV_LEDGER,
    AEGIS_ENV_LENT, /* slots in the vector; the activation is lent by `activation_lend` */
};
