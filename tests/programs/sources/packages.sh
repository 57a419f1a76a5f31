# SPDX-License-Identifier: Apache-2.0
# Package managers unpack with modes and times, move into place, and sync.
mkdir -p /tmp/p/DEBIAN /tmp/p/opt/x
printf 'Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n' >/tmp/p/DEBIAN/control
echo data >/tmp/p/opt/x/file
ln -s file /tmp/p/opt/x/link
dpkg-deb --root-owner-group -b /tmp/p /tmp/x.deb >/dev/null
dpkg-deb -x /tmp/x.deb /tmp/out
test "$(cat /tmp/out/opt/x/link)" = data
tar -C /tmp/out -cJf /tmp/x.tar.xz --xattrs --acls .
mkdir /tmp/again
tar -C /tmp/again -xJpf /tmp/x.tar.xz --xattrs --acls
cp -a /tmp/again /tmp/copy
install -m 750 -d /tmp/inst
install -m 640 /tmp/copy/opt/x/file /tmp/inst
mv /tmp/inst/file /dev/shm/file
mv /dev/shm/file /tmp/inst/file
test "$(stat -c %a /tmp/inst/file)" = 640
/usr/bin/python3 -m venv --without-pip /tmp/venv
/tmp/venv/bin/python3 -c 'import sys; print("ok" if sys.prefix == "/tmp/venv" else "wrong")'
