/* SPDX-License-Identifier: BSD-2-Clause */
/* Being the stack (inside.c): whoever calls is it between enter() and leave(). */
#pragma once

#include <string.h>

#include "../session/inline.h"
#include "socket.h"
#include "stack.h"

extern struct stack_caller stack_us; /* what the image may call of this process */
extern const void *stack_holder;     /* the thread that is inside */

/* Maps the image and claims the endpoint, once a process. Not inside. */
int stack_join(void);
bool stack_joined(void);
/* The lock, from its dead owner too; true: it died inside. Then the stack is started anew. */
bool stack_lock_wait(void);
void stack_start(void);
/* Until the interface has an address: programs that start at once would find no way out. */
void stack_configuration_await(void);
/* Frames that wait in the ring, or a timer's time has come. */
bool stack_is_wanted(void);
/* struct netstack's. */
void stack_run(void);
unsigned stack_await(struct aegis_predicate *p, uint64_t *deadline);
void stack_end(void);

static inline struct stack_name kept_name(const struct aegis_socket *s, unsigned word)
{
    struct stack_name n = {.family = s->family, .port = (uint16_t)s->words[word]};

    memcpy(n.address, &s->words[word + 1], sizeof n.address);
    return n;
}

static inline void enter(void)
{
    signals_defer();
    bool died = !word_claim(&NETWORK->lock) && stack_lock_wait();
    if (__builtin_expect(died || NETWORK->started != NETWORK->generation || !NETWORK->started, 0))
        stack_start();
    *STACK_IMAGE->caller = &stack_us;
    stack_holder = thread_self();
}

static inline void leave(void)
{
    stack_holder = NULL;
    __atomic_store_n(&NETWORK->lock, 0, __ATOMIC_RELEASE);
    signals_allow();
}

/* tap.c: somebody looks at what comes and goes. */
void tap_run(void);

static inline void run_inside(void)
{
    if (__builtin_expect(NETWORK->tap_until != 0, 0))
        tap_run();
    NETWORK->deadline = STACK_IMAGE->run();
}

/* `call` with the stack ours, if the socket is one of its. Then what it has to send goes out. */
#define INSIDE(s, call)                                                                            \
    ({                                                                                             \
        __typeof__(call) result_;                                                                  \
        enter();                                                                                   \
        if ((s)->words[WORD_CONNECTION]) {                                                         \
            result_ = (call);                                                                      \
            run_inside();                                                                          \
        } else {                                                                                   \
            result_ = -ENOTCONN;                                                                   \
        }                                                                                          \
        leave();                                                                                   \
        result_;                                                                                   \
    })
