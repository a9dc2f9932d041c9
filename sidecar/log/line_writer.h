#pragma once

// LineWriter writes whole lines to a descriptor that is somebody else's, and never waits for whoever reads it: a pipe
// whose reader sleeps must not stop the daemon. Others may share the descriptor, so its flags are left alone: a pipe or
// a terminal is opened anew without waiting, a socket is told with each line, and where neither can be, poll() is asked
// first.
//
// Owner: the log. One thread at a time.

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/scoped_fd.h"

namespace sidecar {

class LineWriter {
 public:
  // `fd` is borrowed.
  explicit LineWriter(int fd) : given_(fd) {}

  // `line` ends with a newline and has at most PIPE_BUF bytes. False: it was not taken, also if nobody reads any more.
  // What was taken in part is finished before the next line.
  bool write(std::string_view line);

 private:
  // Looks what the descriptor is, if it is another file than before: somebody may have put one in its place.
  void look();
  // -1: not now, or never again.
  ssize_t put(std::string_view bytes);

  const int given_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
  int fd_ = -1;
  ScopedFd own_;  // the same file, opened without waiting
  bool is_socket_ = false;
  bool ask_first_ = false;
  std::string rest_;
};

}  // namespace sidecar
