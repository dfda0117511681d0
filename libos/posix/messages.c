/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages in fixed forms: fmtmsg, psiginfo, and the names of signals. */
#include <errno.h>
#include <fcntl.h>
#include <fmtmsg.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum part { LABEL = 1, SEVERITY = 2, TEXT = 4, ACTION = 8, TAG = 16, ALL = 31 };

static const char *severity_name(int severity)
{
    static const char *const names[] = {"", "HALT", "ERROR", "WARNING", "INFO"};
    return severity >= MM_NOSEV && severity <= MM_INFO ? names[severity] : NULL;
}

/* MSGVERB names the parts that are wanted, with colons between; anything else in it: all. */
static unsigned parts_wanted(void)
{
    static const char *const names[] = {"label", "severity", "text", "action", "tag"};
    const char *at = getenv("MSGVERB");
    unsigned parts = 0;

    while (at && *at) {
        size_t length = strcspn(at, ":");
        unsigned i = 0;
        while (i < 5 && (strlen(names[i]) != length || strncmp(at, names[i], length)))
            i++;
        if (i == 5)
            return ALL;
        parts |= 1u << i;
        at += length + (at[length] == ':');
    }
    return parts ? parts : ALL;
}

static int message_write(int file, unsigned parts, const char *label, const char *severity,
                         const char *text, const char *action, const char *tag)
{
    int has_label = parts & LABEL && label, has_severity = parts & SEVERITY && *severity;
    int has_text = parts & TEXT && text, has_action = parts & ACTION && action;
    int has_tag = parts & TAG && tag;

    return dprintf(file, "%s%s%s%s%s%s%s%s%s%s\n", has_label ? label : "",
                   has_label && (has_severity || has_text) ? ": " : "",
                   has_severity ? severity : "", has_severity && has_text ? ": " : "",
                   has_text ? text : "", has_action ? "\nTO FIX: " : "", has_action ? action : "",
                   has_action && has_tag ? " " : "", has_tag ? " " : "", has_tag ? tag : "") < 0;
}

int fmtmsg(long class, const char *label, int severity, const char *text, const char *action,
           const char *tag)
{
    const char *name = severity_name(severity), *colon = label ? strchr(label, ':') : NULL;
    int lost = 0;

    if (!name || (label && (!colon || colon - label > 10 || strlen(colon + 1) > 14)))
        return MM_NOTOK;
    if (class & MM_PRINT &&
        message_write(STDERR_FILENO, parts_wanted(), label, name, text, action, tag))
        lost |= 1;
    if (class & MM_CONSOLE) {
        int console = open("/dev/console", O_WRONLY | O_NOCTTY | O_CLOEXEC);
        if (console < 0 || message_write(console, ALL, label, name, text, action, tag))
            lost |= 2;
        if (console >= 0)
            close(console);
    }
    return lost == 3 ? MM_NOTOK : lost == 2 ? MM_NOCON : lost ? MM_NOMSG : MM_OK;
}

void psiginfo(const siginfo_t *information, const char *prefix)
{
    psignal(information->si_signo, prefix);
}
