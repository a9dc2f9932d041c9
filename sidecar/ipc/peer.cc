#include "ipc/peer.h"

#include <fmt/format.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>

#include "base/process.h"

namespace sidecar {
namespace {

// Newer than the headers of Debian 12.
constexpr int kSoPeerPidfd = 77;
constexpr int kSoPassRights = 83;

// Whether the kernel could answer; `process` stays empty if the peer is gone.
bool pidfd_from_socket(int fd, ScopedFd& process) {
  int descriptor = -1;
  socklen_t size = sizeof descriptor;
  if (getsockopt(fd, SOL_SOCKET, kSoPeerPidfd, &descriptor, &size) != 0) return errno != ENOPROTOOPT;
  process.reset(descriptor);
  return true;
}

}  // namespace

Result<Peer> identify_peer(int fd, const KernelFeatures& features) {
  ucred who = {};
  socklen_t size = sizeof who;
  if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &size) != 0)
    return fail(Errc::unavailable, fmt::format("SO_PEERCRED: {}", std::strerror(errno)));
  Peer peer;
  peer.uid = who.uid;
  peer.pid = who.pid;
  const bool told = features.peer_pidfd && pidfd_from_socket(fd, peer.process);
  // By its number, which may have become another's since it connected: then another of its user's is taken for it.
  if (!told) peer.process = open_process(who.pid, who.uid);
  return peer;
}

void refuse_descriptors(int fd, const KernelFeatures& features) {
  const int off = 0;
  // An older kernel does not know the option; then descriptors arrive and are closed.
  if (features.refuse_descriptors) setsockopt(fd, SOL_SOCKET, kSoPassRights, &off, sizeof off);
}

bool ask_for_senders(int fd) {
  int asked = 0;
  socklen_t size = sizeof asked;
  if (getsockopt(fd, SOL_SOCKET, SO_PASSCRED, &asked, &size) == 0 && asked != 0) return true;
  const int on = 1;
  setsockopt(fd, SOL_SOCKET, SO_PASSCRED, &on, sizeof on);
  return false;
}

}  // namespace sidecar
