/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptors between processes: pipes, FIFOs, poll and select, locks, what exec and death do. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/select.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tap.h"

#define FAILS(call, error) (errno = 0, (call) == -1 && errno == (error))
#define BIG                (1 << 20)

static int status_of(pid_t pid)
{
    int status = -1;
    return waitpid(pid, &status, 0) == pid ? status : -1;
}

/* ---- pipes ---- */

static void pipes(void)
{
    int p[2];
    char byte, buffer[8192];
    tap(pipe(p) == 0 && write(p[1], "ab", 2) == 2 && read(p[0], buffer, 9) == 2 && buffer[1] == 'b',
        "pipe_there_and_back");
    tap(FAILS(read(p[1], &byte, 1), EBADF) && FAILS(write(p[0], &byte, 1), EBADF) &&
            FAILS(lseek(p[0], 0, SEEK_SET), ESPIPE) && FAILS(pread(p[0], &byte, 1, 0), ESPIPE),
        "pipe_wrong_ends");
    fcntl(p[0], F_SETFL, O_NONBLOCK);
    fcntl(p[1], F_SETFL, O_NONBLOCK);
    tap(FAILS(read(p[0], &byte, 1), EAGAIN), "pipe_empty_nonblocking");
    size_t total = 0;
    for (ssize_t n; (n = write(p[1], buffer, sizeof buffer)) > 0;)
        total += (size_t)n;
    tap(total == 65536 && errno == EAGAIN && read(p[0], buffer, 4095) == 4095 &&
            FAILS(write(p[1], buffer, 4096), EAGAIN) && write(p[1], buffer, 4095) == 4095,
        "pipe_full_and_atomic");
    int there = 0;
    tap(ioctl(p[0], FIONREAD, &there) == 0 && there == 65536, "pipe_fionread");
    close(p[1]);
    while (read(p[0], buffer, sizeof buffer) > 0)
        ;
    tap(read(p[0], &byte, 1) == 0, "pipe_end_of_file");
    close(p[0]);
    signal(SIGPIPE, SIG_IGN);
    pipe(p);
    close(p[0]);
    tap(FAILS(write(p[1], "x", 1), EPIPE), "pipe_broken");
    close(p[1]);
    signal(SIGPIPE, SIG_DFL);
    pid_t child = fork();
    if (!child) {
        pipe(p);
        close(p[0]);
        write(p[1], "x", 1);
        _exit(0);
    }
    int status = status_of(child);
    tap(WIFSIGNALED(status) && WTERMSIG(status) == SIGPIPE, "pipe_sigpipe");
}

/* Much more than it holds, both ways asleep now and then; sizes that fit nothing. */
static void stream(void)
{
    static unsigned char data[BIG], back[BIG];
    int p[2];

    for (int i = 0; i < BIG; i++)
        data[i] = (unsigned char)(i * 7 >> 3);
    pipe(p);
    pid_t child = fork();
    if (!child) {
        close(p[0]);
        for (size_t at = 0, n = 1; at < BIG; at += n, n = n * 3 % 9973 + 1)
            if (n = n < BIG - at ? n : BIG - at, write(p[1], data + at, n) != (ssize_t)n)
                _exit(1);
        _exit(0);
    }
    close(p[1]);
    size_t have = 0;
    for (ssize_t n, want = 1; (n = read(p[0], back + have, (size_t)want)) > 0;
         want = want * 5 % 70001 + 1)
        have += (size_t)n;
    tap(have == BIG && !memcmp(data, back, BIG) && status_of(child) == 0, "pipe_megabyte");
    close(p[0]);
}

static void killed(void)
{
    int p[2];
    char byte;

    pipe(p);
    pid_t child = fork();
    if (!child)
        for (;;)
            write(p[1], "zzzzzzz", 7);
    close(p[1]);
    read(p[0], &byte, 1);
    kill(child, SIGKILL);
    ssize_t n, sum = 1;
    char buffer[4096];
    while ((n = read(p[0], buffer, sizeof buffer)) > 0)
        sum += n;
    int status = status_of(child);
    tap(n == 0 && sum % 7 == 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
        "pipe_writer_killed");
    close(p[0]);
}

static void fifos(void)
{
    char buffer[8];
    tap(mkfifo("/tmp/fifo", 0600) == 0 && FAILS(open("/tmp/fifo", O_WRONLY | O_NONBLOCK), ENXIO),
        "fifo_no_reader");
    pid_t child = fork();
    if (!child) {
        int fd = open("/tmp/fifo", O_WRONLY);
        _exit(write(fd, "hello", 5) != 5);
    }
    int fd = open("/tmp/fifo", O_RDONLY);
    tap(fd >= 0 && read(fd, buffer, 8) == 5 && read(fd, buffer, 8) == 0 && status_of(child) == 0,
        "fifo_open_waits");
    close(fd);
    fd = open("/tmp/fifo", O_RDONLY | O_NONBLOCK);
    tap(fd >= 0 && read(fd, buffer, 8) == 0 && close(fd) == 0 && unlink("/tmp/fifo") == 0,
        "fifo_nonblocking");
}

/* ---- waiting for many ---- */

static void polls(void)
{
    int p[2], q[2];
    pipe(p);
    pipe(q);
    struct pollfd fds[4] = {
        {p[0], POLLIN, 0}, {p[1], POLLOUT, 0}, {999, POLLIN, 0}, {-1, POLLIN, 0}};
    tap(poll(fds, 4, 0) == 2 && fds[0].revents == 0 && fds[1].revents == POLLOUT &&
            fds[2].revents == POLLNVAL && !fds[3].revents,
        "poll_states");
    tap(poll(fds, 1, 20) == 0, "poll_timeout");
    pid_t child = fork();
    if (!child) {
        usleep(20000);
        write(q[1], "x", 1);
        _exit(0);
    }
    struct pollfd two[2] = {{p[0], POLLIN, 0}, {q[0], POLLIN, 0}};
    tap(poll(two, 2, -1) == 1 && two[1].revents == POLLIN && status_of(child) == 0, "poll_wakes");
    fd_set in, out;
    FD_ZERO(&in);
    FD_ZERO(&out);
    FD_SET(p[0], &in);
    FD_SET(q[0], &in);
    FD_SET(p[1], &out);
    tap(select(q[1] + 1, &in, &out, NULL, NULL) == 2 && !FD_ISSET(p[0], &in) &&
            FD_ISSET(q[0], &in) && FD_ISSET(p[1], &out),
        "select");
    struct timeval soon = {0, 10000};
    FD_ZERO(&in);
    FD_SET(p[0], &in);
    tap(select(p[0] + 1, &in, NULL, NULL, &soon) == 0 && !FD_ISSET(p[0], &in), "select_timeout");
    FD_SET(700, &in);
    tap(FAILS(select(701, &in, NULL, NULL, NULL), EBADF) &&
            FAILS(select(-1, NULL, NULL, NULL, NULL), EINVAL),
        "select_errors");
    close(p[1]);
    fds[0].events = POLLIN;
    tap(poll(fds, 1, -1) == 1 && fds[0].revents & POLLHUP, "poll_hang_up");
    close(p[0]), close(q[0]), close(q[1]);
}

/* ---- locks ---- */

static void locks(void)
{
    struct flock f = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 10, .l_len = 10};
    int to[2], from[2], fd = open("/tmp/lock", O_RDWR | O_CREAT, 0600);
    char byte;

    pipe(to);
    pipe(from);
    tap(fd >= 0 && fcntl(fd, F_SETLK, &f) == 0, "lock_set");
    pid_t child = fork();
    if (!child) {
        struct flock g = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = 19, .l_len = 2},
                     h = g;
        int bad = !FAILS(fcntl(fd, F_SETLK, &g), EAGAIN);
        bad |= fcntl(fd, F_GETLK, &h) || h.l_type != F_WRLCK || h.l_pid != getppid() ||
               h.l_start != 10 || h.l_len != 10;
        g.l_start = 20;
        g.l_type = F_WRLCK;
        bad |= fcntl(fd, F_SETLK, &g) != 0;
        write(from[1], bad ? "b" : "g", 1);
        read(to[0], &byte, 1);
        g.l_start = 10; /* what the parent has; it waits for ours */
        bad = fcntl(fd, F_SETLKW, &g);
        _exit(bad ? errno : 0);
    }
    read(from[0], &byte, 1);
    tap(byte == 'g', "lock_conflicts");
    write(to[1], "x", 1);
    usleep(20000);
    struct flock g = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = 20, .l_len = 1};
    tap(FAILS(fcntl(fd, F_SETLKW, &g), EDEADLK), "lock_deadlock");
    f.l_type = F_UNLCK;
    f.l_start = 12;
    f.l_len = 2; /* out of the middle: the child still waits */
    fcntl(fd, F_SETLK, &f);
    f.l_start = 10;
    f.l_len = 2;
    fcntl(fd, F_SETLK, &f);
    tap(status_of(child) == 0, "lock_given");
    int other = open("/tmp/lock", O_RDWR);
    tap(flock(fd, LOCK_EX) == 0 && FAILS(flock(other, LOCK_SH | LOCK_NB), EAGAIN) &&
            flock(fd, LOCK_UN) == 0 && flock(other, LOCK_SH) == 0 &&
            FAILS(flock(fd, LOCK_EX | LOCK_NB), EAGAIN) && close(other) == 0 &&
            flock(fd, LOCK_EX) == 0,
        "lock_flock");
    close(fd), close(to[0]), close(to[1]), close(from[0]), close(from[1]);
    unlink("/tmp/lock");
}

/* ---- what is shared, and what is not ---- */

static void sharing(void)
{
    int fd = open("/tmp/shared", O_RDWR | O_CREAT | O_TRUNC, 0600);
    char byte;

    write(fd, "0123456789", 10);
    lseek(fd, 0, SEEK_SET);
    pid_t child = fork();
    if (!child) {
        read(fd, &byte, 1);
        close(fd);
        _exit(byte != '0' || dup(1) != fd);
    }
    tap(status_of(child) == 0 && read(fd, &byte, 1) == 1 && byte == '1' && fcntl(fd, F_GETFD) == 0,
        "fork_shares_offset");
    unlink("/tmp/shared");
    struct stat s;
    tap(fstat(fd, &s) == 0 && s.st_nlink == 0 && pread(fd, &byte, 1, 9) == 1 && byte == '9',
        "unlinked_while_open");
    tap(dup3(fd, 50, O_CLOEXEC) == 50 && fcntl(50, F_GETFD) == FD_CLOEXEC &&
            FAILS(dup3(fd, fd, 0), EINVAL) && fcntl(fd, F_DUPFD, 60) == 60 && dup2(fd, 60) == 60 &&
            close(60) == 0 && close(50) == 0,
        "dup3_and_fcntl");
    close(fd);
}

static void appends(void)
{
    int good = 1;

    close(open("/tmp/log", O_CREAT | O_TRUNC | O_WRONLY, 0600));
    for (int i = 0; i < 4; i++)
        if (!fork()) {
            int fd = open("/tmp/log", O_WRONLY | O_APPEND);
            char line[8] = {(char)('a' + i), (char)('a' + i), (char)('a' + i), (char)('a' + i),
                            (char)('a' + i), (char)('a' + i), (char)('a' + i), '\n'};
            for (int k = 0; k < 200; k++)
                write(fd, line, 8);
            _exit(0);
        }
    while (wait(NULL) > 0)
        ;
    static char all[8192];
    int fd = open("/tmp/log", O_RDONLY);
    ssize_t n = read(fd, all, sizeof all);
    for (ssize_t i = 0; i < n; i += 8)
        good &= all[i] == all[i + 6] && all[i + 7] == '\n';
    tap(n == 6400 && good, "append_of_four");
    close(fd);
    unlink("/tmp/log");
}

/* ---- relative to descriptors, attributes ---- */

static void relative(void)
{
    struct stat s;
    mkdir("/tmp/at", 0700);
    int d = open("/tmp/at", O_RDONLY | O_DIRECTORY);
    int fd = openat(d, "f", O_CREAT | O_RDWR, 0640);
    tap(d >= 0 && fd >= 0 && fstatat(d, "f", &s, 0) == 0 && (s.st_mode & 0777) == (0640 & ~022) &&
            faccessat(d, "f", R_OK, 0) == 0 && FAILS(openat(fd, "x", O_RDONLY), ENOTDIR) &&
            FAILS(openat(999, "x", O_RDONLY), EBADF),
        "at_open_stat");
    tap(symlinkat("f", d, "l") == 0 && linkat(d, "l", d, "h", AT_SYMLINK_FOLLOW) == 0 &&
            fstatat(d, "h", &s, 0) == 0 && s.st_nlink == 2 && renameat(d, "h", d, "i") == 0 &&
            mkdirat(d, "sub", 0755) == 0 && unlinkat(d, "sub", AT_REMOVEDIR) == 0 &&
            FAILS(unlinkat(d, "sub", 0), ENOENT) && unlinkat(d, "i", 0) == 0,
        "at_names");
    struct timespec t[2] = {{1000, 5}, {2000, 6}};
    tap(futimens(fd, t) == 0 && fstat(fd, &s) == 0 && s.st_atim.tv_sec == 1000 &&
            s.st_mtim.tv_nsec == 6 && chmod("/tmp/at/f", 0) == 0 && fchown(fd, 5, 6) == 0 &&
            fstat(fd, &s) == 0 && s.st_uid == 5 && s.st_gid == 6 && (s.st_mode & 0777) == 0,
        "attributes");
    struct statvfs v;
    tap(statvfs("/", &v) == 0 && v.f_namemax == 255 && v.f_bfree > 0, "statvfs");
    struct iovec vector[2] = {{"ab", 2}, {"cd", 2}};
    char buffer[8] = "";
    tap(writev(fd, vector, 2) == 4 && pread(fd, buffer, 8, 0) == 4 && !memcmp(buffer, "abcd", 4) &&
            pwrite(fd, "X", 1, 1) == 1 && lseek(fd, 0, SEEK_CUR) == 4,
        "vectors");
    tap(posix_fallocate(fd, 0, 5000) == 0 && fstat(fd, &s) == 0 && s.st_size == 5000 &&
            truncate("/tmp/at/f", 3) == 0 && fstat(fd, &s) == 0 && s.st_size == 3,
        "lengths");
    close(fd), close(d);
    unlink("/tmp/at/f"), unlink("/tmp/at/l"), rmdir("/tmp/at");
}

static void permissions(void)
{
    close(open("/tmp/secret", O_CREAT | O_WRONLY, 0600));
    pid_t child = fork();
    if (!child) {
        int bad = setgid(100) || setuid(100);
        bad |= !FAILS(open("/tmp/secret", O_RDONLY), EACCES) ||
               !FAILS(unlink("/tmp/secret"), EPERM) || !FAILS(mkdir("/x", 0700), EACCES);
        bad |= !FAILS(chmod("/tmp/secret", 0777), EPERM) ||
               !FAILS(chown("/tmp/secret", 100, 100), EPERM);
        _exit(bad);
    }
    tap(status_of(child) == 0 && unlink("/tmp/secret") == 0, "permissions");
}

/* ---- /dev and /proc ---- */

static int reads(const char *path, const char *part)
{
    static char text[16384];
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, text, sizeof text - 1);
    close(fd);
    text[n > 0 ? n : 0] = 0;
    return n > 0 && strstr(text, part);
}

static void views(void)
{
    char byte = 1, path[64];
    int fd = open("/dev/full", O_RDWR);
    tap(FAILS(write(fd, "x", 1), ENOSPC) && read(fd, &byte, 1) == 1 && byte == 0 && close(fd) == 0,
        "dev_full");
    fd = open("/dev/urandom", O_RDONLY);
    unsigned long a = 0, b = 0;
    tap(read(fd, &a, 8) == 8 && read(fd, &b, 8) == 8 && a != b && close(fd) == 0, "dev_urandom");
    snprintf(path, sizeof path, "Pid:\t%d\n", (int)getpid());
    tap(reads("/proc/self/status", path) && reads("/proc/self/stat", "(descriptors)") &&
            reads("/proc/meminfo", "MemTotal:") && reads("/proc/uptime", ".") &&
            reads("/proc/cpuinfo", "processor") && reads("/proc/self/maps", "r-xp") &&
            reads("/proc/self/cmdline", "descriptors") &&
            reads("/proc/aegis/environments", "live") && reads("/proc/aegis/slices", "hart 0") &&
            reads("/proc/aegis/pages", "K"),
        "proc_texts");
    pid_t other = fork();
    while (other == 0)
        pause();
    snprintf(path, sizeof path, "/proc/%d/maps", (int)other);
    tap(reads(path, "00010000-") && reads(path, "r-xp") && reads(path, "[stack]"), "proc_maps_of_another");
    kill(other, SIGKILL);
    tap(waitpid(other, NULL, 0) == other && open(path, O_RDONLY) == -1 && errno == ENOENT, "proc_maps_of_nobody");
    DIR *d = opendir("/proc");
    int self = 0, numbers = 0;
    for (struct dirent *e; (e = readdir(d));) {
        self += !strcmp(e->d_name, "self") && e->d_type == DT_LNK;
        numbers += atoi(e->d_name) == getpid();
    }
    closedir(d);
    tap(self == 1 && numbers == 1 && readlink("/proc/self", path, sizeof path) > 0 &&
            atoi(path) == getpid(),
        "proc_list");
    int p[2];
    pipe(p);
    snprintf(path, sizeof path, "/dev/fd/%d", p[0]);
    fd = open(path, O_RDONLY);
    struct stat s;
    tap(stat(path, &s) == 0 && S_ISFIFO(s.st_mode) && lstat(path, &s) == 0 && S_ISLNK(s.st_mode),
        "dev_fd_stat");
    tap(fd >= 0 && write(p[1], "v", 1) == 1 && read(fd, &byte, 1) == 1 && byte == 'v', "dev_fd");
    tap(FAILS(open("/proc/self/none", O_RDONLY), ENOENT) &&
            FAILS(open("/proc/self/status", O_WRONLY), EACCES) &&
            FAILS(unlink("/proc/meminfo"), EROFS) && FAILS(mkdir("/proc/x", 0755), EROFS),
        "proc_refuses");
    close(fd), close(p[0]), close(p[1]);
}

static bool is_here(const char *format)
{
    char here[64], wanted[64], link[64];

    snprintf(wanted, sizeof wanted, format, (int)getpid());
    ssize_t n = readlink("/proc/self/cwd", link, sizeof link - 1);
    link[n < 0 ? 0 : n] = 0;
    return getcwd(here, sizeof here) && !strcmp(here, wanted) && !strcmp(link, wanted);
}

/* One may be in /proc, as in any directory. */
static void within_proc(void)
{
    struct stat here, there;
    char name[64], link[64] = "";
    int status = -1, fd;

    tap(chdir("/proc/self") == 0 && is_here("/proc/%d") && access("stat", R_OK) == 0 && chdir("fd") == 0 &&
            is_here("/proc/%d/fd") && stat(".", &here) == 0 && stat("/proc/self/fd", &there) == 0 &&
            here.st_ino == there.st_ino,
        "proc_chdir");
    pid_t child = fork();
    if (child == 0) {
        snprintf(name, sizeof name, "/proc/%d/fd", (int)getppid());
        _exit(!getcwd(link, sizeof link) || strcmp(name, link) || access("../comm", R_OK));
    }
    waitpid(child, &status, 0);
    tap(status == 0, "proc_chdir_is_inherited");
    tap(chdir("..") == 0 && is_here("/proc/%d") && chdir("..") == 0 && is_here("/proc") && access("uptime", R_OK) == 0 &&
            chdir("..") == 0 && is_here("/"),
        "proc_chdir_upwards");
    tap(FAILS(chdir("/proc/self/stat"), ENOTDIR) && FAILS(chdir("/proc/99999"), ENOENT) && is_here("/"), "proc_chdir_errors");
    fd = open("/proc/self/fd", O_RDONLY | O_DIRECTORY);
    snprintf(name, sizeof name, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(name, link, sizeof link - 1);
    link[n < 0 ? 0 : n] = 0;
    snprintf(name, sizeof name, "/proc/%d/fd", (int)getpid());
    tap(!strcmp(name, link) && faccessat(fd, "../comm", R_OK, 0) == 0 && FAILS(faccessat(fd, "uptime", R_OK, 0), ENOENT) &&
            fchdir(fd) == 0 && is_here("/proc/%d/fd"),
        "proc_at_and_fchdir");
    close(fd);
    chdir("/");
}

int main(void)
{
    setvbuf(stdout, NULL, _IOLBF, 0); /* children must not say it again */
    pipes();
    stream();
    killed();
    fifos();
    polls();
    locks();
    sharing();
    appends();
    relative();
    permissions();
    views();
    within_proc();
    return tap_failed;
}
