# SPDX-License-Identifier: BSD-2-Clause
# What `make test` of bzip2 does.
cd /suite/tests
verdict() { if "$@" > /dev/null 2>&1; then echo "PASS: $name"; else echo "FAIL: $name"; fi; }
for n in 1 2 3; do
    bzip2 -$n < sample$n.ref > sample$n.rb2
    name="compress $n" verdict cmp sample$n.bz2 sample$n.rb2
    [ $n = 3 ] && small=s || small=
    bzip2 -d$small < sample$n.bz2 > sample$n.tst
    name="decompress $n" verdict cmp sample$n.tst sample$n.ref
done
