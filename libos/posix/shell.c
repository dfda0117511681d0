/* SPDX-License-Identifier: BSD-2-Clause */
/* system() and popen(): the shell, by posix_spawn. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define SHELL "/bin/sh"

static pid_t wait_through(pid_t pid, int *status)
{
    pid_t result;

    while ((result = waitpid(pid, status, 0)) < 0 && errno == EINTR)
        ;
    return result;
}

/* What system() changes while its command runs. */
struct command {
    struct sigaction interrupt, quit;
    sigset_t mask;
    pid_t pid;
};

static void command_signals(struct command *c)
{
    struct sigaction ignore = {.sa_handler = SIG_IGN};
    sigset_t child;

    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigaction(SIGINT, &ignore, &c->interrupt);
    sigaction(SIGQUIT, &ignore, &c->quit);
    sigprocmask(SIG_BLOCK, &child, &c->mask);
}

static void command_over(struct command *c)
{
    sigaction(SIGINT, &c->interrupt, NULL);
    sigaction(SIGQUIT, &c->quit, NULL);
    sigprocmask(SIG_SETMASK, &c->mask, NULL);
}

static int command_spawn(struct command *c, const char *text)
{
    char *arguments[] = {"sh", "-c", "--", (char *)text, NULL};
    posix_spawnattr_t attributes;
    sigset_t defaults;

    posix_spawnattr_init(&attributes);
    sigemptyset(&defaults);
    if (c->interrupt.sa_handler != SIG_IGN)
        sigaddset(&defaults, SIGINT);
    if (c->quit.sa_handler != SIG_IGN)
        sigaddset(&defaults, SIGQUIT);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setsigmask(&attributes, &c->mask);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    int error = posix_spawn(&c->pid, SHELL, NULL, &attributes, arguments, environ);
    posix_spawnattr_destroy(&attributes);
    return error;
}

/* The caller was cancelled. */
static void command_abandon(void *argument)
{
    struct command *c = argument;

    kill(c->pid, SIGKILL);
    wait_through(c->pid, NULL);
    command_over(c);
}

/* As POSIX wants it: SIGINT and SIGQUIT are ignored and SIGCHLD blocked while the command runs, in the caller only. */
int system(const char *command)
{
    struct command c;
    int status = -1;

    if (!command)
        return !access(SHELL, X_OK);
    command_signals(&c);
    int error = command_spawn(&c, command);
    if (!error) {
        pthread_cleanup_push(command_abandon, &c);
        if (wait_through(c.pid, &status) < 0)
            error = errno;
        pthread_cleanup_pop(0);
    } else if (error != EAGAIN && error != ENOMEM) {
        status = W_EXITCODE(127, 0);
    }
    command_over(&c);
    if (error)
        errno = error;
    return status;
}

/* Streams of popen, and whose they are. */
struct pipe_stream {
    struct pipe_stream *next;
    FILE *stream;
    pid_t pid;
};
static struct pipe_stream *streams;
static pthread_mutex_t streams_lock = PTHREAD_MUTEX_INITIALIZER;

/* The child takes `theirs` as its descriptor `target`; ends of earlier streams are not its business. */
static int shell_spawn(const char *command, int theirs, int target, pid_t *pid)
{
    char *arguments[] = {"sh", "-c", "--", (char *)command, NULL};
    posix_spawn_file_actions_t actions;
    int error = posix_spawn_file_actions_init(&actions);

    for (struct pipe_stream *p = streams; p && !error; p = p->next)
        if (fileno(p->stream) != target)
            error = posix_spawn_file_actions_addclose(&actions, fileno(p->stream));
    if (!error)
        error = posix_spawn_file_actions_adddup2(&actions, theirs, target);
    if (!error)
        error = posix_spawn(pid, SHELL, &actions, NULL, arguments, environ);
    posix_spawn_file_actions_destroy(&actions);
    return error;
}

static FILE *stream_make(const char *command, const char *mode)
{
    int reads = mode[0] == 'r', ends[2], error;
    struct pipe_stream *entry;

    if (pipe2(ends, O_CLOEXEC))
        return NULL;
    int ours = ends[!reads], theirs = ends[reads];
    if (!(entry = malloc(sizeof *entry)) || !(entry->stream = fdopen(ours, reads ? "r" : "w"))) {
        free(entry);
        close(ours);
        close(theirs);
        return NULL;
    }
    error = shell_spawn(command, theirs, reads, &entry->pid);
    close(theirs);
    if (error) {
        fclose(entry->stream);
        free(entry);
        errno = error;
        return NULL;
    }
    if (!mode[1])
        fcntl(ours, F_SETFD, 0);
    entry->next = streams;
    streams = entry;
    return entry->stream;
}

/* No thread is cancelled in it: what it had made so far would be left. */
FILE *popen(const char *command, const char *mode)
{
    int state;

    if ((mode[0] != 'r' && mode[0] != 'w') || (mode[1] && strcmp(mode + 1, "e"))) {
        errno = EINVAL;
        return NULL;
    }
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &state);
    pthread_mutex_lock(&streams_lock);
    FILE *stream = stream_make(command, mode);
    pthread_mutex_unlock(&streams_lock);
    pthread_setcancelstate(state, NULL);
    return stream;
}

static struct pipe_stream *stream_take(FILE *stream)
{
    struct pipe_stream **at = &streams, *entry;

    pthread_mutex_lock(&streams_lock);
    while ((entry = *at) && entry->stream != stream)
        at = &entry->next;
    if (entry)
        *at = entry->next;
    pthread_mutex_unlock(&streams_lock);
    return entry;
}

int pclose(FILE *stream)
{
    struct pipe_stream *entry = stream_take(stream);
    int status;

    if (!entry) {
        errno = ECHILD;
        return -1;
    }
    pid_t pid = entry->pid;
    free(entry);
    fclose(stream);
    return wait_through(pid, &status) < 0 ? -1 : status;
}
