/* SPDX-License-Identifier: BSD-2-Clause */
/* Asynchronous input and output. */
#define _GNU_SOURCE
#include <aio.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/stat.h>

#include "conformance.h"

#define COUNT 40
#define SIZE  100

static int file;
static volatile int told, value, code;

static void handler(int signal, siginfo_t *information, void *context)
{
    (void)signal, (void)context;
    value = information->si_value.sival_int;
    code = information->si_code;
    told++;
}

static void function(union sigval v)
{
    value = v.sival_int;
    told++;
}

static struct aiocb request(int descriptor, void *buffer, size_t size, off_t offset)
{
    struct aiocb a;

    memset(&a, 0, sizeof a);
    a.aio_fildes = descriptor;
    a.aio_buf = buffer;
    a.aio_nbytes = size;
    a.aio_offset = offset;
    a.aio_sigevent.sigev_notify = SIGEV_NONE;
    return a;
}

static ssize_t completed(struct aiocb *a)
{
    const struct aiocb *list[] = {NULL, a};

    while (aio_error(a) == EINPROGRESS)
        aio_suspend(list, 2, NULL);
    return aio_return(a);
}

static void wait_told(int count)
{
    for (int i = 0; i < 2000 && told < count; i++)
        doze(1);
}

static void test_transfers(void)
{
    static char out[COUNT][SIZE], back[SIZE];
    struct aiocb a[COUNT], sync;
    int good = 1;

    for (int i = 0; i < COUNT; i++) {
        memset(out[i], 'a' + i % 26, SIZE);
        a[i] = request(file, out[i], SIZE, (off_t)i * SIZE);
        good &= GIVES(aio_write(&a[i]), 0);
    }
    sync = request(file, NULL, 0, 0);
    good &= GIVES(aio_fsync(O_SYNC, &sync), 0) & GIVES(completed(&sync), 0);
    for (int i = 0; i < COUNT; i++) /* asked for before it */
        good &= GIVES(aio_error(&a[i]), 0) & GIVES(aio_return(&a[i]), SIZE);
    for (int i = 0; i < COUNT; i++) {
        struct aiocb r = request(file, back, SIZE, (off_t)i * SIZE);
        good &= GIVES(aio_read(&r), 0) & GIVES(completed(&r), SIZE) & !memcmp(back, out[i], SIZE);
    }
    tap(good, "aio_write_sync_read");
    struct aiocb end = request(file, back, SIZE, COUNT * SIZE);
    tap(GIVES(aio_read(&end), 0) & GIVES(completed(&end), 0), "aio_end_of_file");
    int log = open("/tmp/aio-log", O_RDWR | O_CREAT | O_TRUNC | O_APPEND, 0600);
    for (int i = 0; i < COUNT; i++) {
        a[i] = request(log, out[i], 1, 0);
        good &= GIVES(aio_write(&a[i]), 0);
    }
    for (int i = 0; i < COUNT; i++)
        good &= GIVES(completed(&a[i]), 1);
    good &= GIVES(pread(log, back, SIZE, 0), COUNT);
    for (int i = 0; i < COUNT; i++)
        good &= back[i] == 'a' + i % 26;
    tap(good, "aio_append_in_order");
    close(log);
    unlink("/tmp/aio-log");
}

static void test_pipes(void)
{
    struct timespec soon = {0, 20000000};
    char byte = 0, word = 'x';
    int ends[2];

    pipe(ends);
    struct aiocb r = request(ends[0], &byte, 1, 0), other = request(ends[0], &word, 1, 0);
    const struct aiocb *list[] = {&r};
    tap(GIVES(aio_read(&r), 0) & GIVES(aio_error(&r), EINPROGRESS) & FAILS(aio_suspend(list, 1, &soon), EAGAIN) &
            GIVES(aio_error(&r), EINPROGRESS),
        "aio_suspend_times_out");
    doze(20);
    tap(GIVES(aio_read(&other), 0) & GIVES(aio_cancel(ends[0], &other), AIO_CANCELED) & GIVES(aio_error(&other), ECANCELED) &
            FAILS(aio_return(&other), ECANCELED) & GIVES(aio_cancel(ends[0], NULL), AIO_NOTCANCELED),
        "aio_cancel");
    write(ends[1], "y", 1);
    tap(GIVES(aio_suspend(list, 1, NULL), 0) & GIVES(aio_return(&r), 1) & (byte == 'y') &
            GIVES(aio_cancel(ends[0], NULL), AIO_ALLDONE),
        "aio_read_of_a_pipe");
    close(ends[0]);
    close(ends[1]);
}

static void test_told(void)
{
    struct sigaction action;
    char byte = 'b';

    memset(&action, 0, sizeof action);
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO | SA_RESTART;
    sigaction(SIGUSR1, &action, NULL);
    struct aiocb a = request(file, &byte, 1, 0);
    a.aio_sigevent.sigev_notify = SIGEV_SIGNAL;
    a.aio_sigevent.sigev_signo = SIGUSR1;
    a.aio_sigevent.sigev_value.sival_int = 42;
    int good = GIVES(aio_write(&a), 0);
    wait_told(1);
    tap(good & (told == 1) & (value == 42) & (code == SI_ASYNCIO) & GIVES(completed(&a), 1), "aio_signal");
    told = 0;
    a.aio_sigevent.sigev_notify = SIGEV_THREAD;
    a.aio_sigevent.sigev_notify_function = function;
    a.aio_sigevent.sigev_value.sival_int = 43;
    good = GIVES(aio_write(&a), 0);
    wait_told(1);
    tap(good & (told == 1) & (value == 43) & GIVES(completed(&a), 1), "aio_thread");
}

static void test_lists(void)
{
    static char bytes[COUNT];
    struct aiocb a[COUNT], *list[COUNT];
    struct sigevent event;

    for (int i = 0; i < COUNT; i++) {
        a[i] = request(file, &bytes[i], 1, i);
        a[i].aio_lio_opcode = i % 3 == 2 ? LIO_NOP : i % 3 ? LIO_READ : LIO_WRITE;
        list[i] = i == 5 ? NULL : &a[i];
    }
    int good = GIVES(lio_listio(LIO_WAIT, list, COUNT, NULL), 0);
    for (int i = 0; i < COUNT; i++)
        good &= i == 5 || i % 3 == 2 || (GIVES(aio_error(&a[i]), 0) & GIVES(aio_return(&a[i]), 1));
    tap(good, "lio_listio_waits");
    memset(&event, 0, sizeof event);
    event.sigev_notify = SIGEV_SIGNAL;
    event.sigev_signo = SIGUSR1;
    event.sigev_value.sival_int = 44;
    told = 0;
    good = GIVES(lio_listio(LIO_NOWAIT, list, COUNT, &event), 0);
    wait_told(1);
    tap(good & (told == 1) & (value == 44) & GIVES(completed(&a[0]), 1), "lio_listio_tells_once");
    a[1].aio_fildes = 99;
    tap(FAILS(lio_listio(LIO_WAIT, list, COUNT, NULL), EIO) & GIVES(aio_error(&a[1]), EBADF) & GIVES(aio_error(&a[0]), 0),
        "lio_listio_eio");
    tap(FAILS(lio_listio(9, list, 1, NULL), EINVAL) & FAILS(lio_listio(LIO_WAIT, list, -1, NULL), EINVAL), "lio_listio_errors");
}

static void test_errors(void)
{
    char byte = 0;
    int reading = open("/tmp/aio", O_RDONLY), writing = open("/tmp/aio", O_WRONLY);
    struct aiocb none = request(99, &byte, 1, 0), read_only = request(reading, &byte, 1, 0),
                 write_only = request(writing, &byte, 1, 0), before = request(file, &byte, 1, -1),
                 nowhere = request(file, FAR, 1, 0);
    tap(FAILS(aio_read(&none), EBADF) & FAILS(aio_write(&read_only), EBADF) & FAILS(aio_read(&write_only), EBADF) &
            FAILS(aio_fsync(O_SYNC, &none), EBADF) & FAILS(aio_fsync(99, &read_only), EINVAL) & FAILS(aio_cancel(99, NULL), EBADF),
        "aio_errors");
    tap((aio_read(&before) ? errno == EINVAL : completed(&before) == -1 && errno == EINVAL) &
            GIVES(aio_read(&nowhere), 0) & FAILS(completed(&nowhere), EFAULT),
        "aio_wrong_places");
    close(reading);
    close(writing);
}

static int child_has_none(void)
{
    char byte = 'c';
    struct aiocb a = request(file, &byte, 1, 0);
    return !(GIVES(aio_cancel(file, NULL), AIO_ALLDONE) & GIVES(aio_write(&a), 0) & GIVES(completed(&a), 1));
}

int main(void)
{
    file = open("/tmp/aio", O_RDWR | O_CREAT | O_TRUNC, 0600);
    test_transfers();
    test_pipes();
    test_told();
    test_lists();
    test_errors();
    tap(child_well(child_has_none), "aio_of_a_child");
    unlink("/tmp/aio");
    return tap_failed;
}
