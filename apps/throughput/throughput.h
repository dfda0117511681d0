/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iperf3's protocol, as its servers speak it: a connection that controls, on which each side says a byte of what comes next and
 * both exchange texts of JSON (a size in four bytes, the text), and streams of data beside it.
 *
 *     client      37 bytes of a cookie      | PARAMETERS                      TEST_END | results           | DONE
 *     server                     PARAMETERS |  CREATE, streams, START, RUNNING         | RESULTS | results, DISPLAY
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define COOKIE      37
#define STREAMS     128
#define BLOCK_MOST  (1 << 20)
#define TEXT_MOST   65536

enum state {
    TEST_START = 1,
    TEST_RUNNING = 2,
    TEST_END = 4,
    PARAM_EXCHANGE = 9,
    CREATE_STREAMS = 10,
    CLIENT_TERMINATE = 12,
    EXCHANGE_RESULTS = 13,
    DISPLAY_RESULTS = 14,
    DONE = 16,
    ACCESS_DENIED = 255,
};

struct stream {
    int socket;
    bool sends;
    uint64_t bytes;
    /* datagrams: how many came or were sent, the highest number, those that are missing, and their jitter in seconds */
    uint64_t packets, highest, lost;
    double jitter, transit;
    bool heard;
};

/* A client's test, from its connection to its end. */
struct test {
    int control;
    char cookie[COOKIE];
    bool udp, reverse, both, wide; /* wide: datagrams' numbers have 64 bits */
    unsigned parallel;
    size_t block;
    double rate; /* bits a second of each stream; 0: as fast as it goes */
    unsigned count;
    struct stream stream[STREAMS];
    double began, ended; /* seconds */
};

/* throughput.c */
double now(void);
/* A listening socket, or one for datagrams. -1. */
int socket_at(unsigned port, int type);

/* text.c: what of the client's text concerns us. 0, or -1: it asks for what there is not. */
int parameters_read(struct test *t, const char *text);
/* Our results, at most `size` bytes of text with its 0. */
void results_write(const struct test *t, char *text, size_t size);

/* control.c: who says nothing for 20 seconds when it is to is gone. */
void patience_limit(int socket);
/* All of it, or -1. */
int bytes_read(int socket, void *to, size_t size);
int bytes_write(int socket, const void *from, size_t size);
int say(const struct test *t, enum state state);
/* Into `text` of TEXT_MOST bytes. */
int text_read(const struct test *t, char *text);
int text_write(const struct test *t, const char *text);

/* run.c: streams are made, and data run until the client says that it is enough. */
int streams_make(struct test *t, int listener, unsigned port);
int streams_run(struct test *t);
void streams_close(struct test *t);
