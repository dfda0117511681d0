/* SPDX-License-Identifier: BSD-2-Clause */
/* From the environment's first instruction to main(). */
#include <stdlib.h>
#include <string.h>

#include <aegis/pager.h>

#include "../proc/again.h"
#include "../proc/exec.h"
#include "../sched/thread.h"
#include "../session/chunk.h"
#include "../thread/fork.h"
#include "../thread/pthread_internal.h"
#include "../vm/vm.h"
#include "process.h"

extern char __tls_image[], __tls_image_size[], __tls_size[], __tls_main[];
extern void __libc_init_array(void);
extern int main(int argc, char **argv, char **environ);
void process_start(uint64_t gp);
void program_name_set(char *name);
void stack_switch(uintptr_t top, void (*function)(void)) __attribute__((noreturn));

static char *no_strings[] = {"init", NULL};
char **environ = no_strings + 1;

static void tls_start(void)
{
    memcpy(__tls_main, __tls_image, (size_t)__tls_image_size);
    struct thread **tls = (struct thread **)__tls_main;
    __asm__("" : "+r"(tls)); /* what lies below is the linker's to know */
    thread_main.self = pthread_first = (struct pthread *)tls - 1;
    pthread_first->thread = &thread_main;
    __asm__ volatile("mv tp, %0" : : "r"(__tls_main) : "memory");
}

static struct start_block *start_block(void)
{
    struct start_block *start = (struct start_block *)VM_START;
    if (pager_find(VM_START).kind != PAGE_PRESENT || start->magic != START_MAGIC)
        return NULL;
    return start;
}

static void main_start(void)
{
    struct start_block *start = start_block();
    char **argv = no_strings;
    int argc = 1;

    tls_start();
    if (start) {
        argv = (char **)((char *)start + start->argv);
        argc = (int)start->argc;
        environ = argv + argc + 1;
        if (session_join())
            process_take_over(start);
    }
    program_name_set(argv[0]);
    signals_boot();
    if (start)
        start_actions(start);
    __libc_init_array();
    exit(main(argc, argv, environ));
}

/* We began masked: until here no upcall would have found anybody. */
PINNED_CODE static void unmask(volatile struct aegis_activation *activation)
{
    activation->masked = 0;
    if (activation->held)
        thread_yield(); /* clears it on the way */
}

PINNED_CODE void process_start(uint64_t gp)
{
    struct region stack = {.start = VM_STACK_TOP - VM_STACK_STEP, .end = VM_STACK_TOP, .rights = AEGIS_R | AEGIS_W,
                           .most = AEGIS_RWX, .kind = REGION_ZERO, .flags = REGION_DOWN};

    thread_boot(GP_ACTIVATION(gp));
    unmask(GP_ACTIVATION(gp));
    pager_boot();
    heap_boot();
    pager_map_region(&stack);
    stack_switch(VM_STACK_TOP, main_start);
}
