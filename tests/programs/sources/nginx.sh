# SPDX-License-Identifier: Apache-2.0
# Files, TLS (the kernel's where it has it), a proxy with its cache, and a new configuration while it runs.
cd /tmp
mkdir html
head -c 300000 /dev/urandom >html/big
openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 2 -subj /CN=localhost 2>/tmp/log
nginx -e /tmp/error.log -c /tmp/in/nginx.conf
curl -fsS http://127.0.0.1:8080/big | cmp - html/big
curl -fsS 'http://[::1]:8080/big' | cmp - html/big
curl -fsS --cacert cert https://localhost:8443/big | cmp - html/big
test "$(curl -fsS http://127.0.0.1:8080/proxied)" = behind
nginx -e /tmp/error.log -c /tmp/in/nginx.conf -s reload
sleep 0.3
curl -fsS http://127.0.0.1:8080/big | cmp - html/big
nginx -e /tmp/error.log -c /tmp/in/nginx.conf -s quit
! grep -E '\[(emerg|alert|crit)\]' error.log
echo ok
