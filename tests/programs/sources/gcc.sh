# SPDX-License-Identifier: Apache-2.0
cd /tmp
gcc -O2 -pthread /tmp/in/program.c -o dynamic
gcc -O2 -pthread -static /tmp/in/program.c -o static
./dynamic
./static
