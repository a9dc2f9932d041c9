#include "lifecycle/state_directory.h"

#include <fcntl.h>

#include <cerrno>
#include <cstring>

#include "handover/snapshot.h"
#include "log/log.h"

namespace sidecar {

StateDirectory::StateDirectory(const std::string& configured, const std::string& given, BootId boot) : boot_(boot) {
  const bool wanted = !configured.empty() || !given.empty();
  const std::string& path = !configured.empty() ? configured : given;
  directory_.reset(open(wanted ? path.c_str() : kDefaultStateDirectory, O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory_ && wanted)
    log_warning(
        "state directory {}: {}; applications that are idle over a stop of the service are registered again with "
        "their next segment only",
        printable(path), std::strerror(errno));
}

std::optional<IdentityTable> StateDirectory::take_sessions() const {
  if (!directory_) return {};
  const auto ignore = [](const Error& error) -> std::optional<IdentityTable> {
    if (error.code != Errc::not_found) log_warning("what a predecessor left is not used: {}", error.message);
    return {};
  };
  const auto bytes = read_snapshot(directory_.get());
  // One that stays would be believed again, when it is old.
  const auto removed = remove_snapshot(directory_.get());
  if (!bytes) return ignore(bytes.error());
  if (!removed) return ignore(removed.error());
  auto table = decode_table(*bytes);
  if (!table) return ignore(table.error());
  if (boot_ == BootId()) return ignore({Errc::unavailable, "this boot has no id that could be read"});
  if (table->boot != boot_) return {};  // its processes are gone
  return std::move(*table);
}

void StateDirectory::leave_sessions(IdentityTable table) const {
  if (!directory_ || table.sessions.empty()) return;
  table.boot = boot_;
  const auto written = write_snapshot(directory_.get(), encode_table(table).bytes);
  if (!written)
    log_warning(
        "the sessions are not left to a successor: {}; applications that are idle meanwhile are registered again with "
        "their next segment only",
        written.error().message);
}

}  // namespace sidecar
