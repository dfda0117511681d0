/* SPDX-License-Identifier: BSD-2-Clause */
/* Pseudo-terminals and the line discipline, from both ends. Also passes on Linux. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define FAILS(call, error) (errno = 0, (call) == -1 && errno == (error))

static int master, slave;
static char buffer[70000];

static void start(void)
{
    struct winsize window = {.ws_row = 24, .ws_col = 80};

    if (openpty(&master, &slave, NULL, NULL, &window)) {
        tap(0, "pty_open");
        exit(1);
    }
}

static void end(void)
{
    close(slave);
    close(master);
}

static void modes(tcflag_t local_off, tcflag_t local_on, int count, int tenths)
{
    struct termios s;

    tcgetattr(slave, &s);
    s.c_lflag = (s.c_lflag & ~local_off) | local_on;
    if (count >= 0) {
        s.c_cc[VMIN] = (cc_t)count;
        s.c_cc[VTIME] = (cc_t)tenths;
    }
    tcsetattr(slave, TCSANOW, &s);
}

static int type(const char *keys)
{
    return write(master, keys, strlen(keys)) == (ssize_t)strlen(keys);
}

static int gives(int fd, const char *expected)
{
    ssize_t n = read(fd, buffer, sizeof buffer - 1);

    buffer[n > 0 ? n : 0] = 0;
    return n == (ssize_t)strlen(expected) && !strcmp(buffer, expected);
}

static int nothing_in(int fd)
{
    struct pollfd p = {fd, POLLIN, 0};
    return poll(&p, 1, 0) == 0;
}

/* ---- making them ---- */

static void test_open(void)
{
    struct stat s;
    int m = posix_openpt(O_RDWR | O_NOCTTY);

    tap(m >= 0, "pty_posix_openpt");
    tap(grantpt(m) == 0, "pty_grantpt");
    char *name = ptsname(m), other[64];
    tap(name && !strncmp(name, "/dev/pts/", 9), "pty_ptsname");
    tap(ptsname_r(m, other, sizeof other) == 0 && !strcmp(name, other) &&
            ptsname_r(m, other, 4) == ERANGE,
        "pty_ptsname_r");
    tap(FAILS(open(name, O_RDWR | O_NOCTTY), EIO), "pty_locked");
    tap(unlockpt(m) == 0, "pty_unlockpt");
    int sl = open(name, O_RDWR | O_NOCTTY);
    tap(sl >= 0, "pty_open_slave");
    tap(isatty(sl) && isatty(m), "pty_isatty");
    tap(fstat(sl, &s) == 0 && S_ISCHR(s.st_mode), "pty_is_a_device");
    tap(ttyname(sl) && !strcmp(ttyname(sl), name), "pty_ttyname");
    tap(ttyname_r(sl, other, sizeof other) == 0 && !strcmp(other, name) &&
            ttyname_r(sl, other, 3) == ERANGE,
        "pty_ttyname_r");
    close(sl);
    close(m);
    tap(FAILS(open(other, O_RDWR | O_NOCTTY), ENOENT) || errno == ENXIO || errno == EIO,
        "pty_gone");
}

static void test_names_refused(void)
{
    int pipes[2], null = open("/dev/null", O_RDWR);
    char name[64];

    if (pipe(pipes))
        return;
    tap(FAILS(grantpt(-1), EBADF) && FAILS(unlockpt(-1), EBADF), "pty_grantpt_ebadf");
    tap(FAILS(grantpt(pipes[0]), EINVAL) && FAILS(unlockpt(null), EINVAL), "pty_grantpt_einval");
    tap((errno = 0, !ptsname(null)) && errno == ENOTTY && !ptsname(-1) && errno == EBADF,
        "pty_ptsname_errors");
    tap(!isatty(pipes[0]) && errno == ENOTTY && !isatty(-1) && errno == EBADF, "pty_isatty_errors");
    tap(ttyname_r(pipes[0], name, sizeof name) == ENOTTY &&
            ttyname_r(99, name, sizeof name) == EBADF && !ttyname(null) && errno == ENOTTY,
        "pty_ttyname_errors");
    close(null);
    close(pipes[0]);
    close(pipes[1]);
}

static void test_many(void)
{
    enum { MOST = 300 };
    int fds[MOST], count = 0;

    while (count < MOST && (fds[count] = posix_openpt(O_RDWR | O_NOCTTY)) >= 0)
        count++;
    tap(count >= 16 && (count == MOST || errno == ENOSPC || errno == EAGAIN || errno == EMFILE),
        "pty_many");
    while (count)
        close(fds[--count]);
    start();
    tap(type("again\n") && gives(slave, "again\n"), "pty_after_many");
    end();
}

/* ---- lines ---- */

static void test_lines(void)
{
    start();
    tap(type("abc\n") && gives(slave, "abc\n"), "pty_line");
    tap(gives(master, "abc\r\n"), "pty_echo");
    tap(write(slave, "x\ny", 3) == 3 && gives(master, "x\r\ny"), "pty_output");
    type("a\177b\n");
    tap(gives(slave, "b\n") && gives(master, "a\b \bb\r\n"), "pty_erase");
    type("one\ntwo\n");
    tap(gives(slave, "one\n") && gives(slave, "two\n"), "pty_one_line_a_read");
    type("\004");
    tap(gives(slave, ""), "pty_end_of_file");
    type("part\004");
    tap(gives(slave, "part"), "pty_end_of_file_pushes");
    type("longer\n");
    tap(read(slave, buffer, 3) == 3 && gives(slave, "ger\n"), "pty_line_in_parts");
    tap(read(slave, buffer, 0) == 0, "pty_read_nothing");
    tcflush(master, TCIOFLUSH);
    end();
}

static void test_long_line(void)
{
    start();
    modes(ECHO, 0, -1, 0);
    memset(buffer, 'l', 5000);
    buffer[5000] = '\n';
    tap(write(master, buffer, 5001) == 5001, "pty_long_line_is_taken");
    ssize_t n = read(slave, buffer, sizeof buffer);
    tap(n >= 255 && n <= 5001 && buffer[n - 1] == '\n', "pty_long_line_ends");
    type("short\n");
    tap(gives(slave, "short\n"), "pty_after_long_line");
    end();
}

static void test_raw(void)
{
    start();
    modes(ICANON | ECHO | ISIG, 0, 1, 0);
    tap(type("a\003\177") && gives(slave, "a\003\177") && nothing_in(master), "pty_raw");
    modes(0, 0, 3, 0);
    type("ab");
    tap(nothing_in(slave), "pty_vmin_waits");
    type("c");
    tap(gives(slave, "abc"), "pty_vmin");
    modes(0, 0, 0, 0);
    tap(read(slave, buffer, 10) == 0, "pty_vmin0_vtime0");
    modes(0, 0, 0, 2);
    tap(read(slave, buffer, 10) == 0, "pty_vmin0_vtime_ends");
    type("q");
    tap(gives(slave, "q"), "pty_vmin0_vtime_byte");
    modes(0, 0, 5, 2);
    type("xy");
    tap(gives(slave, "xy"), "pty_vmin_vtime_between_bytes");
    end();
}

static void test_type_ahead(void)
{
    start();
    modes(ECHO, 0, -1, 0);
    type("ahead");
    modes(ICANON, 0, 1, 0);
    tap(gives(slave, "ahead"), "pty_type_ahead_to_raw");
    type("more");
    modes(0, ICANON, -1, 0);
    tap(gives(slave, "more"), "pty_type_ahead_to_lines");
    struct termios s;
    tcgetattr(slave, &s);
    type("gone\n");
    tcsetattr(slave, TCSAFLUSH, &s);
    type("kept\n");
    tap(gives(slave, "kept\n"), "pty_tcsaflush");
    type("gone\n");
    tap(tcflush(slave, TCIFLUSH) == 0 && type("here\n") && gives(slave, "here\n"), "pty_tcflush");
    end();
}

static void test_nonblock(void)
{
    start();
    fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
    fcntl(master, F_SETFL, O_RDWR | O_NONBLOCK);
    tap(FAILS(read(slave, buffer, 10), EAGAIN) && FAILS(read(master, buffer, 10), EAGAIN),
        "pty_nonblock_read");
    modes(OPOST | ECHO, 0, -1, 0);
    memset(buffer, 'x', sizeof buffer);
    ssize_t n, all = 0;
    while ((n = write(slave, buffer, 1000)) > 0)
        all += n;
    tap(errno == EAGAIN && all >= 1000, "pty_nonblock_write");
    ssize_t got = 0;
    while ((n = read(master, buffer, sizeof buffer)) > 0)
        got += n;
    tap(got == all, "pty_nothing_lost");
    end();
}

/* ---- settings ---- */

static void test_settings(void)
{
    struct termios s, t;

    start();
    tap(tcgetattr(slave, &s) == 0 && (s.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG) &&
            (s.c_oflag & OPOST) && s.c_cc[VINTR] == 3 && s.c_cc[VEOF] == 4,
        "pty_defaults");
    s.c_cc[VERASE] = 'x';
    s.c_iflag |= IXOFF;
    cfsetospeed(&s, B9600);
    cfsetispeed(&s, B9600);
    tap(tcsetattr(slave, TCSADRAIN, &s) == 0 && tcgetattr(master, &t) == 0 &&
            t.c_cc[VERASE] == 'x' && (t.c_iflag & IXOFF) && cfgetospeed(&t) == B9600 &&
            cfgetispeed(&t) == B9600,
        "pty_settings_are_kept");
    type("abx\n");
    tap(gives(slave, "a\n"), "pty_verase");
    cfmakeraw(&t);
    tap(!(t.c_lflag & (ICANON | ECHO | ISIG | IEXTEN)) && !(t.c_oflag & OPOST) &&
            !(t.c_iflag & (ICRNL | IXON)) && t.c_cc[VMIN] == 1,
        "pty_cfmakeraw");
    tap(FAILS(cfsetospeed(&s, 12345), EINVAL) && FAILS(cfsetispeed(&s, 7777), EINVAL),
        "pty_bad_speed");
    end();
}

static void test_bad_arguments(void)
{
    struct termios s;
    int null = open("/dev/null", O_RDWR);

    start();
    tcgetattr(slave, &s);
    tap(FAILS(tcgetattr(-1, &s), EBADF) && FAILS(tcsetattr(99, TCSANOW, &s), EBADF) &&
            FAILS(tcdrain(-1), EBADF) && FAILS(tcflush(-1, TCIFLUSH), EBADF) &&
            FAILS(tcflow(-1, TCOON), EBADF) && FAILS(tcsendbreak(-1, 0), EBADF) &&
            FAILS(tcgetpgrp(-1), EBADF) && FAILS(tcsetpgrp(-1, 1), EBADF) &&
            FAILS(tcgetsid(-1), EBADF),
        "pty_ebadf");
    tap(FAILS(tcgetattr(null, &s), ENOTTY) && FAILS(tcsetattr(null, TCSANOW, &s), ENOTTY) &&
            FAILS(tcdrain(null), ENOTTY) && FAILS(tcflush(null, TCIFLUSH), ENOTTY) &&
            FAILS(tcflow(null, TCOON), ENOTTY) && FAILS(tcsendbreak(null, 0), ENOTTY) &&
            FAILS(tcgetpgrp(null), ENOTTY) && FAILS(tcsetpgrp(null, 1), ENOTTY) &&
            FAILS(tcgetsid(null), ENOTTY),
        "pty_enotty");
    tap(FAILS(tcsetattr(slave, 77, &s), EINVAL) && FAILS(tcflush(slave, 77), EINVAL) &&
            FAILS(tcflow(slave, 77), EINVAL),
        "pty_einval");
    void *wild = (void *)8;
    tap(FAILS(read(slave, wild, 0), EFAULT) || errno == 0, "pty_read_of_none");
    type("line\n");
    tap(FAILS(ioctl(slave, TIOCGWINSZ, wild), EFAULT) && FAILS(ioctl(slave, TCGETS, wild), EFAULT) &&
            FAILS(ioctl(slave, TCSETS, wild), EFAULT) && FAILS(write(slave, wild, 10), EFAULT) &&
            FAILS(write(master, wild, 10), EFAULT),
        "pty_efault");
    tap(FAILS(ioctl(slave, 0x54ff, 0), ENOTTY) || errno == EINVAL, "pty_unknown_request");
    tap(FAILS(lseek(slave, 0, SEEK_SET), ESPIPE), "pty_lseek");
    tap(tcsendbreak(slave, 0) == 0 && tcflow(slave, TCOON) == 0, "pty_break");
    tap(FAILS(tcgetpgrp(slave), ENOTTY) && FAILS(tcsetpgrp(slave, getpgrp()), ENOTTY) &&
            FAILS(tcgetsid(slave), ENOTTY),
        "pty_not_the_controlling_terminal");
    close(null);
    end();
}

static void test_window(void)
{
    struct winsize w = {.ws_row = 50, .ws_col = 132}, v;

    start();
    tap(ioctl(slave, TIOCGWINSZ, &v) == 0 && v.ws_row == 24 && v.ws_col == 80, "pty_window");
    tap(ioctl(master, TIOCSWINSZ, &w) == 0 && ioctl(slave, TIOCGWINSZ, &v) == 0 &&
            v.ws_row == 50 && v.ws_col == 132,
        "pty_window_set_by_master");
    w.ws_row = 10;
    tap(ioctl(slave, TIOCSWINSZ, &w) == 0 && ioctl(master, TIOCGWINSZ, &v) == 0 && v.ws_row == 10,
        "pty_window_set_by_slave");
    int n = 0;
    type("12345\n67");
    tap(ioctl(slave, FIONREAD, &n) == 0 && n == 6, "pty_fionread");
    end();
}

static void test_flow(void)
{
    start();
    fcntl(slave, F_SETFL, O_RDWR | O_NONBLOCK);
    tap(type("\023") && FAILS(write(slave, "x", 1), EAGAIN), "pty_stopped");
    tap(type("\021") && write(slave, "x", 1) == 1 && gives(master, "x"), "pty_started");
    tap(tcflow(slave, TCOOFF) == 0 && FAILS(write(slave, "x", 1), EAGAIN), "pty_tcooff");
    tap(tcflow(slave, TCOON) == 0 && write(slave, "y", 1) == 1 && gives(master, "y"), "pty_tcoon");
    tap(tcflow(slave, TCIOFF) == 0 && gives(master, "\023") && tcflow(slave, TCION) == 0 &&
            gives(master, "\021"),
        "pty_tcioff");
    end();
}

/* ---- poll, ends ---- */

static short events_of(int fd)
{
    struct pollfd p = {fd, POLLIN | POLLOUT, 0};
    return poll(&p, 1, 0) < 0 ? -1 : p.revents;
}

static void test_poll(void)
{
    start();
    modes(ECHO, 0, -1, 0);
    tap(events_of(slave) == POLLOUT && events_of(master) == POLLOUT, "pty_poll_empty");
    type("half");
    tap(events_of(slave) == POLLOUT, "pty_poll_half_a_line");
    type("\n");
    tap(events_of(slave) == (POLLIN | POLLOUT), "pty_poll_line");
    tap(write(slave, "o", 1) == 1 && events_of(master) == (POLLIN | POLLOUT), "pty_poll_output");
    end();
}

static void test_slave_closes(void)
{
    start();
    tap(write(slave, "last", 4) == 4 && close(slave) == 0, "pty_slave_closes");
    tap(events_of(master) & POLLHUP, "pty_poll_hup");
    tap(gives(master, "last") && FAILS(read(master, buffer, 10), EIO), "pty_master_eio");
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    tap(slave >= 0 && type("back\n") && gives(slave, "back\n"), "pty_slave_again");
    end();
}

static void test_master_closes(void)
{
    start();
    close(master);
    tap(read(slave, buffer, 10) == 0, "pty_slave_reads_the_end");
    tap(FAILS(write(slave, "x", 1), EIO), "pty_slave_eio");
    tap(events_of(slave) & POLLHUP, "pty_slave_poll_hup");
    close(slave);
}

/* ---- another process at the other end ---- */

static void test_throughput(void)
{
    enum { SIZE = 60000 };
    struct termios raw;

    start();
    tcgetattr(slave, &raw);
    cfmakeraw(&raw);
    tcsetattr(slave, TCSANOW, &raw);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        /* gives back what it gets, each byte plus one */
        close(master);
        for (int left = SIZE; left > 0;) {
            char bytes[500];
            ssize_t n = read(slave, bytes, sizeof bytes);
            for (ssize_t i = 0; i < n; i++)
                bytes[i]++;
            if (n <= 0 || write(slave, bytes, (size_t)n) != n)
                _exit(1);
            left -= (int)n;
        }
        _exit(0);
    }
    int sent = 0, got = 0, good = 1, status = -1;
    while (got < SIZE && good) {
        struct pollfd p = {master, POLLIN | (sent < SIZE ? POLLOUT : 0), 0};
        char bytes[700];
        poll(&p, 1, 10000);
        good = p.revents != 0;
        if (p.revents & POLLOUT) {
            for (int i = 0; i < 100; i++)
                bytes[i] = (char)((sent + i) % 251);
            ssize_t n = write(master, bytes, SIZE - sent < 100 ? (size_t)(SIZE - sent) : 100);
            sent += n > 0 ? (int)n : 0;
        }
        ssize_t n = p.revents & POLLIN ? read(master, bytes, sizeof bytes) : 0;
        for (ssize_t i = 0; i < n; i++)
            good &= (unsigned char)bytes[i] == (unsigned char)(got++ % 251 + 1);
    }
    tap(good && got == SIZE, "pty_there_and_back");
    end();
    tap(waitpid(child, &status, 0) == child && status == 0, "pty_child_ends_well");
}

static void test_blocked_reader(void)
{
    start();
    modes(ECHO, 0, -1, 0);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        close(master);
        _exit(gives(slave, "wake\n") ? 0 : 1);
    }
    struct timespec moment = {.tv_nsec = 50000000};
    int status = -1;
    nanosleep(&moment, NULL);
    type("wake\n");
    tap(waitpid(child, &status, 0) == child && status == 0, "pty_wakes_a_reader");
    fflush(stdout);
    child = fork();
    if (child == 0) {
        close(master);
        _exit(read(slave, buffer, 10) <= 0 ? 0 : 1);
    }
    nanosleep(&moment, NULL);
    close(master);
    tap(waitpid(child, &status, 0) == child && status == 0, "pty_wakes_a_reader_at_the_end");
    close(slave);
}

int main(void)
{
    test_open();
    test_names_refused();
    test_many();
    test_lines();
    test_long_line();
    test_raw();
    test_type_ahead();
    test_nonblock();
    test_settings();
    test_bad_arguments();
    test_window();
    test_flow();
    test_poll();
    test_slave_closes();
    test_master_closes();
    test_throughput();
    test_blocked_reader();
    return tap_failed;
}
