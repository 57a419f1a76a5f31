# SPDX-License-Identifier: Apache-2.0
import asyncio
import socket


async def serve(reader, writer):
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()


async def main():
    for address in ("127.0.0.1", "::1"):
        server = await asyncio.start_server(serve, address, 0)
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname()[:2])
        writer.write(b"ping\n")
        assert await reader.readline() == b"ping\n"
        writer.close()
        server.close()
    server = await asyncio.start_unix_server(serve, "/tmp/socket")
    server.close()
    process = await asyncio.create_subprocess_exec("true")
    assert await process.wait() == 0
    assert await asyncio.to_thread(sum, [1, 2]) == 3


asyncio.run(main())
assert socket.if_nameindex()[0][1] == "lo"
assert socket.socketpair() and socket.getaddrinfo("localhost", 80)
print("ok")
