/* SPDX-License-Identifier: BSD-2-Clause */
/* newlib's streams over this libOS's descriptors, and other parts of newlib that need a system
 * beneath. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <iconv.h>
#include <langinfo.h>
#include <locale.h>
#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>

#include "tap.h"

static void temporary(void)
{
    char name[] = "/tmp/streams-XXXXXX", folder[] = "/tmp/folder-XXXXXX", text[8] = "";
    struct stat status;
    FILE *f = tmpfile();
    tap(f && fputs("abc", f) >= 0 && (rewind(f), fgets(text, sizeof text, f)) &&
            !strcmp(text, "abc") && !fclose(f),
        "streams_tmpfile");
    int fd = mkstemp(name);
    tap(fd >= 0 && !strchr(name, 'X') && !fstat(fd, &status) && (status.st_mode & 0777) == 0600,
        "streams_mkstemp");
    f = fdopen(fd, "w");
    tap(f && fprintf(f, "%d", 7) == 1 && fileno(f) == fd && !fclose(f) && write(fd, "x", 1) == -1 &&
            errno == EBADF,
        "streams_fdopen_owns");
    tap(mkdtemp(folder) && !stat(folder, &status) && S_ISDIR(status.st_mode) &&
            (status.st_mode & 0777) == 0700,
        "streams_mkdtemp");
    tap(!fdopen(77, "r") && errno == EBADF && !fopen("/tmp/none", "r") && errno == ENOENT &&
            !fopen(name, "q") && errno == EINVAL,
        "streams_open_errors");
    tap(!fopen(name, "wx") && errno == EEXIST, "streams_exclusive");
    f = fopen(name, "re");
    tap(f && fcntl(fileno(f), F_GETFD) == FD_CLOEXEC && !fclose(f), "streams_close_on_exec");
    tap(!unlink(name) && !remove(folder), "streams_remove");
}

static void memory(void)
{
    char room[16] = "0123456789", *block = NULL;
    size_t size = 0;
    FILE *f = fmemopen(room, sizeof room, "r+");
    tap(f && fgetc(f) == '0' && !fseek(f, 4, SEEK_SET) && fputs("XY", f) >= 0 && !fclose(f) &&
            !strcmp(room, "0123XY6789"),
        "streams_fmemopen");
    f = open_memstream(&block, &size);
    tap(f && fprintf(f, "%05d", 42) == 5 && !fflush(f) && size == 5 && !strcmp(block, "00042") &&
            !fclose(f),
        "streams_open_memstream");
    free(block);
    f = fopen("/tmp/dprintf", "w+");
    dprintf(fileno(f), "%s-%x", "a", 255);
    rewind(f);
    tap(fgets(room, sizeof room, f) && !strcmp(room, "a-ff"), "streams_dprintf");
    fclose(f);
}

static void positions(void)
{
    char text[32];
    fpos_t where;
    FILE *f = fopen("/tmp/positions", "w+");
    setvbuf(f, NULL, _IOFBF, 16);
    for (int i = 0; i < 100; i++)
        fprintf(f, "%02d", i);
    tap(ftello(f) == 200 && !fseeko(f, 40, SEEK_SET) && fgetc(f) == '2' && !fgetpos(f, &where) &&
            fread(text, 1, 9, f) == 9 && !fsetpos(f, &where) && fgetc(f) == '0',
        "streams_positions");
    tap(ungetc('z', f) == 'z' && fgetc(f) == 'z' && !fseek(f, 0, SEEK_END) && fgetc(f) == EOF &&
            feof(f) && !ferror(f),
        "streams_ungetc_and_end");
    f = freopen("/tmp/positions", "a", f);
    tap(f && fputs("end", f) >= 0 && ftell(f) == 203 && !fclose(f), "streams_freopen_append");
    f = fopen("/tmp/positions", "r");
    tap(fputc('x', f) == EOF && ferror(f) && errno == EBADF && (clearerr(f), !ferror(f)),
        "streams_write_on_read_only");
    fclose(f);
    f = fopen("/tmp/positions", "r");
    wint_t wide = fgetwc(f);
    tap(wide == L'0' && fwide(f, 0) > 0, "streams_wide");
    fclose(f);
}

static void patterns(void)
{
    glob_t found;
    regex_t expression;
    regmatch_t match[2];
    mkdir("/tmp/g", 0755);
    close(open("/tmp/g/b.c", O_CREAT | O_WRONLY, 0644));
    close(open("/tmp/g/a.c", O_CREAT | O_WRONLY, 0644));
    close(open("/tmp/g/.h.c", O_CREAT | O_WRONLY, 0644));
    tap(!glob("/tmp/g/*.c", 0, NULL, &found) && found.gl_pathc == 2 &&
            !strcmp(found.gl_pathv[0], "/tmp/g/a.c"),
        "streams_glob");
    globfree(&found);
    tap(glob("/tmp/g/*.x", 0, NULL, &found) == GLOB_NOMATCH, "streams_glob_none");
    tap(!regcomp(&expression, "^([a-z]+)[0-9]{2}$", REG_EXTENDED) &&
            !regexec(&expression, "abc42", 2, match, 0) && match[1].rm_eo == 3 &&
            regexec(&expression, "abc4", 2, match, 0) == REG_NOMATCH,
        "streams_regex");
    regfree(&expression);
}

static void languages(void)
{
    char in[] = "na\xc3\xafve \xe2\x82\xac", out[32], *from = in, *to = out;
    size_t left = strlen(in), room = sizeof out;
    iconv_t convert = iconv_open("ISO-8859-15", "UTF-8");
    tap(convert != (iconv_t)-1 && iconv(convert, &from, &left, &to, &room) != (size_t)-1 && !left &&
            !memcmp(out, "na\xefve \xa4", 7),
        "streams_iconv");
    tap(iconv_open("nothing", "UTF-8") == (iconv_t)-1 && errno == EINVAL, "streams_iconv_unknown");
    tap(!strcmp(nl_langinfo(RADIXCHAR), ".") && !strcmp(nl_langinfo(DAY_2), "Monday"),
        "streams_langinfo");
    wchar_t wide[8];
    tap(setlocale(LC_ALL, "C.UTF-8") && mbstowcs(wide, "\xe2\x82\xac", 8) == 1 &&
            wide[0] == 0x20ac && setlocale(LC_ALL, "C"),
        "streams_utf8");
    setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3", 1);
    tzset();
    time_t summer = 1700000000 - 120 * 86400;
    tap(localtime(&summer)->tm_isdst == 1 && timezone == -3600 && daylight &&
            !strcmp(tzname[1], "CEST"),
        "streams_time_zone");
}

static void environment(void)
{
    tap(!setenv("A", "1", 1) && !setenv("A", "2", 0) && !strcmp(getenv("A"), "1") &&
            !unsetenv("A") && !getenv("A"),
        "streams_environment");
    tap(setenv("", "x", 1) == -1 && errno == EINVAL && setenv("a=b", "x", 1) == -1 &&
            errno == EINVAL,
        "streams_environment_wrong");
    static char *other[] = {"X=1", NULL};
    environ = other;
    tap(!setenv("Y", "2", 1) && !strcmp(getenv("X"), "1") && !putenv("Y=3") &&
            !strcmp(getenv("Y"), "3") && !clearenv() && !getenv("X") && !setenv("X", "4", 1) &&
            !strcmp(getenv("X"), "4"),
        "streams_environment_replaced");
    tap(!strcmp(strsignal(SIGSEGV), "Segmentation fault") || strlen(strsignal(SIGSEGV)) > 3,
        "streams_strsignal");
}

int main(void)
{
    temporary();
    memory();
    positions();
    patterns();
    languages();
    environment();
    return tap_failed;
}
