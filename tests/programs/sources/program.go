// SPDX-License-Identifier: Apache-2.0
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"sync"
	"syscall"
	"time"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func main() {
	var w sync.WaitGroup
	for i := 0; i < 200; i++ {
		w.Add(1)
		go func() {
			runtime.LockOSThread()
			time.Sleep(time.Millisecond)
			w.Done()
		}()
	}
	w.Wait()

	for network, address := range map[string]string{"tcp": "localhost:0", "tcp6": "[::1]:0", "unix": "/tmp/socket"} {
		l, err := net.Listen(network, address)
		must(err)
		go http.Serve(l, http.FileServer(http.Dir("/tmp")))
		transport := &http.Transport{Dial: func(_, _ string) (net.Conn, error) {
			return net.Dial(network, l.Addr().String())
		}}
		must(os.WriteFile("/tmp/f", make([]byte, 300000), 0644))
		r, err := (&http.Client{Transport: transport}).Get("http://x/f")
		must(err)
		f, err := os.Create("/tmp/g")
		must(err)
		n, err := io.Copy(f, r.Body)
		must(err)
		if n != 300000 {
			panic("short")
		}
		must(f.Sync())
	}

	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGUSR1)
	must(syscall.Kill(os.Getpid(), syscall.SIGUSR1))
	<-c
	must(exec.Command("true").Run())
	i, err := net.Interfaces()
	must(err)
	if len(i) == 0 {
		panic("no interfaces")
	}
	runtime.GC()
	fmt.Println("ok")
}
