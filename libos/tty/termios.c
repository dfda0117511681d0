/* SPDX-License-Identifier: BSD-2-Clause */
/* <termios.h>. */
#include <errno.h>
#include <sys/ioctl.h>
#include <termios.h>

int tcgetattr(int descriptor, struct termios *settings)
{
    return ioctl(descriptor, TCGETS, settings);
}

int tcsetattr(int descriptor, int when, const struct termios *settings)
{
    static const unsigned requests[] = {TCSETS, TCSETSW, TCSETSF};

    if (when < TCSANOW || when > TCSAFLUSH) {
        errno = EINVAL;
        return -1;
    }
    return ioctl(descriptor, requests[when], settings);
}

int tcsendbreak(int descriptor, int duration)
{
    (void)duration;
    return ioctl(descriptor, TCSBRK, 0L);
}

int tcdrain(int descriptor)
{
    return ioctl(descriptor, TCSBRK, 1L);
}

int tcflush(int descriptor, int queue)
{
    return ioctl(descriptor, TCFLSH, (long)queue);
}

int tcflow(int descriptor, int action)
{
    return ioctl(descriptor, TCXONC, (long)action);
}

pid_t tcgetpgrp(int descriptor)
{
    pid_t group;
    return ioctl(descriptor, TIOCGPGRP, &group) ? -1 : group;
}

int tcsetpgrp(int descriptor, pid_t group)
{
    return ioctl(descriptor, TIOCSPGRP, &group);
}

pid_t tcgetsid(int descriptor)
{
    pid_t session;
    return ioctl(descriptor, TIOCGSID, &session) ? -1 : session;
}

int tcgetwinsize(int descriptor, struct winsize *window)
{
    return ioctl(descriptor, TIOCGWINSZ, window);
}

int tcsetwinsize(int descriptor, const struct winsize *window)
{
    return ioctl(descriptor, TIOCSWINSZ, window);
}

/* ---- speeds: kept, and nothing else ---- */

speed_t cfgetispeed(const struct termios *settings)
{
    return settings->c_ispeed;
}

speed_t cfgetospeed(const struct termios *settings)
{
    return settings->c_ospeed;
}

static int speed_set(struct termios *settings, speed_t *place, speed_t speed)
{
    if (speed > B38400 && (speed < B57600 || speed > B921600)) {
        errno = EINVAL;
        return -1;
    }
    *place = speed;
    if (place == &settings->c_ospeed)
        settings->c_cflag = (settings->c_cflag & ~(tcflag_t)CBAUD) | speed;
    return 0;
}

int cfsetospeed(struct termios *settings, speed_t speed)
{
    return speed_set(settings, &settings->c_ospeed, speed);
}

int cfsetispeed(struct termios *settings, speed_t speed)
{
    return speed_set(settings, &settings->c_ispeed, speed);
}

int cfsetspeed(struct termios *settings, speed_t speed)
{
    return cfsetospeed(settings, speed) || cfsetispeed(settings, speed) ? -1 : 0;
}

void cfmakeraw(struct termios *settings)
{
    settings->c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    settings->c_oflag &= ~(tcflag_t)OPOST;
    settings->c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | ISIG | IEXTEN);
    settings->c_cflag = (settings->c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    settings->c_cc[VMIN] = 1;
    settings->c_cc[VTIME] = 0;
}
