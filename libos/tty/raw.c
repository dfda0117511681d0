/* SPDX-License-Identifier: BSD-2-Clause */
/* <aegis/tty.h>: what the line editor asks of standard input. */
#include <aegis/tty.h>

#include <sys/ioctl.h>
#include <termios.h>

#define INPUT 0

int aegis_tty_raw(int on)
{
    static struct termios cooked;
    static int known;
    struct termios now;

    if (tcgetattr(INPUT, &now))
        return -1;
    int before = !(now.c_lflag & ICANON);
    if (on && !before) {
        cooked = now;
        known = 1;
        now.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG | IEXTEN);
        now.c_iflag &= ~(tcflag_t)(ICRNL | IXON);
        now.c_cc[VMIN] = 1;
        now.c_cc[VTIME] = 0;
    } else if (!on && before && known) {
        now = cooked;
    }
    return tcsetattr(INPUT, TCSADRAIN, &now) ? -1 : before;
}

int aegis_tty_size(int *rows, int *columns)
{
    struct winsize window;

    if (ioctl(INPUT, TIOCGWINSZ, &window))
        return -1;
    *rows = window.ws_row;
    *columns = window.ws_col;
    return 0;
}
