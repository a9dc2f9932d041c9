#include "base/regular_file.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/scoped_fd.h"
#include "base/units.h"

namespace sidecar {
namespace {

tl::unexpected<Error> cannot_read(const std::string& path, int error) {
  if (error == ENOENT) return fail(Errc::not_found, fmt::format("{}: no such file", path));
  if (error == EACCES)
    return fail(Errc::not_allowed,
                fmt::format("{}: permission denied; the user that runs sw-sidecar must be able to read it", path));
  return fail(Errc::unavailable, fmt::format("{}: {}", path, std::strerror(error)));
}

}  // namespace

Result<std::string> read_regular_file(const std::string& path, std::size_t max) {
  // Without O_NONBLOCK a FIFO without a writer would hold us here.
  const ScopedFd file(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file) return cannot_read(path, errno);
  struct stat found {};
  if (fstat(file.get(), &found) != 0) return cannot_read(path, errno);
  if (S_ISDIR(found.st_mode))
    return fail(Errc::invalid_argument, fmt::format("{}: is a directory; name the file in it", path));
  if (!S_ISREG(found.st_mode)) return fail(Errc::invalid_argument, fmt::format("{}: not a regular file", path));

  const auto too_large = [&] {
    return fail(Errc::limit_exceeded, fmt::format("{}: larger than {}", path, format_bytes(max)));
  };
  if (static_cast<std::uint64_t>(found.st_size) > max) return too_large();
  std::string text;
  char buffer[16 * 1024];
  while (true) {
    const ssize_t count = read(file.get(), buffer, sizeof buffer);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return cannot_read(path, errno);
    if (count == 0) return text;
    text.append(buffer, static_cast<std::size_t>(count));
    if (text.size() > max) return too_large();  // it grew, or has no size, as in /proc
  }
}

}  // namespace sidecar
