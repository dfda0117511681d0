/* SPDX-License-Identifier: BSD-2-Clause */
/* Files: every wrong descriptor, path, pointer and number has its errno, and running out ends well. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <utime.h>

#include "conformance.h"

#define FOLDER "/tmp/conformance"

static char long_name[300], long_path[6000], block[8192];

static int make(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0644);
    return fd >= 0 && write(fd, "0123456789", 10) == 10 && close(fd) == 0;
}

static void start(void)
{
    memset(long_name, 'n', sizeof long_name - 1);
    memset(long_path, '/', sizeof long_path - 1);
    for (size_t i = 1; i < sizeof long_path - 1; i += 2)
        long_path[i] = '.';
    mkdir(FOLDER, 0755);
    if (chdir(FOLDER) || !make("file") || mkdir("folder", 0755) || symlink("loop", "loop") ||
        symlink("file", "link") || mkfifo("fifo", 0644))
        tap(0, "files_start");
}

static void clean(void)
{
    unlink("file");
    unlink("loop");
    unlink("link");
    unlink("fifo");
    rmdir("folder");
    chdir("/");
    rmdir(FOLDER);
}

static void test_open(void)
{
    tap(FAILS(open("none", O_RDONLY), ENOENT) & FAILS(open("", O_RDONLY), ENOENT) &
            FAILS(open("none/x", O_RDWR | O_CREAT, 0644), ENOENT) &
            FAILS(open("file/x", O_RDONLY), ENOTDIR) & FAILS(open("file/", O_RDONLY), ENOTDIR) &
            FAILS(open("folder", O_WRONLY), EISDIR) & FAILS(open("folder", O_RDWR), EISDIR) &
            FAILS(open("file", O_WRONLY | O_CREAT | O_EXCL, 0644), EEXIST) &
            FAILS(open("file", O_RDONLY | O_DIRECTORY), ENOTDIR) &
            FAILS(open("link", O_RDONLY | O_NOFOLLOW), ELOOP),
        "open_errors");
    tap(FAILS(open("loop", O_RDONLY), ELOOP) & FAILS(open("loop/x", O_RDONLY), ELOOP) &
            FAILS(open(long_name, O_RDONLY), ENAMETOOLONG) &
            FAILS(open(long_path, O_RDONLY), ENAMETOOLONG) &
            FAILS(open("fifo", O_WRONLY | O_NONBLOCK), ENXIO),
        "open_names");
    tap(FAILS(open(NULL_PAGE, O_RDONLY), EFAULT) & FAILS(open(FAR, O_RDONLY), EFAULT) &
            FAILS(open(KERNEL, O_RDONLY), EFAULT),
        "open_efault");
    tap(FAILS(openat(99, "file", O_RDONLY), EBADF) & FAILS(openat(-1, "file", O_RDONLY), EBADF),
        "openat_ebadf");
    int fd = open("file", O_RDONLY);
    tap(FAILS(openat(fd, "file", O_RDONLY), ENOTDIR), "openat_enotdir");
    close(fd);
}

static void test_read_write(void)
{
    int r = open("file", O_RDONLY), w = open("file", O_WRONLY), d = open("folder", O_RDONLY);

    tap(FAILS(read(-1, block, 1), EBADF) & FAILS(read(99, block, 1), EBADF) &
            FAILS(read(INT_MAX, block, 1), EBADF) & FAILS(read(w, block, 1), EBADF) &
            FAILS(write(-1, block, 1), EBADF) & FAILS(write(r, block, 1), EBADF) &
            FAILS(read(d, block, 1), EISDIR) & FAILS(write(d, block, 1), EBADF),
        "read_write_ebadf");
    tap(FAILS(read(r, NULL_PAGE, 5), EFAULT) & FAILS(read(r, FAR, 5), EFAULT) &
            FAILS(read(r, KERNEL, 5), EFAULT) & FAILS(write(w, NULL_PAGE, 5), EFAULT) &
            FAILS(write(w, FAR, 5), EFAULT) & FAILS(write(w, KERNEL, 5), EFAULT),
        "read_write_efault");
    tap(GIVES(lseek(r, 0, SEEK_CUR), 0) & GIVES(lseek(w, 0, SEEK_CUR), 0),
        "read_write_efault_moves_nothing");
    tap(GIVES(read(r, block, 0), 0) & GIVES(write(w, block, 0), 0), "read_write_nothing");
    tap(FAILS(pread(r, block, 1, -1), EINVAL) & FAILS(pwrite(w, block, 1, -1), EINVAL) &
            FAILS(pread(99, block, 1, 0), EBADF) & GIVES(pread(r, block, 5, 100), 0),
        "pread_errors");
    tap(FAILS(lseek(99, 0, SEEK_SET), EBADF) & FAILS(lseek(r, -1, SEEK_SET), EINVAL) &
            FAILS(lseek(r, 0, 77), EINVAL) & FAILS(lseek(r, -11, SEEK_END), EINVAL),
        "lseek_errors");
    tap(GIVES(lseek(r, 5, SEEK_SET), 5) &
            FAILS_EITHER(lseek(r, INT64_MAX, SEEK_CUR), EOVERFLOW, EINVAL) &
            GIVES(lseek(r, 0, SEEK_CUR), 5),
        "lseek_overflow");
    close(r);
    close(w);
    close(d);
}

static void test_vectors(void)
{
    int fd = open("file", O_RDWR);
    struct iovec good[2] = {{block, 2}, {block + 2, 3}}, bad[2] = {{block, 2}, {NULL_PAGE, 3}},
                 huge[2] = {{block, SIZE_MAX / 2}, {block, SIZE_MAX / 2}};

    tap(GIVES(readv(fd, good, 2), 5) & FAILS(readv(fd, good, -1), EINVAL) &
            FAILS(readv(fd, good, 100000), EINVAL) & FAILS(readv(99, good, 2), EBADF) &
            FAILS(readv(fd, NULL_PAGE, 2), EFAULT) & FAILS(writev(fd, NULL_PAGE, 2), EFAULT) &
            FAILS_EITHER(writev(fd, huge, 2), EINVAL, EFAULT),
        "readv_errors");
    ssize_t n = readv(fd, bad, 2);
    tap(n == 2 || (n == -1 && errno == EFAULT), "readv_efault_in_the_middle");
    close(fd);
}

static void test_pipes(void)
{
    int p[2];

    tap(FAILS(pipe(NULL_PAGE), EFAULT) & FAILS(pipe2(p, 0x7f000000), EINVAL), "pipe_errors");
    signal(SIGPIPE, SIG_IGN);
    pipe(p);
    tap(FAILS(lseek(p[0], 0, SEEK_SET), ESPIPE) & FAILS(pread(p[0], block, 1, 0), ESPIPE) &
            FAILS(pwrite(p[1], block, 1, 0), ESPIPE) & FAILS(read(p[1], block, 1), EBADF) &
            FAILS(write(p[0], block, 1), EBADF) & FAILS(ftruncate(p[1], 0), EINVAL),
        "pipe_wrong_use");
    tap(FAILS(write(p[1], NULL_PAGE, 10), EFAULT), "pipe_efault");
    fcntl(p[0], F_SETFL, O_NONBLOCK);
    fcntl(p[1], F_SETFL, O_NONBLOCK);
    tap(FAILS(read(p[0], block, 1), EAGAIN), "pipe_eagain");
    ssize_t n, all = 0;
    while ((n = write(p[1], block, sizeof block)) > 0)
        all += n;
    tap(errno == EAGAIN && all >= PIPE_BUF, "pipe_full");
    tap(GIVES(read(p[0], block, PIPE_BUF - 1), PIPE_BUF - 1) &
            FAILS(write(p[1], block, PIPE_BUF), EAGAIN),
        "pipe_buf_is_whole");
    close(p[0]);
    tap(FAILS(write(p[1], block, 1), EPIPE), "pipe_epipe");
    close(p[1]);
}

static void test_descriptors(void)
{
    int fd = open("file", O_RDONLY);

    tap(FAILS(close(-1), EBADF) & FAILS(close(99), EBADF) & FAILS(dup(-1), EBADF) &
            FAILS(dup(99), EBADF) & FAILS(dup2(99, 5), EBADF) & FAILS(dup2(fd, -1), EBADF) &
            FAILS(dup2(fd, 1000000), EBADF) & FAILS(dup2(99, 99), EBADF) &
            GIVES(dup2(fd, fd), fd) & FAILS(dup3(fd, fd, 0), EINVAL),
        "dup_errors");
    tap(FAILS(fcntl(99, F_GETFD), EBADF) & FAILS(fcntl(fd, F_DUPFD, -1), EINVAL) &
            FAILS(fcntl(fd, F_DUPFD, 1000000), EINVAL) & FAILS(fcntl(fd, 7777), EINVAL) &
            FAILS(fcntl(fd, F_GETLK, NULL_PAGE), EFAULT),
        "fcntl_errors");
    struct flock wrong = {.l_type = 77}, before = {.l_type = F_RDLCK, .l_start = -5},
                 write_lock = {.l_type = F_WRLCK};
    tap(FAILS(fcntl(fd, F_SETLK, &wrong), EINVAL) & FAILS(fcntl(fd, F_SETLK, &before), EINVAL) &
            FAILS(fcntl(fd, F_SETLK, &write_lock), EBADF),
        "fcntl_lock_errors");
    tap(FAILS(flock(99, LOCK_SH), EBADF) & FAILS(flock(fd, 99), EINVAL), "flock_errors");
    tap(FAILS(fsync(99), EBADF) & FAILS(fdatasync(-1), EBADF) & FAILS(isatty(99) - 1, EBADF),
        "fsync_errors");
    close(fd);
}

static void test_stat(void)
{
    struct stat s;
    struct statvfs v;

    tap(FAILS(stat("none", &s), ENOENT) & FAILS(stat("file/x", &s), ENOTDIR) &
            FAILS(stat("loop", &s), ELOOP) & FAILS(stat(long_name, &s), ENAMETOOLONG) &
            FAILS(stat(NULL_PAGE, &s), EFAULT) & FAILS(stat("file", NULL_PAGE), EFAULT) &
            FAILS(lstat("none", &s), ENOENT) & FAILS(lstat("file", KERNEL), EFAULT) &
            FAILS(fstat(99, &s), EBADF) & FAILS(fstat(0, NULL_PAGE), EFAULT) &
            FAILS(fstatat(AT_FDCWD, "file", &s, 0x40000000), EINVAL) &
            FAILS(fstatat(99, "file", &s, 0), EBADF),
        "stat_errors");
    tap(FAILS(statvfs("none", &v), ENOENT) & FAILS(fstatvfs(99, &v), EBADF) &
            FAILS(statvfs("/", NULL_PAGE), EFAULT),
        "statvfs_errors");
    tap(FAILS(access("none", F_OK), ENOENT) & FAILS(access("file", 99), EINVAL) &
            FAILS(access(NULL_PAGE, F_OK), EFAULT) & FAILS(faccessat(99, "file", F_OK, 0), EBADF),
        "access_errors");
    tap(FAILS(pathconf("none", _PC_NAME_MAX), ENOENT) & FAILS(pathconf("file", 7777), EINVAL) &
            FAILS(fpathconf(99, _PC_NAME_MAX), EBADF) & GIVES(pathconf("/", _PC_NAME_MAX), 255),
        "pathconf_errors");
}

static void test_change(void)
{
    struct timespec wrong[2] = {{0, -5}, {0, 0}};

    tap(FAILS(chmod("none", 0644), ENOENT) & FAILS(chmod(NULL_PAGE, 0644), EFAULT) &
            FAILS(fchmod(99, 0644), EBADF) & FAILS(chown("none", 0, 0), ENOENT) &
            FAILS(fchown(-1, 0, 0), EBADF) & FAILS(lchown("none", 0, 0), ENOENT),
        "chmod_errors");
    tap(FAILS(utimensat(AT_FDCWD, "none", NULL, 0), ENOENT) &
            FAILS(utimensat(AT_FDCWD, "file", wrong, 0), EINVAL) &
            FAILS(utimensat(AT_FDCWD, "file", NULL_PAGE, 0), EFAULT) &
            FAILS(futimens(99, NULL), EBADF) & FAILS(utime("none", NULL), ENOENT),
        "utimens_errors");
    int fd = open("file", O_RDONLY);
    tap(FAILS(truncate("none", 0), ENOENT) & FAILS(truncate("folder", 0), EISDIR) &
            FAILS(truncate("file", -1), EINVAL) & FAILS(truncate(NULL_PAGE, 0), EFAULT) &
            FAILS(ftruncate(99, 0), EBADF) & FAILS_EITHER(ftruncate(fd, 0), EINVAL, EBADF),
        "truncate_errors");
    tap(GIVES(posix_fallocate(99, 0, 1), EBADF) & (posix_fallocate(fd, -1, 1) != 0) &
            GIVES(posix_fadvise(99, 0, 0, POSIX_FADV_NORMAL), EBADF) &
            GIVES(posix_fadvise(fd, 0, 0, 7777), EINVAL),
        "posix_fallocate_errors");
    close(fd);
}

static void test_names(void)
{
    char small[4];

    tap(FAILS(mkdir("file", 0755), EEXIST) & FAILS(mkdir("none/x", 0755), ENOENT) &
            FAILS(mkdir("file/x", 0755), ENOTDIR) & FAILS(mkdir(NULL_PAGE, 0755), EFAULT) &
            FAILS(mkdir("/", 0755), EEXIST) & FAILS(mkdir(long_name, 0755), ENAMETOOLONG) &
            FAILS(mkdir("", 0755), ENOENT),
        "mkdir_errors");
    tap(FAILS(rmdir("none"), ENOENT) & FAILS(rmdir("file"), ENOTDIR) & FAILS(rmdir("."), EINVAL) &
            FAILS_EITHER(rmdir(".."), ENOTEMPTY, EEXIST) & FAILS_EITHER(rmdir("/"), EBUSY, ENOTEMPTY) &
            FAILS(rmdir(KERNEL), EFAULT),
        "rmdir_errors");
    tap(FAILS(unlink("none"), ENOENT) & FAILS_EITHER(unlink("folder"), EISDIR, EPERM) &
            FAILS(unlink("file/x"), ENOTDIR) & FAILS(unlink(NULL_PAGE), EFAULT) &
            FAILS(unlink(""), ENOENT) & FAILS(unlinkat(99, "file", 0), EBADF) &
            FAILS(unlinkat(AT_FDCWD, "file", 0x40000000), EINVAL),
        "unlink_errors");
    tap(FAILS(link("none", "x"), ENOENT) & FAILS(link("file", "link"), EEXIST) &
            FAILS(link("folder", "x"), EPERM) & FAILS(link(NULL_PAGE, "x"), EFAULT) &
            FAILS(link("file", FAR), EFAULT),
        "link_errors");
    tap(FAILS(symlink("a", "file"), EEXIST) & FAILS(symlink("", "x"), ENOENT) &
            FAILS(symlink(NULL_PAGE, "x"), EFAULT) & FAILS(symlink("a", "none/x"), ENOENT) &
            FAILS(readlink("file", small, 4), EINVAL) & FAILS(readlink("none", small, 4), ENOENT) &
            FAILS(readlink("link", NULL_PAGE, 4), EFAULT) & GIVES(readlink("link", small, 2), 2),
        "symlink_errors");
    tap(FAILS(mkfifo("file", 0644), EEXIST) & FAILS(mkfifo("none/x", 0644), ENOENT), "mkfifo_errors");
    tap(FAILS(chdir("file"), ENOTDIR) & FAILS(chdir("none"), ENOENT) & FAILS(chdir(FAR), EFAULT) &
            FAILS(fchdir(99), EBADF) & FAILS(chdir(""), ENOENT),
        "chdir_errors");
    tap((errno = 0, !getcwd(small, sizeof small)) & (errno == ERANGE), "getcwd_erange");
    tap((errno = 0, !getcwd(small, 0)) & (errno == EINVAL), "getcwd_einval");
}

static void test_rename(void)
{
    mkdir("folder/inner", 0755);
    mkdir("empty", 0755);
    tap(FAILS(rename("none", "x"), ENOENT) & FAILS(rename("folder", "file"), ENOTDIR) &
            FAILS(rename("file", "folder"), EISDIR) &
            FAILS(rename("folder", "folder/inner/x"), EINVAL) &
            FAILS_EITHER(rename("empty", "folder"), ENOTEMPTY, EEXIST) &
            FAILS(rename("file", "none/x"), ENOENT) & FAILS(rename(NULL_PAGE, "x"), EFAULT) &
            FAILS(rename("file", NULL_PAGE), EFAULT) & FAILS_EITHER(rename(".", "x"), EINVAL, EBUSY) &
            FAILS(rename("file", long_name), ENAMETOOLONG),
        "rename_errors");
    tap(GIVES(rename("file", "file"), 0) & GIVES(rename("folder/inner", "empty"), 0), "rename_allowed");
    rmdir("empty");
    struct stat s;
    tap(GIVES(link("file", "other"), 0) & GIVES(rename("file", "other"), 0) &
            GIVES(stat("file", &s), 0) & GIVES(unlink("other"), 0),
        "rename_of_the_same_file");
}

static void test_waiting(void)
{
    struct pollfd p[2] = {{99, POLLIN, 0}, {-1, POLLIN, 5}};
    struct timeval negative = {-1, 0}, none = {0, 0};
    fd_set set;

    tap(GIVES(poll(p, 2, 0), 1) & (p[0].revents == POLLNVAL) & (p[1].revents == 0), "poll_pollnval");
    tap(FAILS(poll(NULL_PAGE, 1, 0), EFAULT) & FAILS(poll(p, 100000000, 0), EINVAL), "poll_errors");
    FD_ZERO(&set);
    FD_SET(99, &set);
    tap(FAILS(select(100, &set, NULL, NULL, &none), EBADF) &
            FAILS(select(-1, NULL, NULL, NULL, &none), EINVAL) &
            FAILS(select(0, NULL, NULL, NULL, &negative), EINVAL) &
            FAILS(select(5, NULL_PAGE, NULL, NULL, &none), EFAULT),
        "select_errors");
    struct timespec wrong = {0, 1000000000};
    tap(FAILS(ppoll(p, 0, &wrong, NULL), EINVAL) &
            FAILS(pselect(0, NULL, NULL, NULL, &wrong, NULL), EINVAL),
        "ppoll_errors");
}

static void test_directories(void)
{
    tap((errno = 0, !opendir("none")) & (errno == ENOENT), "opendir_enoent");
    tap((errno = 0, !opendir("file")) & (errno == ENOTDIR), "opendir_enotdir");
    int fd = open("file", O_RDONLY);
    tap((errno = 0, !fdopendir(fd)) & (errno == ENOTDIR), "fdopendir_enotdir");
    tap((errno = 0, !fdopendir(99)) & (errno == EBADF), "fdopendir_ebadf");
    close(fd);
    DIR *d = opendir(".");
    tap(d && dirfd(d) >= 0 && GIVES(closedir(d), 0), "closedir");
}

/* ---- permissions: as somebody else ---- */

static int as_a_user(void)
{
    if (setgid(1000) || setuid(1000))
        return 1;
    int all = FAILS(open("secret", O_RDONLY), EACCES) & FAILS(open("file", O_WRONLY), EACCES) &
              FAILS(open("new", O_WRONLY | O_CREAT, 0644), EACCES) & FAILS(unlink("file"), EACCES) &
              FAILS(mkdir("x", 0755), EACCES) & FAILS(rename("file", "x"), EACCES) &
              FAILS(access("secret", R_OK), EACCES) & FAILS(open("closed/x", O_RDONLY), EACCES) &
              FAILS(chdir("closed"), EACCES) & FAILS(chmod("file", 0777), EPERM) &
              FAILS(chown("file", 1000, 1000), EPERM) & FAILS(setuid(0), EPERM) &
              FAILS(setgid(0), EPERM);
    int fd = open("file", O_RDONLY);
    return !(all && fd >= 0);
}

static void test_permissions(void)
{
    make("secret");
    chmod("secret", 0600);
    mkdir("closed", 0700);
    tap(child_well(as_a_user), "permissions");
    unlink("secret");
    rmdir("closed");
}

/* ---- running out ---- */

static void test_out_of_descriptors(void)
{
    static int fds[5000];
    struct rlimit limit, small = {20, 20};
    int count = 0, p[2];

    while (count < 5000 && (fds[count] = open("/dev/null", O_RDWR)) >= 0)
        count++;
    tap(count > 100 && (count == 5000 || errno == EMFILE), "emfile_open");
    if (count < 5000)
        tap(FAILS(dup(0), EMFILE) & FAILS(pipe(p), EMFILE) & FAILS(fcntl(0, F_DUPFD, 0), EMFILE) &
                ((errno = 0, !opendir("/")) & (errno == EMFILE)) & GIVES(dup2(0, fds[0]), fds[0]),
            "emfile_dup");
    while (count)
        close(fds[--count]);
    fds[0] = open("file", O_RDONLY);
    tap(fds[0] >= 0 && read(fds[0], block, 5) == 5, "emfile_goes_on");
    close(fds[0]);
    getrlimit(RLIMIT_NOFILE, &limit);
    small.rlim_max = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &small);
    while (count < 30 && (fds[count] = open("/dev/null", O_RDWR)) >= 0)
        count++;
    tap(count < 20 && errno == EMFILE && FAILS(dup2(0, 20), EBADF), "rlimit_nofile");
    while (count)
        close(fds[--count]);
    setrlimit(RLIMIT_NOFILE, &limit);
}

static void test_file_limits(void)
{
    struct rlimit limit, small = {1000, 0};
    int fd = open("big", O_RDWR | O_CREAT | O_TRUNC, 0644);

    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &limit);
    small.rlim_max = limit.rlim_max;
    setrlimit(RLIMIT_FSIZE, &small);
    tap(GIVES(write(fd, block, 1500), 1000) & FAILS(write(fd, block, 1), EFBIG) &
            FAILS(ftruncate(fd, 2000), EFBIG),
        "rlimit_fsize");
    setrlimit(RLIMIT_FSIZE, &limit);
    close(fd);
    unlink("big");
    tap(FAILS(unlink("big"), ENOENT), "rlimit_fsize_goes_on");
}

int main(void)
{
    start();
    test_open();
    test_read_write();
    test_vectors();
    test_pipes();
    test_descriptors();
    test_stat();
    test_change();
    test_names();
    test_rename();
    test_waiting();
    test_directories();
    test_permissions();
    test_out_of_descriptors();
    test_file_limits();
    clean();
    return tap_failed;
}
