// SPDX-License-Identifier: Apache-2.0
import java.io.*;
import java.net.*;
import java.net.http.*;
import java.nio.channels.*;
import java.nio.file.*;
import java.util.concurrent.*;

public class Program {
    public static void main(String[] arguments) throws Exception {
        var server = com.sun.net.httpserver.HttpServer.create(new InetSocketAddress("localhost", 0), 0);
        server.createContext("/", exchange -> {
            exchange.sendResponseHeaders(200, 2);
            exchange.getResponseBody().write("ok".getBytes());
            exchange.close();
        });
        server.setExecutor(Executors.newFixedThreadPool(4));
        server.start();
        var uri = URI.create("http://localhost:" + server.getAddress().getPort() + "/");
        var answer = HttpClient.newHttpClient().send(HttpRequest.newBuilder(uri).build(),
            HttpResponse.BodyHandlers.ofString()).body();
        server.stop(0);

        var pool = Executors.newWorkStealingPool();
        if (pool.submit(() -> 42).get() != 42) System.exit(2);
        Files.writeString(Path.of("/tmp/f"), "x");
        try (var channel = FileChannel.open(Path.of("/tmp/f"), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
            channel.lock().release();
            var page = channel.map(FileChannel.MapMode.READ_WRITE, 0, 1);
            page.put(0, (byte) 'y');
            page.force();
        }
        Files.copy(Path.of("/tmp/f"), Path.of("/tmp/g"), StandardCopyOption.REPLACE_EXISTING,
            StandardCopyOption.COPY_ATTRIBUTES);
        try (var watcher = FileSystems.getDefault().newWatchService()) {
            Path.of("/tmp").register(watcher, StandardWatchEventKinds.ENTRY_CREATE);
        }
        if (new ProcessBuilder("true").start().waitFor() != 0) System.exit(3);
        if (!NetworkInterface.getNetworkInterfaces().hasMoreElements()) System.exit(4);
        byte[][] garbage = new byte[64][];
        for (int i = 0; i < 4000; i++) garbage[i % 64] = new byte[100000];
        System.gc();
        System.out.println(answer);
        System.exit(0);
    }
}
