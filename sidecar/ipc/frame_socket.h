#pragma once

// FrameSocket is one accepted SOCK_SEQPACKET socket: datagrams in, with the
// kernel's word on who sent each, and frames out, never waiting for either.
//
// Descriptors that come along uninvited are closed here and reported. It does
// not know what a frame is.
//
// Owner: Connection. Thread: loop.

#include <sys/types.h>

#include <cstdint>
#include <span>

#include "base/scoped_fd.h"

namespace sidecar {

struct Received {
  enum class Kind {
    datagram,     // `bytes` and `sender` are set
    none,         // nothing there now
    end,          // the peer has closed and everything it sent has been read
    oversize,     // a datagram longer than the buffer: it is gone
    descriptors,  // a datagram that carried descriptors, or more control data than agreed
  };
  Kind kind;
  std::span<const std::uint8_t> bytes = {};  // of the buffer given
  pid_t sender = 0;                          // process that sent it, 0: in a pid namespace that we cannot see
  unsigned closed = 0;                       // descriptors that came along and were closed
};

class FrameSocket {
 public:
  // The listening socket must have had SO_PASSCRED, so that also what was sent
  // before we looked carries its sender.
  explicit FrameSocket(ScopedFd fd) : fd_(std::move(fd)) {}

  int fd() const { return fd_.get(); }

  // Reads one datagram into `buffer`.
  Received receive(std::span<std::uint8_t> buffer);

  // False if the peer has gone or does not read what it is sent. `with_fd` >= 0 goes along and stays ours.
  bool send(std::span<const std::uint8_t> frame, int with_fd = -1);

  // What the peer has sent so far can still be received, then the end; it can send no more.
  void take_no_more();

  // Ends the conversation so that what was sent last reaches the peer: a close with
  // unread datagrams would turn it into ECONNRESET, and a second holder of the
  // peer's end would hide a bare close.
  void shut_down();

 private:
  // More datagrams than a socket's buffer holds; a peer cannot add any once we have shut it.
  static constexpr unsigned kMaxLeftOver = 4096;

  ScopedFd fd_;
};

}  // namespace sidecar
