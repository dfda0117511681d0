/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ash-rewrite [-w BYTES] [-v] ELF OUT: a linked handler into an image that the kernel takes; `OUT` ending in .h becomes a C array
 * of the name before the dot. What cannot be made safe is said on standard error as `@ADDRESS: why`; scripts/ash-cc makes
 * a file and a line of the address.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

static uint8_t *read_file(const char *path, uint64_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = 0;
    long length;

    if (f && !fseek(f, 0, SEEK_END) && (length = ftell(f)) >= 0 && (data = malloc((size_t)length + 1))) {
        rewind(f);
        *size = fread(data, 1, (size_t)length, f);
    }
    if (f)
        fclose(f);
    return data;
}

/* The image, in one piece. */
static uint8_t *image_of(const struct ash_loaded *l, const struct ash_result *r, size_t *size)
{
    struct ash_image head = {ASH_MAGIC, r->words, r->labels, r->knowns, l->program.window, l->data_size, {0, 0}};
    const void *part[] = {&head, r->word, r->label, r->known, l->data};
    size_t bytes[] = {sizeof head, 4UL * r->words, r->labels * sizeof *r->label, r->knowns * sizeof *r->known, l->data_size};
    uint8_t *image, *at;

    *size = bytes[0] + bytes[1] + bytes[2] + bytes[3] + bytes[4];
    image = at = malloc(*size);
    if (!image)
        abort();
    for (unsigned i = 0; i < 5; i++) {
        if (bytes[i])
            memcpy(at, part[i], bytes[i]);
        at += bytes[i];
    }
    return image;
}

static bool write_image(const char *path, const uint8_t *image, size_t size)
{
    const char *dot = strrchr(path, '.'), *name = strrchr(path, '/');
    FILE *f = fopen(path, "wb");
    bool good;

    if (!f)
        return false;
    name = name ? name + 1 : path;
    if (dot && !strcmp(dot, ".h")) {
        fprintf(f, "static const unsigned char %.*s[] __attribute__((aligned(8))) = {", (int)(dot - name), name);
        for (size_t i = 0; i < size; i++)
            fprintf(f, "%s%u,", i % 24 ? "" : "\n", image[i]);
        fprintf(f, "\n};\n");
    } else {
        fwrite(image, 1, size, f);
    }
    good = !ferror(f);
    return !fclose(f) && good;
}

static int say(const char *message, uint32_t address)
{
    if (address)
        fprintf(stderr, "@%x: %s\n", address, message);
    else
        fprintf(stderr, "%s\n", message);
    return 1;
}

int main(int count, char **argument)
{
    struct ash_loaded l;
    struct ash_result r;
    uint64_t size = 0;
    uint32_t window = 0;
    bool told = false;
    int first = 1;

    for (; first < count && argument[first][0] == '-'; first++) {
        if (!strcmp(argument[first], "-w") && first + 1 < count)
            window = (uint32_t)strtoul(argument[++first], 0, 0);
        else if (!strcmp(argument[first], "-v"))
            told = true;
    }
    if (count - first != 2)
        return say("usage: ash-rewrite [-w BYTES] [-v] ELF OUT", 0);
    uint8_t *file = read_file(argument[first], &size);
    if (!file)
        return say("the file cannot be read", 0);
    if (!ash_load(&l, file, size, window))
        return say(l.message, l.address);
    if (!ash_rewrite(&l.program, &r))
        return say(r.message, r.address);
    size_t bytes;
    uint8_t *image = image_of(&l, &r, &bytes);
    if (!write_image(argument[first + 1], image, bytes))
        return say("the image cannot be written", 0);
    if (told)
        printf("%u instructions of %u, %u guarded; %u labels, %u claims; %u bytes of window\n", r.words, l.program.count, r.guards,
               r.labels, r.knowns, l.program.window);
    free(image);
    free(file);
    ash_result_free(&r);
    ash_loaded_free(&l);
    return 0;
}
