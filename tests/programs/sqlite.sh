# SPDX-License-Identifier: BSD-2-Clause
# SQLite's speedtest1, small, by test set, with its own integrity check; then the shell. Arguments: the test sets.
cd /tmp
for set in "$@"; do
    if speedtest1 --size 3 --testset "$set" --verify "$set.db" > log 2>&1; then echo "PASS: speedtest1 $set"; else echo "FAIL: speedtest1 $set"; tail -3 log; fi
done
verdict() { if [ "$1" = "$2" ]; then echo "PASS: $name"; else echo "FAIL: $name ($1)"; fi; }
name="shell: memory" verdict "$(echo 'select 6*7;' | sqlite3)" 42
sqlite3 file.db 'create table t(a primary key, b); insert into t values(1,"one"),(2,"two");'
name="shell: file" verdict "$(sqlite3 file.db 'select b from t where a=2')" two
printf 'begin;\ninsert into t values(3,"three");\nrollback;\nselect count(*) from t;\n' > script.sql
name="shell: script, rollback" verdict "$(sqlite3 file.db < script.sql)" 2
name="shell: dump and load" verdict "$(sqlite3 file.db .dump | sqlite3 other.db && sqlite3 other.db 'select sum(a) from t')" 3
name="integrity" verdict "$(sqlite3 file.db 'pragma integrity_check')" ok
