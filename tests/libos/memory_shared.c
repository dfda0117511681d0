/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that processes and files have in common: fork's copy-on-write, shared mappings, mapped files,
 * shared memory objects. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <aegis/exposed.h>
#include <aegis/pager.h>

#include "tap.h"

#define PAGE 4096UL
#define RW   (PROT_READ | PROT_WRITE)

static sigjmp_buf back;
static volatile int fault_code;

static void on_fault(int signal, siginfo_t *info, void *context)
{
    (void)context;
    fault_code = info->si_code;
    siglongjmp(back, signal);
}

static int touch(volatile char *p, int write)
{
    int signal = sigsetjmp(back, 1);

    if (!signal) {
        if (write)
            *p = 1;
        else
            (void)*p;
    }
    return signal;
}

/* What a child makes of it. */
static int in_child(int (*function)(void))
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(function());
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        return -1;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -2;
}

static char *private_page, *shared_page, *heap_block, *late;
static char global[3 * PAGE] = "global";

static int child_writes(void)
{
    int good = !strcmp(global, "global") && private_page[0] == 'p' && heap_block[70000] == 'h';

    strcpy(global, "child");
    strcpy(global + 2 * PAGE, "child");
    private_page[0] = heap_block[70000] = 'c';
    shared_page[1] = 'c';
    late[PAGE] = 'l';
    return good ? 7 : 8;
}

static void forks(void)
{
    uint64_t before;

    private_page = mmap(0, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    shared_page = mmap(0, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    late = mmap(0, 2 * PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    heap_block = malloc(300000);
    memset(heap_block, 'h', 300000);
    private_page[0] = 'p';
    shared_page[0] = 's';
    int status = in_child(child_writes);
    tap(status == 7, "fork_child_sees_what_was");
    tap(!strcmp(global, "global") && !global[2 * PAGE] && private_page[0] == 'p' &&
            heap_block[70000] == 'h',
        "fork_private_stays_private");
    tap(shared_page[0] == 's' && shared_page[1] == 'c' && late[PAGE] == 'l', "fork_shared_is_shared");
    before = AEGIS_EXPOSED_STATE->free_pages;
    int good = 1;
    for (int i = 0; i < 20; i++)
        good &= in_child(child_writes) == 7;
    /* what the dead held comes back by and by */
    for (int i = 0; i < 2000 && AEGIS_EXPOSED_STATE->dying; i++)
        usleep(100);
    tap(good && (long)(before - AEGIS_EXPOSED_STATE->free_pages) < 64, "fork_nothing_leaks");
}

static int grandchild(void)
{
    private_page[0] = 'g';
    return private_page[0] == 'g' ? 3 : 4;
}

static int child_forks(void)
{
    if (in_child(grandchild) != 3 || private_page[0] != 'p')
        return 5;
    private_page[0] = 'q';
    pager_set(&pager_inverted);
    return in_child(grandchild) == 3 && private_page[0] == 'q' ? 6 : 5;
}

static char *file_page(int fd, size_t length, int prot, int flags, off_t offset)
{
    return mmap(0, length, prot, flags, fd, offset);
}

static int child_file(void)
{
    shared_page[PAGE + 5] = 'F';
    return shared_page[4] == 'A';
}

static void files(void)
{
    int fd = open("/mapped", O_RDWR | O_CREAT | O_TRUNC, 0600), status;
    char text[8] = "";

    tap(fd >= 0 && ftruncate(fd, 2 * PAGE + 100) == 0 && pwrite(fd, "first", 5, 0) == 5 &&
            pwrite(fd, "second", 6, PAGE) == 6,
        "file_made");
    char *s = file_page(fd, 4 * PAGE, RW, MAP_SHARED, 0), *p = file_page(fd, 3 * PAGE, RW, MAP_PRIVATE, 0);
    tap(s != MAP_FAILED && p != MAP_FAILED && !memcmp(s, "first", 5) && !memcmp(p + PAGE, "second", 6),
        "file_mapped");
    p[0] = 'P';
    s[4] = 'A';
    tap(pread(fd, text, 5, 0) == 5 && !memcmp(text, "firsA", 5) && p[0] == 'P' && s[0] == 'f',
        "file_shared_and_private");
    pwrite(fd, "X", 1, 1);
    tap(s[1] == 'X', "file_written_is_seen");
    tap(s[2 * PAGE + 99] == 0 && s[2 * PAGE + 200] == 0 && touch(s + 3 * PAGE, 0) == SIGBUS &&
            fault_code == BUS_ADRERR && touch(s + 3 * PAGE, 1) == SIGBUS,
        "file_beyond_the_end");
    shared_page = s;
    status = in_child(child_file);
    tap(status == 1 && s[PAGE + 5] == 'F', "file_shared_with_a_child");
    char *o = file_page(fd, PAGE, PROT_READ, MAP_SHARED, PAGE);
    tap(o != MAP_FAILED && !memcmp(o, "secon", 5) && touch(o, 1) == SIGSEGV && fault_code == SEGV_ACCERR,
        "file_offset_and_rights");
    close(fd);
    unlink("/mapped");
    s[2] = 'Z';
    tap(s[2] == 'Z' && !memcmp(o, "secon", 5), "file_lives_while_it_is_mapped");
    tap(munmap(s, 4 * PAGE) == 0 && munmap(p, 3 * PAGE) == 0 && munmap(o, PAGE) == 0, "file_unmapped");
}

static void file_errors(void)
{
    int fd = open("/mapped2", O_RDWR | O_CREAT, 0600), reads = open("/mapped2", O_RDONLY);
    int writes = open("/mapped2", O_WRONLY);

    ftruncate(fd, PAGE);
    tap(file_page(reads, PAGE, RW, MAP_SHARED, 0) == MAP_FAILED && errno == EACCES &&
            file_page(writes, PAGE, PROT_READ, MAP_SHARED, 0) == MAP_FAILED && errno == EACCES,
        "file_not_open_for_that");
    char *p = file_page(reads, PAGE, PROT_READ, MAP_SHARED, 0);
    tap(mprotect(p, PAGE, RW) == -1 && errno == EACCES, "file_mprotect_more_than_it_may");
    tap(file_page(fd, PAGE, PROT_READ, MAP_SHARED, 100) == MAP_FAILED && errno == EINVAL &&
            file_page(0, PAGE, PROT_READ, MAP_SHARED, 0) == MAP_FAILED && errno == ENODEV,
        "file_offset_and_kind");
    char *q = file_page(reads, PAGE, RW, MAP_PRIVATE, 0);
    tap(q != MAP_FAILED && touch(q, 1) == 0 && p[0] == 0, "file_private_of_a_read_only_one");
    fd = open("/dev/zero", O_RDWR);
    q = file_page(fd, PAGE, RW, MAP_PRIVATE, 0);
    tap(q != MAP_FAILED && q[5] == 0 && (q[5] = 1), "file_dev_zero");
    unlink("/mapped2");
}

static void objects(void)
{
    int fd = shm_open("/thing", O_RDWR | O_CREAT | O_EXCL, 0600);
    struct stat st;

    tap(fd >= 0 && ftruncate(fd, PAGE) == 0 && fstat(fd, &st) == 0 && st.st_size == (off_t)PAGE &&
            fcntl(fd, F_GETFD) == FD_CLOEXEC,
        "shm_open");
    char *p = mmap(0, PAGE, RW, MAP_SHARED, fd, 0);
    int other = shm_open("/thing", O_RDWR, 0);
    char *q = mmap(0, PAGE, RW, MAP_SHARED, other, 0);
    p[9] = 'x';
    tap(p != q && q[9] == 'x', "shm_two_mappings");
    tap(shm_open("/thing", O_RDWR | O_CREAT | O_EXCL, 0600) == -1 && errno == EEXIST &&
            shm_open("/a/b", O_RDWR, 0) == -1 && errno == EINVAL &&
            shm_open("/none", O_RDWR, 0) == -1 && errno == ENOENT,
        "shm_open_errors");
    tap(shm_unlink("/thing") == 0 && shm_unlink("/thing") == -1 && errno == ENOENT && q[9] == 'x',
        "shm_unlink");
    fd = memfd_create("m", 0);
    tap(fd >= 0 && ftruncate(fd, PAGE) == 0 && write(fd, "m", 1) == 1, "memfd_create");
}

int main(void)
{
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};

    sigaction(SIGSEGV, &action, 0);
    sigaction(SIGBUS, &action, 0);
    forks();
    tap(in_child(child_forks) == 6, "fork_of_a_fork_and_another_pager");
    files();
    file_errors();
    objects();
    return tap_failed;
}
