/* SPDX-License-Identifier: BSD-2-Clause */
/* The head of a request (RFC 9112), as much of it as files need. What is not understood is refused,
 * never guessed at. */
#include <string.h>
#include <strings.h>

#include "httpd.h"

size_t request_size(const char *bytes, size_t size, size_t from)
{
    for (size_t i = from > 3 ? from - 3 : 0; i + 4 <= size; i++)
        if (bytes[i] == '\r' && bytes[i + 1] == '\n' && bytes[i + 2] == '\r' &&
            bytes[i + 3] == '\n')
            return i + 4;
    return 0;
}

/* What names are made of. */
static const unsigned char token[256] = {
    ['0' ... '9'] = 1, ['A' ... 'Z'] = 1, ['a' ... 'z'] = 1, ['!'] = 1, ['#'] = 1, ['$'] = 1,
    ['%'] = 1,         ['&'] = 1,         ['\''] = 1,        ['*'] = 1, ['+'] = 1, ['-'] = 1,
    ['.'] = 1,         ['^'] = 1,         ['_'] = 1,         ['`'] = 1, ['|'] = 1, ['~'] = 1,
};

static int is_token(unsigned char c)
{
    return token[c];
}

static int digit_of(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

/* In place. -1: rubbish. */
static long decode(char *path, size_t size)
{
    size_t to = 0;

    for (size_t i = 0; i < size; i++) {
        char c = path[i];
        if (c == '%') {
            int high = i + 2 < size ? digit_of(path[i + 1]) : -1,
                low = high < 0 ? -1 : digit_of(path[i + 2]);
            if (low < 0)
                return -1;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (!c)
            return -1;
        path[to++] = c;
    }
    return (long)to;
}

/* Whether a name among the path's is "." or "..": nobody asks for that who has not something in
 * mind. */
static int climbs(const char *path, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        if (path[i] != '/')
            continue;
        size_t n = 0;
        while (i + 1 + n < size && path[i + 1 + n] != '/')
            n++;
        if ((n == 1 && path[i + 1] == '.') || (n == 2 && path[i + 1] == '.' && path[i + 2] == '.'))
            return 1;
    }
    return 0;
}

/* "/path?query", or "http://host/path". */
static int target_read(struct request *r, char *at, size_t size)
{
    if (size > 7 && !strncasecmp(at, "http://", 7)) {
        char *path = memchr(at + 7, '/', size - 7);
        if (!path)
            return 400;
        size -= (size_t)(path - at);
        at = path;
    }
    if (!size || *at != '/')
        return 400;
    for (size_t i = 0; i < size; i++) {
        if ((unsigned char)at[i] <= ' ' || (unsigned char)at[i] >= 0x7f)
            return 400;
        if (at[i] == '?' || at[i] == '#')
            size = i;
    }
    long n = decode(at, size);
    if (n < 0 || climbs(at, (size_t)n))
        return 400;
    r->path = at;
    r->path_size = (size_t)n;
    return 0;
}

static int line_read(struct request *r, char *line, size_t size)
{
    char *end = line + size, *path = memchr(line, ' ', size);
    size_t method = path ? (size_t)(path - line) : 0;
    char *version = method ? memchr(path + 1, ' ', (size_t)(end - path - 1)) : NULL;

    if (!version || end - version != 9 || memcmp(version, " HTTP/", 6) || version[7] != '.')
        return 400;
    if (version[6] != '1' || digit_of(version[8]) < 0)
        return 505;
    r->old = version[8] == '0';
    r->close = r->old;
    r->method = method == 3 && !memcmp(line, "GET", 3)    ? GET
                : method == 4 && !memcmp(line, "HEAD", 4) ? HEAD
                                                          : OTHER;
    for (size_t i = 0; i < method && r->method == OTHER; i++)
        if (!is_token((unsigned char)line[i]))
            return 400;
    return target_read(r, path + 1, (size_t)(version - path - 1));
}

static int is_word(const char *value, size_t size, const char *word)
{
    size_t n = strlen(word);

    for (size_t i = 0; i + n <= size; i++)
        if ((!i || value[i - 1] == ' ' || value[i - 1] == ',') &&
            !strncasecmp(value + i, word, n) &&
            (i + n == size || value[i + n] == ' ' || value[i + n] == ','))
            return 1;
    return 0;
}

static int is_name(const char *line, size_t size, const char *name)
{
    return !strncasecmp(line, name, size) && !name[size];
}

/* One field; *hosts: Host fields so far. */
static int field_read(struct request *r, const char *line, size_t size, unsigned *hosts)
{
    size_t name = 0;

    while (name < size && is_token((unsigned char)line[name]))
        name++;
    if (!name || name == size || line[name] != ':')
        return 400; /* a line that goes on, or is none */
    const char *value = line + name + 1;
    size_t left = size - name - 1;
    for (; left && (*value == ' ' || *value == '\t'); left--)
        value++;
    while (left && (value[left - 1] == ' ' || value[left - 1] == '\t'))
        left--;
    switch (*line | 32) {
    case 'h':
        *hosts += (unsigned)is_name(line, name, "Host");
        break;
    case 'c':
        if (is_name(line, name, "Connection"))
            r->close =
                (r->close && !is_word(value, left, "keep-alive")) || is_word(value, left, "close");
        else if (is_name(line, name, "Content-Length"))
            r->has_body |= left != 1 || *value != '0';
        break;
    case 't':
        r->has_body |= is_name(line, name, "Transfer-Encoding");
        break;
    case 'i':
        if (is_name(line, name, "If-Modified-Since")) {
            r->since = value;
            r->since_size = left;
        }
        break;
    default:
        break;
    }
    return 0;
}

int request_read(struct request *r, char *head, size_t size)
{
    char *end = head + size - 2, *line = head;
    unsigned hosts = 0;
    int status = 0;

    *r = (struct request){0};
    while (line < end && !status) {
        size_t n = 0;
        while ((unsigned char)line[n] >= ' ' || line[n] == '\t')
            n++;
        if (line[n] != '\r' || line[n + 1] != '\n') /* the empty line ends the last one at least */
            return 400;
        status = line == head ? line_read(r, line, n) : field_read(r, line, n, &hosts);
        line += n + 2;
    }
    if (!status && hosts != 1 && !(r->old && !hosts))
        return 400;
    return status;
}
