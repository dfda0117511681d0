/* SPDX-License-Identifier: BSD-2-Clause */
/* Files as programs see them: descriptors, paths, streams, directories, and errno. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

#define FAILS(call, error) (errno = 0, (call) == -1 && errno == (error))

static int write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0666);
    int good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
    return close(fd) == 0 && good;
}

static int holds(const char *path, const char *text)
{
    char buffer[256];
    int fd = open(path, O_RDONLY);
    ssize_t n = read(fd, buffer, sizeof buffer);
    close(fd);
    return n == (ssize_t)strlen(text) && !memcmp(buffer, text, (size_t)n);
}

static void descriptors(void)
{
    char byte;
    tap(write_file("/tmp/f", "0123456789") && holds("/tmp/f", "0123456789"), "files_write_read");
    int fd = open("/tmp/f", O_RDWR | O_APPEND);
    tap(lseek(fd, 2, SEEK_SET) == 2 && read(fd, &byte, 1) == 1 && byte == '2', "files_seek");
    tap(write(fd, "ab", 2) == 2 && lseek(fd, 0, SEEK_CUR) == 12 && holds("/tmp/f", "0123456789ab"),
        "files_append");
    int other = dup(fd);
    tap(other > fd && lseek(other, 5, SEEK_SET) == 5 && lseek(fd, 0, SEEK_CUR) == 5,
        "files_dup_shares_offset");
    tap(dup2(fd, 77) == 77 && close(fd) == 0 && close(other) == 0 && read(77, &byte, 1) == 1 &&
            byte == '5',
        "files_dup2");
    tap(ftruncate(77, 3) == 0 && holds("/tmp/f", "012"), "files_ftruncate");
    tap(close(77) == 0 && FAILS(close(77), EBADF) && FAILS(read(77, &byte, 1), EBADF),
        "files_closed");
    tap(FAILS(read(-1, &byte, 1), EBADF) && FAILS(lseek(1000, 0, SEEK_SET), EBADF),
        "files_bad_descriptor");
    fd = open("/tmp/f", O_RDONLY);
    tap(FAILS(write(fd, "x", 1), EBADF) && FAILS(lseek(fd, -1, SEEK_SET), EINVAL) &&
            FAILS(lseek(fd, 0, 9), EINVAL),
        "files_wrong_use");
    close(fd);
}

static void limits(void)
{
    static int fds[1100];
    int count = 0;
    while (count < 1100 && (fds[count] = open("/dev/null", O_RDWR)) >= 0)
        count++;
    tap(count > 1000 && count < 1024 && errno == EMFILE, "files_emfile");
    while (count)
        close(fds[--count]);
    int fd = open("/dev/zero", O_RDONLY);
    char zero[4] = "abc";
    tap(fd == 3 && read(fd, zero, 4) == 4 && !zero[0] && !zero[3], "files_dev_zero");
    close(fd);
    fd = open("/dev/null", O_RDWR);
    tap(write(fd, zero, 4) == 4 && read(fd, zero, 4) == 0, "files_dev_null");
    close(fd);
}

static void paths(void)
{
    struct stat s;
    char buffer[64];
    tap(FAILS(open("/none", O_RDONLY), ENOENT) && FAILS(open("/tmp/f/x", O_RDONLY), ENOTDIR) &&
            FAILS(open("", O_RDONLY), ENOENT),
        "files_open_errors");
    tap(FAILS(open("/tmp/f", O_WRONLY | O_CREAT | O_EXCL, 0666), EEXIST) &&
            FAILS(open("/tmp", O_WRONLY), EISDIR),
        "files_open_exclusive");
    tap(mkdir("/tmp/d", 0755) == 0 && FAILS(mkdir("/tmp/d", 0755), EEXIST) &&
            stat("/tmp/d", &s) == 0 && S_ISDIR(s.st_mode),
        "files_mkdir");
    tap(chdir("/tmp/d") == 0 && getcwd(buffer, sizeof buffer) && !strcmp(buffer, "/tmp/d") &&
            write_file("rel", "r") && holds("/tmp/d/rel", "r") && holds("../d/./rel", "r"),
        "files_chdir");
    tap(symlink("rel", "link") == 0 && holds("link", "r") && lstat("link", &s) == 0 &&
            S_ISLNK(s.st_mode) && readlink("link", buffer, sizeof buffer) == 3,
        "files_symlink");
    tap(link("rel", "hard") == 0 && stat("hard", &s) == 0 && s.st_nlink == 2 && s.st_size == 1,
        "files_link");
    tap(rename("hard", "new") == 0 && FAILS(open("hard", O_RDONLY), ENOENT) && holds("new", "r"),
        "files_rename");
    tap(unlink("new") == 0 && unlink("link") == 0 && FAILS(rmdir("/tmp/d"), ENOTEMPTY) &&
            unlink("rel") == 0,
        "files_unlink");
    tap(chdir("/") == 0 && rmdir("/tmp/d") == 0 && FAILS(chdir("/tmp/d"), ENOENT), "files_rmdir");
    tap(access("/tmp/f", R_OK | W_OK) == 0 && FAILS(access("/tmp/f", X_OK), EACCES) &&
            chmod("/tmp/f", 0755) == 0 && access("/tmp/f", X_OK) == 0,
        "files_mode");
}

static void streams(void)
{
    char line[32] = "";
    FILE *f = fopen("/tmp/s", "w+");
    fprintf(f, "%d %s\n", 42, "words");
    tap(fseek(f, 0, SEEK_SET) == 0 && fgets(line, sizeof line, f) && !strcmp(line, "42 words\n"),
        "files_stream");
    fclose(f);
    f = fopen("/tmp/s", "a");
    fputs("more\n", f);
    fclose(f);
    tap(holds("/tmp/s", "42 words\nmore\n"), "files_stream_append");
    f = tmpfile();
    tap(f && fputs("x", f) >= 0 && fclose(f) == 0, "files_tmpfile");
    tap(remove("/tmp/s") == 0 && !fopen("/tmp/s", "r") && errno == ENOENT, "files_remove");
}

static void directories(void)
{
    DIR *d = opendir("/");
    int dots = 0, tmp = 0, dev = 0;
    for (struct dirent *e; (e = readdir(d));) {
        dots += !strcmp(e->d_name, ".") || !strcmp(e->d_name, "..");
        tmp += !strcmp(e->d_name, "tmp") && e->d_type == DT_DIR;
        dev += !strcmp(e->d_name, "dev");
    }
    tap(dots == 2 && tmp == 1 && dev == 1 && closedir(d) == 0, "files_readdir");
    tap(!opendir("/none") && errno == ENOENT && !opendir("/tmp/f") && errno == ENOTDIR,
        "files_opendir_errors");
}

static void large(void)
{
    enum { SIZE = 5 << 20 };
    char *block = malloc(SIZE), *back = malloc(SIZE);
    for (int i = 0; i < SIZE; i++)
        block[i] = (char)(i * 31 >> 3);
    int fd = open("/tmp/large", O_RDWR | O_CREAT, 0666);
    tap(write(fd, block, SIZE) == SIZE && lseek(fd, 0, SEEK_SET) == 0 &&
            read(fd, back, SIZE) == SIZE && !memcmp(block, back, SIZE),
        "files_large");
    tap(lseek(fd, SIZE + 100000, SEEK_SET) > 0 && write(fd, "e", 1) == 1 &&
            lseek(fd, SIZE + 99999, SEEK_SET) > 0 && read(fd, back, 10) == 2 && back[0] == 0 &&
            back[1] == 'e',
        "files_hole");
    close(fd);
    unlink("/tmp/large");
    free(block);
    free(back);
}

int main(void)
{
    descriptors();
    limits();
    paths();
    streams();
    directories();
    large();
    return tap_failed;
}
