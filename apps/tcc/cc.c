/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cc: the C compiler on the machine. tcc compiles and links the program; what it makes is then joined to the base, the image
 * that holds the C library and the libOS (layout.h), in one file that exec takes. Options are tcc's.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "layout.h"

#define TEXT(number)  #number
#define STRING(macro) TEXT(macro)
#define LIB           "/usr/lib/tcc/"
#define PAGE          4096UL
#define SEGMENTS      16
#define PT_LOAD       1

struct elf_header {
    uint8_t ident[16];
    uint16_t type, machine;
    uint32_t version;
    uint64_t entry, segments, sections;
    uint32_t flags;
    uint16_t header_size, segment_size, segment_count, section_size, section_count, names;
};

struct elf_segment {
    uint32_t type, flags;
    uint64_t offset, va, pa, file_size, memory_size, align;
};

struct image {
    uint8_t *bytes;
    size_t size;
};

struct joined {
    int fd;
    uint64_t offset; /* of what is written next */
    unsigned count;
    struct elf_segment segment[SEGMENTS];
};

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "cc: %s: %s\n", what, why);
    exit(1);
}

static struct image image_read(const char *path)
{
    struct stat status;
    int fd = open(path, O_RDONLY);

    if (fd < 0 || fstat(fd, &status))
        fail(path, strerror(errno));
    struct image image = {malloc((size_t)status.st_size), (size_t)status.st_size};
    if (!image.bytes)
        fail(path, strerror(ENOMEM));
    for (size_t at = 0; at < image.size;) {
        ssize_t n = read(fd, image.bytes + at, image.size - at);
        if (n <= 0)
            fail(path, n ? strerror(errno) : "is shorter than it was");
        at += (size_t)n;
    }
    close(fd);
    return image;
}

static void write_at(int fd, const void *bytes, size_t size, uint64_t offset)
{
    if (lseek(fd, (off_t)offset, SEEK_SET) < 0)
        fail("output", strerror(errno));
    for (const char *from = bytes; size;) {
        ssize_t n = write(fd, from, size);
        if (n <= 0)
            fail("output", strerror(n ? errno : ENOSPC));
        from += n;
        size -= (size_t)n;
    }
}

/* Each segment begins in a page of its own, at the same place in it as in memory: so it can be mapped. */
static void segments_add(struct joined *to, const struct image *image, const char *name)
{
    const struct elf_header *header = (const struct elf_header *)image->bytes;

    if (image->size < sizeof *header || memcmp(header->ident, "\177ELF", 4) ||
        header->segments + (uint64_t)header->segment_count * sizeof(struct elf_segment) > image->size)
        fail(name, "no ELF file");
    const struct elf_segment *segment = (const struct elf_segment *)(image->bytes + header->segments);
    for (unsigned i = 0; i < header->segment_count; i++, segment++) {
        if (segment->type != PT_LOAD || !segment->memory_size)
            continue;
        if (to->count == SEGMENTS || segment->offset + segment->file_size > image->size)
            fail(name, "not as expected");
        struct elf_segment *made = &to->segment[to->count++];
        *made = *segment;
        made->offset = to->offset + segment->va % PAGE;
        write_at(to->fd, image->bytes + segment->offset, segment->file_size, made->offset);
        to->offset = (made->offset + segment->file_size + PAGE - 1) & ~(PAGE - 1);
    }
}

static void join(const char *program_path, const char *output)
{
    struct image base = image_read(LIB "base"), program = image_read(program_path);
    struct elf_header header = *(struct elf_header *)base.bytes;
    struct joined joined = {.offset = PAGE};
    mode_t mask = umask(0);

    umask(mask);
    unlink(output);
    joined.fd = open(output, O_WRONLY | O_CREAT | O_TRUNC, 0777 & ~mask);
    if (joined.fd < 0)
        fail(output, strerror(errno));
    segments_add(&joined, &base, LIB "base");
    segments_add(&joined, &program, program_path);
    if (joined.segment[joined.count - 1].va + joined.segment[joined.count - 1].memory_size > PROGRAM_END)
        fail(output, "too large");
    header.segments = sizeof header;
    header.segment_count = (uint16_t)joined.count;
    header.sections = header.section_count = header.names = 0;
    write_at(joined.fd, &header, sizeof header, 0);
    write_at(joined.fd, joined.segment, joined.count * sizeof joined.segment[0], sizeof header);
    if (close(joined.fd))
        fail(output, strerror(errno));
}

static int tcc_run(char **arguments)
{
    int status;
    pid_t child = fork();

    if (child == 0) {
        execv("/bin/tcc", arguments);
        fprintf(stderr, "cc: /bin/tcc: %s\n", strerror(errno));
        _exit(127);
    }
    if (child < 0 || waitpid(child, &status, 0) < 0)
        fail("tcc", strerror(errno));
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Whether these arguments end in a program; what the output is to be called. */
static int links(int argc, char **argv, const char **output)
{
    int inputs = 0;

    for (int i = 1; i < argc; i++) {
        const char *a = argv[i];
        if (!strcmp(a, "-c") || !strcmp(a, "-E") || !strcmp(a, "-S") || !strcmp(a, "-r") || !strcmp(a, "-v") || !strcmp(a, "-M"))
            return 0;
        if (!strcmp(a, "-o") && i + 1 < argc)
            *output = argv[++i];
        else if (!strncmp(a, "-o", 2) && a[2])
            *output = a + 2;
        else
            inputs += a[0] != '-' || a[1] == 0;
    }
    return inputs > 0;
}

int main(int argc, char **argv)
{
    static char *const before[] = {"tcc", "-include", "predefined.h", "-nostdlib", "-static", "-Wl,-Ttext=" STRING(PROGRAM_FIRST), LIB "names.o",
                                   LIB "crt.o"};
    enum { BEFORE = sizeof before / sizeof before[0], COMPILING = 3 }; /* of these, what concerns no linking */
    const char *output = "a.out";
    char linked[] = "/tmp/ccXXXXXX";
    char **arguments = calloc((size_t)argc + BEFORE + 3, sizeof *arguments);

    if (!arguments)
        fail("arguments", strerror(ENOMEM));
    memcpy(arguments, before, sizeof before);
    if (!links(argc, argv, &output)) {
        memcpy(arguments + COMPILING, argv + 1, (size_t)argc * sizeof *argv);
        execv("/bin/tcc", arguments);
        fail("/bin/tcc", strerror(errno));
    }
    int fd = mkstemp(linked);
    if (fd < 0)
        fail(linked, strerror(errno));
    close(fd);
    char **end = arguments + BEFORE;
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "-o", 2))
            *end++ = argv[i];
        else if (!argv[i][2])
            i++;
    *end++ = "-o";
    *end++ = linked;
    int status = tcc_run(arguments);
    if (status == 0)
        join(linked, output);
    unlink(linked);
    return status;
}
