/* SPDX-License-Identifier: BSD-2-Clause */
/* The head of a request (RFC 9112), as much of it as files need. What is not understood is refused,
 * never guessed at. */
#include <string.h>
#include <strings.h>

#include "httpd.h"

/* Each four bytes in a row have one at which is looked: most bytes never are. */
size_t request_size(const char *bytes, size_t size, size_t from)
{
    for (size_t i = from > 3 ? from : 3; i < size; i += 4) {
        if (bytes[i] != '\r' && bytes[i] != '\n')
            continue;
        for (size_t end = i; end < size && end < i + 4; end++)
            if (bytes[end] == '\n' && bytes[end - 1] == '\r' && bytes[end - 2] == '\n' &&
                bytes[end - 3] == '\r')
                return end + 1;
    }
    return 0;
}

/* What bytes may be: of a name, of a line, of a path that stands for itself. */
enum { TOKEN = 1, TEXT = 2, PLAIN = 4 };
static const unsigned char kind[256] = {
    ['\t'] = TEXT,     [' '] = TEXT,
    ['!'] = 7,         ['"'] = 6,
    ['#'] = 3,         ['$'] = 7,
    ['%'] = 3,         ['&'] = 7,
    ['\''] = 7,        ['('] = 6,
    [')'] = 6,         ['*'] = 7,
    ['+'] = 7,         [','] = 6,
    ['-'] = 7,         ['.'] = 7,
    ['/'] = 2,         ['0' ... '9'] = 7,
    [':'] = 6,         [';'] = 6,
    ['<'] = 6,         ['='] = 6,
    ['>'] = 6,         ['?'] = 2,
    ['@'] = 6,         ['A' ... 'Z'] = 7,
    ['['] = 6,         ['\\'] = 6,
    [']'] = 6,         ['^'] = 7,
    ['_'] = 7,         ['`'] = 7,
    ['a' ... 'z'] = 7, ['{'] = 6,
    ['|'] = 7,         ['}'] = 6,
    ['~'] = 7,         [0x7f ... 0xff] = TEXT,
};

static int is_kind(char c, unsigned which)
{
    return kind[(unsigned char)c] & which;
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

/* What stands between method and version: its path, up to "?" or "#"; whether that has "%", a name
 * that begins with ".", or a byte that it may not have. */
struct target {
    char *path;
    size_t size;
    int coded, dotted, bad;
};

/* To the space behind it, or to the end of the line. */
static char *target_scan(struct target *t, char *at)
{
    *t = (struct target){.path = at};
    for (;; at++) {
        if (is_kind(*at, PLAIN))
            continue;
        if (*at == '/')
            t->dotted |= at[1] == '.';
        else if (*at == '%')
            t->coded = 1;
        else
            break;
    }
    t->size = (size_t)(at - t->path);
    t->bad = *at != ' ' && *at != '?' && *at != '#';
    while (*at != ' ' && is_kind(*at, TEXT))
        at++;
    return at;
}

/* "/path?query", or "http://host/path". */
static int target_read(struct request *r, const struct target *t)
{
    char *at = t->path;
    size_t size = t->size;

    if (*at != '/' && size > 7 && !strncasecmp(at, "http://", 7)) {
        char *path = memchr(at + 7, '/', size - 7);
        if (!path)
            return 400;
        size -= (size_t)(path - at);
        at = path;
    }
    if (!size || *at != '/' || t->bad)
        return 400;
    long n = t->coded ? decode(at, size) : (long)size;
    if (n < 0 || ((t->dotted || t->coded) && climbs(at, (size_t)n)))
        return 400;
    r->path = at;
    r->path_size = (size_t)n;
    return 0;
}

/* " HTTP/1.1" in some version, and the line's end. */
static int is_version(const char *at)
{
    static const char like[] = " HTTP/";

    for (size_t i = 0; i < sizeof like - 1; i++)
        if (at[i] != like[i])
            return 0;
    return at[7] == '.' && is_kind(at[6], TEXT) && is_kind(at[8], TEXT) && at[9] == '\r' &&
           at[10] == '\n';
}

/* `*line` goes behind it. */
static int line_read(struct request *r, char **line)
{
    char *method = *line, *at = method;
    struct target t;

    while (*at != ' ' && is_kind(*at, TEXT))
        at++;
    size_t size = (size_t)(at - method);
    if (!size || *at != ' ')
        return 400;
    char *version = target_scan(&t, at + 1);
    if (!is_version(version))
        return 400;
    *line = version + 11;
    if (version[6] != '1' || digit_of(version[8]) < 0)
        return 505;
    r->old = version[8] == '0';
    r->close = r->old;
    r->method = size == 3 && !memcmp(method, "GET", 3)    ? GET
                : size == 4 && !memcmp(method, "HEAD", 4) ? HEAD
                                                          : OTHER;
    for (size_t i = 0; i < size && r->method == OTHER; i++)
        if (!is_kind(method[i], TOKEN))
            return 400;
    return target_read(r, &t);
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

/* `name`: in small letters. */
static int is_name(const char *line, size_t size, const char *name)
{
    size_t i = 0;

    while (i < size && (line[i] | 32) == name[i])
        i++;
    return i == size && !name[i];
}

static void field_take(struct request *r, const char *name, size_t size, const char *value,
                       size_t left, unsigned *hosts)
{
    switch (*name | 32) {
    case 'h':
        *hosts += (unsigned)is_name(name, size, "host");
        break;
    case 'c':
        if (is_name(name, size, "connection"))
            r->close =
                (r->close && !is_word(value, left, "keep-alive")) || is_word(value, left, "close");
        else if (is_name(name, size, "content-length"))
            r->has_body |= left != 1 || *value != '0';
        break;
    case 't':
        r->has_body |= is_name(name, size, "transfer-encoding");
        break;
    case 'i':
        if (is_name(name, size, "if-modified-since")) {
            r->since = value;
            r->since_size = left;
        }
        break;
    default:
        break;
    }
}

/* One field; *hosts: Host fields so far. `*line` goes behind it. */
static int field_read(struct request *r, char **line, unsigned *hosts)
{
    char *name = *line, *at = name;

    while (is_kind(*at, TOKEN))
        at++;
    size_t size = (size_t)(at - name);
    if (!size || *at != ':')
        return 400; /* a line that goes on, or is none */
    char *value = at + 1, *end;
    while (*value == ' ' || *value == '\t')
        value++;
    for (at = end = value; is_kind(*at, TEXT); at++)
        if (*at != ' ' && *at != '\t')
            end = at + 1;
    if (at[0] != '\r' || at[1] != '\n')
        return 400;
    *line = at + 2;
    field_take(r, name, size, value, (size_t)(end - value), hosts);
    return 0;
}

int request_read(struct request *r, char *head, size_t size)
{
    char *end = head + size - 2, *line = head; /* the empty line ends the last one at least */
    unsigned hosts = 0;

    *r = (struct request){0};
    int status = line_read(r, &line);
    while (line < end && !status)
        status = field_read(r, &line, &hosts);
    if (!status && hosts != 1 && !(r->old && !hosts))
        return 400;
    return status;
}
