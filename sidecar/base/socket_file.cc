#include "base/socket_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>
#include <string_view>

namespace sidecar {
namespace {

std::string directory_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

tl::unexpected<Error> system_error(const std::string& what) {
  const int error = errno;
  const Errc code = error == ENOENT                     ? Errc::not_found
                    : error == EACCES || error == EPERM ? Errc::not_allowed
                                                        : Errc::unavailable;
  return fail(code, fmt::format("{}: {}", what, std::strerror(error)));
}

// Whether others could put something of theirs in our socket's place.
Result<void> check_directory(const std::string& directory) {
  struct stat found {};
  if (stat(directory.c_str(), &found) != 0) {
    if (errno == ENOENT)
      return fail(Errc::not_found,
                  fmt::format("{}: no such directory; create it, owned by the user that runs sw-sidecar", directory));
    return system_error(directory);
  }
  if (!S_ISDIR(found.st_mode)) return fail(Errc::invalid_argument, fmt::format("{}: not a directory", directory));
  const bool owned = found.st_uid == 0 || found.st_uid == geteuid();
  const bool others_write = (found.st_mode & (S_IWGRP | S_IWOTH)) != 0 && (found.st_mode & S_ISVTX) == 0;
  if (owned && !others_write) return {};
  return fail(
      Errc::not_allowed,
      fmt::format(
          "{}: other users can replace files in this directory; it must belong to root or to the user that runs "
          "sw-sidecar and be writable by nobody else (mode 0755)",
          directory));
}

Result<ScopedFd> take_lock(const std::string& path) {
  ScopedFd lock(open((path + ".lock").c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK, 0600));
  if (!lock) return system_error(path + ".lock");
  struct stat found {};
  if (fstat(lock.get(), &found) != 0 || !S_ISREG(found.st_mode))
    return fail(Errc::invalid_argument, fmt::format("{}.lock: not a regular file; remove it", path));
  if (flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno == EWOULDBLOCK)
    return fail(Errc::busy,
                fmt::format("{}: another sw-sidecar serves here; stop it first, or configure another path", path));
  return system_error(path + ".lock");
}

// Whether somebody listens at this socket, of whatever type. One left by a process that died refuses.
bool is_served(const std::string& path, int type) {
  const ScopedFd probe(socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 ||
         errno != ECONNREFUSED;
}

// The name is free, or a dead predecessor's.
Result<void> check_name(const std::string& path, int type) {
  struct stat found {};
  if (lstat(path.c_str(), &found) != 0) {
    if (errno == ENOENT) return {};
    return system_error(path);
  }
  if (!S_ISSOCK(found.st_mode))
    return fail(Errc::invalid_argument,
                fmt::format("{}: exists and is not a socket; remove it, or configure another path", path));
  if (found.st_uid != geteuid() && geteuid() != 0)
    return fail(Errc::not_allowed,
                fmt::format("{}: a socket of user {}; remove it, or configure another path", path, found.st_uid));
  if (is_served(path, type))
    return fail(Errc::busy, fmt::format("{}: another program listens here; configure another path", path));
  return {};
}

std::string_view name_of_type(int type) {
  switch (type) {
    case SOCK_STREAM:
      return "SOCK_STREAM";
    case SOCK_DGRAM:
      return "SOCK_DGRAM";
    case SOCK_SEQPACKET:
      return "SOCK_SEQPACKET";
    default:
      return "of an unknown type";
  }
}

int int_option(int fd, int option) {
  int value = -1;
  socklen_t size = sizeof value;
  return getsockopt(fd, SOL_SOCKET, option, &value, &size) == 0 ? value : -1;
}

// What a handed-over descriptor is instead of what it must be; empty: it is right.
std::string fault_of(int fd, int type) {
  struct stat found {};
  if (fstat(fd, &found) != 0) return std::strerror(errno);
  if (!S_ISSOCK(found.st_mode)) return "is not a socket";
  if (int_option(fd, SO_DOMAIN) != AF_UNIX) return "is not a Unix-domain socket";
  if (const int its = int_option(fd, SO_TYPE); its != type)
    return fmt::format("is {}, and {} is needed", name_of_type(its), name_of_type(type));
  if (int_option(fd, SO_ACCEPTCONN) != 1) return "does not listen";
  return {};
}

// As sockaddr_un has it, with '@' for the zero byte of an abstract name.
std::string bound_name(int fd) {
  sockaddr_un address{};
  socklen_t size = sizeof address;
  if (getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) != 0) return {};
  const std::size_t longest = std::min<std::size_t>(size, sizeof address) - offsetof(sockaddr_un, sun_path);
  if (longest == 0) return {};
  if (address.sun_path[0] != 0) return std::string(address.sun_path, strnlen(address.sun_path, longest));
  return "@" + std::string(address.sun_path + 1, longest - 1);
}

}  // namespace

Result<SocketFile> SocketFile::adopt(ScopedFd socket, int type) {
  if (const std::string fault = fault_of(socket.get(), type); !fault.empty())
    return fail(Errc::invalid_argument, fault);
  const int flags = fcntl(socket.get(), F_GETFL);
  if (flags < 0 || fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) != 0 ||
      fcntl(socket.get(), F_SETFD, FD_CLOEXEC) != 0)
    return system_error("fcntl");
  SocketFile file;
  file.path_ = bound_name(socket.get());
  file.socket_ = std::move(socket);
  file.adopted_ = true;
  return file;
}

Result<SocketFile> SocketFile::create(const std::string& path, int type, mode_t mode, int backlog) {
  const std::string temporary = path + ".new";
  if (path.empty() || temporary.size() >= sizeof(sockaddr_un::sun_path))
    return fail(Errc::invalid_argument, fmt::format("{}: a socket's path has 1 to {} bytes", path,
                                                    sizeof(sockaddr_un::sun_path) - 1 - std::strlen(".new")));
  if (auto checked = check_directory(directory_of(path)); !checked)
    return tl::unexpected<Error>(std::move(checked.error()));
  auto lock = take_lock(path);
  if (!lock) return tl::unexpected<Error>(std::move(lock.error()));
  if (auto checked = check_name(path, type); !checked) return tl::unexpected<Error>(std::move(checked.error()));
  SocketFile file(path, std::move(*lock));
  if (auto listening = file.listen(type, mode, backlog); !listening)
    return tl::unexpected<Error>(std::move(listening.error()));
  return file;
}

Result<void> SocketFile::listen(int type, mode_t mode, int backlog) {
  const std::string temporary = path_ + ".new";
  socket_.reset(socket(AF_UNIX, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket_) return system_error("socket");
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  temporary.copy(address.sun_path, sizeof address.sun_path - 1);
  // The lock is ours, so this name is nobody else's: a predecessor died between bind and rename.
  if (struct stat found{}; lstat(temporary.c_str(), &found) == 0 && S_ISSOCK(found.st_mode)) unlink(temporary.c_str());
  if (bind(socket_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return system_error(temporary);
  struct stat made {};
  // Nobody can connect before listen(), so the mode has no window.
  if (chmod(temporary.c_str(), mode) != 0 || lstat(temporary.c_str(), &made) != 0 ||
      ::listen(socket_.get(), backlog) != 0 || rename(temporary.c_str(), path_.c_str()) != 0) {
    auto error = system_error(path_);
    unlink(temporary.c_str());
    return error;
  }
  device_ = made.st_dev;
  inode_ = made.st_ino;
  return {};
}

SocketFile& SocketFile::operator=(SocketFile&& other) noexcept {
  remove_name();
  path_ = std::move(other.path_);
  lock_ = std::move(other.lock_);
  socket_ = std::move(other.socket_);
  device_ = other.device_;
  inode_ = other.inode_;
  adopted_ = other.adopted_;
  return *this;
}

SocketFile::~SocketFile() { remove_name(); }

void SocketFile::remove_name() {
  if (!socket_ || adopted_) return;  // moved from, never made, or another's
  struct stat found {};
  if (lstat(path_.c_str(), &found) == 0 && found.st_dev == device_ && found.st_ino == inode_) unlink(path_.c_str());
  // The lock file stays: removing it would let two successors lock two different files.
}

}  // namespace sidecar
