/* SPDX-License-Identifier: BSD-2-Clause */
/* Between inet.c and inet_transfer.c. */
#pragma once

#include "socket.h"
#include "stack.h"

/* A socket address as the stack has it; of AF_UNSPEC the family is 0. */
int inet_name_take(const struct aegis_socket *s, const struct sockaddr *name, socklen_t size,
                   struct stack_name *taken);
void inet_name_give(const struct stack_name *from, struct sockaddr_storage *name, socklen_t *size);

/* struct netstack's. */
ssize_t inet_send(struct aegis_socket *s, struct aegis_transfer *t);
ssize_t inet_receive(struct aegis_socket *s, struct aegis_transfer *t);
