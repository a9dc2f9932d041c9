#include "log/journal.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace sidecar {
namespace {

constexpr std::size_t kMaxField = 256;

// "../../sidecar/x.cc", as the compiler was told, is sidecar/x.cc.
std::string_view in_tree(std::string_view file) {
  while (file.starts_with("../")) file.remove_prefix(3);
  return file;
}

}  // namespace

bool stderr_is_journal() {
  const char* const stream = std::getenv("JOURNAL_STREAM");
  unsigned long long device = 0;
  unsigned long long inode = 0;
  struct stat found {};
  return stream != nullptr && std::sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
         fstat(STDERR_FILENO, &found) == 0 && found.st_dev == device && found.st_ino == inode;
}

std::string journal_entry(int priority, std::string_view message, const LogFields& fields,
                          const std::source_location& where) {
  std::string out = fmt::format("MESSAGE={}\nPRIORITY={}\nSYSLOG_IDENTIFIER=sw-sidecar\nCODE_FILE={}\nCODE_LINE={}\n",
                                message, priority, in_tree(where.file_name()), where.line());
  const auto add = [&out](const char* name, std::string_view value) {
    if (!value.empty()) out += fmt::format("{}={}\n", name, printable(value, kMaxField));  // which has no newline
  };
  add("SERVICE", fields.service);
  add("INSTANCE", fields.instance);
  add("REASON", fields.reason);
  add("COLLECTOR", fields.collector);
  if (fields.error != 0) out += fmt::format("ERRNO={}\n", fields.error);
  if (fields.pid != 0) out += fmt::format("CLIENT_PID={}\n", fields.pid);
  if (fields.uid) out += fmt::format("CLIENT_UID={}\n", *fields.uid);
  return out;
}

JournalSocket::JournalSocket(std::string_view path) : socket_(socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  address_.sun_family = AF_UNIX;
  path.copy(address_.sun_path, sizeof address_.sun_path - 1);
}

JournalSocket::Sent JournalSocket::send(const std::string& entry) {
  for (;;) {
    const ssize_t sent = sendto(socket_.get(), entry.data(), entry.size(), MSG_DONTWAIT | MSG_NOSIGNAL,
                                reinterpret_cast<const sockaddr*>(&address_), sizeof address_);
    if (sent >= 0) return Sent::yes;
    if (errno == EINTR) continue;
    return errno == EAGAIN || errno == ENOBUFS ? Sent::full : Sent::unreachable;
  }
}

}  // namespace sidecar
