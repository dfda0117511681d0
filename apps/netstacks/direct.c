/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A key-value server straight on the ring: no sockets, no copy, no call to receive. A question is "get KEY" or "set KEY=VALUE"
 * in a datagram to port 7000; the answer is written over it and goes back from where it lies.
 *
 *     aegis-cc -O2 -o direct direct.c && run --forward udp:7000:7000 ./direct        then: nc -u localhost 7000
 */
#include <stdio.h>
#include <string.h>

#include <aegis/raw.h>

#define PORT    7000
#define LONGEST 64

static struct entry {
    char key[LONGEST], value[LONGEST];
} table[256];

/* Where a key is, or may be put. */
static struct entry *entry_of(const char *key)
{
    unsigned hash = 5381;

    for (const char *p = key; *p; p++)
        hash = hash * 33 + (unsigned char)*p;
    for (unsigned i = 0; i < 256; i++) {
        struct entry *e = &table[(hash + i) % 256];
        if (!e->key[0] || !strcmp(e->key, key))
            return e;
    }
    return NULL;
}

/* The answer's size; it is written over the question. */
static size_t answer(char *bytes, size_t size)
{
    char text[2 * LONGEST], *value;
    struct entry *e;

    snprintf(text, sizeof text, "%.*s", (int)size, bytes);
    text[strcspn(text, "\r\n")] = 0;
    if (!strncmp(text, "get ", 4) && (e = entry_of(text + 4)))
        return (size_t)sprintf(bytes, "%s\n", e->value);
    if (!strncmp(text, "set ", 4) && (value = strchr(text, '='))) {
        *value++ = 0;
        e = strlen(text + 4) < LONGEST && strlen(value) < LONGEST ? entry_of(text + 4) : NULL;
        if (e) {
            strcpy(e->key, text + 4);
            strcpy(e->value, value);
            return (size_t)sprintf(bytes, "kept\n");
        }
    }
    return (size_t)sprintf(bytes, "what?\n");
}

int main(void)
{
    struct raw_datagram d;
    int error = raw_open(PORT);

    if (error)
        return printf("port %d: %s\n", PORT, strerror(-error)), 1;
    printf("serving port %d\n", PORT);
    fflush(stdout);
    for (;;) {
        while (raw_next(&d))
            raw_answer(&d, answer((char *)d.bytes, d.size));
        raw_wait(0);
    }
}
