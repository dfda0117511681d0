/* SPDX-License-Identifier: BSD-2-Clause */
/* Nodes: made, held, let go; who may do what with one. */
#include "node.h"

#include <string.h>

#include "../fd/file.h"

#define REAP_PAGES 32 /* given back in one stay in the monitor */

struct node *node_make(mode_t mode, uid_t uid, gid_t gid)
{
    struct file_system *fs = FILE_SYSTEM;
    struct node *node = fs->free_nodes;

    if (node) {
        uint64_t cuts = node->cuts;
        session_set(fs->free_nodes, node->next);
        /* `next` and `cuts` stay: the one for the log, the other for late readers */
        memset(node, 0, offsetof(struct node, next));
        node->cuts = cuts + 1;
    } else if (!(node = session_alloc(sizeof *node))) {
        return NULL;
    }
    session_set(fs->inodes, fs->inodes + 1);
    session_set(fs->nodes, fs->nodes + 1);
    node->mode = mode;
    node->uid = uid;
    node->gid = gid;
    node->inode = fs->inodes;
    node->atime = node->mtime = node->ctime = files_now();
    return node;
}

void node_die(struct node *node)
{
    struct file_system *fs = FILE_SYSTEM;

    session_set(fs->changes, fs->changes + 1);
    session_set(node->next, fs->dying);
    session_set(fs->dying, node);
}

void node_unlink(struct node *node)
{
    session_set(node->links, node->links - 1);
    node->ctime = files_now();
    if (!node->links && !node->holds)
        node_die(node);
}

/* What a node has besides itself. True: all of it is gone. */
static bool node_empty(struct node *node)
{
    if (S_ISREG(node->mode)) {
        uint64_t end = contents_pages(node);
        uint64_t done = contents_free(node, node->reaped, end);
        session_set(node->reaped, done);
        return done == end;
    }
    if (S_ISLNK(node->mode)) {
        session_free(node->target, node->size + 1);
    } else if (S_ISDIR(node->mode)) {
        struct directory *d = node->directory;
        for (unsigned i = 0; i < DIRECTORY_SEGMENTS && d->segment[i]; i++) {
            size_t bytes = (sizeof(void *) * DIRECTORY_FIRST) << i;
            if (bytes <= 2048)
                session_free(d->segment[i], bytes);
            else
                session_pages_free(d->segment[i], bytes / NODE_PAGE);
        }
        session_free(d, sizeof *d);
    }
    return true;
}

static void node_free(struct node *node)
{
    struct file_system *fs = FILE_SYSTEM;

    session_set(fs->dying, node->next);
    session_set(fs->nodes, fs->nodes - 1);
    session_set(node->next, fs->free_nodes);
    session_set(fs->free_nodes, node);
}

bool node_reap(void)
{
    struct file_system *fs = FILE_SYSTEM;

    if (!fs->dying)
        return false;
    monitor_enter();
    struct node *node = fs->dying;
    /* a thread that still writes to it comes by when it has done */
    bool idle = node && (!node->busy.owner || !session_alive(node->busy.owner));
    if (idle && node_empty(node))
        node_free(node);
    bool more = idle && fs->dying;
    monitor_leave();
    return more;
}

void node_changed(struct node *node)
{
    node->ctime = files_now();
}

void node_written(struct node *node)
{
    node->mtime = node->ctime = files_now();
}

static inline struct timespec time_of(int64_t nanoseconds)
{
    int64_t s = nanoseconds / 1000000000;
    return (struct timespec){s, nanoseconds - s * 1000000000};
}

static uint64_t blocks_of(const struct node *node)
{
    return S_ISREG(node->mode) ? (node->size + NODE_PAGE - 1) / NODE_PAGE * (NODE_PAGE / 512) : 0;
}

/* Field by field: a structure that is made whole is made twice. */
void node_stat(const struct node *node, struct stat *stat)
{
    stat->st_dev = 1;
    stat->st_ino = node->inode;
    stat->st_mode = node->mode;
    stat->st_nlink = node->links;
    stat->st_uid = node->uid;
    stat->st_gid = node->gid;
    stat->st_rdev = node->device;
    stat->st_size = (off_t)node->size;
    stat->st_blksize = NODE_PAGE;
    stat->st_blocks = (blkcnt_t)blocks_of(node);
    stat->st_atim = time_of(node->atime);
    stat->st_mtim = node->mtime == node->atime ? stat->st_atim : time_of(node->mtime);
    stat->st_ctim = node->ctime == node->mtime ? stat->st_mtim : time_of(node->ctime);
}

/* ---- who may what ---- */

struct credentials credentials_real(void)
{
    const struct process *p = process_self;
    return p ? (struct credentials){p->uid, p->gid, p->group_count, p->groups}
             : (struct credentials){0};
}

bool credentials_in_group(const struct credentials *who, gid_t gid)
{
    if (who->gid == gid)
        return true;
    for (uint32_t i = 0; i < who->count; i++)
        if (who->groups[i] == gid)
            return true;
    return false;
}

bool credentials_own(const struct credentials *who, const struct node *node)
{
    return who->uid == 0 || who->uid == node->uid;
}

static int permit_others(const struct node *node, const struct credentials *who, unsigned wanted)
{
    unsigned bits = node->mode;

    if (who->uid == node->uid)
        bits >>= 6;
    else if (credentials_in_group(who, node->gid))
        bits >>= 3;
    return (bits & wanted) == wanted ? 0 : -EACCES;
}

int node_permit(const struct node *node, const struct credentials *who, unsigned wanted)
{
    if (who->uid)
        return permit_others(node, who, wanted);
    /* root may all, but execute what nobody may */
    return wanted & 1 && !S_ISDIR(node->mode) && !(node->mode & 0111) ? -EACCES : 0;
}
