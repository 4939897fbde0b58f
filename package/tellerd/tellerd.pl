#!/usr/bin/perl
# The command `tellerd`: becomes the program, on its own Node.
#
# Started by systemd it first opens the two sockets that carry datagrams, which Node cannot: where a service says that
# it is ready and alive, and where the system's journal takes fields. Connected and open, they are files to write to.
# Perl is on every Debian (perl-base is essential), and nothing of it stays: exec keeps the process and its number,
# so that systemd takes what is said there for the program's own word.
use strict;
use warnings;
use Fcntl qw(F_GETFL F_SETFL O_NONBLOCK);
use Socket qw(AF_UNIX SOCK_DGRAM pack_sockaddr_un);

# Descriptors up to this one outlive exec.
BEGIN { $^F = 15 }

my @open;

# The number of a descriptor connected to that socket; empty when nobody listens there.
sub connected {
    my ($path) = @_;
    $path =~ s/^@/\0/;    # a socket without a file
    socket(my $socket, AF_UNIX, SOCK_DGRAM, 0) or return '';
    connect($socket, pack_sockaddr_un($path)) or return '';
    # Somebody who does not listen must not hold up the machine.
    fcntl($socket, F_SETFL, fcntl($socket, F_GETFL, 0) | O_NONBLOCK) or return '';
    push @open, $socket;
    return fileno $socket;
}

$ENV{TELLERD_NOTIFY_FD} = connected($ENV{NOTIFY_SOCKET}) if $ENV{NOTIFY_SOCKET};
$ENV{TELLERD_JOURNAL_FD} = connected('/run/systemd/journal/socket') if $ENV{JOURNAL_STREAM};

my $home = '/usr/lib/tellerd';
exec "$home/node", "$home/tellerd.js", @ARGV or die "tellerd: $home/node cannot be started: $!\n";
