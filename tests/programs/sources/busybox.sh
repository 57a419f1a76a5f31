# SPDX-License-Identifier: Apache-2.0
# A shell's daily work with the static busybox, whose C library makes other system calls than the usual one may.
busybox mkdir -p /tmp/d/e
echo hello >/tmp/d/e/f
busybox tar cf - -C /tmp/d . | busybox gzip | busybox zcat | busybox tar tf - | busybox grep -q e/f
busybox seq 1 100 | busybox sort -rn | busybox awk '{ s += $1 } END { exit s != 5050 }'
busybox cp -a /tmp/d /tmp/c
busybox mv /tmp/c/e/f /tmp/c/g
busybox chmod 750 /tmp/c/g
busybox find /tmp/c -name g | busybox grep -q c/g
busybox mkfifo /tmp/p
busybox dd if=/tmp/c/g bs=1 2>/tmp/log >/tmp/p &
busybox grep -q hello /tmp/p
wait
busybox ps | busybox grep -q ps
busybox timeout 5 busybox sleep 0.01
trap 'echo ok' EXIT
kill -0 $$
