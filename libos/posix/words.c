/* SPDX-License-Identifier: BSD-2-Clause */
/* wordexp: the shell expands the words, after a look at whether they may be expanded at all. */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <wordexp.h>

/* Quotes, substitutions and characters that only a whole command may have. */
static int words_check(const char *words, int flags)
{
    char quote = 0;

    for (const char *c = words; *c; c++) {
        if (*c == '\\' && quote != '\'') {
            if (!*++c)
                return WRDE_SYNTAX;
        } else if (quote && *c == quote) {
            quote = 0;
        } else if (!quote && (*c == '\'' || *c == '"')) {
            quote = *c;
        } else if (quote != '\'' && (*c == '`' || (*c == '$' && c[1] == '(' && c[2] != '('))) {
            if (flags & WRDE_NOCMD)
                return WRDE_CMDSUB;
            if (*c == '$' && !(c = strchr(c, ')')))
                return WRDE_SYNTAX;
            if (*c == '`' && !(c = strchr(c + 1, '`')))
                return WRDE_SYNTAX;
        } else if (quote != '\'' && *c == '$' && c[1] == '(') {
            if (!(c = strstr(c, "))")))
                return WRDE_SYNTAX;
            c++;
        } else if (quote != '\'' && *c == '$' && c[1] == '{') {
            if (!(c = strchr(c, '}')))
                return WRDE_SYNTAX;
        } else if (!quote && strchr("\n|&;<>(){}", *c)) {
            return WRDE_BADCHAR;
        }
    }
    return quote ? WRDE_SYNTAX : 0;
}

/* The shell prints the words, each with a NUL behind it, and `=` as a sign that it came to its end. */
static FILE *shell_open(const char *words, int flags, pid_t *pid)
{
    static const char script[] = "eval \"set -- $1\" && { for w do printf '%s\\0' \"$w\"; done; printf '=\\0'; }";
    char *arguments[] = {"sh", flags & WRDE_UNDEF ? "-uc" : "-c", (char *)script, "sh", (char *)words, NULL};
    posix_spawn_file_actions_t actions;
    int ends[2];

    if (pipe2(ends, O_CLOEXEC))
        return NULL;
    FILE *stream = fdopen(ends[0], "r");
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
    if (!(flags & WRDE_SHOWERR))
        posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    int error = stream ? posix_spawn(pid, "/bin/sh", &actions, NULL, arguments, environ) : ENOMEM;
    posix_spawn_file_actions_destroy(&actions);
    close(ends[1]);
    if (!error)
        return stream;
    if (stream)
        fclose(stream);
    else
        close(ends[0]);
    return NULL;
}

static int word_add(wordexp_t *to, size_t offset, const char *word)
{
    char **larger = realloc(to->we_wordv, (offset + to->we_wordc + 2) * sizeof *larger);
    char *copy;

    if (!larger)
        return WRDE_NOSPACE;
    to->we_wordv = larger;
    if (!(copy = strdup(word)))
        return WRDE_NOSPACE;
    larger[offset + to->we_wordc++] = copy;
    larger[offset + to->we_wordc] = NULL;
    return 0;
}

/* One word behind: the last is the shell's sign. */
static int words_read(FILE *stream, wordexp_t *to, size_t offset, int *complete)
{
    char *word = NULL, *before = NULL;
    size_t size = 0;
    int error = 0;

    while (!error && getdelim(&word, &size, 0, stream) > 0) {
        if (before)
            error = word_add(to, offset, before);
        free(before);
        if (!(before = strdup(word)))
            error = WRDE_NOSPACE;
    }
    *complete = before && !strcmp(before, "=");
    free(before);
    free(word);
    return error;
}

int wordexp(const char *restrict words, wordexp_t *restrict to, int flags)
{
    size_t offset = flags & WRDE_DOOFFS ? to->we_offs : 0;
    int status, complete, error = words_check(words, flags);
    pid_t pid;

    if (flags & WRDE_REUSE)
        wordfree(to);
    if (!(flags & WRDE_APPEND)) {
        to->we_wordc = 0;
        to->we_wordv = NULL;
        if (!(flags & WRDE_DOOFFS))
            to->we_offs = 0;
    }
    if (error)
        return error;
    if (!to->we_wordv && !(to->we_wordv = calloc(offset + 1, sizeof *to->we_wordv)))
        return WRDE_NOSPACE;
    FILE *stream = shell_open(words, flags, &pid);
    if (!stream)
        return WRDE_NOSPACE;
    error = words_read(stream, to, offset, &complete);
    fclose(stream);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (!error && !complete)
        error = flags & WRDE_UNDEF ? WRDE_BADVAL : WRDE_SYNTAX;
    return error;
}

void wordfree(wordexp_t *words)
{
    for (size_t i = 0; words->we_wordv && i < words->we_wordc; i++)
        free(words->we_wordv[words->we_offs + i]);
    free(words->we_wordv);
    words->we_wordv = NULL;
    words->we_wordc = 0;
}
