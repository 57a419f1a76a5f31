# SPDX-License-Identifier: Apache-2.0
# Against a server of CPython, by name, in IPv4 and IPv6, with TLS, through a Unix socket, down and up.
cd /tmp
openssl req -x509 -newkey rsa:2048 -nodes -keyout key -out cert -days 2 -subj /CN=localhost 2>/tmp/log
/usr/bin/python3 /tmp/in/server.py &
server=$!
for i in $(seq 200); do
        [ -e ready ] && break
        sleep 0.05
done
head -c 300000 /dev/urandom >big
test "$(curl -fsS http://127.0.0.1:8080/hello)" = hello
test "$(curl -fsS 'http://[::1]:8080/hello')" = hello
test "$(curl -fsS http://localhost:8080/hello http://localhost:8080/hello)" = hellohello
test "$(curl -fsS --cacert cert https://localhost:8443/hello)" = hello
test "$(curl -fsS --unix-socket /tmp/socket http://x/hello)" = hello
curl -fsS -T big http://127.0.0.1:8080/put
cmp big put
curl -fsSOJ http://127.0.0.1:8080/put
curl -fsS -Z http://127.0.0.1:8080/put -o 1 http://127.0.0.1:8080/put -o 2 2>/tmp/log
cmp 1 2
kill $server
echo ok
