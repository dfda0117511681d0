/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of types, and the devices that are hardly any: null, zero, full, random. */
#include <aegis/exposed.h>

#include "../fs/mount.h"
#include "../net/socket.h"
#include "../session/random.h"
#include "call.h"
#include "types.h"

const struct file_operations *file_operations[FILE_TYPES] = {
    [FILE_FREE] = &(const struct file_operations){0},
    [FILE_MEMORY] = &memory_operations,
    [FILE_DIRECTORY] = &directory_operations,
    [FILE_MOUNTED] = &mounted_operations,
    [FILE_PIPE] = &pipe_operations,
    [FILE_SOCKET] = &socket_operations,
    [FILE_NULL] = &null_operations,
    [FILE_ZERO] = &zero_operations,
    [FILE_FULL] = &full_operations,
    [FILE_RANDOM] = &random_operations,
    [FILE_CONSOLE] = &console_operations,
    [FILE_TERMINAL] = &terminal_operations,
    [FILE_PTY_MASTER] = &pty_master_operations,
};

static ssize_t null_read(struct file *file, void *user, size_t size, off_t at)
{
    (void)file, (void)user, (void)size, (void)at;
    return 0;
}

static ssize_t null_write(struct file *file, const void *user, size_t size, off_t at)
{
    (void)file, (void)user, (void)at;
    return (ssize_t)size;
}

static ssize_t zero_read(struct file *file, void *user, size_t size, off_t at)
{
    (void)file, (void)at;
    return user_zero(user, size) ? -EFAULT : (ssize_t)size;
}

static ssize_t full_write(struct file *file, const void *user, size_t size, off_t at)
{
    (void)file, (void)user, (void)at;
    return size ? -ENOSPC : 0;
}

static off_t null_seek(struct file *file, off_t offset, int whence)
{
    (void)file, (void)offset, (void)whence;
    return 0;
}

static ssize_t random_read(struct file *file, void *user, size_t size, off_t at)
{
    uint8_t part[256];
    size_t done = 0;

    (void)file, (void)at;
    while (done < size) {
        size_t n = size - done < sizeof part ? size - done : sizeof part;
        if (random_fill(part, n))
            return done ? (ssize_t)done : -EIO;
        if (user_copy_out((char *)user + done, part, n))
            return done ? (ssize_t)done : -EFAULT;
        done += n;
    }
    return (ssize_t)done;
}

const struct file_operations null_operations = {
    .read = null_read, .write = null_write, .seek = null_seek};
const struct file_operations zero_operations = {
    .read = zero_read, .write = null_write, .seek = null_seek};
const struct file_operations full_operations = {
    .read = zero_read, .write = full_write, .seek = null_seek};
const struct file_operations random_operations = {
    .read = random_read, .write = null_write, .seek = null_seek};
