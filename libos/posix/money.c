/* SPDX-License-Identifier: BSD-2-Clause */
/* strfmon: amounts of money, as the locale writes them. */
#include <ctype.h>
#include <errno.h>
#include <locale.h>
#include <monetary.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct form {
    char fill;
    int plain;       /* no grouping */
    int parentheses; /* for what is below zero */
    int bare;        /* no symbol of currency */
    int left;
    int width, digits, fraction;
    int international;
};

static int number_read(const char **at)
{
    int value = 0;
    while (isdigit((unsigned char)**at) && value < 1000)
        value = value * 10 + (*(*at)++ - '0');
    return value;
}

/* The flags and sizes behind a '%'. */
static void form_read(const char **at, struct form *f)
{
    *f = (struct form){.fill = ' ', .digits = -1, .fraction = -1};
    for (;; (*at)++) {
        if (**at == '=' && (*at)[1])
            f->fill = *++*at;
        else if (**at == '^')
            f->plain = 1;
        else if (**at == '(')
            f->parentheses = 1;
        else if (**at == '!')
            f->bare = 1;
        else if (**at == '-')
            f->left = 1;
        else if (**at != '+')
            break;
    }
    f->width = number_read(at);
    if (**at == '#') {
        ++*at;
        f->digits = number_read(at);
    }
    if (**at == '.') {
        ++*at;
        f->fraction = number_read(at);
    }
}

/* Digits before the point, with separators and filled up on the left. */
static size_t whole_print(char *to, const char *digits, int count, const struct form *f)
{
    const struct lconv *l = localeconv();
    const char *separator = f->plain ? "" : l->mon_thousands_sep;
    char *start = to;

    for (int fill = f->digits - count; fill > 0; fill--)
        *to++ = f->fill;
    for (int i = 0; i < count; i++) {
        if (i && *separator && (count - i) % 3 == 0)
            to = stpcpy(to, separator);
        *to++ = digits[i];
    }
    return (size_t)(to - start);
}

static size_t amount_print(char *to, double amount, const struct form *f)
{
    const struct lconv *l = localeconv();
    const char *point = *l->mon_decimal_point ? l->mon_decimal_point : ".";
    const char *symbol = f->bare ? "" : f->international ? l->int_curr_symbol : l->currency_symbol;
    char digits[400], *start = to;
    int fraction = f->fraction >= 0 ? f->fraction : 2;
    int negative = amount < 0;

    snprintf(digits, sizeof digits, "%.*f", fraction, negative ? -amount : amount);
    int whole = (int)strcspn(digits, ".");
    if (negative)
        *to++ = f->parentheses ? '(' : '-';
    else if (f->digits >= 0)
        *to++ = ' ';
    to = stpcpy(to, symbol);
    to += whole_print(to, digits, whole, f);
    if (fraction) {
        to = stpcpy(to, point);
        to = stpcpy(to, digits + whole + 1);
    }
    if (negative && f->parentheses)
        *to++ = ')';
    *to = 0;
    return (size_t)(to - start);
}

static ssize_t money_print(char *to, size_t size, const char *format, va_list arguments)
{
    char text[3000], *start = to, *end = to + size;
    struct form f;

    for (; *format; format++) {
        size_t length = 1, pad = 0;
        if (*format != '%' || format[1] == '%') {
            text[0] = *format;
            format += *format == '%';
            f.left = 0;
        } else {
            format++;
            form_read(&format, &f);
            if (*format != 'i' && *format != 'n') {
                errno = EINVAL;
                return -1;
            }
            f.international = *format == 'i';
            length = amount_print(text, va_arg(arguments, double), &f);
            pad = (size_t)f.width > length ? (size_t)f.width - length : 0;
        }
        if ((size_t)(end - to) <= length + pad) {
            errno = E2BIG;
            return -1;
        }
        memset(to, ' ', length + pad);
        memcpy(f.left ? to : to + pad, text, length);
        to += length + pad;
    }
    *to = 0;
    return to - start;
}

ssize_t strfmon(char *restrict to, size_t size, const char *restrict format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    ssize_t result = money_print(to, size, format, arguments);
    va_end(arguments);
    return result;
}

ssize_t strfmon_l(char *restrict to, size_t size, locale_t locale, const char *restrict format, ...)
{
    locale_t before = uselocale(locale);
    va_list arguments;
    va_start(arguments, format);
    ssize_t result = money_print(to, size, format, arguments);
    va_end(arguments);
    uselocale(before);
    return result;
}
