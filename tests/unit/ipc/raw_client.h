#pragma once

// RawClient speaks to the server over a real socket, byte by byte as told: what a
// shim, or whoever pretends to be one, could do.

#include <control_generated.h>
#include <doctest/doctest.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <cerrno>
#include <optional>
#include <string>

#include "base/scoped_fd.h"
#include "client_frames.h"

namespace sidecar::client {

// A frame from the sidecar.
struct Heard {
  FrameType type;
  Bytes payload;
  ScopedFd fd;

  template <class Table>
  const Table& as() const {
    flatbuffers::Verifier verifier(payload.data(), payload.size());
    REQUIRE(verifier.VerifySizePrefixedBuffer<Table>(nullptr));
    return *flatbuffers::GetSizePrefixedRoot<Table>(payload.data());
  }
};

class RawClient {
 public:
  explicit RawClient(const std::string& path) : fd_(socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0)) {
    sockaddr_un address = {};
    address.sun_family = AF_UNIX;
    REQUIRE(path.size() < sizeof address.sun_path);
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    connected_ = connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  }

  int fd() const { return fd_.get(); }
  bool connected() const { return connected_; }
  void close() { fd_.reset(); }

  // False if the kernel did not take it; errno says why.
  bool send(const Bytes& datagram, const std::vector<int>& descriptors = {}) {
    iovec part = {const_cast<std::uint8_t*>(datagram.data()), datagram.size()};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    std::vector<char> control(CMSG_SPACE(descriptors.size() * sizeof(int)));
    if (!descriptors.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
      cmsghdr* const header = CMSG_FIRSTHDR(&message);
      header->cmsg_level = SOL_SOCKET;
      header->cmsg_type = SCM_RIGHTS;
      header->cmsg_len = CMSG_LEN(descriptors.size() * sizeof(int));
      std::memcpy(CMSG_DATA(header), descriptors.data(), descriptors.size() * sizeof(int));
    }
    return sendmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) == static_cast<ssize_t>(datagram.size());
  }

  // The next frame that is there. Nothing: none, or closed().
  std::optional<Heard> hear() {
    Bytes buffer(kMaxFrame);
    alignas(cmsghdr) char control[CMSG_SPACE(sizeof(int))];
    iovec part = {buffer.data(), buffer.size()};
    msghdr message = {};
    message.msg_iov = &part;
    message.msg_iovlen = 1;
    message.msg_control = control;
    message.msg_controllen = sizeof control;
    ssize_t size = recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    // told once and first if our frames were thrown away; what was sent to us is still there
    if (size < 0 && errno == ECONNRESET) size = recvmsg(fd_.get(), &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (size == 0) closed_ = true;
    if (size <= 0) return std::nullopt;
    Heard heard{FrameType{}, {}, ScopedFd()};
    if (const cmsghdr* const at = CMSG_FIRSTHDR(&message); at != nullptr && at->cmsg_type == SCM_RIGHTS) {
      int fd = -1;
      std::memcpy(&fd, CMSG_DATA(at), sizeof fd);
      heard.fd.reset(fd);
    }
    FrameHeader header;
    REQUIRE(size >= static_cast<ssize_t>(sizeof header));
    std::memcpy(&header, buffer.data(), sizeof header);
    CHECK(header.magic == kMagic);
    CHECK(header.payload_size + sizeof header == static_cast<std::size_t>(size));
    heard.type = static_cast<FrameType>(header.type);
    heard.payload.assign(buffer.begin() + sizeof header, buffer.begin() + size);
    return heard;
  }

  // Whether the sidecar has closed; what it sent has been heard before.
  bool closed() {
    while (!closed_ && hear()) {
    }
    return closed_;
  }

  // The code of the REJECT that comes next, and that the connection is closed after it.
  RejectCode rejected() {
    for (;;) {
      const auto heard = hear();
      if (!heard) return RejectCode::none;
      if (heard->type != FrameType::reject) continue;
      const auto& reject = heard->as<fbs::Reject>();
      CHECK(reject.message()->size() > 5);
      retry_after_ms = reject.retry_after_ms();
      permanent = reject.permanent();
      CHECK(closed());
      return static_cast<RejectCode>(reject.code());
    }
  }

  std::uint32_t retry_after_ms = 0;  // of the last REJECT
  bool permanent = false;

 private:
  ScopedFd fd_;
  bool connected_ = false;
  bool closed_ = false;
};

// The page as a client sees it.
class MappedPage {
 public:
  explicit MappedPage(int fd) : memory_(mmap(nullptr, kPageSize, PROT_READ, MAP_SHARED, fd, 0)) {
    REQUIRE(memory_ != MAP_FAILED);
  }
  ~MappedPage() { munmap(memory_, kPageSize); }
  MappedPage(const MappedPage&) = delete;
  MappedPage& operator=(const MappedPage&) = delete;

  std::uint64_t word(std::size_t offset) const {
    return __atomic_load_n(reinterpret_cast<const std::uint64_t*>(static_cast<const char*>(memory_) + offset),
                           __ATOMIC_ACQUIRE);
  }

 private:
  void* memory_;
};

}  // namespace sidecar::client
