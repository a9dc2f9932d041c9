#pragma once

// Peer is what the kernel says of the process that connected, taken once when
// the connection is accepted. Newer kernels know more than Debian's; each such
// feature can be switched off, so that the way without it is tested too.
//
// Thread: loop.

#include <sys/types.h>

#include "base/result.h"
#include "base/scoped_fd.h"

namespace sidecar {

struct KernelFeatures {
  bool peer_pidfd = true;          // SO_PEERPIDFD, Linux 6.5
  bool refuse_descriptors = true;  // SO_PASSRIGHTS, Linux 6.16: senders of descriptors get EPERM
};

struct Peer {
  uid_t uid = 0;
  pid_t pid = 0;     // in our pid namespace, 0 if it is not visible there
  ScopedFd process;  // a pidfd; empty where none was to be had, e.g. when the process is gone already
};

// unavailable: not a connected Unix socket.
Result<Peer> identify_peer(int fd, const KernelFeatures& features);

// Has the kernel refuse descriptors sent to `fd`, where it can.
void refuse_descriptors(int fd, const KernelFeatures& features);

// Has the kernel say with each datagram who sent it. False: until now it did not, so what lies in the
// socket already may be of an unnamed sender (0). Since Linux 6.17 a connection has this from the listening
// socket as it was when the client connected, and a service manager's may have had it off.
bool ask_for_senders(int fd);

}  // namespace sidecar
