/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A session: processes that trust each other, and the memory in which they agree. It lies at
 * SESSION_VA in all of them, read-write, made of chunks (blocks of pages). The first chunk begins
 * with `struct session`, which holds a capability for each chunk: whoever touches a chunk that
 * another process has added claims it by its capability, in the page fault. The kernel knows of
 * none of this (SOSP'97, 3: software regions, robust critical sections).
 *
 *     SESSION_VA   struct session | capabilities of chunks | undo log | objects ...
 *                  chunks: 64 KiB up to 1 MiB, 256 KiB up to 16, 1 MiB up to 64, then 2 MiB
 *
 * Killed at any instruction, a process leaves what is shared consistent:
 *
 *   monitor_enter()        one lock for the whole session; its owner is an environment
 *     session_set(...)     every store to a shared word: (address, old value) -> log, then the
 * store monitor_leave()        log emptied, lock given: the change is there as a whole
 *
 * Who finds the lock held by an environment that is dead rolls the log back and takes it over.
 * Inside: bounded work (2,000 instructions or so), no waiting, no user's pointer, no malloc, no
 * system call but those said here; signals are deferred. Upcalls come as ever: a slice may end, and
 * whoever wants the monitor then yields.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <aegis/types.h>

#ifndef SESSION_VA /* a test on the host has its own */
#define SESSION_VA 0x0800000000UL
#endif
#define SESSION_SIZE   (4UL << 30)
#define SESSION_CHUNKS 2139                 /* the last 2 MiB: apart.h */
#define CHUNK_NETWORK  (SESSION_CHUNKS - 1) /* the last one: net/stack.h */
#define SESSION_LOG    1024                 /* stores of one stay in the monitor */
#define SESSION_MAGIC  0x314e4f4953534553UL
#define SESSION_ABI    9 /* of everything that lies in session memory */

#define SESSION_CLASSES 14 /* sizes of small objects */
#define SESSION_ORDERS  10 /* runs of 1 to 512 pages */

struct process;

struct session_store {
    uint64_t *word;
    uint64_t old;
};

/*
 * Part of a shared object. Zero is a good beginning. One word, so that a sleeper is taken off in
 * the same step that it can see: wakes so far, and below them bit h: somebody has gone to sleep for
 * it on hart h since the last.
 */
#define CHANNEL_SLEEPERS 0xffUL
_Static_assert(AEGIS_HARTS <= 8, "a bit each");
struct channel {
    uint64_t word;
};

/* allocate.c's */
struct session_allocator {
    struct session_class {
        uint64_t *free;  /* linked through their first words */
        uintptr_t fresh; /* of the newest page: what was never given out */
        uint64_t pages;  /* ever cut up for this size */
        uint64_t spare;
    } classes[SESSION_CLASSES];
    struct page_run *leaving;              /* freed pages, not yet among the others */
    struct page_run *free[SESSION_ORDERS]; /* blocks of 2^n pages */
    uint8_t *
        map[256]; /* of each 16 MiB: a byte a page, order + 1 of the free block that begins there */
    uint8_t first_map[4096];
};

struct session {
    uint64_t magic;
    uint32_t abi;
    uint32_t chunk_count;
    uint32_t chunk_slot; /* the slot in which every process of the session claims the first chunk */
    uint32_t spare;
    uint64_t owner; /* the monitor: identity (session_identity) of its holder, or 0 */
    uint64_t log_count;
    struct session_store log[SESSION_LOG];
    struct aegis_capability chunk[SESSION_CHUNKS];
    uint64_t wakes; /* channels woken ever; one who waits for more than fits in predicates watches
                       this */
    struct process *processes; /* process.h */
    void *file_system;         /* libos/fs's root object */
    void *terminals;           /* libos/tty's root object */
    void *objects[4];          /* named semaphores, shared memory names, ... */
    int64_t boot_time;         /* nanoseconds since 1970 when `time` was 0 */
    uint64_t free_bytes;       /* in free pages */
    struct session_allocator allocator;
    /* The keeper (init) alone adds chunks, so that they outlive whoever wanted them. */
    uint64_t keeper;
    uint64_t chunks_wanted;
    uint64_t chunks_refused; /* times that there was no memory for one */
    struct channel
        keeper_channel; /* woken for the keeper: chunks are wanted, or a process needs it */
    struct channel chunk_channel; /* woken by it: one is there, or refused */
    uint32_t network_wanted;      /* net/keeper.c */
    uint32_t network_state;       /* NETWORK_* */
    uint32_t process_high;        /* entries of the process table beyond this one are free */
    int32_t last_pid;
    struct image *images;       /* proc/image.h */
    uint64_t images_made;       /* ever */
    uint64_t semaphores_ranked; /* not 0: a thread with a rank has waited for one (thread/semaphore.c) */
    uint32_t random_key[8];     /* random.h */
    uint16_t lives[AEGIS_ENVS]; /* of an environment: how often it was parked (proc/park.h) */
};

#define SESSION ((struct session *)SESSION_VA)

#define NETWORK_THERE 1
#define NETWORK_NONE  2 /* there is no memory for it */

/*
 * Of this environment: its index, and most of its check with the number of its lives added. 0 is
 * nobody's. None comes twice: checks are multiples of the golden ratio, any 2^32 of which lie
 * further apart than lives count.
 */
uint64_t session_identity(void);
uint64_t session_identity_of(uint32_t environment);
/* Whether the environment of an identity lives. */
bool session_alive(uint64_t identity);

/* ---- the monitor ---- */

void monitor_enter(void);
void monitor_leave(void);
/* Gives up and takes back all stores since monitor_enter(): for a call that fails half way. */
void monitor_abandon(void);

/* Logs the aligned 8 bytes around `at`. */
void session_log(const volatile void *at);

/* One logged store to an object of 1, 2, 4 or 8 bytes. */
#define session_set(place, value)                                                                  \
    do {                                                                                           \
        session_log(&(place));                                                                     \
        (place) = (value);                                                                         \
    } while (0)
/* A logged copy of a few words (names, structures). Sizes of at most 512 bytes. */
void session_store(void *to, const void *from, size_t size);

/* ---- memory; in the monitor ---- */

/*
 * Sees to it that there is a run of free pages for `bytes` (2 MiB at most): may have chunks added.
 * Outside the monitor. -ENOMEM.
 */
int session_reserve(size_t bytes);
/*
 * Objects of up to 2 KiB (aligned to 16), and runs of up to 512 pages; all zero. Null: leave,
 * reserve and try again. What one has allocated need not be logged until something refers to it.
 * What was freed is not given out again before the monitor has been left.
 */
void *session_alloc(size_t size);
void session_free(void *object, size_t size);
void *session_pages(size_t count); /* consecutive; not cleared by session_pages_raw */
void *session_pages_raw(size_t count);
void session_pages_free(void *pages, size_t count);
/* Bytes in use, of objects and pages: for tests and reports. Not bounded. */
uint64_t session_used(void);

/* ---- for pagers and predicates ---- */

/* The claim under which this process has `address`'s chunk, claimed now if it was not; and the
 * offset of the address in that block. 0: no such chunk. */
unsigned session_slot(const volatile void *address, uint32_t *offset);
/* Called by the page fault (upcall, masked, pinned): claims and maps. 0, or -1. */
int session_fault(uintptr_t va);
/* A capability for `count` (a power of two) pages of session memory, to map them elsewhere
 * (mmap of files, shared memory): -errno. */
int session_capability(const void *pages, size_t count, unsigned rights,
                       struct aegis_capability *capability);

/* ---- channels: waiting (libos/sched implements the wait over threads) ---- */

static inline uint64_t channel_seen(const struct channel *c)
{
    return __atomic_load_n(&c->word, __ATOMIC_ACQUIRE) | CHANNEL_SLEEPERS;
}

struct channel_entry {
    struct channel *channel;
    uint64_t seen;
};

/*
 * Waits until channel_seen() is no longer `seen` (read under the monitor, with the condition
 * found false), a signal is to be handled (-EINTR), or `deadline` in `time` (0: none) has come
 * (-ETIMEDOUT). 0 else: look again. Outside the monitor. Any number of channels: what does not fit
 * into predicates is watched by SESSION->wakes.
 */
int channel_wait(struct channel *c, uint64_t seen, uint64_t deadline);
int channel_wait_any(const struct channel_entry *entries, size_t count, uint64_t deadline);
/* The same, with up to 2 predicates of the caller's that end it, too. */
struct aegis_predicate;
int channel_wait_with(const struct channel_entry *entries, size_t count,
                      const struct aegis_predicate *more, unsigned more_count, uint64_t deadline);
/* For a wait of one's own: notes that this hart sleeps for it, and says what ends that. */
void channel_bind(struct channel *c, uint64_t seen, struct aegis_predicate *predicate);
/* The condition may have changed. In the monitor or out of it; the store that makes it true first.
 */
void channel_wake(struct channel *c);

/* ---- busy words: one process at a time, across waiting and copying; robust as the monitor ---- */

struct busy {
    uint64_t owner; /* identity */
    uint64_t thread;
    uint64_t wanted; /* somebody waits for it, or may come to */
    struct channel channel;
};

/* Waits for it. -EINTR never: held shortly. Outside the monitor. */
void busy_take(struct busy *b);
bool busy_try(struct busy *b);
void busy_give(struct busy *b);
/* Those who wait for it look again. */
void busy_wake(struct busy *b);
