# SPDX-License-Identifier: BSD-2-Clause
# busybox's own test suite; it wants its configuration and the program side by side above it. Arguments: applets, none for all.
cd /suite
mkdir bin
mv tests/.config bin/
ln -s /bin/busybox bin/busybox
cd tests
bindir=/suite/bin tsdir=/suite/tests ECHO="busybox echo" PATH=/bin sh ./runtest "$@" 2>&1
