/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Descriptors of a process, in session memory:
 *
 *     process->descriptors --> struct descriptor_table --> chunks of 64 words: file | close-on-exec
 *
 * A chunk is shared by a parent and its children (fork counts one up) until one of them changes it;
 * then it gets its own, and each file in it one more reference. So a change is one logged store,
 * and fork and exit touch no file.
 */
#pragma once

#include <errno.h>
#include <fcntl.h>
#include <sys/resource.h>

#include "../fs/node.h"
#include "../session/process.h"
#include "../session/session.h"
#include "file.h"

#define CHUNK_WORDS   64
#define CHUNKS        (DESCRIPTORS / CHUNK_WORDS)
#define CLOSE_ON_EXEC 1UL

struct descriptor_chunk {
    uint64_t word[CHUNK_WORDS];
    uint64_t sharers; /* tables */
};

/* A mapping's hold on a node; chains are shared by fork like chunks. */
struct map_hold {
    struct map_hold *next;
    struct node *node;
    uint64_t sharers; /* tables and holds that name it */
};

struct descriptor_table {
    struct descriptor_chunk *chunk[CHUNKS];
    uint64_t lowest; /* all below are in use; of use to its process alone, so never logged */
    struct map_hold *maps;
};

static inline struct file *word_file(uint64_t word)
{
    return (struct file *)(word & ~CLOSE_ON_EXEC);
}

/* The word of a descriptor, or 0. Anywhere. */
static inline uint64_t descriptor_word(int descriptor)
{
    const struct descriptor_table *t = process_self->descriptors;
    const struct descriptor_chunk *c;

    if ((unsigned)descriptor >= DESCRIPTORS || !t ||
        !(c = t->chunk[(unsigned)descriptor / CHUNK_WORDS]))
        return 0;
    return __atomic_load_n(&c->word[descriptor % CHUNK_WORDS], __ATOMIC_ACQUIRE);
}

/* file_of(), at hand. */
static inline struct file *file_at(int descriptor)
{
    return word_file(descriptor_word(descriptor));
}

static inline bool chunk_is_own(const struct descriptor_table *t, unsigned i)
{
    return t->chunk[i] && t->chunk[i]->sharers == 1;
}

/* file_make(), at hand. */
static inline struct file *file_take(enum file_type type, unsigned flags)
{
    struct file_system *fs = FILE_SYSTEM;
    struct file *file = fs->free_files;

    if (__builtin_expect(file != NULL, 1)) {
        session_set(fs->free_files, file->next);
        file->offset = 0;
        file->node = NULL;
        file->object = NULL;
        file->words[0] = file->words[1] = 0;
    } else if (!(file = session_alloc(sizeof *file))) {
        return NULL;
    }
    file->type = type;
    file->flags = flags;
    file->references = 1;
    return file;
}

/* In the monitor. A descriptor's word becomes `word`; nothing is done for who stood there. -EAGAIN:
 * reserve. */
int descriptor_set(int descriptor, uint64_t word);
/* In the monitor: closes it. -EBADF, -EAGAIN. */
int descriptor_close(int descriptor);
/* close(), without its cancellation point. */
int close_now(int descriptor);
/* descriptor_make() at the lowest, at hand. */
static inline int descriptor_take(struct file *file, unsigned flags)
{
    struct descriptor_table *t = process_self->descriptors;
    unsigned d = t ? (unsigned)t->lowest : DESCRIPTORS;

    if (__builtin_expect(d >= CHUNK_WORDS || d >= process_self->limits[RLIMIT_NOFILE].now ||
                             !chunk_is_own(t, 0) || t->chunk[0]->word[d],
                         0))
        return descriptor_make(file, 0, flags);
    session_set(t->chunk[0]->word[d], (uint64_t)file | (flags & O_CLOEXEC ? CLOSE_ON_EXEC : 0));
    t->lowest = d + 1;
    return (int)d;
}

/* After a stay in which descriptor_make was called and that was abandoned: what it gave out. */
void descriptors_lower(int lowest);
/* How many a process may have. */
int descriptor_limit(void);

/* Calls that need session memory: `call` in the monitor, until it does not say -EAGAIN. */
static inline __attribute__((always_inline)) int file_attempt(int (*call)(void *argument),
                                                              void *argument)
{
    int file_attempt_again(int (*)(void *), void *);

    monitor_enter();
    int result = call(argument);
    if (__builtin_expect(result >= 0, 1))
        monitor_leave();
    else
        monitor_abandon();
    return result == -EAGAIN ? file_attempt_again(call, argument) : result;
}

/* errno and -1 for a negative errno; else the value. */
long file_result(long value);
