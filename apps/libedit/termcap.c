/* SPDX-License-Identifier: BSD-2-Clause */
#include "termcap.h"

#include <stdio.h>
#include <string.h>

#define CSI "\033["

static const struct capability {
    char name[3];
    const char *text;
} capabilities[] = {
    {"al", CSI "L"},      {"bl", "\007"},       {"cd", CSI "J"},    {"ce", CSI "K"},
    {"ch", CSI "%i%dG"},  {"cl", CSI "H" CSI "J"}, {"cm", CSI "%i%d;%dH"}, {"cr", "\r"},
    {"dc", CSI "P"},      {"dl", CSI "M"},      {"do", "\n"},       {"ho", CSI "H"},
    {"kd", "\033OB"},     {"kl", "\033OD"},     {"kr", "\033OC"},   {"ku", "\033OA"},
    {"kh", "\033OH"},     {"@7", "\033OF"},     {"kD", CSI "3~"},   {"le", "\b"},
    {"md", CSI "1m"},     {"me", CSI "m"},      {"nd", CSI "C"},    {"se", CSI "27m"},
    {"so", CSI "7m"},     {"ue", CSI "24m"},    {"up", CSI "A"},    {"us", CSI "4m"},
    {"DC", CSI "%dP"},    {"DO", CSI "%dB"},    {"IC", CSI "%d@"},  {"LE", CSI "%dD"},
    {"RI", CSI "%dC"},    {"UP", CSI "%dA"},
};

static int known;

int tgetent(char *buffer, const char *terminal)
{
    if (buffer)
        *buffer = 0;
    known = terminal && *terminal && strcmp(terminal, "dumb") != 0;
    return known || (terminal && *terminal);
}

/* Automatic margins, with the cursor staying in the last column until there is more to print. */
int tgetflag(const char *name)
{
    return !strcmp(name, "am") || (known && (!strcmp(name, "xn") || !strcmp(name, "km")));
}

/* The size is the kernel of the terminal's to say (TIOCGWINSZ); this is for who cannot ask. */
int tgetnum(const char *name)
{
    return !strcmp(name, "co") ? 80 : !strcmp(name, "li") ? 24 : -1;
}

char *tgetstr(const char *name, char **area)
{
    for (size_t i = 0; known && i < sizeof capabilities / sizeof capabilities[0]; i++) {
        const char *text = capabilities[i].text;
        if (strncmp(name, capabilities[i].name, 2) != 0)
            continue;
        if (!area || !*area)
            return (char *)text;
        char *copy = strcpy(*area, text);
        *area += strlen(text) + 1;
        return copy;
    }
    return NULL;
}

/* %d: the next number, rows first; %i: both count from one. */
char *tgoto(const char *capability, int column, int row)
{
    static char text[64];
    int numbers[2] = {row, column}, next = 0;
    char *to = text;

    for (const char *p = capability; *p && to < text + sizeof text - 12; p++) {
        if (*p == '%' && p[1] == 'd') {
            to += sprintf(to, "%d", numbers[next++ & 1]);
            p++;
        } else if (*p == '%' && p[1] == 'i') {
            numbers[0]++;
            numbers[1]++;
            p++;
        } else {
            *to++ = *p;
        }
    }
    *to = 0;
    return text;
}

int tputs(const char *capability, int lines, int (*put)(int))
{
    (void)lines; /* no terminal of today needs padding */
    for (; capability && *capability; capability++)
        put((unsigned char)*capability);
    return 0;
}
