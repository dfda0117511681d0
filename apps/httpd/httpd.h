/* SPDX-License-Identifier: BSD-2-Clause */
/* The server's parts: files that are kept, requests that are read, connections that are served. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <time.h>

/* ---- files.c: what is served, as it is sent ---- */

/*
 * A file of the folder. What is small is kept behind its head, so that both leave by one send; what
 * is large is mapped. It is looked at again when it was not for a second; who sends it holds it.
 */
struct page {
    struct page *next;          /* of its hash */
    struct page *newer, *older; /* of all, by when they were asked for */
    unsigned hash, holders;
    char *path; /* beneath the folder, "/" in front */
    char *head; /* of a 200; then the body, if `body` is null */
    size_t head_size;
    size_t size;             /* of the body */
    uint16_t sum;            /* of head and body together, for aegis_send_summed(); if `body` is null */
    const char *body;        /* mapped; null: behind the head */
    char modified[32];       /* as Last-Modified has it */
    struct timespec changed; /* the file's, when it was read */
    unsigned long inode;
    uint64_t looked; /* second in which it was last compared with the file */
    int gone;        /* another has its place: it lives until the last holder lets go */
};

/* `folder`: that of all files; `room`: bytes that are kept. */
void files_start(const char *folder, size_t room);
/* A turn of the server begins: what files are compared by is this second. */
void files_turn(void);
/* The file of a path that begins with "/" and has no "." or ".." among its names: held, or null
 * with errno. EISDIR: a folder that was named without "/" behind it. */
struct page *file_find(const char *path, size_t size);
void file_release(struct page *p);

/* ---- request.c: a request's head ---- */

struct request {
    enum { GET, HEAD, OTHER } method;
    int old;   /* HTTP/1.0 */
    int close; /* no more requests after it */
    int has_body;
    const char *since; /* If-Modified-Since, up to the end of its line */
    size_t since_size;
    char *path; /* decoded, in place */
    size_t path_size;
};

/* Reads the head of `size` bytes, its empty line included. 0 or the status that refuses it. */
int request_read(struct request *r, char *head, size_t size);
/* Bytes of the head at `bytes`; 0: it has no end yet. */
size_t request_size(const char *bytes, size_t size, size_t from);

/* ---- serve.c ---- */

/* Listens; -1 with errno. */
int serve_open(unsigned port);
/* Waits for something to do, and does it. -1 with errno: it never will again. */
int serve_turn(void);
extern unsigned long serve_answers; /* that were sent whole */
