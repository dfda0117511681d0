# SPDX-License-Identifier: BSD-2-Clause
# dash has no tests of its own in its source package; these are ours: what POSIX's shell chapter promises, and what needs processes.
cd /tmp
is() { if [ "$1" = "$2" ]; then echo "PASS: $name"; else echo "FAIL: $name: got '$1', not '$2'"; fi; }

name="arithmetic" is "$((6 * (3 + 4) % 100)) $((0x10 | 1)) $((1 << 40))" "42 17 1099511627776"
name="command substitution" is "$(echo a; (echo b))" "a
b"
name="nested substitution" is "$(echo $(echo $(echo deep)))" deep
name="status of exit" is "$(sh -c 'exit 42'; echo $?)" 42
name="status of a pipeline is its last one's" is "$(false | true; echo $?) $(true | false; echo $?)" "0 1"
name="status of a signal" is "$(sh -c 'kill -TERM $$' 2> /dev/null; echo $?)" 143
name="not found is 127" is "$(no-such-program 2> /dev/null; echo $?)" 127
name="not executable is 126" is "$(echo x > plain; ./plain 2> /dev/null; echo $?)" 126
name="pipeline of seven" is "$(seq 1000 | cat | cat | cat | cat | cat | wc -l | tr -d ' ')" 1000
name="a megabyte through a pipe" is "$(head -c 1048576 /dev/zero | cat | wc -c | tr -d ' ')" 1048576
name="SIGPIPE ends the writer" is "$(yes | head -n 3 | tr '\n' ,)" "y,y,y,"
name="here-document" is "$(cat << END
$((1 + 1)) \$x
END
)" '2 $x'
name="here-document, quoted" is "$(cat << 'END'
$((1 + 1)) \$x
END
)" '$((1 + 1)) \$x'
name="large here-document" is "$(cat << END | wc -c | tr -d ' '
$(seq 3000)
END
)" 13893
echo one > file; echo two >> file
name="append" is "$(cat file)" "one
two"
name="descriptors" is "$( (echo out; echo err >&2) 2>&1 > /dev/null)" err
exec 3> three; echo via 3 >&3; exec 3>&-
name="exec opens" is "$(cat three)" "via 3"
name="read and write on one descriptor" is "$(exec 4<> file; read x <&4; echo "$x")" one
name="noclobber" is "$(set -C; (echo x > file) 2> /dev/null; echo $?)" 2
name="globs" is "$(mkdir g; touch g/b g/a g/.h; echo g/*) $(echo g/[!a]) g/*z" "g/a g/b g/b g/*z"
name="parameters" is "$(x=path/to.tar.gz; echo ${x##*/} ${x%%.*} ${#x} ${y:-none} ${x:+set})" "to.tar.gz path/to 14 none set"
name="field splitting" is "$(IFS=:; set -- $(echo a:b::c); echo $#)" 4
name="positional" is "$(set -- a 'b c' d; shift; echo "$#-$1-$*")" "2-b c-b c d"
name="case" is "$(case abc in a*c) echo yes;; esac)" yes
name="loops" is "$(for i in 1 2 3; do [ $i = 2 ] && continue; echo $i; done; while :; do break; done)" "1
3"
name="functions and local" is "$(f() { local x=2; echo $x$1; }; x=1; f a; echo $x)" "2a
1"
name="trap EXIT" is "$(sh -c 'trap "echo bye" EXIT; echo hi')" "hi
bye"
name="trap of a signal" is "$(sh -c 'trap "echo got" USR1; kill -USR1 $$; echo on')" "got
on"
name="ignored signals stay ignored" is "$(trap '' TERM; sh -c 'kill -TERM $$; echo alive')" alive
name="background and wait" is "$( (exit 7) & wait $!; echo $?)" 7
name="many children" is "$(for i in 1 2 3 4 5 6 7 8 9 10; do (exit $i) & done; wait; echo done)" done
name="wait for a killed one" is "$(sleep 100 & kill $!; wait $! 2> /dev/null; echo $?)" 143
name="subshell keeps to itself" is "$(x=1; (x=2; cd /); echo $x $PWD)" "1 /tmp"
name="environment of a command" is "$(A=1 sh -c 'echo $A'; echo ${A-unset})" "1
unset"
name="exec replaces" is "$(sh -c 'exec echo new; echo old')" new
name="script by its first line" is "$(printf '#!/bin/sh\necho $0 $1\n' > s; chmod +x s; ./s arg)" "./s arg"
name="script by an interpreter with an option" is "$(printf '#!/bin/sed -nf\ns/a/b/p\n' > t; chmod +x t; echo a | ./t 2>&1 || echo no)" "b"
name="umask" is "$(umask 027; touch m; ls -l m | cut -c 1-10)" "-rw-r-----"
name="cd and pwd" is "$(mkdir -p d/e; ln -s d/e l; cd l; pwd; pwd -P)" "/tmp/l
/tmp/d/e"
name="read" is "$(printf 'a b c\n' | { read x y; echo "$y-$x"; })" "b c-a"
name="printf" is "$(printf '%05d|%-4s|%x|%s' 42 ab 255 end)" "00042|ab  |ff|end"
name="set -e" is "$(sh -ec 'false; echo no'; echo $?)" 1
name="set -u" is "$(sh -uc 'echo $none' 2> /dev/null; echo $?)" 2
name="getopts" is "$(set -- -a -b val rest; while getopts ab: o; do echo "$o$OPTARG"; done; shift $((OPTIND - 1)); echo $1)" "a
bval
rest"
name="times and ulimit" is "$(times > /dev/null && ulimit -n > /dev/null && echo fine)" fine
name="command -v" is "$(command -v ls cd)" "/bin/ls"
name="eval" is "$(eval 'x=5; echo $x')" 5
name="dot" is "$(echo 'y=9' > dot; . ./dot; echo $y)" 9
name="fifo" is "$(mkfifo p; echo through > p & cat p)" through
name="xargs" is "$(seq 5 | xargs -n 2 echo)" "1 2
3 4
5"
name="find -exec" is "$(find g -type f -name '[ab]' -exec echo {} \; | sort)" "g/a
g/b"
name="tar there and back" is "$(tar cf - g | (mkdir u; cd u; tar xf -); ls -A u/g | tr '\n' ' ')" ".h a b "
name="awk and sort" is "$(printf '3 c\n1 a\n2 b\n' | sort -n | awk '{s = s $2} END {print s}')" abc
name="kill -0" is "$(kill -0 $$ && echo there)" there
name="process group of a pipeline, seen by ps" is "$(ps -o comm | grep -c ps)" 1
name="nohup of the parent" is "$(sh -c '(sleep 0.1; echo late) & exit'; sleep 0.3)" late
name="signals by name" is "$(sleep 9 & state() { sleep 0.2; cut -d ' ' -f 3 /proc/$!/stat; }; kill -STOP $!; state; kill -CONT $!; state; kill -USR1 $!; wait $!; kill -l $?)" "T
S
USR1"
name="signals have the numbers that others give them" is "$(for s in HUP BUS USR1 USR2 CHLD STOP TSTP CONT TTIN URG WINCH SYS; do [ $(env kill -l $s) = $(busybox kill -l $s) ] && [ "$(kill -l $(busybox kill -l $s))" = $s ] || echo $s; done)" ""
