/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The file system in memory, in session memory: shared by all processes of a session, which trust
 * each other. Every structural change is made in the monitor by session_set, so that death at any
 * store leaves the tree as it was before the call or as it is after it.
 *
 *     struct file_system --> root: struct node (directory) --> struct directory
 *                                                                buckets --> entry --> entry
 *          regular file --> index --> pages                       list  <-> entry <-> entry
 *          symbolic link --> target                                          |
 *                                                                            v  struct node
 *
 * A node lives while it has links (names) or holds (open files, current directories, mappings).
 * Then it is put on the list of the dying, and whoever comes by (files_reap) gives its pages back,
 * some in each stay in the monitor.
 *
 * Functions return 0 or a negative errno. -EAGAIN: session memory is to be reserved
 * (session_reserve(FILE_ROOM)), outside the monitor; then the call is made anew.
 */
#pragma once

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "../session/process.h"
#include "../session/inline.h"

#define NODE_PAGE     4096UL
#define NODE_NAME_MAX 255
#define NODE_LINK_MAX 65000
#define NODE_SIZE_MAX (1L << 39)
#define WALK_PATH     4096 /* with its end */
#define WALK_LINKS    40   /* symbolic links followed in one path */

struct entry {
    struct entry *chain;           /* of a bucket */
    struct entry *next, *previous; /* in the order in which they were made */
    struct node *node;
    uint64_t cookie; /* grows along the list: where a reader of the directory is */
    uint32_t hash;
    uint32_t length;
    char name[]; /* without an end */
};

#define DIRECTORY_FIRST    16 /* buckets in place; later ones in segments of 16, 32, 64, … */
#define DIRECTORY_SEGMENTS 16

/* Linear hashing: each insertion beyond one entry a bucket splits one bucket, so none costs more
 * than a few stores. */
struct directory {
    uint64_t count, buckets;
    uint64_t half; /* the greatest power of two that is not above `buckets` */
    struct entry *first, *last;
    struct entry *name; /* of the directory itself, in its parent; null: the root */
    uint64_t cookie;    /* the next one */
    uint64_t removals;  /* a reader's kept place is good while this has not moved */
    struct entry *bucket[DIRECTORY_FIRST];
    struct entry **segment[DIRECTORY_SEGMENTS];
};

struct record_lock;
struct pipe;
struct socket;

struct node {
    uint32_t mode;  /* with the type */
    uint32_t links; /* names; of a directory: also its own "." and the ".." of those in it */
    uint32_t holds;
    uint32_t mount; /* enum of mount.h: a mounted file system begins here; 0: none */
    uint32_t uid, gid;
    uint64_t inode;
    dev_t device; /* of a character or block device */
    uint64_t size;
    int64_t atime, mtime, ctime; /* nanoseconds since 1970; each is one store, so never logged */
    struct node *parent;         /* of a directory; itself: the root */
    union {
        struct directory *directory;
        uint64_t index; /* regular: root of its pages | height; see contents.c */
        char *target;   /* symbolic link; size + 1 bytes */
        struct pipe *pipe;
    };
    const uint8_t *archive; /* regular: what is not in the index is here, up to archive_size */
    uint64_t archive_size;
    uint64_t cuts; /* grows before pages are taken out of the index */
    uint32_t maps; /* mappings: pages are not taken out */
    uint32_t spare;
    uint64_t reaped;  /* dying: pages given back */
    struct busy busy; /* held by who writes or truncates */
    struct record_lock *locks;
    struct channel lock_channel;
    struct socket *socket; /* bound to it */
    struct node *next; /* of free or dying ones */
};

struct file;

struct file_system {
    struct node *root;
    uint64_t inodes;  /* the last number */
    uint64_t nodes;   /* in use */
    uint64_t changes; /* grows when a name or node goes: what a walk knew may be wrong */
    struct node *free_nodes, *dying;
    struct file *free_files;
    struct pipe *free_pipes;
    struct socket *free_sockets, *dying_sockets; /* net/socket.h */
    struct node *abstract; /* a directory apart (net/unix_name.c), or null */
};

#define FILE_SYSTEM ((struct file_system *)SESSION->file_system)

/* ---- nodes (node.c) ---- */

/* A node of no name. Null: -EAGAIN. */
struct node *node_make(mode_t mode, uid_t uid, gid_t gid);
static inline void node_hold(struct node *node)
{
    session_set(node->holds, node->holds + 1);
}

/* No name, no hold. */
void node_die(struct node *node);

/* Gives a hold back. */
static inline void node_drop(struct node *node)
{
    session_set(node->holds, node->holds - 1);
    if (!node->holds && !node->links)
        node_die(node);
}

/* A name is gone: one link less. */
void node_unlink(struct node *node);
/* Some work on the dying; true: there is more. Outside the monitor. */
bool node_reap(void);
void node_stat(const struct node *node, struct stat *stat);
/* Both times after a change; one that was written. */
void node_changed(struct node *node);
void node_written(struct node *node);
int64_t files_now(void);

/* Makes SESSION->file_system: a root, and the directories that POSIX wants. -errno. Outside. */
int file_system_boot(void);

/* Who asks: effective identities and groups. */
struct credentials {
    uid_t uid;
    gid_t gid;
    uint32_t count;
    const gid_t *groups;
};
struct credentials credentials_real(void);
static inline struct credentials credentials_effective(void)
{
    const struct process *p = process_self;
    return p ? (struct credentials){p->euid, p->egid, p->group_count, p->groups}
             : (struct credentials){0};
}
/* `wanted`: 4 read, 2 write, 1 execute or search. -EACCES. */
int node_permit(const struct node *node, const struct credentials *who, unsigned wanted);
bool credentials_own(const struct credentials *who, const struct node *node);
bool credentials_in_group(const struct credentials *who, gid_t gid);

/* ---- directories (directory.c) ---- */

/* FNV-1a's, of names (walk.c). */
#define NAME_HASH_FIRST    2166136261U
#define NAME_HASH(hash, c) (((hash) ^ (uint8_t)(c)) * 16777619U)
/* The segment of a bucket behind the first ones: 16..31: 0, 32..63: 1. */
static inline unsigned directory_segment(uint64_t b)
{
    unsigned i = 0;

    while (b >> i >= 2 * DIRECTORY_FIRST)
        i++;
    return i;
}

static inline struct entry **directory_bucket(struct directory *d, uint64_t b)
{
    if (b < DIRECTORY_FIRST)
        return &d->bucket[b];
    unsigned i = directory_segment(b);
    return &d->segment[i][b - ((uint64_t)DIRECTORY_FIRST << i)];
}

/* Where a name of that hash stands: FNV's low bits are its best. */
static inline struct entry **directory_place(struct directory *d, uint32_t hash)
{
    uint64_t b = hash & (2 * d->half - 1);

    return directory_bucket(d, b < d->buckets ? b : b - d->half);
}

static inline struct entry *directory_find(const struct node *node, const char *name, size_t length,
                                           uint32_t hash)
{
    struct entry *e = *directory_place(node->directory, hash);

    for (; e; e = e->chain) {
        const char *a = e->name, *b = name, *end = name + length;
        if (e->hash != hash || e->length != length)
            continue;
        while (b != end && *a == *b)
            a++, b++;
        if (b == end)
            break;
    }
    return e;
}

int directory_make(struct node *node);
/* The name must not be there. -EAGAIN. */
int directory_add(struct node *node, const char *name, size_t length, uint32_t hash,
                  struct node *child);
void directory_remove(struct node *node, struct entry *entry);
/* The first entry whose cookie is at least this. */
struct entry *directory_from(const struct directory *d, uint64_t cookie);

/* ---- paths (walk.c) ---- */

struct mounted;

struct walk {
    struct node *at;   /* where the path has led */
    uint64_t number;   /* not 0: within the file system that is mounted at `at` */
    struct node *base; /* of a relative path */
    uint64_t base_number; /* within what is mounted there; 0: where the process is */
    const char *name;  /* walk_parent: the last name, its length and hash */
    size_t length;
    uint32_t hash;
    bool slash; /* walk_parent: slashes follow the name: it must be a directory */
    uint8_t links;
    struct credentials who;
    struct node *root;
    uint64_t changes; /* FILE_SYSTEM->changes when it began */
    const char *path;
    char text[WALK_PATH];   /* who takes the path from a user keeps it here */
    char buffer[WALK_PATH]; /* links' targets, with what follows them */
};

#define WALK_FOLLOW 1 /* a symbolic link at the end, too */

/* Sets up: `path` is not the user's memory; base: where a relative one begins (null: the current
 * directory). */
static inline void walk_begin(struct walk *w, struct node *base, const char *path)
{
    const struct process *p = process_self;

    w->root = p && p->root ? p->root : FILE_SYSTEM->root;
    w->base = base ? base : p && p->directory ? p->directory : w->root;
    w->base_number = 0;
    w->who = credentials_effective();
    w->path = path;
}
/* The node of the path; the directory of its last name. In the monitor, which may be left and
 * entered again on the way: so nothing may be in the log. */
int walk_find(struct walk *w, unsigned flags);
int walk_parent(struct walk *w);
/* The entry of the name that walk_parent found, or null. */
struct entry *walk_entry(const struct walk *w);
/* The path of a directory as seen from `root`. -ERANGE, -ENOENT. In the monitor, likewise left. */
int walk_path(const struct node *directory, const struct node *root, char *buffer, size_t size);

/* ---- names (names.c); in the monitor, after walk_parent ---- */

int name_create(struct walk *w, mode_t mode, struct node **node);
int name_symlink(struct walk *w, const char *target, size_t length);
int name_link(struct walk *w, struct node *node);
int name_unlink(struct walk *w);
int name_rmdir(struct walk *w);
int name_rename(struct walk *from, struct walk *to);

/* ---- contents of regular files (contents.c); outside the monitor ---- */

/* The page in place, or null. Anywhere; good while `cuts` does not move, or the node is busy. */
uint8_t *contents_page(const struct node *node, uint64_t index);
ssize_t contents_read(struct node *node, uint64_t offset, void *user, size_t size);
/* Within the node's busy word. Bytes, or -ENOSPC, -EFBIG, -EFAULT. */
ssize_t contents_write(struct node *node, uint64_t offset, const void *user, size_t size);
int contents_truncate(struct node *node, uint64_t size);
/* Pages for a range. */
int contents_allocate(struct node *node, uint64_t offset, uint64_t size);
/* The next offset at or after this with (data) or without contents. -ENXIO. */
off_t contents_seek(const struct node *node, uint64_t offset, bool data);
/* In the monitor: gives back pages from `from` up to `to`; where it stopped. */
uint64_t contents_free(struct node *node, uint64_t from, uint64_t to);
uint64_t contents_pages(const struct node *node);

/* Archive members become nodes (import.c). Outside. */
int files_import(const uint8_t *archive, size_t bytes);
