/* SPDX-License-Identifier: BSD-2-Clause */
/* Encryption is an option of POSIX that this libOS does not have: no password is kept by it. */
#include <crypt.h>
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

char *crypt(const char *key, const char *salt)
{
    (void)key, (void)salt;
    errno = ENOSYS;
    return NULL;
}

void setkey(const char *key)
{
    (void)key;
    errno = ENOSYS;
}

void encrypt(char *block, int decode)
{
    (void)block, (void)decode;
    errno = ENOSYS;
}
