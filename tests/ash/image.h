/* SPDX-License-Identifier: BSD-2-Clause */
/* An image from a file, verified, its window filled. Included once, behind ash_run.h. */
#pragma once

static void *image_read(const char *path, size_t *size)
{
    FILE *f = fopen(path, "rb");
    uint8_t *data = malloc(1 << 20);

    if (!f || !data) {
        fprintf(stderr, "%s: cannot be read\n", path);
        exit(2);
    }
    *size = fread(data, 1, 1 << 20, f);
    fclose(f);
    return data;
}

/* False: the verifier refuses it. `code` points into the file's bytes, which stay. */
static bool image_load(const char *path, struct ash_code *code)
{
    size_t size;
    uint8_t *file = image_read(path, &size), *at = file + sizeof(struct ash_image);
    const struct ash_image *head = (const struct ash_image *)file;
    struct ash_verifier v;
    enum ash_error error;

    if (size < sizeof *head || head->magic != ASH_MAGIC)
        return false;
    *code = (struct ash_code){.words = head->words, .labels = head->labels, .knowns = head->knowns, .window = head->window};
    code->word = (const uint32_t *)at;
    code->label = (const struct ash_label *)(at += 4UL * head->words);
    code->known = (const struct ash_known *)(at += head->labels * sizeof *code->label);
    at += head->knowns * sizeof *code->known;
    if (at + head->data != file + size)
        return false;
    error = ash_verify_begin(&v, code);
    if (error == ASH_MORE)
        error = ash_verify_step(&v, ~0U);
    run_begin(code);
    memset(run.window, 0, run.window_size);
    memcpy(run.window, at, head->data);
    return error == ASH_GOOD;
}
