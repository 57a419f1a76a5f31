# SPDX-License-Identifier: Apache-2.0
export GIT_AUTHOR_NAME=a GIT_AUTHOR_EMAIL=a@b GIT_COMMITTER_NAME=a GIT_COMMITTER_EMAIL=a@b GIT_CONFIG_NOSYSTEM=1
cd /tmp
git init -q -b main one
cd one
for i in 1 2 3; do
        echo $i >f$i
        git add f$i
        git commit -q -m $i
done
git gc -q
cd ..
git clone -q one two
git clone -q --no-local file:///tmp/one three
git daemon --base-path=/tmp --export-all --listen=127.0.0.1 --reuseaddr --pid-file=/tmp/daemon 2>/tmp/log &
daemon=$!
for i in $(seq 100); do
        git clone -q git://127.0.0.1/one four 2>/tmp/log && break
        sleep 0.1
done
kill $daemon
test "$(cat four/f3)" = 3
cd three
git mv f1 g1
git commit -q -a -m move
git push -q origin main:other
test "$(git -C ../one log --oneline other | wc -l)" = 4
git stash -q
git grep -q 1
git fsck --no-progress
echo ok
