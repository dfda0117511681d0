/* SPDX-License-Identifier: BSD-2-Clause */
/* Hosts: numeric ones, those of /etc/hosts, then those that the name server knows. */
#include "hosts.h"

#include "../net/resolve.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ADDRESSES 8 /* of a name, at most */

int h_errno;

static FILE *file;
static const char *rest = "127.0.0.1 localhost\n";

unsigned table_next(FILE *from, const char **builtin, char *line, size_t size, char *word[])
{
    for (;;) {
        unsigned count = 0;
        char *save;
        if (from) {
            if (!fgets(line, (int)size, from))
                return 0;
        } else {
            size_t length = strcspn(*builtin, "\n");
            if (!length || length >= size)
                return 0;
            memcpy(line, *builtin, length);
            line[length] = 0;
            *builtin += length + 1;
        }
        line[strcspn(line, "#\n")] = 0;
        for (char *text = line; count < TABLE_WORDS && (word[count] = strtok_r(text, " \t", &save));
             text = NULL)
            count++;
        if (count)
            return count;
    }
}

void sethostent(int stay)
{
    (void)stay;
    if (file)
        fclose(file);
    file = fopen("/etc/hosts", "re");
    rest = "127.0.0.1 localhost\n";
}

void endhostent(void)
{
    if (file)
        fclose(file);
    file = NULL;
    rest = "127.0.0.1 localhost\n";
}

/* An entry of one address, in memory of the next call's. */
static struct hostent *entry_make(char *name, char **aliases, unsigned count, in_addr_t address)
{
    static struct hostent entry;
    static char *alias[TABLE_WORDS + 1], *list[2];
    static in_addr_t where;

    where = address;
    list[0] = (char *)&where;
    for (unsigned i = 0; i < count; i++)
        alias[i] = aliases[i];
    alias[count] = NULL;
    entry = (struct hostent){name, alias, AF_INET, sizeof where, list};
    return &entry;
}

struct hostent *gethostent(void)
{
    static char line[512];
    char *word[TABLE_WORDS];
    struct in_addr address;
    unsigned count;

    if (!file)
        file = fopen("/etc/hosts", "re");
    while ((count = table_next(file, &rest, line, sizeof line, word)))
        if (count > 1 && inet_pton(AF_INET, word[0], &address) == 1)
            return entry_make(word[1], word + 2, count - 2, address.s_addr);
    return NULL;
}

static int is_named(const struct hostent *h, const char *name)
{
    if (!strcasecmp(h->h_name, name))
        return 1;
    for (char **alias = h->h_aliases; *alias; alias++)
        if (!strcasecmp(*alias, name))
            return 1;
    return 0;
}

struct hostent *host_listed(const char *name)
{
    static char own[NI_MAXHOST];
    struct in_addr address;
    struct hostent *h;

    if (inet_aton(name, &address)) {
        strlcpy(own, name, sizeof own);
        return entry_make(own, NULL, 0, address.s_addr);
    }
    sethostent(0);
    while ((h = gethostent()) && !is_named(h, name))
        ;
    endhostent();
    return h;
}

struct hostent *gethostbyname(const char *name)
{
    static char own[NI_MAXHOST], *no_alias[1], *list[ADDRESSES + 1];
    static uint8_t found[ADDRESSES][16];
    static struct hostent entry;
    struct hostent *h = host_listed(name);

    if (h)
        return h;
    int count = strlen(name) < sizeof own ? network_resolve(name, RESOLVE_A, found, ADDRESSES) : EAI_NONAME;
    if (count <= 0) {
        h_errno = count == EAI_AGAIN ? TRY_AGAIN : count == EAI_NONAME ? HOST_NOT_FOUND : NO_RECOVERY;
        return NULL;
    }
    for (int i = 0; i < count; i++)
        list[i] = (char *)found[i];
    list[count] = NULL;
    strcpy(own, name);
    entry = (struct hostent){own, no_alias, AF_INET, sizeof(in_addr_t), list};
    return &entry;
}

struct hostent *gethostbyaddr(const void *address, socklen_t size, int family)
{
    struct hostent *h = NULL;

    if (family == AF_INET && size == sizeof(in_addr_t)) {
        sethostent(0);
        while ((h = gethostent()) && memcmp(h->h_addr, address, size))
            ;
        endhostent();
    }
    if (!h)
        h_errno = HOST_NOT_FOUND;
    return h;
}

const char *hstrerror(int error)
{
    static const char *const texts[] = {"no error", "host not found", "try again",
                                        "no recovery", "no address"};
    return error >= 0 && error <= NO_DATA ? texts[error] : "unknown error";
}

void herror(const char *prefix)
{
    fprintf(stderr, "%s%s%s\n", prefix ? prefix : "", prefix ? ": " : "", hstrerror(h_errno));
}
