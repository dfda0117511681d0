/* SPDX-License-Identifier: BSD-2-Clause */
/* A program of another libOS than the session's: it ends with a word of why, touches nothing, and the others go on. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../libos/session/session.h"
#include "tap.h"

/* How a child ends that becomes this program while the session's number is `abi`. */
static int ended(char *program, unsigned abi)
{
    unsigned before = SESSION->abi;
    int status = -1;
    pid_t child = fork();

    if (child == 0) {
        SESSION->abi = abi;
        execv(program, (char *[]){program, "child", NULL});
        _exit(99);
    }
    if (waitpid(child, &status, 0) != child)
        status = -1;
    SESSION->abi = before;
    return status;
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc > 1)
        return 7;
    int same = ended(argv[0], SESSION_ABI), other = ended(argv[0], SESSION_ABI + 1), again = ended(argv[0], SESSION_ABI);
    tap(WIFEXITED(same) && WEXITSTATUS(same) == 7, "session_abi_same");
    tap(WIFSIGNALED(other), "session_abi_other_ends");
    tap(WIFEXITED(again) && WEXITSTATUS(again) == 7, "session_abi_session_goes_on");
    return tap_failed;
}
