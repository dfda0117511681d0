/* SPDX-License-Identifier: BSD-2-Clause */
/* Every cancellation point that POSIX names: a thread that was cancelled before ends there, and so does one that waits there. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <termios.h>

#include "conformance.h"

static int empty[2], full[2], sockets[2], full_sockets[2], listener, file, locked, terminal;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
static sem_t none;
static pthread_t other;
static char byte[4096];
static sigset_t usr2;
static void *page;
static struct sockaddr_un nowhere = {AF_UNIX, "/tmp/nowhere"};

static struct timespec far_off(void)
{
    struct timespec t;
    clock_gettime(CLOCK_REALTIME, &t);
    t.tv_sec += 1000;
    return t;
}

static const struct timespec hour = {3600, 0};
static struct iovec vector = {byte, sizeof byte};
static struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};

static struct flock whole(void)
{
    return (struct flock){.l_type = F_WRLCK, .l_whence = SEEK_SET};
}

static void in_accept(void) { accept(listener, NULL, NULL); }
static void in_clock_nanosleep(void) { clock_nanosleep(CLOCK_MONOTONIC, 0, &hour, NULL); }
static void in_fcntl(void) { struct flock f = whole(); fcntl(locked, F_SETLKW, &f); }
static void in_lockf(void) { lockf(locked, F_LOCK, 0); }
static void in_nanosleep(void) { nanosleep(&hour, NULL); }
static void in_open(void) { open("/tmp/fifo", O_RDONLY); }
static void in_openat(void) { openat(AT_FDCWD, "/tmp/fifo", O_RDONLY); }
static void in_pause(void) { pause(); }
static void in_poll(void) { struct pollfd p = {empty[0], POLLIN}; poll(&p, 1, -1); }
static void in_pselect(void) { sigset_t s; sigemptyset(&s); pselect(0, NULL, NULL, NULL, &hour, &s); }
static void in_cond_timedwait(void) { struct timespec t = far_off(); pthread_mutex_lock(&mutex); pthread_cond_timedwait(&condition, &mutex, &t); }
static void in_cond_wait(void) { pthread_mutex_lock(&mutex); pthread_cond_wait(&condition, &mutex); }
static void in_join(void) { pthread_join(other, NULL); }
static void in_read(void) { read(empty[0], byte, 1); }
static void in_readv(void) { readv(empty[0], &vector, 1); }
static void in_recv(void) { recv(sockets[0], byte, 1, 0); }
static void in_recvfrom(void) { recvfrom(sockets[0], byte, 1, 0, NULL, NULL); }
static void in_recvmsg(void) { struct msghdr m = message; recvmsg(sockets[0], &m, 0); }
static void in_select(void) { fd_set s; FD_ZERO(&s); FD_SET(empty[0], &s); select(empty[0] + 1, &s, NULL, NULL, NULL); }
static void in_sem_timedwait(void) { struct timespec t = far_off(); sem_timedwait(&none, &t); }
static void in_sem_wait(void) { sem_wait(&none); }
static void in_send(void) { send(full_sockets[0], byte, sizeof byte, 0); }
static void in_sendmsg(void) { sendmsg(full_sockets[0], &message, 0); }
static void in_sendto(void) { sendto(full_sockets[0], byte, sizeof byte, 0, NULL, 0); }
static void in_sigsuspend(void) { sigset_t s; sigfillset(&s); sigsuspend(&s); }
static void in_sigtimedwait(void) { sigtimedwait(&usr2, NULL, &hour); }
static void in_sigwait(void) { int s; sigwait(&usr2, &s); }
static void in_sigwaitinfo(void) { sigwaitinfo(&usr2, NULL); }
static void in_sleep(void) { sleep(1000); }
static void in_wait(void) { wait(NULL); }
static void in_waitid(void) { siginfo_t i; waitid(P_ALL, 0, &i, WEXITED); }
static void in_waitpid(void) { waitpid(-1, NULL, 0); }
static void in_write(void) { write(full[1], byte, sizeof byte); }
static void in_writev(void) { writev(full[1], &vector, 1); }
static void in_close(void) { close(-1); }
static void in_connect(void) { connect(sockets[0], (struct sockaddr *)&nowhere, sizeof nowhere); }
static void in_creat(void) { creat("/tmp/created", 0600); }
static void in_fdatasync(void) { fdatasync(file); }
static void in_fsync(void) { fsync(file); }
static void in_msync(void) { msync(page, 4096, MS_SYNC); }
static void in_pread(void) { pread(file, byte, 1, 0); }
static void in_pwrite(void) { pwrite(file, byte, 1, 0); }
static void in_tcdrain(void) { tcdrain(terminal); }
static void in_testcancel(void) { pthread_testcancel(); }

static const struct point {
    const char *name;
    void (*call)(void);
    int waits;
} points[] = {
    {"accept", in_accept, 1}, {"clock_nanosleep", in_clock_nanosleep, 1}, {"fcntl", in_fcntl, 1}, {"lockf", in_lockf, 1},
    {"nanosleep", in_nanosleep, 1}, {"open", in_open, 1}, {"openat", in_openat, 1}, {"pause", in_pause, 1}, {"poll", in_poll, 1},
    {"pselect", in_pselect, 1}, {"pthread_cond_timedwait", in_cond_timedwait, 1}, {"pthread_cond_wait", in_cond_wait, 1},
    {"pthread_join", in_join, 1}, {"read", in_read, 1}, {"readv", in_readv, 1}, {"recv", in_recv, 1}, {"recvfrom", in_recvfrom, 1},
    {"recvmsg", in_recvmsg, 1}, {"select", in_select, 1}, {"sem_timedwait", in_sem_timedwait, 1}, {"sem_wait", in_sem_wait, 1},
    {"send", in_send, 1}, {"sendmsg", in_sendmsg, 1}, {"sendto", in_sendto, 1}, {"sigsuspend", in_sigsuspend, 1},
    {"sigtimedwait", in_sigtimedwait, 1}, {"sigwait", in_sigwait, 1}, {"sigwaitinfo", in_sigwaitinfo, 1}, {"sleep", in_sleep, 1},
    {"wait", in_wait, 1}, {"waitid", in_waitid, 1}, {"waitpid", in_waitpid, 1}, {"write", in_write, 1}, {"writev", in_writev, 1},
    {"close", in_close, 0}, {"connect", in_connect, 0}, {"creat", in_creat, 0}, {"fdatasync", in_fdatasync, 0}, {"fsync", in_fsync, 0},
    {"msync", in_msync, 0}, {"pread", in_pread, 0}, {"pwrite", in_pwrite, 0}, {"tcdrain", in_tcdrain, 0},
    {"pthread_testcancel", in_testcancel, 0},
};

static volatile int there, came_back;

static void unlock(void *unused)
{
    (void)unused;
    pthread_mutex_trylock(&mutex);
    pthread_mutex_unlock(&mutex);
}

static void *waits_in(void *point)
{
    pthread_cleanup_push(unlock, NULL);
    there = 1;
    ((const struct point *)point)->call();
    came_back = 1;
    pthread_cleanup_pop(1);
    return NULL;
}

static void *comes_cancelled(void *point)
{
    int old;

    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &old);
    there = 1;
    while (there != 2)
        doze(1);
    pthread_setcancelstate(old, &old);
    return waits_in(point);
}

/* Whether the thread ended in it, within two seconds. */
static int ends_there(const struct point *point, void *(*how)(void *))
{
    struct timespec soon;
    void *result = NULL;
    pthread_t t;

    there = came_back = 0;
    if (pthread_create(&t, NULL, how, (void *)point))
        return 0;
    while (!there)
        doze(1);
    doze(5);
    pthread_cancel(t);
    there = 2;
    clock_gettime(CLOCK_REALTIME, &soon);
    soon.tv_sec += 2;
    if (pthread_timedjoin_np(t, &result, &soon))
        printf("# %s goes on waiting\n", point->name);
    return result == PTHREAD_CANCELED && !came_back;
}

static pid_t lock_holder(void)
{
    pid_t child = fork();

    if (child == 0) {
        struct flock f = whole();
        fcntl(locked, F_SETLK, &f);
        for (;;)
            pause();
    }
    return child;
}

static void fill(int descriptor)
{
    fcntl(descriptor, F_SETFL, O_NONBLOCK);
    while (write(descriptor, byte, sizeof byte) > 0)
        ;
    fcntl(descriptor, F_SETFL, 0);
}

static void *forever(void *unused)
{
    (void)unused;
    for (;;)
        sleep(1000);
}

static void prepare(void)
{
    static const struct sockaddr_un here = {AF_UNIX, "/tmp/listener"};

    sigemptyset(&usr2);
    sigaddset(&usr2, SIGUSR2);
    pthread_sigmask(SIG_BLOCK, &usr2, NULL);
    pipe(empty);
    pipe(full);
    fill(full[1]);
    socketpair(AF_UNIX, SOCK_STREAM, 0, sockets);
    socketpair(AF_UNIX, SOCK_STREAM, 0, full_sockets);
    fill(full_sockets[0]);
    unlink(here.sun_path);
    listener = socket(AF_UNIX, SOCK_STREAM, 0);
    bind(listener, (const struct sockaddr *)&here, sizeof here);
    listen(listener, 1);
    file = open("/tmp/file", O_CREAT | O_RDWR, 0600);
    locked = open("/tmp/locked", O_CREAT | O_RDWR, 0600);
    terminal = posix_openpt(O_RDWR | O_NOCTTY);
    mkfifo("/tmp/fifo", 0600);
    page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sem_init(&none, 0, 0);
    pthread_create(&other, NULL, forever, NULL);
}

/* A stream's lock is not left behind by a thread that was cancelled while it read. */
static FILE *stream;

static void *reads_stream(void *unused)
{
    (void)unused;
    int c = fgetc(stream);
    for (;;)
        pthread_testcancel();
    return (void *)(long)c;
}

static void test_stream(void)
{
    void *result = NULL;
    int ends[2];
    pthread_t t;

    pipe(ends);
    stream = fdopen(ends[0], "r");
    pthread_create(&t, NULL, reads_stream, NULL);
    doze(10);
    pthread_cancel(t);
    doze(10);
    write(ends[1], "ab", 2);
    pthread_join(t, &result);
    int lock = ftrylockfile(stream);
    tap(result == PTHREAD_CANCELED && lock == 0, "stream_is_left_unlocked");
    if (lock == 0)
        funlockfile(stream);
}

static volatile int handled;

static void handle(int signal)
{
    handled = signal;
}

/* What system() has changed is as before, and its command is gone. */
static void in_system(void) { system("exec sleep 1000"); }

static int as_before(void)
{
    struct sigaction now;

    sigaction(SIGINT, NULL, &now);
    return now.sa_handler == handle && FAILS(waitpid(-1, NULL, WNOHANG), ECHILD);
}

static void test_system(void)
{
    static const struct point point = {"system", in_system, 1};

    signal(SIGINT, handle);
    tap(ends_there(&point, comes_cancelled) && as_before(), "system_when_cancelled"); /* the first: the shell is read from its file */
    tap(ends_there(&point, waits_in) && as_before(), "system_while_it_waits");
    signal(SIGINT, SIG_DFL);
}

int main(void)
{
    char name[64];

    prepare();
    pid_t holder = lock_holder();
    doze(20);
    int before = dup(0);
    close(before);
    for (size_t i = 0; i < sizeof points / sizeof points[0]; i++) {
        snprintf(name, sizeof name, "%s_when_cancelled", points[i].name);
        tap(ends_there(&points[i], comes_cancelled), name);
        snprintf(name, sizeof name, "%s_while_it_waits", points[i].name);
        if (points[i].waits)
            tap(ends_there(&points[i], waits_in), name);
    }
    int after = dup(0);
    close(after);
    tap(before == after && access("/tmp/created", F_OK), "nothing_was_opened");
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
    test_stream();
    test_system();
    return tap_failed;
}
