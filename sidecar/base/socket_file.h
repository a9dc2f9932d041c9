#pragma once

// SocketFile is a listening Unix-domain socket with a name in the file system, made so
// that nobody is harmed on the way:
//
//  * A lock file beside it (PATH.lock, flock) tells whether another process serves here;
//    that one is never disturbed.
//  * A socket left behind by a process that died is replaced; anything else in its place (a
//    file, a link, a directory, a socket that another program serves) is refused and stays as it is.
//  * The directory must be one in which only root and we can rename, or sticky.
//  * The socket is bound under a temporary name with its final mode, listens, and is then renamed: no
//    client ever sees it half made, and one that is open is replaced in one step.
//  * At the end the name is removed only if it is still ours.
//
// Or it is adopted: whoever started us opened it, gave it its name, directory and mode, and goes on
// listening when we have ended. Then nothing in the file system is touched, not even at the end.
//
// Owner: whoever serves on it. Movable, not copyable. Any thread.

#include <sys/stat.h>

#include <string>

#include "base/result.h"
#include "base/scoped_fd.h"

namespace sidecar {

class SocketFile {
 public:
  // `type`: SOCK_SEQPACKET or SOCK_STREAM. The socket is non-blocking and close-on-exec.
  // Errors name the path and the remedy. invalid_argument: path too long (107 bytes) or a foreign
  // file in its place; busy: another process holds the lock or listens there; not_allowed: the directory is
  // not fit or not ours to write; not_found: no such directory; unavailable: the rest.
  static Result<SocketFile> create(const std::string& path, int type, mode_t mode, int backlog);

  // Takes over a listening Unix-domain socket of this type, `socket`, and makes it non-blocking and
  // close-on-exec. invalid_argument: it is not such a socket, the message says what it is.
  static Result<SocketFile> adopt(ScopedFd socket, int type);

  SocketFile(SocketFile&& other) noexcept = default;
  SocketFile& operator=(SocketFile&& other) noexcept;
  // Closes it; removes its name if that is still ours and was made by us.
  ~SocketFile();

  int fd() const { return socket_.get(); }
  // Where it can be reached; of an adopted one: its name as bound, "@name" in the abstract namespace.
  const std::string& path() const { return path_; }
  bool adopted() const { return adopted_; }

 private:
  SocketFile() = default;
  SocketFile(std::string path, ScopedFd lock) : path_(std::move(path)), lock_(std::move(lock)) {}
  Result<void> listen(int type, mode_t mode, int backlog);
  void remove_name();

  std::string path_;
  ScopedFd lock_;
  ScopedFd socket_;
  // Of the socket's name, as we made it.
  dev_t device_ = 0;
  ino_t inode_ = 0;
  bool adopted_ = false;
};

}  // namespace sidecar
