# SPDX-License-Identifier: Apache-2.0
import concurrent.futures
import queue
import threading

q = queue.Queue()
threads = [threading.Thread(target=q.put, args=(i,)) for i in range(50)]
for t in threads:
    t.start()
for t in threads:
    t.join()
assert sum(q.get() for _ in threads) == 1225
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    assert sum(pool.map(abs, range(-100, 0))) == 5050
print("ok")
