/* SPDX-License-Identifier: BSD-2-Clause */
/* Compiled on the machine itself by `cc`: the headers that POSIX programs include, and what tcc's programs share with others. */
#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <pwd.h>
#include <regex.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <termios.h>
#include <threads.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int count;
static volatile int signalled;
static jmp_buf place;

static void *work(void *argument)
{
    for (int i = 0; i < 1000; i++) {
        pthread_mutex_lock(&lock);
        count++;
        pthread_mutex_unlock(&lock);
    }
    errno = EIO;
    return argument;
}

static void handle(int signal, siginfo_t *information, void *context)
{
    signalled = signal + (information->si_pid != getpid()) + (context == NULL);
}

int main(void)
{
    pthread_t thread[3];
    struct sigaction action;
    int status = 0, jumps;

    errno = EAGAIN;
    for (int i = 0; i < 3; i++)
        pthread_create(&thread[i], NULL, work, NULL);
    for (int i = 0; i < 3; i++)
        pthread_join(thread[i], NULL);
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO;
    sigaction(SIGUSR1, &action, NULL);
    raise(SIGUSR1);
    pid_t child = fork();
    if (child == 0)
        _exit(count == 3000 ? 9 : 10);
    waitpid(child, &status, 0);
    if ((jumps = setjmp(place)) < 3)
        longjmp(place, jumps + 1);
    printf("%d %d %d %d %d %g %" PRIu64 " %s\n", count, signalled == SIGUSR1, WEXITSTATUS(status), errno == EAGAIN, jumps,
           sqrt(2), UINT64_MAX, inet_ntoa((struct in_addr){htonl(0x7f000001)}));
    return 0;
}
