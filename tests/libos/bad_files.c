/* SPDX-License-Identifier: BSD-2-Clause */
/* Every call on files with what is wrong: the errno that POSIX gives, and nobody dies. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <unistd.h>
#include <utime.h>

#include <aegis/layout.h>

#include "tap.h"

/* Places that are not there, are the kernel's, or may only be read. */
#define NOWHERE  ((char *)0x2fff000000)
#define KERNEL   ((char *)0xffffffff80200000)
#define EXPOSED  ((char *)AEGIS_EXPOSED)
#define NO_SPACE ((char *)0x4000000000000000)

static char *const unreadable[] = {NULL, NOWHERE, KERNEL, NO_SPACE, (char *)-1};
static char *const unwritable[] = {NULL, NOWHERE, KERNEL, NO_SPACE, (char *)-1, EXPOSED};

static int file, directory, ends[2];
static char *half; /* 8 bytes before a hole */

/* ---- pointers that are read: a path, or what a call takes ---- */

#define PATH_CALLS(X)                                                                              \
    X(open(bad, O_RDONLY))                                                                         \
    X(openat(AT_FDCWD, bad, O_RDONLY)) X(creat(bad, 0600)) X(stat(bad, &s)) X(lstat(bad, &s))      \
        X(fstatat(AT_FDCWD, bad, &s, 0)) X(access(bad, 0)) X(faccessat(AT_FDCWD, bad, 0, 0)) X(    \
            chmod(bad, 0600)) X(fchmodat(AT_FDCWD, bad, 0600, 0)) X(chown(bad, 0, 0))              \
            X(lchown(bad, 0, 0)) X(fchownat(AT_FDCWD, bad, 0, 0, 0)) X(link(bad, "/tmp/x")) X(     \
                link("/tmp/bad", bad)) X(linkat(AT_FDCWD, bad, AT_FDCWD, "x", 0))                  \
                X(symlink(bad, "/tmp/x")) X(symlink("x", bad)) X(symlinkat("x", AT_FDCWD, bad)) X( \
                    readlink(bad, buffer, 9)) X(readlinkat(AT_FDCWD, bad, buffer, 9))              \
                    X(unlink(bad)) X(unlinkat(AT_FDCWD, bad, 0)) X(rmdir(bad)) X(mkdir(bad, 0700)) \
                        X(mkdirat(AT_FDCWD, bad, 0)) X(mkfifo(bad, 0600))                          \
                            X(mkfifoat(AT_FDCWD, bad, 0600)) X(mknod(bad, S_IFREG, 0))             \
                                X(mknodat(AT_FDCWD, bad, S_IFREG, 0)) X(rename(bad, "/tmp/x"))     \
                                    X(rename("/tmp/bad", bad))                                     \
                                        X(renameat(AT_FDCWD, bad, AT_FDCWD, "x")) X(chdir(bad))    \
                                            X(chroot(bad)) X(truncate(bad, 0)) X(statvfs(bad, &v)) \
                                                X(utimensat(AT_FDCWD, bad, NULL, 0))               \
                                                    X(utimes(bad, NULL)) X(utime(bad, NULL))

#define READ_CALLS(X)                                                                              \
    X(write(file, bad, 8))                                                                         \
    X(pwrite(file, bad, 8, 0)) X(write(ends[1], bad, 8)) X(writev(file, (struct iovec *)bad, 2))   \
        X(readv(file, (struct iovec *)bad, 2)) X(pwritev(file, (struct iovec *)bad, 1, 0))         \
            X(preadv(file, (struct iovec *)bad, 1, 0))                                             \
                X(futimens(file, (struct timespec *)(bad ? bad : NOWHERE)))                        \
                    X(utimes("/tmp/bad", (struct timeval *)(bad ? bad : NOWHERE)))                 \
                        X(utime("/tmp/bad", (struct utimbuf *)(bad ? bad : NOWHERE))) X(           \
                            fcntl(file, F_SETLK, bad)) X(fcntl(file, F_GETLK, bad))                \
                            X(ioctl(file, FIONBIO, bad)) X(poll((struct pollfd *)bad, 1, 0)) X(    \
                                select(1, (fd_set *)(bad ? bad : NOWHERE), NULL, NULL, &zero))     \
                                X(ppoll(NULL, 0, (struct timespec *)(bad ? bad : NOWHERE), NULL))  \
                                    X(select(0, NULL, NULL, NULL,                                  \
                                             (struct timeval *)(bad ? bad : NOWHERE)))

#define WRITTEN_CALLS(X)                                                                           \
    X(read(rewound(), bad, 8))                                                                     \
    X(pread(file, bad, 8, 0)) X(read(full_pipe(), bad, 8)) X(stat("/tmp/bad", (struct stat *)bad)) \
        X(lstat("/tmp/bad", (struct stat *)bad)) X(fstat(file, (struct stat *)bad))                \
            X(fstatat(AT_FDCWD, "/tmp/bad", (struct stat *)bad, 0))                                \
                X(statvfs("/", (struct statvfs *)bad)) X(fstatvfs(file, (struct statvfs *)bad))    \
                    X(readlink("/tmp/badlink", bad, 8)) X(pipe((int *)bad))                        \
                        X(pipe2((int *)bad, 0)) X(ioctl(file, FIONREAD, bad))                      \
                            X(ioctl(ends[0], FIONREAD, bad)) X(read(zero_device, bad, 8))          \
                                X(read(random_device, bad, 8)) X(read(text, bad, 8))

/* A pipe with something in it. */
static int full_pipe(void)
{
    char byte[8] = "";
    int there = 0;

    ioctl(ends[0], FIONREAD, &there);
    if (there < 8)
        write(ends[1], byte, 8);
    return ends[0];
}

static int rewound(void)
{
    lseek(file, 0, SEEK_SET);
    return file;
}

static int wrong_count;

static void faults(const char *call, long result, const char *bad)
{
    if (result == -1 && errno == EFAULT)
        return;
    printf("# %s with %p: %ld, errno %d\n", call, (void *)bad, result, errno);
    wrong_count++;
}

#define TRY(call) errno = 0, faults(#call, (long)(call), bad);

static void pointers(void)
{
    struct timeval zero = {0, 0};
    struct statvfs v;
    struct stat s;
    char buffer[16];
    int zero_device = open("/dev/zero", O_RDONLY), random_device = open("/dev/random", O_RDONLY),
        text = open("/proc/meminfo", O_RDONLY);

    for (size_t i = 0; i < sizeof unreadable / sizeof *unreadable; i++) {
        char *bad = unreadable[i];
        PATH_CALLS(TRY)
        READ_CALLS(TRY)
    }
    tap(wrong_count == 0, "bad_pointers_read");
    wrong_count = 0;
    for (size_t i = 0; i < sizeof unwritable / sizeof *unwritable; i++) {
        char *bad = unwritable[i];
        WRITTEN_CALLS(TRY)
    }
    tap(wrong_count == 0, "bad_pointers_written");
    close(zero_device), close(random_device), close(text);
}

/* What lies half in memory: as much as is there, or EFAULT; what is not there is not counted. */
static void halves(void)
{
    char back[16];
    memcpy(half, "abcdefgh", 8);
    int fd = open("/tmp/half", O_RDWR | O_CREAT | O_TRUNC, 0600);
    ssize_t n = write(fd, half, 16);
    tap((n == -1 && errno == EFAULT) ||
            (n >= 0 && n <= 8 && pread(fd, back, 16, 0) == n && !memcmp(back, half, (size_t)n)),
        "half_written");
    pwrite(fd, "0123456789abcdef", 16, 0);
    lseek(fd, 0, SEEK_SET);
    n = read(fd, half, 16);
    off_t at = lseek(fd, 0, SEEK_CUR);
    tap((n == -1 && errno == EFAULT && at == 0) || (n >= 0 && n <= 8 && at == n), "half_read");
    memcpy(half, "/tmp/bad", 8);
    errno = 0;
    tap(open(half, O_RDONLY) == -1 && errno == EFAULT, "half_path");
    tap(write(ends[1], half, 16) == -1 && errno == EFAULT, "half_to_pipe");
    close(fd);
    unlink("/tmp/half");
}

/* ---- descriptors ---- */

#define DESCRIPTOR_CALLS(X)                                                                        \
    X(read(bad, b, 1))                                                                             \
    X(write(bad, b, 1)) X(pread(bad, b, 1, 0)) X(pwrite(bad, b, 1, 0)) X(readv(bad, v, 1))         \
        X(writev(bad, v, 1)) X(preadv(bad, v, 1, 0)) X(pwritev(bad, v, 1, 0))                      \
            X(lseek(bad, 0, SEEK_SET)) X(ftruncate(bad, 0)) X(fsync(bad)) X(fdatasync(bad)) X(     \
                close(bad)) X(dup(bad)) X(dup2(bad, 5)) X(dup3(bad, 5, 0)) X(dup2(file, bad))      \
                X(fcntl(bad, F_GETFD)) X(fcntl(bad, F_SETFD, 0)) X(fcntl(bad, F_GETFL)) X(         \
                    fcntl(bad, F_SETFL, 0)) X(fcntl(bad, F_DUPFD, 0)) X(fcntl(bad, F_SETLK, &f))   \
                    X(flock(bad, LOCK_EX)) X(fstat(bad, &s)) X(ioctl(bad, FIONREAD, b)) X(         \
                        fchmod(bad, 0)) X(fchown(bad, 0, 0)) X(fchdir(bad)) X(futimens(bad, NULL)) \
                        X(fstatvfs(bad, &vfs)) X(openat(bad, "x", O_RDONLY)) X(                    \
                            fstatat(bad, "x", &s, 0)) X(mkdirat(bad, "x", 0))                      \
                            X(unlinkat(bad, "x", 0)) X(renameat(bad, "x", AT_FDCWD, "y"))          \
                                X(linkat(bad, "x", AT_FDCWD, "y", 0)) X(symlinkat("x", bad, "y"))  \
                                    X(readlinkat(bad, "x", b, 1)) X(faccessat(bad, "x", 0, 0))     \
                                        X(fchmodat(bad, "x", 0, 0))                                \
                                            X(fchownat(bad, "x", 0, 0, 0))                         \
                                                X(utimensat(bad, "x", NULL, 0))                    \
                                                    X(mkfifoat(bad, "x", 0))                       \
                                                        X(mknodat(bad, "x", S_IFREG, 0))

static void refused(const char *call, long result, int bad)
{
    if (result == -1 && errno == EBADF)
        return;
    printf("# %s with %d: %ld, errno %d\n", call, bad, result, errno);
    wrong_count++;
}

#define TRY_DESCRIPTOR(call) errno = 0, refused(#call, (long)(call), bad);

static void descriptors(void)
{
    static const int wrong[] = {-1, -100, 1024, 4096, INT_MAX, INT_MIN};
    struct flock f = {.l_type = F_RDLCK};
    struct statvfs vfs;
    struct stat s;
    char b[8];
    struct iovec v[1] = {{b, 1}};

    wrong_count = 0;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        int bad = wrong[i];
        DESCRIPTOR_CALLS(TRY_DESCRIPTOR)
    }
    errno = 0;
    tap(wrong_count == 0 && !fdopendir(-1) && errno == EBADF && isatty(-1) == 0 && errno == EBADF &&
            posix_fallocate(-1, 0, 1) == EBADF,
        "bad_descriptors");
}

/* ---- sizes, places, flags, names ---- */

#define IS(call, error) (errno = 0, (long)(call) == -1 && errno == (error))

static void numbers(void)
{
    struct iovec huge[2] = {{half, SSIZE_MAX}, {half, 2}}, one = {half, 1};
    struct flock f = {.l_type = 77};
    char b[8];
    tap(IS(read(file, b, SIZE_MAX), EINVAL) && IS(write(file, b, SIZE_MAX), EINVAL) &&
            IS(readv(file, huge, 2), EINVAL) && IS(readv(file, &one, 0), EINVAL) &&
            IS(readv(file, &one, -1), EINVAL) && IS(writev(file, &one, IOV_MAX + 1), EINVAL),
        "sizes");
    tap(IS(lseek(file, -1, SEEK_SET), EINVAL) && IS(lseek(file, 0, 99), EINVAL) &&
            IS(lseek(file, LONG_MAX, SEEK_END), EOVERFLOW) && IS(pread(file, b, 1, -1), EINVAL) &&
            IS(pwrite(file, b, 1, -1), EINVAL) && IS(ftruncate(file, -1), EINVAL) &&
            IS(ftruncate(file, LONG_MAX), EFBIG) && IS(truncate("/tmp/bad", -1), EINVAL) &&
            IS(pwrite(file, b, 1, LONG_MAX - 1), EFBIG) && posix_fallocate(file, -1, 1) == EINVAL &&
            posix_fallocate(file, 0, 0) == EINVAL && posix_fallocate(file, LONG_MAX, 2) == EFBIG,
        "places");
    tap(IS(open("/tmp/bad", O_ACCMODE), EINVAL) && IS(fcntl(file, 12345), EINVAL) &&
            IS(fcntl(file, F_DUPFD, -1), EINVAL) && IS(fcntl(file, F_DUPFD, 5000), EINVAL) &&
            IS(fcntl(file, F_SETLK, &f), EINVAL) && IS(flock(file, 99), EINVAL) &&
            IS(access("/tmp/bad", 99), EINVAL) &&
            IS(fstatat(AT_FDCWD, "x", NULL, 0x8000), EINVAL) &&
            IS(pipe2((int *)b, 0x7fff0000), EINVAL) && IS(dup3(file, 9, 1), EINVAL) &&
            IS(mknod("/tmp/x", 0170000, 0), EINVAL) && IS(ioctl(file, 0xdead, b), ENOTTY) &&
            IS(select(-1, NULL, NULL, NULL, NULL), EINVAL) && IS(poll(NULL, 100000, 0), EINVAL),
        "flags");
    struct timespec t[2] = {{0, 1000000000}, {0, 0}};
    tap(IS(futimens(file, t), EINVAL) && IS(readlink("/tmp/badlink", b, 0), EINVAL) &&
            IS(readlink("/tmp/bad", b, 8), EINVAL) && !getcwd(b, 0) && errno == EINVAL &&
            !getcwd(b, 1) && errno == ERANGE && !getcwd(NOWHERE, 100) && errno == EFAULT,
        "times_and_places");
}

static void paths(void)
{
    static char name[300] = "/tmp/", path[5000];
    struct stat s;
    memset(name + 5, 'n', 256);
    for (size_t i = 0; i < sizeof path - 1; i++)
        path[i] = i % 2 ? '.' : '/';
    tap(IS(open(name, O_CREAT, 0600), ENAMETOOLONG) && IS(stat(path, &s), ENAMETOOLONG) &&
            IS(mkdir(path, 0), ENAMETOOLONG) && IS(rename("/tmp/bad", name), ENAMETOOLONG) &&
            IS(symlink(path, "/tmp/x"), ENAMETOOLONG),
        "names_too_long");
    path[4095] = 0;
    tap(stat(path, &s) == 0 && S_ISDIR(s.st_mode), "path_of_4095");
    tap(IS(stat("", &s), ENOENT) && IS(unlink(""), ENOENT) &&
            IS(open("/tmp/bad/", O_RDONLY), ENOTDIR) && IS(mkdir("/", 0), EEXIST) &&
            IS(rmdir("/"), EBUSY) && IS(unlink("/tmp"), EPERM) &&
            IS(rename("/tmp", "/tmp/a"), EINVAL) && IS(chdir("/tmp/bad"), ENOTDIR) &&
            IS(open("/tmp", O_WRONLY), EISDIR) && IS(open("/tmp", O_CREAT, 0), EISDIR) &&
            IS(read(directory, name, 1), EISDIR) && IS(write(directory, name, 1), EBADF) &&
            IS(link("/tmp", "/tmp/l"), EPERM),
        "kinds");
    symlink("/tmp/loop", "/tmp/loop");
    tap(IS(open("/tmp/loop", O_RDONLY), ELOOP) && IS(stat("/tmp/loop/x", &s), ELOOP) &&
            IS(open("/tmp/badlink", O_NOFOLLOW), ELOOP) && unlink("/tmp/loop") == 0,
        "loops");
}

/* No memory is left for files: ENOSPC, and all goes on. */
static void exhaustion(void)
{
    static char block[1 << 16];
    int fd = open("/tmp/all", O_CREAT | O_WRONLY, 0600);
    ssize_t n;
    unsigned long total = 0;

    memset(block, 1, sizeof block);
    while ((n = write(fd, block, sizeof block)) > 0)
        total += (unsigned long)n;
    int error = errno;
    tap(n == -1 && error == ENOSPC && total > (16 << 20), "file_system_full");
    errno = 0;
    int made = open("/tmp/more", O_CREAT | O_WRONLY, 0600);
    tap(made >= 0 || errno == ENOSPC, "full_and_answers");
    close(made);
    tap(ftruncate(fd, 0) == 0 && pwrite(fd, block, sizeof block, 0) == sizeof block &&
            close(fd) == 0 && unlink("/tmp/all") == 0,
        "full_and_goes_on");
    unlink("/tmp/more");
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    file = open("/tmp/bad", O_RDWR | O_CREAT | O_TRUNC, 0600);
    directory = open("/tmp", O_RDONLY);
    write(file, "0123456789", 10);
    symlink("/tmp/bad", "/tmp/badlink");
    pipe(ends);
    char *two = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    munmap(two + 4096, 4096);
    half = two + 4096 - 8;
    tap(file >= 0 && directory >= 0 && two != MAP_FAILED, "bad_files_scene");
    pointers();
    halves();
    descriptors();
    numbers();
    paths();
    exhaustion();
    return tap_failed;
}
