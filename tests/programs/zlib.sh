# SPDX-License-Identifier: BSD-2-Clause
# What `make test` of zlib does, and a larger file there and back.
verdict() { if [ "$1" = "$2" ]; then echo "PASS: $name"; else echo "FAIL: $name ($1)"; fi; }
cd /tmp
name="minigzip" verdict "$(echo hello world | minigzip | minigzip -d)" "hello world"
zlib-example > log 2>&1
name="example" verdict $? 0
seq 200000 > numbers
minigzip < numbers | minigzip -d > back
name="megabyte there and back" verdict "$(sha256sum < numbers)" "$(sha256sum < back)"
minigzip < numbers | gunzip > back
name="busybox reads what it wrote" verdict "$(sha256sum < numbers)" "$(sha256sum < back)"
