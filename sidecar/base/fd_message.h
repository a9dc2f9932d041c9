#pragma once

// FdMessage lets a message for sendmsg(2) carry one descriptor (SCM_RIGHTS). The receiver gets a descriptor of its own.
// Value type; it lives until the message was sent, and does not move.

#include <sys/socket.h>

#include <cstring>

namespace sidecar {

class FdMessage {
 public:
  // `fd` is borrowed. Sets the control part of `message`.
  FdMessage(msghdr& message, int fd) {
    message.msg_control = control_;
    message.msg_controllen = sizeof control_;
    cmsghdr* const header = CMSG_FIRSTHDR(&message);
    header->cmsg_level = SOL_SOCKET;
    header->cmsg_type = SCM_RIGHTS;
    header->cmsg_len = CMSG_LEN(sizeof fd);
    std::memcpy(CMSG_DATA(header), &fd, sizeof fd);
  }
  FdMessage(const FdMessage&) = delete;
  FdMessage& operator=(const FdMessage&) = delete;

 private:
  alignas(cmsghdr) char control_[CMSG_SPACE(sizeof(int))] = {};
};

}  // namespace sidecar
