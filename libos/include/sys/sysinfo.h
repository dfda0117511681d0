/* SPDX-License-Identifier: BSD-2-Clause */
/* The machine's state in one call. */
#pragma once

#define SI_LOAD_SHIFT 16

struct sysinfo {
    long uptime;
    unsigned long loads[3];
    unsigned long totalram;
    unsigned long freeram;
    unsigned long sharedram;
    unsigned long bufferram;
    unsigned long totalswap;
    unsigned long freeswap;
    unsigned short procs;
    unsigned long totalhigh;
    unsigned long freehigh;
    unsigned mem_unit;
};

#ifdef __cplusplus
extern "C" {
#endif
int sysinfo(struct sysinfo *);
int get_nprocs(void);
int get_nprocs_conf(void);
#ifdef __cplusplus
}
#endif
