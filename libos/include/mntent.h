/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of file systems. */
#pragma once

#include <stdio.h>

#define MOUNTED          "/proc/mounts"
#define MNTTAB           "/etc/fstab"
#define MNTTYPE_IGNORE   "ignore"
#define MNTTYPE_SWAP     "swap"
#define MNTOPT_RO        "ro"
#define MNTOPT_RW        "rw"
#define MNTOPT_DEFAULTS  "defaults"

struct mntent {
    char *mnt_fsname;
    char *mnt_dir;
    char *mnt_type;
    char *mnt_opts;
    int mnt_freq;
    int mnt_passno;
};

#ifdef __cplusplus
extern "C" {
#endif
FILE *setmntent(const char *, const char *);
struct mntent *getmntent(FILE *);
struct mntent *getmntent_r(FILE *, struct mntent *, char *, int);
int addmntent(FILE *, const struct mntent *);
int endmntent(FILE *);
char *hasmntopt(const struct mntent *, const char *);
#ifdef __cplusplus
}
#endif
