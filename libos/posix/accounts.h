/* SPDX-License-Identifier: BSD-2-Clause */
/* /etc/passwd and /etc/group: lines of fields between colons, read one after the other or looked up (POSIX.1-2017, getpwnam, getgrnam). */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#define ACCOUNT_FIELDS 8

struct account_file {
    const char *path;
    const char *builtin; /* its one line where there is no such file */
    unsigned fields;     /* a line has */
    /* An entry of a line's fields; their text, and what is made of it, lies in the caller's buffer, which ends at `end`. 0 or ERANGE. */
    int (*fill)(void *entry, char *field[], char *end);
    bool (*is)(const void *entry, const char *name, unsigned id); /* by name, or without one by number */
    void *entry;         /* what the calls without a buffer of the caller's return */
    /* zero at first */
    FILE *file;          /* of account_next() */
    unsigned position;
    char *text;          /* of `entry` */
    size_t size;
};

/* Into the caller's entry and buffer; `*found` says whether. 0; ERANGE: the buffer is too small; or what opening and reading said. */
int account_find(const struct account_file *from, const char *name, unsigned id, void *entry, char *buffer, size_t size, bool *found);
/* Into the file's own entry. Null: there is none (errno stays), or an error (errno says which). */
void *account_find_kept(struct account_file *from, const char *name, unsigned id);
void account_rewind(struct account_file *from);
/* The next one, into the file's own entry. Null at the end (errno stays) and for an error. */
void *account_next(struct account_file *from);
