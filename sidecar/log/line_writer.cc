#include "log/line_writer.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

namespace sidecar {

void LineWriter::look() {
  struct stat found {};
  if (fstat(given_, &found) != 0) return;
  if (fd_ >= 0 && found.st_dev == device_ && found.st_ino == inode_) return;
  device_ = found.st_dev;
  inode_ = found.st_ino;
  rest_.clear();
  own_.reset();
  fd_ = given_;
  is_socket_ = S_ISSOCK(found.st_mode);
  ask_first_ = false;
  if (!S_ISFIFO(found.st_mode) && !S_ISCHR(found.st_mode)) return;
  own_.reset(open(fmt::format("/proc/self/fd/{}", given_).c_str(), O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC));
  if (own_)
    fd_ = own_.get();
  else
    ask_first_ = true;  // no /proc, or a pipe of another user's
}

bool LineWriter::write(std::string_view line) {
  look();
  if (!rest_.empty()) {
    const ssize_t written = put(rest_);
    if (written < 0) return false;
    rest_.erase(0, static_cast<std::size_t>(written));
    if (!rest_.empty()) return false;
  }
  const ssize_t written = put(line);
  if (written < 0) return false;
  rest_ = line.substr(static_cast<std::size_t>(written));
  return true;
}

ssize_t LineWriter::put(std::string_view bytes) {
  if (ask_first_) {
    // Writable means room for PIPE_BUF bytes.
    pollfd room{fd_, POLLOUT, 0};
    if (poll(&room, 1, 0) != 1 || (room.revents & POLLOUT) == 0) return -1;
  }
  for (;;) {
    const ssize_t written = is_socket_ ? send(fd_, bytes.data(), bytes.size(), MSG_DONTWAIT | MSG_NOSIGNAL)
                                       : ::write(fd_, bytes.data(), bytes.size());
    if (written >= 0 || errno != EINTR) return written;
  }
}

}  // namespace sidecar
