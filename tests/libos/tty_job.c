/* SPDX-License-Identifier: BSD-2-Clause */
/* Controlling terminals and job control, on pseudo-terminals. Also passes on Linux. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>
#include <utmp.h>

#include "tap.h"

#define FAILS(call, error) (errno = 0, (call) == -1 && errno == (error))

static int master;
static int results; /* pipe's end, in a session's leader: bit n of a byte is test n's */

/*
 * A new session on a pseudo-terminal; its leader runs `body`, whose result is a set of bits, and
 * the caller then says how each went. `keys` are typed while it runs.
 */
struct scene {
    pid_t leader;
    int report;
};

static struct scene scene_start(unsigned (*body)(void))
{
    struct scene s;
    int pipes[2];

    fflush(stdout);
    if (pipe(pipes))
        exit(1);
    s.leader = forkpty(&master, NULL, NULL, NULL);
    if (s.leader == 0) {
        close(pipes[0]);
        results = pipes[1];
        signal(SIGHUP, SIG_DFL);
        unsigned bits = body();
        write(results, &bits, sizeof bits);
        _exit(0);
    }
    close(pipes[1]);
    s.report = pipes[0];
    return s;
}

static unsigned scene_end(struct scene s)
{
    unsigned bits = 0;

    if (read(s.report, &bits, sizeof bits) != sizeof bits)
        bits = 0;
    close(master);
    close(s.report);
    waitpid(s.leader, NULL, 0);
    return bits;
}

/* A scene without keys: each bit is a test. */
static void play(unsigned (*body)(void), const char *const *names)
{
    unsigned bits = scene_end(scene_start(body));

    for (unsigned i = 0; names[i]; i++)
        tap(bits >> i & 1, names[i]);
}

static void ready(void)
{
    unsigned bits = ~0U;
    write(results, &bits, sizeof bits);
}

static void wait_ready(struct scene s)
{
    unsigned bits;
    read(s.report, &bits, sizeof bits);
}

static void type(const char *keys)
{
    write(master, keys, strlen(keys));
}

static void doze(void)
{
    struct timespec moment = {.tv_nsec = 20000000};
    nanosleep(&moment, NULL);
}

/* A child in a group of its own; in the foreground if asked for. */
static pid_t job(void (*body)(void), int foreground)
{
    pid_t child = fork();

    if (child == 0) {
        setpgid(0, 0);
        if (foreground) {
            signal(SIGTTOU, SIG_IGN);
            tcsetpgrp(0, getpgrp());
            signal(SIGTTOU, SIG_DFL);
        }
        body();
        _exit(0);
    }
    setpgid(child, child);
    return child;
}

static void finish(pid_t child)
{
    kill(-child, SIGKILL);
    waitpid(child, NULL, 0);
}

static int stopped_by(pid_t child, int signal)
{
    int status = 0;
    return waitpid(child, &status, WUNTRACED) == child && WIFSTOPPED(status) &&
           WSTOPSIG(status) == signal;
}

/* ---- whose terminal ---- */

static unsigned whose(void)
{
    unsigned bits = 0;
    int fd = open("/dev/tty", O_RDWR);

    bits |= (unsigned)(fd >= 0 && isatty(fd)) << 0;
    bits |= (unsigned)(tcgetpgrp(0) == getpgrp() && tcgetpgrp(fd) == getpgrp()) << 1;
    bits |= (unsigned)(tcgetsid(0) == getsid(0)) << 2;
    bits |= (unsigned)((FAILS(tcsetpgrp(0, 0x7ffffff), EPERM) || errno == ESRCH) &&
                       FAILS(tcsetpgrp(0, -5), EINVAL))
            << 3;
    close(fd);
    pid_t child = fork();
    if (child == 0) {
        setsid();
        int none = FAILS(open("/dev/tty", O_RDWR), ENXIO);
        none &= FAILS(tcgetpgrp(0), ENOTTY) && FAILS(tcsetpgrp(0, getpgrp()), ENOTTY);
        none &= FAILS(ioctl(0, TIOCSCTTY, 0), EPERM); /* it is another session's */
        _exit(none);
    }
    int status = 0;
    waitpid(child, &status, 0);
    bits |= (unsigned)(WIFEXITED(status) && WEXITSTATUS(status) == 1) << 4;
    return bits;
}

static const char *const whose_names[] = {"job_dev_tty", "job_tcgetpgrp", "job_tcgetsid",
                                          "job_tcsetpgrp_errors", "job_no_terminal", NULL};

static unsigned acquiring(void)
{
    unsigned bits = 0;
    int m = posix_openpt(O_RDWR | O_NOCTTY), status = 0;

    grantpt(m);
    unlockpt(m);
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        unsigned own = 0;
        setsid();
        int fd = open(ptsname(m), O_RDWR | O_NOCTTY);
        own |= (unsigned)FAILS(open("/dev/tty", O_RDWR), ENXIO) << 0;
        close(fd);
        fd = open(ptsname(m), O_RDWR);
        own |= (unsigned)(open("/dev/tty", O_RDWR) >= 0 && tcgetsid(fd) == getpid()) << 1;
        pid_t grandchild = fork();
        if (grandchild == 0)
            _exit(FAILS(ioctl(fd, TIOCSCTTY, 0), EPERM) || errno == 0);
        waitpid(grandchild, &status, 0);
        own |= (unsigned)(WEXITSTATUS(status) == 1) << 2;
        signal(SIGHUP, SIG_IGN);
        own |= (unsigned)(ioctl(fd, TIOCNOTTY, 0) == 0 && FAILS(open("/dev/tty", O_RDWR), ENXIO))
               << 3;
        own |= (unsigned)(ioctl(fd, TIOCSCTTY, 0) == 0 && tcgetpgrp(fd) == getpgrp()) << 4;
        _exit((int)own);
    }
    waitpid(child, &status, 0);
    bits = WIFEXITED(status) ? (unsigned)WEXITSTATUS(status) : 0;
    close(m);
    return bits;
}

static const char *const acquiring_names[] = {"job_o_noctty", "job_open_acquires",
                                              "job_tiocsctty_by_no_leader", "job_tiocnotty",
                                              "job_tiocsctty", NULL};

/* ---- keys ---- */

static volatile sig_atomic_t came;

static void note(int signal)
{
    came |= 1 << signal;
}

static void wait_for(int signal)
{
    for (int i = 0; i < 500 && !(came & 1 << signal); i++)
        doze();
}

static unsigned interrupted(void)
{
    unsigned bits = 0;
    struct sigaction action = {.sa_handler = note};
    char bytes[10];

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGQUIT, &action, NULL);
    sigaction(SIGWINCH, &action, NULL);
    pid_t other = job((void (*)(void))pause, 0);
    ready();
    bits |= (unsigned)(FAILS(read(0, bytes, sizeof bytes), EINTR) && came & 1 << SIGINT) << 0;
    ready();
    wait_for(SIGQUIT);
    bits |= (came >> SIGQUIT & 1U) << 1;
    ready();
    wait_for(SIGWINCH);
    bits |= (came >> SIGWINCH & 1U) << 2;
    bits |= (unsigned)(waitpid(other, NULL, WNOHANG) == 0) << 3; /* the background heard none */
    finish(other);
    return bits;
}

static void test_keys(void)
{
    struct winsize window = {.ws_row = 7, .ws_col = 7};
    struct scene s = scene_start(interrupted);

    wait_ready(s);
    doze();
    type("\003");
    wait_ready(s);
    type("\034");
    wait_ready(s);
    ioctl(master, TIOCSWINSZ, &window);
    unsigned bits = scene_end(s);
    tap(bits & 1, "job_sigint_ends_a_read");
    tap(bits & 2, "job_sigquit");
    tap(bits & 4, "job_sigwinch");
    tap(bits & 8, "job_background_hears_nothing");
}

static void sleeps(void)
{
    ready();
    for (;;)
        pause();
}

static unsigned suspended(void)
{
    unsigned bits = 0;
    int status = 0;
    pid_t child = job(sleeps, 1);

    bits |= (unsigned)stopped_by(child, SIGTSTP) << 0;
    signal(SIGTTOU, SIG_IGN);
    bits |= (unsigned)(tcsetpgrp(0, getpgrp()) == 0 && tcgetpgrp(0) == getpgrp()) << 1;
    kill(-child, SIGCONT);
    bits |= (unsigned)(waitpid(child, &status, WCONTINUED) == child && WIFCONTINUED(status)) << 2;
    tcsetpgrp(0, child);
    ready();
    bits |= (unsigned)(waitpid(child, &status, 0) == child && WIFSIGNALED(status) &&
                       WTERMSIG(status) == SIGINT)
            << 3;
    return bits;
}

static void test_suspend(void)
{
    struct scene s = scene_start(suspended);

    wait_ready(s);
    doze();
    type("\032");
    wait_ready(s);
    doze();
    type("\003");
    unsigned bits = scene_end(s);
    tap(bits & 1, "job_ctrl_z_stops");
    tap(bits & 2, "job_tcsetpgrp");
    tap(bits & 4, "job_continued");
    tap(bits & 8, "job_ctrl_c_kills");
}

/* ---- the background ---- */

static void reads(void)
{
    char byte;
    _exit(read(0, &byte, 1) == 1 ? 7 : 8);
}

static void reads_ignoring(void)
{
    char byte;
    signal(SIGTTIN, SIG_IGN);
    _exit(FAILS(read(0, &byte, 1), EIO) ? 5 : 6);
}

static void reads_caught(void)
{
    struct sigaction action = {.sa_handler = note};
    char byte;

    sigaction(SIGTTIN, &action, NULL);
    _exit(FAILS(read(0, &byte, 1), EINTR) && came & 1 << SIGTTIN ? 5 : 6);
}

static void writes(void)
{
    _exit(write(1, "w", 1) == 1 ? 5 : 6);
}

static void changes(void)
{
    struct termios t;
    tcgetattr(0, &t);
    _exit(tcsetattr(0, TCSANOW, &t) == 0 ? 5 : 6);
}

static void changes_blocked(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTTOU);
    sigprocmask(SIG_BLOCK, &set, NULL);
    changes();
}

static int exits_with(pid_t child, int wanted)
{
    int status = 0;
    return waitpid(child, &status, 0) == child && WIFEXITED(status) &&
           WEXITSTATUS(status) == wanted;
}

static unsigned background(void)
{
    unsigned bits = 0;
    struct termios t;
    pid_t child = job(reads, 0);

    bits |= (unsigned)stopped_by(child, SIGTTIN) << 0;
    finish(child);
    bits |= (unsigned)exits_with(job(reads_ignoring, 0), 5) << 1;
    bits |= (unsigned)exits_with(job(reads_caught, 0), 5) << 2;
    bits |= (unsigned)exits_with(job(writes, 0), 5) << 3;
    tcgetattr(0, &t);
    t.c_lflag |= TOSTOP;
    tcsetattr(0, TCSANOW, &t);
    child = job(writes, 0);
    bits |= (unsigned)stopped_by(child, SIGTTOU) << 4;
    t.c_lflag &= ~(tcflag_t)TOSTOP;
    tcsetattr(0, TCSANOW, &t);
    kill(child, SIGCONT);
    bits |= (unsigned)exits_with(child, 5) << 5;
    child = job(changes, 0);
    bits |= (unsigned)stopped_by(child, SIGTTOU) << 6;
    finish(child);
    bits |= (unsigned)exits_with(job(changes_blocked, 0), 5) << 7;
    return bits;
}

static const char *const background_names[] = {
    "job_sigttin",         "job_sigttin_ignored", "job_sigttin_caught",  "job_background_writes",
    "job_tostop",          "job_tostop_goes_on",  "job_sigttou_settings", "job_sigttou_blocked",
    NULL};

static int passed[2];

static void orphan_maker(void)
{
    pid_t child = fork();

    if (child == 0) {
        char byte, verdict;
        while (getppid() != 1)
            doze();
        signal(SIGHUP, SIG_IGN);
        verdict = FAILS(read(0, &byte, 1), EIO);
        write(passed[1], &verdict, 1);
        _exit(0);
    }
    _exit(0);
}

static unsigned orphaned(void)
{
    char verdict = 0;

    pipe(passed);
    pid_t child = job(orphan_maker, 0);
    waitpid(child, NULL, 0);
    read(passed[0], &verdict, 1);
    return (unsigned)verdict;
}

static const char *const orphaned_names[] = {"job_orphaned_group_reads_eio", NULL};

/* ---- ends ---- */

static void hung_up(int signal)
{
    (void)signal;
    write(results, "H", 1);
    _exit(0);
}

static void waits_for_hang_up(void)
{
    signal(SIGHUP, hung_up);
    write(results, "R", 1);
    for (;;)
        pause();
}

static unsigned leader_leaves(void)
{
    pid_t child = job(waits_for_hang_up, 1);

    (void)child;
    while (tcgetpgrp(0) == getpgrp())
        doze();
    doze();
    _exit(0);
}

static unsigned leader_stays(void)
{
    waits_for_hang_up();
    return 0;
}

static int reports(int fd, char wanted)
{
    char byte = 0;
    return read(fd, &byte, 1) == 1 && byte == wanted;
}

static void test_hang_up(void)
{
    struct scene s = scene_start(leader_leaves);

    tap(reports(s.report, 'R') && reports(s.report, 'H'), "job_leader_ends_sighup");
    scene_end(s);
    s = scene_start(leader_stays);
    int ready = reports(s.report, 'R');
    close(master);
    tap(ready && reports(s.report, 'H'), "job_master_closes_sighup");
    close(s.report);
    waitpid(s.leader, NULL, 0);
}

int main(void)
{
    signal(SIGHUP, SIG_IGN);
    play(whose, whose_names);
    play(acquiring, acquiring_names);
    test_keys();
    test_suspend();
    play(background, background_names);
    play(orphaned, orphaned_names);
    test_hang_up();
    return tap_failed;
}
