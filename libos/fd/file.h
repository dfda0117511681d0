/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Open files, in session memory, and what can be done with one. An open file has a type, which is a
 * number: processes are linked apart, so none keeps a function's address where another would call
 * it. Each process has a table of operations by type; a type's part of libos/ gives its own.
 *
 *     process->descriptors --> word: file | close-on-exec --> struct file --> node, pipe, terminal
 *                                                             (references: words of all processes)
 */
#pragma once

#include <stdbool.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "../session/session.h"

#define DESCRIPTORS 1024 /* of a process; RLIMIT_NOFILE may say less */

struct node;

enum file_type {
    FILE_FREE,
    FILE_MEMORY,    /* a file of the file system in memory */
    FILE_DIRECTORY, /* a directory of any file system */
    FILE_MOUNTED,   /* a file of a mounted file system (fs/mount.h) */
    FILE_PIPE,      /* pipe or FIFO; object: struct pipe */
    FILE_SOCKET,
    FILE_NULL,
    FILE_ZERO,
    FILE_FULL,
    FILE_RANDOM,
    FILE_CONSOLE, /* the console when it is no terminal: words[0] is its channel, 0 input; libos/tty
                   */
    FILE_TERMINAL,   /* console as a terminal, pts/N, tty: libos/tty */
    FILE_PTY_MASTER, /* libos/tty */
    FILE_TYPES,
};

struct file {
    uint32_t type;       /* enum file_type */
    uint32_t references; /* descriptors, and messages on their way */
    uint32_t flags;      /* O_* without those that matter to open() only */
    uint32_t spare;
    uint64_t offset;   /* moved by atomic operations only */
    struct node *node; /* held; null: it has none */
    void *object;      /* the type's own, with words */
    uint64_t words[2];
    struct file *next; /* of free ones */
};

/* What a file is watched by: poll adds the channels on which a change is told. */
#define FILE_WATCHES 4

struct file_watch {
    unsigned count;
    bool network; /* whoever waits for it does the network's work meanwhile (net/network.h) */
    struct channel_entry entries[FILE_WATCHES];
};

static inline void file_watch_add(struct file_watch *watch, struct channel *channel)
{
    watch->entries[watch->count++] = (struct channel_entry){channel, channel_seen(channel)};
}

/*
 * Results are counts or 0, or negative errno. A null one: EINVAL (seek: ESPIPE, ioctl: ENOTTY,
 * poll: always readable and writable).
 */
struct file_operations {
    /* A device's node (its number says which) is opened, or a FIFO. In the monitor; bounded. */
    int (*open)(struct file *file, int flags);
    /* The last reference is gone. In the monitor; bounded. The node is let go by the caller. */
    void (*close)(struct file *file);
    /* `user` is a user's pointer. `at` < 0: at the file's own offset, which moves. Outside the
     * monitor, signals deferred; they wait with channel_wait. -EINTR: restarted if the signal's
     * action says so. */
    ssize_t (*read)(struct file *file, void *user, size_t size, off_t at);
    ssize_t (*write)(struct file *file, const void *user, size_t size, off_t at);
    off_t (*seek)(struct file *file, off_t offset, int whence);
    int (*truncate)(struct file *file, off_t size);
    /* `argument` is what the caller gave: a number or a user's pointer. */
    int (*ioctl)(struct file *file, unsigned long request, unsigned long argument);
    /* Those of its node are filled in; the type changes what it knows better. Not the user's
     * memory. */
    int (*stat)(struct file *file, struct stat *stat);
    /* POLLIN, POLLOUT, POLLHUP, POLLERR, POLLPRI as they are now. In the monitor; bounded. */
    unsigned (*poll)(struct file *file, struct file_watch *watch);
};

/* The calling process's; the types above come filled. */
extern const struct file_operations *file_operations[FILE_TYPES];

/* libos/tty's. */
extern const struct file_operations console_operations, terminal_operations, pty_master_operations;

/* Device numbers (st_rdev), as sys/sysmacros.h makes them: which type a node opens as. */
#define DEVICE(major, minor)  ((dev_t)(major) << 8 | (minor))
#define DEVICE_MAJOR(device) ((unsigned)((device) >> 8))
#define DEVICE_MINOR(device) ((unsigned)((device)&0xff))

enum device_major {
    DEVICE_MEMORY = 1, /* minor 3 null, 5 zero, 7 full, 8 random, 9 urandom */
    DEVICE_TTY = 5,    /* minor 0 tty (FILE_TERMINAL), 1 console (TERMINAL or CONSOLE), 2 ptmx */
    DEVICE_PTS = 136,  /* minor N: pts/N (FILE_TERMINAL) */
};

/* ---- for types; all in the monitor ---- */

/* A file of no descriptor yet. Null: leave, reserve (session_reserve(FILE_ROOM), then twice
 * as much, …) and try again. */
#define FILE_ROOM 16384
struct file *file_make(enum file_type type, unsigned flags);
/* Gives one reference back; with the last the file goes. Outside the monitor afterwards:
 * files_reap(). */
void file_drop(struct file *file);
/* The lowest free descriptor at or above `least`: takes over one reference. -EMFILE; -EAGAIN as
 * null above. `flags`: O_CLOEXEC. */
int descriptor_make(struct file *file, int least, unsigned flags);

/* The file of a descriptor of this process, or null. Anywhere. It stays while its descriptor does:
 * after each wait, who goes on looks whether the descriptor still names it. */
struct file *file_of(int descriptor);

/* ---- out of the monitor ---- */

/* What closing left to do (pages of files without a name), in steps. */
void files_reap(void);

/* Makes a node of a device under a path, with its directories' permission not asked (pts/N).
 * -errno. */
int device_make(const char *path, mode_t mode, dev_t device, uid_t uid, gid_t gid);
int device_remove(const char *path);

/* Descriptors 0, 1 and 2 of the first process: the console. -errno. */
int descriptors_boot(void);
