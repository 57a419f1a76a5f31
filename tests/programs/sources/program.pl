# SPDX-License-Identifier: Apache-2.0
use strict;
use threads;
use POSIX;
use Socket;
use IO::Socket::INET;
use File::Temp;

my $s = IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1") or die "listen: $!";
my $pid = fork // die;
if (!$pid) {
    IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $s->sockport)->print("x\n");
    exit 0;
}
my $c = $s->accept;
die unless <$c> eq "x\n";
waitpid $pid, 0;
die if $?;
die unless threads->create(sub { 42 })->join == 42;
die unless `echo hi` eq "hi\n";
File::Temp->new;
print "ok\n";
