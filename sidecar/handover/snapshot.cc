#include "handover/snapshot.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <string>

#include "base/scoped_fd.h"
#include "handover/identity_table.h"

namespace sidecar {
namespace {

const std::string kTemporary = std::string(kSnapshotName) + ".new";

tl::unexpected<Error> system_error(const std::string& file) {
  const int error = errno;
  const Errc code = error == ENOENT                                       ? Errc::not_found
                    : error == ENOSPC || error == EDQUOT                  ? Errc::limit_exceeded
                    : error == EROFS || error == EACCES || error == EPERM ? Errc::not_allowed
                    : error == ELOOP                                      ? Errc::invalid_argument
                                                                          : Errc::unavailable;
  return fail(code, fmt::format("{} in the state directory: {}", file, std::strerror(error)));
}

bool write_all(int fd, std::span<const std::uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t written = write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes = bytes.subspan(static_cast<std::size_t>(written));
  }
  return true;
}

}  // namespace

Result<void> write_snapshot(int directory, std::span<const std::uint8_t> bytes) {
  // A predecessor that died may have left it; whatever it is, it goes: the directory is ours alone.
  unlinkat(directory, kTemporary.c_str(), 0);
  const ScopedFd file(
      openat(directory, kTemporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file) return system_error(kTemporary);
  if (!write_all(file.get(), bytes) || renameat(directory, kTemporary.c_str(), directory, kSnapshotName) != 0) {
    auto error = system_error(kSnapshotName);
    unlinkat(directory, kTemporary.c_str(), 0);
    return error;
  }
  return {};
}

Result<std::vector<std::uint8_t>> read_snapshot(int directory) {
  const ScopedFd file(openat(directory, kSnapshotName, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) return system_error(kSnapshotName);
  struct stat found {};
  if (fstat(file.get(), &found) != 0) return system_error(kSnapshotName);
  if (!S_ISREG(found.st_mode))
    return fail(Errc::invalid_argument,
                fmt::format("{} in the state directory is not a regular file; remove it", kSnapshotName));
  if (found.st_uid != geteuid() || (found.st_mode & (S_IWGRP | S_IWOTH)) != 0)
    return fail(Errc::invalid_argument,
                fmt::format("{} in the state directory is not ours alone: user {}, mode {:04o}; remove it",
                            kSnapshotName, found.st_uid, found.st_mode & 07777));
  const auto size = static_cast<std::uint64_t>(found.st_size);
  if (size > kMaxTableBytes)
    return fail(Errc::limit_exceeded, fmt::format("{} in the state directory has {} bytes", kSnapshotName, size));
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(size));
  std::size_t filled = 0;
  while (filled < bytes.size()) {
    const ssize_t got = read(file.get(), bytes.data() + filled, bytes.size() - filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return system_error(kSnapshotName);
    if (got == 0) break;
    filled += static_cast<std::size_t>(got);
  }
  bytes.resize(filled);
  return bytes;
}

Result<void> remove_snapshot(int directory) {
  if (unlinkat(directory, kSnapshotName, 0) != 0 && errno != ENOENT) return system_error(kSnapshotName);
  return {};
}

}  // namespace sidecar
