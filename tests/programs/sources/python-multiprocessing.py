# SPDX-License-Identifier: Apache-2.0
import multiprocessing
from multiprocessing import shared_memory


def main():
    for method in ("fork", "spawn", "forkserver"):
        context = multiprocessing.get_context(method)
        with context.Pool(4) as pool:
            assert sum(pool.map(abs, range(-100, 0))) == 5050
        q = context.Queue()
        process = context.Process(target=q.put, args=(5,))
        process.start()
        assert q.get() == 5
        process.join()
    memory = shared_memory.SharedMemory(create=True, size=4096)
    memory.buf[0] = 1
    memory.close()
    memory.unlink()
    assert multiprocessing.Semaphore(1).acquire() and multiprocessing.Value("i", 4).value == 4
    print("ok")


if __name__ == "__main__":
    main()
