/* SPDX-License-Identifier: BSD-2-Clause */
/* Sockets. */
#pragma once

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#ifndef _SOCKLEN_T_DECLARED
typedef __socklen_t socklen_t;
#define _SOCKLEN_T_DECLARED
#endif
#ifndef _SA_FAMILY_T_DECLARED
typedef __sa_family_t sa_family_t;
#define _SA_FAMILY_T_DECLARED
#endif

#define SOCK_STREAM    1
#define SOCK_DGRAM     2
#define SOCK_RAW       3
#define SOCK_RDM       4
#define SOCK_SEQPACKET 5
#define SOCK_NONBLOCK  0x4000
#define SOCK_CLOEXEC   0x40000

#define PF_UNSPEC 0
#define PF_UNIX   1
#define PF_LOCAL  PF_UNIX
#define PF_INET   2
#define PF_INET6  10
#define PF_PACKET 17
#define AF_UNSPEC PF_UNSPEC
#define AF_UNIX   PF_UNIX
#define AF_LOCAL  PF_LOCAL
#define AF_INET   PF_INET
#define AF_INET6  PF_INET6
#define AF_PACKET PF_PACKET

#define SOL_SOCKET 1

#define SO_DEBUG      1
#define SO_REUSEADDR  2
#define SO_TYPE       3
#define SO_ERROR      4
#define SO_DONTROUTE  5
#define SO_BROADCAST  6
#define SO_SNDBUF     7
#define SO_RCVBUF     8
#define SO_KEEPALIVE  9
#define SO_OOBINLINE  10
#define SO_LINGER     13
#define SO_REUSEPORT  15
#define SO_PASSCRED   16
#define SO_PEERCRED   17
#define SO_RCVLOWAT   18
#define SO_SNDLOWAT   19
#define SO_RCVTIMEO   20
#define SO_SNDTIMEO   21
#define SO_BINDTODEVICE 25
#define SO_ACCEPTCONN 30
#define SO_PROTOCOL   38
#define SO_DOMAIN     39

#define MSG_OOB       0x1
#define MSG_PEEK      0x2
#define MSG_DONTROUTE 0x4
#define MSG_CTRUNC    0x8
#define MSG_TRUNC     0x20
#define MSG_DONTWAIT  0x40
#define MSG_EOR       0x80
#define MSG_WAITALL   0x100
#define MSG_NOSIGNAL  0x4000
#define MSG_MORE      0x8000
#define MSG_BATCH     0x40000 /* the caller will wait soon, for sockets: the frame may wait for others until then */
#define MSG_CMSG_CLOEXEC 0x40000000

#define SHUT_RD   0
#define SHUT_WR   1
#define SHUT_RDWR 2

#define SOMAXCONN 128

#define SCM_RIGHTS      1
#define SCM_CREDENTIALS 2

struct sockaddr {
    sa_family_t sa_family;
    char sa_data[14];
};

struct sockaddr_storage {
    sa_family_t ss_family;
    char __padding[118];
    unsigned long __align;
};

struct linger {
    int l_onoff;
    int l_linger;
};

struct msghdr {
    void *msg_name;
    socklen_t msg_namelen;
    struct iovec *msg_iov;
    int msg_iovlen;
    void *msg_control;
    socklen_t msg_controllen;
    int msg_flags;
};

struct cmsghdr {
    socklen_t cmsg_len;
    int __padding;
    int cmsg_level;
    int cmsg_type;
};

struct ucred {
    pid_t pid;
    uid_t uid;
    gid_t gid;
};

#define CMSG_ALIGN(size) (((size) + sizeof(long) - 1) & ~(sizeof(long) - 1))
#define CMSG_SPACE(size) (sizeof(struct cmsghdr) + CMSG_ALIGN(size))
#define CMSG_LEN(size)   (sizeof(struct cmsghdr) + (size))
#define CMSG_DATA(head)  ((unsigned char *)((struct cmsghdr *)(head) + 1))
#define CMSG_FIRSTHDR(message)                                   \
    ((message)->msg_controllen >= sizeof(struct cmsghdr)         \
         ? (struct cmsghdr *)(message)->msg_control : (struct cmsghdr *)0)
#define __CMSG_END(message) ((char *)(message)->msg_control + (message)->msg_controllen)
#define CMSG_NXTHDR(message, head)                                                         \
    ((char *)(head) + CMSG_ALIGN((head)->cmsg_len) + sizeof(struct cmsghdr) <= __CMSG_END(message) \
         ? (struct cmsghdr *)((char *)(head) + CMSG_ALIGN((head)->cmsg_len))               \
         : (struct cmsghdr *)0)

#define __R __restrict

#ifdef __cplusplus
extern "C" {
#endif
int socket(int, int, int);
int socketpair(int, int, int, int[2]);
int bind(int, const struct sockaddr *, socklen_t);
int connect(int, const struct sockaddr *, socklen_t);
int listen(int, int);
int accept(int, struct sockaddr *__R, socklen_t *__R);
int accept4(int, struct sockaddr *__R, socklen_t *__R, int);
int getpeername(int, struct sockaddr *__R, socklen_t *__R);
int getsockname(int, struct sockaddr *__R, socklen_t *__R);
int getsockopt(int, int, int, void *__R, socklen_t *__R);
int setsockopt(int, int, int, const void *, socklen_t);
ssize_t recv(int, void *, size_t, int);
ssize_t recvfrom(int, void *__R, size_t, int, struct sockaddr *__R, socklen_t *__R);
ssize_t recvmsg(int, struct msghdr *, int);
ssize_t send(int, const void *, size_t, int);
ssize_t sendto(int, const void *, size_t, int, const struct sockaddr *, socklen_t);
ssize_t sendmsg(int, const struct msghdr *, int);
int shutdown(int, int);
int sockatmark(int);
#ifdef __cplusplus
}
#endif
#undef __R
