/* SPDX-License-Identifier: BSD-2-Clause */
/* The connection that controls. */
#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "throughput.h"

void patience_limit(int socket)
{
    struct timeval seconds = {20, 0};
    setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &seconds, sizeof seconds);
}

int bytes_read(int socket, void *to, size_t size)
{
    ssize_t n;

    for (char *at = to; size; at += n, size -= (size_t)n)
        if ((n = read(socket, at, size)) <= 0)
            return -1;
    return 0;
}

int bytes_write(int socket, const void *from, size_t size)
{
    ssize_t n;

    for (const char *at = from; size; at += n, size -= (size_t)n)
        if ((n = write(socket, at, size)) <= 0)
            return -1;
    return 0;
}

int say(const struct test *t, enum state state)
{
    uint8_t byte = (uint8_t)state;
    return bytes_write(t->control, &byte, 1);
}

int text_read(const struct test *t, char *text)
{
    uint32_t size;

    if (bytes_read(t->control, &size, sizeof size) || (size = ntohl(size)) >= TEXT_MOST || bytes_read(t->control, text, size))
        return -1;
    text[size] = 0;
    return 0;
}

int text_write(const struct test *t, const char *text)
{
    uint32_t size = (uint32_t)strlen(text), order = htonl(size);

    return bytes_write(t->control, &order, sizeof order) || bytes_write(t->control, text, size) ? -1 : 0;
}
