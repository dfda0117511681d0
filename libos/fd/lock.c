/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Record locks. A change of one owner's locks is made in one stay in the monitor: what it had in
 * the range is cut out, then the new lock is put in. Who waits says on whom (process->parts), so
 * that a ring of waiting processes is seen: EDEADLK.
 */
#include "lock.h"

#include <fcntl.h>
#include <stdbool.h>
#include <unistd.h>

#include "../fs/node.h"
#include "table.h"

#define END          (1UL << 63)
#define LOCKS_NODE   128 /* at one file: the list is walked in the monitor */
#define WAITS_FOR(p) ((p)->parts[LOCK_PART])
#define LOCK_PART    7

struct request {
    struct node *node;
    struct record_lock want;
    int type; /* F_RDLCK, F_WRLCK, F_UNLCK */
};

static bool overlaps(const struct record_lock *a, const struct record_lock *b)
{
    return a->start < b->end && b->start < a->end && a->whole == b->whole;
}

static struct record_lock *conflict(const struct node *node, const struct record_lock *want)
{
    for (struct record_lock *l = node->locks; l; l = l->next)
        if (overlaps(l, want) && l->owner != want->owner && (l->exclusive || want->exclusive))
            return l;
    return NULL;
}

static int lock_add(struct node *node, const struct record_lock *want)
{
    struct record_lock *l = session_alloc(sizeof *l);

    if (!l)
        return -EAGAIN;
    *l = *want;
    l->next = node->locks;
    session_set(node->locks, l);
    return 0;
}

/* What the owner has in the range goes; a lock over both of its ends becomes two. */
static int range_cut(struct node *node, const struct record_lock *want)
{
    struct record_lock **at = &node->locks, *l;

    while ((l = *at)) {
        if (l->owner != want->owner || !overlaps(l, want)) {
            at = &l->next;
        } else if (l->start < want->start && l->end > want->end) {
            struct record_lock rest = *l;
            rest.start = want->end;
            session_set(l->end, want->start);
            return lock_add(node, &rest);
        } else if (l->start < want->start) {
            session_set(l->end, want->start);
            at = &l->next;
        } else if (l->end > want->end) {
            session_set(l->start, want->end);
            at = &l->next;
        } else {
            session_set(*at, l->next);
            session_free(l, sizeof *l);
        }
    }
    return 0;
}

static unsigned locks_count(const struct node *node)
{
    unsigned n = 0;

    for (const struct record_lock *l = node->locks; l; l = l->next)
        n++;
    return n;
}

/* 0, -EAGAIN (memory), or -EBUSY: somebody else's is in the way. */
static int request_do(struct request *r)
{
    if (r->type != F_UNLCK && conflict(r->node, &r->want))
        return -EBUSY;
    if (r->type != F_UNLCK && locks_count(r->node) >= LOCKS_NODE)
        return -ENOLCK;
    /* memory first: what was freed in this stay is not given out in it */
    int error = r->type != F_UNLCK ? lock_add(r->node, &r->want) : 0;
    if (error)
        return error;
    struct record_lock *added = r->type != F_UNLCK ? r->node->locks : NULL;
    if (added)
        session_set(added->owner, NULL);
    error = range_cut(r->node, &r->want);
    if (added)
        session_set(added->owner, r->want.owner);
    if (!error)
        channel_wake(&r->node->lock_channel);
    return error;
}

static int request_try(void *argument)
{
    return request_do(argument);
}

/* ---- waiting ---- */

/* Whether `p` waits, over others, for us. */
static bool waits_for_us(const struct process *p)
{
    for (unsigned n = 0; p && n < PROCESSES; n++) {
        if (p == process_self)
            return true;
        p = (const struct process *)WAITS_FOR(p);
    }
    return false;
}

/* Notes on whom we wait, and since when. 0: nobody is in the way any more. */
static int wait_note(const struct request *r, uint64_t *seen)
{
    int result = 0;

    monitor_enter();
    const struct record_lock *l = conflict(r->node, &r->want);
    const struct process *other = l && l->pid && !l->whole ? l->owner : NULL;
    if (l)
        result = other && waits_for_us(other) ? -EDEADLK : 1;
    if (result > 0)
        session_set(WAITS_FOR(process_self), (uint64_t)other);
    *seen = channel_seen(&r->node->lock_channel);
    monitor_leave();
    return result;
}

static int request_wait(struct request *r)
{
    uint64_t seen;
    int error = wait_note(r, &seen);

    if (error <= 0)
        return error;
    error = channel_wait(&r->node->lock_channel, seen, 0);
    monitor_enter();
    session_set(WAITS_FOR(process_self), 0);
    monitor_leave();
    return error;
}

static int request_run(struct request *r, bool wait)
{
    int error;

    while ((error = file_attempt(request_try, r)) == -EBUSY) {
        if (!wait)
            return -EAGAIN;
        if ((error = request_wait(r)))
            return error;
    }
    return error == -ENOSPC ? -ENOLCK : error;
}

/* ---- fcntl ---- */

static int range_of(struct file *file, const struct flock *f, struct record_lock *range)
{
    int64_t start = f->l_start, end;

    if (f->l_whence == SEEK_CUR)
        start += (int64_t)file->offset;
    else if (f->l_whence == SEEK_END)
        start += (int64_t)file->node->size;
    else if (f->l_whence != SEEK_SET)
        return -EINVAL;
    if (__builtin_add_overflow(start, f->l_len, &end))
        return -EOVERFLOW;
    if (f->l_len < 0) {
        int64_t before = start;
        start = end;
        end = before;
    }
    if (start < 0)
        return -EINVAL;
    range->start = (uint64_t)start;
    range->end = f->l_len ? (uint64_t)end : END;
    range->owner = process_self;
    range->pid = process_self->pid;
    range->exclusive = f->l_type == F_WRLCK;
    return 0;
}

static int request_make(struct file *file, const struct flock *f, struct request *r)
{
    if (f->l_type != F_RDLCK && f->l_type != F_WRLCK && f->l_type != F_UNLCK)
        return -EINVAL;
    if (!file->node || (file->type != FILE_MEMORY && file->type != FILE_DIRECTORY))
        return -EINVAL;
    *r = (struct request){.node = file->node, .type = f->l_type};
    return range_of(file, f, &r->want);
}

int lock_get(struct file *file, struct flock *flock)
{
    struct request r;
    int error = request_make(file, flock, &r);

    if (error || flock->l_type == F_UNLCK)
        return error ? error : -EINVAL;
    monitor_enter();
    const struct record_lock *l = conflict(r.node, &r.want);
    if (l) {
        flock->l_type = l->exclusive ? F_WRLCK : F_RDLCK;
        flock->l_whence = SEEK_SET;
        flock->l_start = (off_t)l->start;
        flock->l_len = l->end == END ? 0 : (off_t)(l->end - l->start);
        flock->l_pid = l->pid;
    } else {
        flock->l_type = F_UNLCK;
    }
    monitor_leave();
    return 0;
}

int lock_set(struct file *file, const struct flock *flock, bool wait)
{
    unsigned access = file->flags & O_ACCMODE;
    struct request r;
    int error = request_make(file, flock, &r);

    if (error)
        return error;
    if ((flock->l_type == F_RDLCK && access == O_WRONLY) ||
        (flock->l_type == F_WRLCK && access == O_RDONLY))
        return -EBADF;
    return request_run(&r, wait);
}

int lock_whole(struct file *file, int operation)
{
    struct request r = {.node = file->node,
                        .want = {.end = END, .owner = file, .pid = 0, .whole = 1}};

    if (!file->node)
        return -EINVAL;
    switch (operation & ~LOCK_NB) {
    case LOCK_SH:
        r.type = F_RDLCK;
        break;
    case LOCK_EX:
        r.type = F_WRLCK;
        break;
    case LOCK_UN:
        r.type = F_UNLCK;
        break;
    default:
        return -EINVAL;
    }
    r.want.exclusive = r.type == F_WRLCK;
    return request_run(&r, !(operation & LOCK_NB));
}

/* ---- given up ---- */

static void owner_drop(struct node *node, const void *owner)
{
    struct record_lock **at = &node->locks, *l;
    bool any = false;

    while ((l = *at)) {
        if (l->owner != owner) {
            at = &l->next;
            continue;
        }
        session_set(*at, l->next);
        session_free(l, sizeof *l);
        any = true;
    }
    if (any)
        channel_wake(&node->lock_channel);
}

void locks_drop(struct node *node, const struct process *p)
{
    owner_drop(node, p);
}

void locks_drop_file(struct file *file)
{
    owner_drop(file->node, file);
}

/* Its locks went with its descriptors; nobody waits for whom it waited for. */
void locks_end(struct process *p)
{
    monitor_enter();
    session_set(WAITS_FOR(p), 0);
    monitor_leave();
}
