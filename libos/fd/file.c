/* SPDX-License-Identifier: BSD-2-Clause */
/* Open files and the tables of descriptors: made, shared, given up. */
#include "file.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../fs/node.h"
#include "../fs/pages.h"
#include "../net/socket.h"
#include "../tty/terminals.h"
#include "lock.h"
#include "table.h"

#define ROOM_MAX (2UL << 20)

/* ---- open files ---- */

struct file *file_make(enum file_type type, unsigned flags)
{
    return file_take(type, flags);
}

static inline void file_free(struct file *file)
{
    struct file_system *fs = FILE_SYSTEM;
    const struct file_operations *operations = file_operations[file->type];
    struct node *node = file->node;

    if (operations->close)
        operations->close(file);
    if (node) {
        if (__builtin_expect(node->locks != NULL, 0))
            locks_drop_file(file);
        node_drop(node);
    }
    file->type = FILE_FREE;      /* logged with the references */
    file->next = fs->free_files; /* means nothing while the file is in use */
    session_set(fs->free_files, file);
}

_Static_assert(offsetof(struct file, type) / 8 == offsetof(struct file, references) / 8,
               "one logged word");

static inline void drop_inline(struct file *file)
{
    session_set(file->references, file->references - 1);
    if (!file->references)
        file_free(file);
}

void file_drop(struct file *file)
{
    drop_inline(file);
}

void files_reap(void)
{
    while (node_reap())
        ;
    terminals_reap();
    if (FILE_SYSTEM->dying_sockets)
        sockets_reap();
}

struct file *file_of(int descriptor)
{
    return file_at(descriptor);
}

int file_attempt_again(int (*call)(void *), void *argument)
{
    for (size_t room = FILE_ROOM; room <= ROOM_MAX && !session_reserve(room); room *= 2) {
        monitor_enter();
        int result = call(argument);
        if (result >= 0)
            monitor_leave();
        else
            monitor_abandon();
        if (result != -EAGAIN)
            return result;
    }
    return -ENOSPC;
}

/* ---- tables ---- */

static struct descriptor_chunk *chunk_make(void)
{
    struct descriptor_chunk *c = session_alloc(sizeof *c);

    if (c)
        c->sharers = 1;
    return c;
}

/* A chunk of our own, with what the shared one says. */
static struct descriptor_chunk *chunk_copy(struct descriptor_chunk *from)
{
    struct descriptor_chunk *c = chunk_make();

    if (!c)
        return NULL;
    for (unsigned i = 0; i < CHUNK_WORDS; i++) {
        struct file *file = word_file(from->word[i]);
        c->word[i] = from->word[i];
        if (file)
            session_set(file->references, file->references + 1);
    }
    session_set(from->sharers, from->sharers - 1);
    return c;
}

/* The chunk of a descriptor, to be changed. Null: -EAGAIN. */
static __attribute__((noinline)) struct descriptor_chunk *chunk_new(struct descriptor_table *t,
                                                                    unsigned i)
{
    struct descriptor_chunk *c = t->chunk[i];
    struct descriptor_chunk *own = c ? chunk_copy(c) : chunk_make();
    if (own)
        session_set(t->chunk[i], own);
    return own;
}

static inline struct descriptor_chunk *chunk_own(struct descriptor_table *t, unsigned i)
{
    return chunk_is_own(t, i) ? t->chunk[i] : chunk_new(t, i);
}

static inline struct descriptor_table *table_own(void)
{
    struct process *p = process_self;

    if (__builtin_expect(!p->descriptors, 0)) {
        struct descriptor_table *t = session_alloc(sizeof *t);
        session_set(p->descriptors, t);
    }
    return p->descriptors;
}

int descriptor_set(int descriptor, uint64_t word)
{
    struct descriptor_table *t = table_own();
    struct descriptor_chunk *c = t ? chunk_own(t, (unsigned)descriptor / CHUNK_WORDS) : NULL;

    if (!c)
        return -EAGAIN;
    session_set(c->word[descriptor % CHUNK_WORDS], word);
    if (!word && (uint64_t)descriptor < t->lowest)
        t->lowest = (uint64_t)descriptor;
    return 0;
}

inline int descriptor_limit(void)
{
    uint64_t limit = process_self->limits[RLIMIT_NOFILE].now;
    return limit > DESCRIPTORS ? DESCRIPTORS : (int)limit;
}

static uint64_t table_word(const struct descriptor_table *t, int d)
{
    const struct descriptor_chunk *c = t->chunk[d / CHUNK_WORDS];
    return c ? c->word[d % CHUNK_WORDS] : 0;
}

/* What a stay that is abandoned has raised. */
void descriptors_lower(int lowest)
{
    struct descriptor_table *t = process_self->descriptors;

    if (t && lowest >= 0 && (uint64_t)lowest < t->lowest)
        t->lowest = (uint64_t)lowest;
}

int descriptor_make(struct file *file, int least, unsigned flags)
{
    struct descriptor_table *t = table_own();
    int limit = descriptor_limit();

    if (!t)
        return -EAGAIN;
    int d = least > (int)t->lowest ? least : (int)t->lowest;
    while (d < limit && table_word(t, d))
        d++;
    if (d >= limit)
        return -EMFILE;
    struct descriptor_chunk *c = chunk_own(t, (unsigned)d / CHUNK_WORDS);
    if (!c)
        return -EAGAIN;
    session_set(c->word[d % CHUNK_WORDS], (uint64_t)file | (flags & O_CLOEXEC ? CLOSE_ON_EXEC : 0));
    if (least <= (int)t->lowest)
        t->lowest = (uint64_t)d + 1;
    return d;
}

static inline __attribute__((always_inline)) int close_inline(int descriptor)
{
    struct file *file = file_at(descriptor);

    if (!file)
        return -EBADF;
    struct descriptor_table *t = process_self->descriptors;
    struct descriptor_chunk *c = chunk_own(t, (unsigned)descriptor / CHUNK_WORDS);
    if (!c)
        return -EAGAIN;
    session_set(c->word[(unsigned)descriptor % CHUNK_WORDS], 0);
    if ((uint64_t)descriptor < t->lowest)
        t->lowest = (uint64_t)descriptor;
    if (__builtin_expect(file->node && file->node->locks, 0))
        locks_drop(file->node, process_self);
    drop_inline(file);
    return 0;
}

int descriptor_close(int descriptor)
{
    return close_inline(descriptor);
}

static inline __attribute__((always_inline)) int close_one(void *argument)
{
    return close_inline(*(int *)argument);
}

static inline __attribute__((always_inline)) int close_call(int descriptor)
{
    const struct file *file = file_at(descriptor);
    bool terminal = file && file->type >= FILE_CONSOLE;
    int error = file_attempt(close_one, &descriptor);

    if (__builtin_expect(FILE_SYSTEM->dying || FILE_SYSTEM->dying_sockets || terminal, 0))
        files_reap();
    return error ? (int)file_result(error) : 0;
}

int close_now(int descriptor)
{
    return close_call(descriptor);
}

static __attribute__((noinline, cold)) int close_cancelled(int descriptor)
{
    signals_point();
    return close_now(descriptor);
}

int close(int descriptor)
{
    return point_due() ? close_cancelled(descriptor) : close_call(descriptor);
}

/* ---- a process's beginning and end ---- */

int descriptors_fork(struct process *child, const struct process *parent)
{
    const struct descriptor_table *from = parent->descriptors;
    struct descriptor_table *t;

    if (!from) {
        session_set(child->descriptors, NULL);
        return 0;
    }
    if (!(t = session_alloc(sizeof *t)))
        return -ENOMEM;
    for (unsigned i = 0; i < CHUNKS; i++)
        if (from->chunk[i]) {
            t->chunk[i] = from->chunk[i];
            session_set(from->chunk[i]->sharers, from->chunk[i]->sharers + 1);
        }
    t->lowest = from->lowest;
    t->maps = from->maps;
    if (t->maps)
        session_set(t->maps->sharers, t->maps->sharers + 1);
    session_set(child->descriptors, t);
    return 0;
}

/* Half a chunk a stay: each file that closes is some ten stores. */
#define FILES_A_STAY 16

/* In the monitor: gives up some of a chunk. True: all of it is given up. */
static bool chunk_drop(struct process *p, struct descriptor_table *t, unsigned i)
{
    struct descriptor_chunk *c = t->chunk[i];
    unsigned n = 0;

    if (c->sharers > 1) {
        session_set(c->sharers, c->sharers - 1);
        session_set(t->chunk[i], NULL);
        return true;
    }
    for (unsigned w = 0; w < CHUNK_WORDS; w++) {
        struct file *file = word_file(c->word[w]);
        if (!file)
            continue;
        if (n >= FILES_A_STAY)
            return false;
        n += file->node && file->node->locks ? FILES_A_STAY : 1;
        session_set(c->word[w], 0);
        if (file->node && file->node->locks)
            locks_drop(file->node, p);
        file_drop(file);
    }
    session_set(t->chunk[i], NULL);
    session_free(c, sizeof *c);
    return true;
}

/* In the monitor: one hold less. */
static void map_drop(struct descriptor_table *t)
{
    struct map_hold *hold = t->maps;

    session_set(hold->sharers, hold->sharers - 1);
    if (hold->sharers) {
        session_set(t->maps, NULL);
        return;
    }
    /* its name for the next one becomes ours */
    session_set(t->maps, hold->next);
    session_set(hold->node->maps, hold->node->maps - 1);
    node_drop(hold->node);
    session_free(hold, sizeof *hold);
}

static void maps_drop(struct process *p)
{
    while (p->descriptors && p->descriptors->maps) {
        monitor_enter();
        if (p->descriptors && p->descriptors->maps)
            map_drop(p->descriptors);
        monitor_leave();
    }
}

void descriptors_end(struct process *p)
{
    struct descriptor_table *seen;

    maps_drop(p);
    for (unsigned i = 0; (seen = p->descriptors) && i < CHUNKS;) {
        while (i < CHUNKS && !seen->chunk[i]) /* most are not there; if the table is gone meanwhile so are all */
            i++;
        if (i == CHUNKS)
            break;
        monitor_enter();
        struct descriptor_table *t = p->descriptors;
        bool done = !t || !t->chunk[i] || chunk_drop(p, t, i);
        monitor_leave();
        i += done;
    }
    monitor_enter();
    if (p->descriptors) {
        struct descriptor_table *t = p->descriptors;
        session_set(p->descriptors, NULL);
        session_free(t, sizeof *t);
    }
    monitor_leave();
    files_reap();
}

/* In the monitor: the first descriptor of a chunk that exec closes, or -1. */
static int close_on_exec(const struct descriptor_table *t, unsigned i)
{
    const struct descriptor_chunk *c = t->chunk[i];

    for (unsigned w = 0; c && w < CHUNK_WORDS; w += 4) {
        const uint64_t *word = &c->word[w];
        if (!((word[0] | word[1] | word[2] | word[3]) & CLOSE_ON_EXEC))
            continue;
        while (!(*word & CLOSE_ON_EXEC))
            word++;
        return (int)(i * CHUNK_WORDS + (unsigned)(word - c->word));
    }
    return -1;
}

static int exec_close_one(void *argument)
{
    unsigned i = *(unsigned *)argument;
    struct descriptor_table *t = process_self->descriptors;
    int d = t ? close_on_exec(t, i) : -1;

    if (d < 0)
        return 0;
    int error = descriptor_close(d);
    return error ? error : 1;
}

/* Called by the process itself, when it can no longer fail. */
void descriptors_exec(struct process *p)
{
    maps_drop(p);
    for (unsigned i = 0; i < CHUNKS; i++)
        while (p->descriptors && p->descriptors->chunk[i] && file_attempt(exec_close_one, &i) > 0)
            ;
    files_reap();
}

/* ---- mappings ---- */

static int map_add(void *argument)
{
    struct node *node = argument;
    struct descriptor_table *t = table_own();
    struct map_hold *hold = session_alloc(sizeof *hold);

    if (!t || !hold)
        return -EAGAIN;
    /* the chain behind it is named by this hold now, no longer by the table */
    *hold = (struct map_hold){t->maps, node, 1};
    session_set(t->maps, hold);
    session_set(node->maps, node->maps + 1);
    node_hold(node);
    return 0;
}

int node_map(struct node *node)
{
    int error = file_attempt(map_add, node);
    return error == -ENOSPC ? -ENOMEM : error;
}

/* A hold that a child shares stays until one of both ends. */
void node_unmap(struct node *node)
{
    monitor_enter();
    struct descriptor_table *t = process_self->descriptors;
    struct map_hold **at = t ? &t->maps : NULL;
    while (at && *at && (*at)->sharers == 1 && (*at)->node != node)
        at = &(*at)->next;
    struct map_hold *hold = at ? *at : NULL;
    if (hold && hold->sharers == 1) {
        session_set(*at, hold->next);
        session_set(node->maps, node->maps - 1);
        node_drop(node);
        session_free(hold, sizeof *hold);
    }
    monitor_leave();
    files_reap();
}

int file_node(int descriptor, struct node **node, unsigned *flags)
{
    struct file *file = file_at(descriptor);

    if (!file)
        return -EBADF;
    if (file->type != FILE_MEMORY)
        return -ENODEV;
    if ((file->flags & O_ACCMODE) == O_WRONLY)
        return -EACCES;
    *node = file->node;
    *flags = file->flags;
    return 0;
}

/* ---- directories of a process ---- */

void directories_fork(struct process *child, const struct process *parent)
{
    session_set(child->directory, parent->directory);
    session_set(child->directory_number, parent->directory_number);
    session_set(child->root, parent->root);
    session_set(child->mask, parent->mask);
    if (parent->directory)
        node_hold(parent->directory);
    if (parent->root)
        node_hold(parent->root);
}

void directories_end(struct process *p)
{
    monitor_enter();
    struct node *directory = p->directory, *root = p->root;
    session_set(p->directory, NULL);
    session_set(p->root, NULL);
    if (directory)
        node_drop(directory);
    if (root)
        node_drop(root);
    monitor_leave();
    files_reap();
}
