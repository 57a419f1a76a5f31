# SPDX-License-Identifier: Apache-2.0
# A build in parallel, with make's job server, an archive, and C++.
mkdir -p /tmp/build
cd /tmp/build
for i in 1 2 3 4; do
        echo "int f$i(void) { return $i; }" >f$i.c
done
cat >main.cc <<'END'
#include <iostream>
#include <thread>
extern "C" { int f1(void); int f2(void); int f3(void); int f4(void); }
int main() {
        int sum = 0;
        std::thread t([&] { sum = f1() + f2() + f3() + f4(); });
        t.join();
        std::cout << (sum == 10 ? "ok" : "wrong") << std::endl;
}
END
printf 'program: main.cc lib.a\n\tg++ -pthread -o $@ main.cc lib.a\nlib.a: f1.o f2.o f3.o f4.o\n\tar rc $@ $^\n' >Makefile
make -s -j2
ldd program >/dev/null
strip program
./program
