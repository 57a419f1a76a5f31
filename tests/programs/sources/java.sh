# SPDX-License-Identifier: Apache-2.0
# The compiler, and the collectors, each of which gets its memory in its own way.
cd /tmp
javac -d /tmp /tmp/in/Program.java
java -XX:+UseG1GC -Xmx256m Program >out
java -XX:+UseZGC -Xmx256m Program >>out
java -XX:+UseSerialGC -Xmx256m -XX:NativeMemoryTracking=summary Program >>out
test "$(sort -u out)" = ok
echo ok
