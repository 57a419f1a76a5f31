// SPDX-License-Identifier: Apache-2.0
use std::io::{copy, Read, Write};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::channel;
use std::{fs, process::Command, thread, time::Duration};

fn main() {
    let (sender, receiver) = channel();
    let threads: Vec<_> = (0..50)
        .map(|i| {
            let sender = sender.clone();
            thread::spawn(move || sender.send(i).unwrap())
        })
        .collect();
    threads.into_iter().for_each(|t| t.join().unwrap());
    assert_eq!(receiver.iter().take(50).sum::<i32>(), 1225);

    for address in ["127.0.0.1:0", "[::1]:0"] {
        let listener = TcpListener::bind(address).unwrap();
        let to = listener.local_addr().unwrap();
        let client = thread::spawn(move || TcpStream::connect(to).unwrap().write_all(b"ping").unwrap());
        let mut text = String::new();
        listener.accept().unwrap().0.read_to_string(&mut text).unwrap();
        client.join().unwrap();
        assert_eq!(text, "ping");
    }
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    udp.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    udp.send_to(b"x", udp.local_addr().unwrap()).unwrap();
    assert_eq!(udp.recv_from(&mut [0; 9]).unwrap().0, 1);
    let (mut a, mut b) = UnixStream::pair().unwrap();
    a.write_all(b"x").unwrap();
    assert_eq!(b.read(&mut [0; 9]).unwrap(), 1);

    assert!(Command::new("true").status().unwrap().success());
    fs::write("/tmp/f", vec![1; 100000]).unwrap();
    let (mut from, mut to) = (fs::File::open("/tmp/f").unwrap(), fs::File::create("/tmp/g").unwrap());
    assert_eq!(copy(&mut from, &mut to).unwrap(), 100000);
    fs::copy("/tmp/g", "/tmp/h").unwrap();
    to.sync_all().unwrap();
    println!("ok");
}
