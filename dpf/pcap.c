/* SPDX-License-Identifier: BSD-2-Clause */
/* pcap-filter's language: words -> tree. What each word means on Ethernet stands in pcap_words.c. */
#include "pcap.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pcap_tree.h"
#include "pcap_words.h"

#define WORD 64

struct parser {
    struct tree tree;
    const char *text, *at; /* behind the present word */
    char word[WORD];
    const char *error;
    struct words words;
    struct qualifiers recent; /* for an address or a number with none of its own */
    int depth;
};

/* ---- words ---- */

static bool is_mark(char c)
{
    return strchr("()[]!&|=<>+-*", c) != NULL;
}

static void next(struct parser *p)
{
    unsigned n = 0;

    while (isspace((unsigned char)*p->at))
        p->at++;
    if (*p->at && is_mark(*p->at)) {
        p->word[n++] = *p->at++;
        if (strchr("&|=<>!", p->word[0]) && (*p->at == '=' || (*p->at == p->word[0] && *p->at != '!')))
            p->word[n++] = *p->at++;
    }
    while (!n || !is_mark(p->word[0])) {
        char c = *p->at;
        if (!c || isspace((unsigned char)c) || (is_mark(c) && !(c == '-' && n)) || n == WORD - 1)
            break;
        p->word[n++] = c;
        p->at++;
    }
    p->word[n] = 0;
}

/* Inside brackets a colon is a mark; elsewhere it is part of an address. */
static void next_in_brackets(struct parser *p)
{
    unsigned n = 0;

    while (isspace((unsigned char)*p->at))
        p->at++;
    while (*p->at && !isspace((unsigned char)*p->at) && *p->at != ':' && !is_mark(*p->at) && n < WORD - 1)
        p->word[n++] = *p->at++;
    if (!n && *p->at)
        p->word[n++] = *p->at++;
    p->word[n] = 0;
}

static bool is(const struct parser *p, const char *word)
{
    return strcmp(p->word, word) == 0;
}

static bool accept(struct parser *p, const char *word)
{
    if (!is(p, word))
        return false;
    next(p);
    return true;
}

static struct node *fail(struct parser *p, const char *why)
{
    if (!p->error)
        p->error = why;
    return NULL;
}

/* ---- PROTO[OFFSET:SIZE] & MASK = NUMBER ---- */

static bool number(const char *word, uint32_t *value)
{
    char *end;
    unsigned long n = strtoul(word, &end, 0);

    if (words_constant(word, value))
        return true;
    *value = (uint32_t)n;
    return isdigit((unsigned char)*word) && !*end && n <= 0xffffffff;
}

/* A number, or several in parentheses: (tcp-syn|tcp-fin). */
static bool numbers(struct parser *p, uint32_t *value)
{
    uint32_t one;
    bool several = accept(p, "("), good = number(p->word, value);

    next(p);
    while (several && good && accept(p, "|")) {
        good = number(p->word, &one);
        *value |= one;
        next(p);
    }
    return good && (!several || accept(p, ")"));
}

static bool index_parse(struct parser *p, uint32_t *offset, uint32_t *size)
{
    *size = 1;
    next_in_brackets(p);
    if (!number(p->word, offset))
        return false;
    next_in_brackets(p);
    if (is(p, ":")) {
        next_in_brackets(p);
        if (!number(p->word, size))
            return false;
        next_in_brackets(p);
    }
    return is(p, "]") && (*size == 1 || *size == 2 || *size == 4);
}

static struct node *compared(struct parser *p, const char *how, struct place place, uint32_t mask, uint32_t value)
{
    uint32_t low = value, high = value;
    bool not = !strcmp(how, "!=");

    if (value > mask || value & ~mask) { /* never equal: only the order says something, and that for a whole field */
        if (!strcmp(how, "=") || !strcmp(how, "=="))
            return words_and(&p->words, place.exists, tree_node(&p->tree, NODE_FALSE, NULL, NULL));
        if (not)
            return words_and(&p->words, place.exists, words_field(&p->words, place, mask, 0, mask));
        if (value <= place.full)
            return fail(p, "the number has bits that the mask takes away");
    }
    if (!strcmp(how, "<") || !strcmp(how, "<=")) {
        low = 0;
        if (how[1] == 0 && value-- == 0)
            return tree_node(&p->tree, NODE_FALSE, NULL, NULL);
        high = value > mask ? mask : value;
    } else if (!strcmp(how, ">") || !strcmp(how, ">=")) {
        high = mask;
        if ((how[1] == 0 && value++ == 0xffffffff) || value > mask)
            return tree_node(&p->tree, NODE_FALSE, NULL, NULL);
        low = value;
    }
    struct node *n = words_field(&p->words, place, mask, low, high);
    return words_and(&p->words, place.exists, not ? tree_node(&p->tree, NODE_NOT, n, NULL) : n);
}

static struct node *accessor(struct parser *p, const char *protocol)
{
    uint32_t offset, size, mask, value;
    struct place place;

    if (!index_parse(p, &offset, &size))
        return fail(p, "PROTO[OFFSET] or PROTO[OFFSET:1|2|4] with plain numbers is taken, no arithmetic");
    if (!words_place(&p->words, protocol, offset, size, &place))
        return fail(p, "no such protocol, or an offset beyond 1,000");
    mask = place.full;
    next(p);
    if (accept(p, "&")) {
        if (!numbers(p, &mask))
            return fail(p, "a mask is a number");
        mask &= place.full;
    }
    char how[3];
    snprintf(how, sizeof how, "%.2s", p->word);
    if (!strchr("=<>!", how[0]) || !how[0] || !mask)
        return fail(p, "a comparison is one of = == != < > <= >=, with a mask that is not 0");
    next(p);
    if (!numbers(p, &value))
        return fail(p, "a comparison is with a number");
    return compared(p, how, place, mask, value);
}

/* ---- primitives ---- */

/* `src`, `dst`, and "src or dst", "src and dst", whose conjunction belongs to them. */
static void direction(struct parser *p, struct qualifiers *q)
{
    bool source = is(p, "src");

    if (q->direction == DIRECTION_HALF_OR || q->direction == DIRECTION_HALF_AND)
        q->direction = q->direction == DIRECTION_HALF_OR ? DIRECTION_EITHER : DIRECTION_BOTH;
    else
        q->direction = source ? DIRECTION_SRC : DIRECTION_DST;
    const char *at = p->at;
    char kept[WORD];
    memcpy(kept, p->word, sizeof kept);
    next(p);
    bool or = is(p, "or") || is(p, "||"), and = is(p, "and") || is(p, "&&");
    const char *behind = p->at + strspn(p->at, " \t");
    if ((or || and) && !strncmp(behind, source ? "dst" : "src", 3) && isspace((unsigned char)behind[3])) {
        q->direction = or ? DIRECTION_HALF_OR : DIRECTION_HALF_AND;
    } else {
        p->at = at;
        memcpy(p->word, kept, sizeof kept);
    }
}

/* [PROTO] [src|dst] [host|net|port|portrange|proto]: how many words; -1: PROTO[...] follows. */
static int qualifiers(struct parser *p, struct qualifiers *q)
{
    for (int count = 0;; count++) {
        if (words_protocol(p->word) && !q->protocol[0]) {
            snprintf(q->protocol, sizeof q->protocol, "%.15s", p->word);
            if (p->at[strspn(p->at, " \t")] == '[') {
                next(p);
                return -1;
            }
        } else if (is(p, "src") || is(p, "dst")) {
            direction(p, q);
        } else if (words_type(p->word) && !q->type[0]) {
            snprintf(q->type, sizeof q->type, "%.15s", p->word);
        } else {
            return count;
        }
        next(p);
    }
}

static struct node *vlan(struct parser *p)
{
    uint32_t id = 0;

    next(p);
    bool numbered = number(p->word, &id);
    if (numbered)
        next(p);
    return words_vlan(&p->words, numbered, id);
}

static bool ends_primitive(const struct parser *p)
{
    return !p->word[0] || is(p, ")") || is(p, "and") || is(p, "or") || is(p, "&&") || is(p, "||");
}

static struct node *named(struct parser *p, const struct qualifiers *q)
{
    char id[WORD], mask[WORD] = "";

    p->recent = *q;
    memcpy(id, p->word, sizeof id);
    next(p);
    if (accept(p, "mask")) {
        memcpy(mask, p->word, sizeof mask);
        next(p);
    }
    return words_named(&p->words, q, id, mask);
}

static struct node *primitive(struct parser *p)
{
    struct qualifiers q = {0};
    int count = qualifiers(p, &q);

    if (count < 0)
        return accessor(p, q.protocol);
    if (is(p, "vlan") && !count)
        return vlan(p);
    if (ends_primitive(p)) {
        if (!count || q.type[0] || q.direction)
            return fail(p, count ? "an address, a network, a port or a number is missing" : "something is missing");
        return words_alone(&p->words, q.protocol);
    }
    if (!count && !isxdigit((unsigned char)p->word[0]) && p->word[0] != ':')
        return fail(p, "this word is not taken");
    return named(p, count ? &q : &p->recent);
}

static struct node *either(struct parser *p);

static struct node *unary(struct parser *p)
{
    struct node *n;

    if (++p->depth > 100)
        return fail(p, "too many parentheses");
    if (accept(p, "not") || accept(p, "!")) {
        n = unary(p);
        n = n ? tree_node(&p->tree, NODE_NOT, n, NULL) : NULL;
    } else if (accept(p, "(")) {
        n = either(p);
        if (n && !accept(p, ")"))
            return fail(p, "a ) is missing");
    } else {
        n = primitive(p);
        if (!n && !p->error)
            p->error = p->words.error ? p->words.error : "not understood";
    }
    p->depth--;
    return n;
}

/* `and` and `or` bind alike, from left to right. */
static struct node *either(struct parser *p)
{
    struct node *n = unary(p);

    while (n && !p->error) {
        bool and = is(p, "and") || is(p, "&&"), or = is(p, "or") || is(p, "||");
        if (!and && !or)
            break;
        next(p);
        struct node *m = unary(p);
        n = m ? tree_node(&p->tree, and ? NODE_AND : NODE_OR, n, m) : NULL;
    }
    return n;
}

int pcap_compile_filters(const char *text, struct pcap_filters *out)
{
    struct parser *p = calloc(1, sizeof *p);

    out->count = 0;
    if (!p) {
        snprintf(out->message, sizeof out->message, "not enough memory");
        return -1;
    }
    p->text = p->at = text;
    p->words.tree = &p->tree;
    next(p);
    struct node *root = either(p);
    if (root && !p->error && p->word[0])
        p->error = "this is not understood";
    if (!p->error && p->tree.error)
        p->error = p->tree.error;
    bool in_text = p->error != NULL;
    if (!p->error)
        p->error = tree_lower(&p->tree, root, out);
    if (p->error)
        snprintf(out->message, sizeof out->message, in_text && p->word[0] ? "%s: \"%s\", at character %ld" : "%s", p->error, p->word,
                 (long)(p->at - text - (long)strlen(p->word)) + 1);
    int result = p->error ? -1 : 0;
    free(p);
    return result;
}
