# SPDX-License-Identifier: BSD-2-Clause
# tcc's tests/tests2: each program is compiled and run on the machine. Arguments: the tests by number, none for all.
cd /suite/tests
export LC_ALL=C
for source in ${*:-[0-9]*.c}; do
    [ -f "$source" ] || source=$(ls "$source"_*.c | head -n 1)
    name=${source%.c} flags='' arguments=''
    case $name in
    31_args) arguments='arg1 arg2 arg3 arg4 arg5' ;;
    76_*) flags=-fdollars-in-identifiers ;;
    60_*|96_*|112_*) flags=-dt ;;
    34_*|85_*|98_*|99_*|113_*) continue ;; # not standard C, another processor's, shared libraries: its own Makefile leaves them out here
    104_inline) flags=104+_inline.c ;;
    104+_inline) continue ;;
    esac
    if [ "$flags" = -dt ]; then
        continue # several programs in one file, for tcc -run
    elif cc $flags "$source" -o a.exe > output 2>&1; then
        if [ "$name" = 46_grep ]; then
            ./a.exe '[^* ]*[:a:d: ]+\:\*-/: $' 46_grep.c >> output 2>&1
        else
            ./a.exe $arguments >> output 2>&1
        fi
    fi
    if diff -b "$name.expect" output > difference 2>&1; then echo "PASS: $name"; else echo "FAIL: $name"; head -5 difference; fi
done
