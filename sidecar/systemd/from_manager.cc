#include "systemd/from_manager.h"

#include <fmt/format.h>
#include <sys/socket.h>
#include <systemd/sd-daemon.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "log/log.h"

namespace sidecar {
namespace {

struct Known {
  const char* name;
  int type;
  const char* line;  // of its unit
  ScopedFd FromManager::*where;
};

constexpr Known kKnown[] = {{kIngestName, SOCK_SEQPACKET, "ListenSequentialPacket=", &FromManager::ingest},
                            {kControlName, SOCK_STREAM, "ListenStream=", &FromManager::control}};

bool listens(int fd, int type) { return sd_is_socket_unix(fd, type, /*listening=*/1, nullptr, 0) > 0; }

Result<void> place(FromManager& into, const Known& known, ScopedFd fd) {
  ScopedFd& place = into.*known.where;
  if (place)
    return fail(Errc::invalid_argument,
                fmt::format("two sockets are handed over as `{0}`; give it one {1} line, in a unit of its own with "
                            "FileDescriptorName={0}",
                            known.name, known.line));
  if (!listens(fd.get(), known.type))
    return fail(Errc::invalid_argument,
                fmt::format("what is handed over as `{}` is not a listening Unix-domain socket of the type that "
                            "{} makes; mend its .socket unit",
                            known.name, known.line));
  place = std::move(fd);
  return {};
}

Result<void> refuse_or_close(const HandedOver& stranger) {
  if (sd_is_socket(stranger.fd.get(), AF_UNSPEC, 0, /*listening=*/1) > 0)
    return fail(Errc::invalid_argument,
                fmt::format("a listening socket is handed over as `{}`, and nobody would answer "
                            "there; FileDescriptorName= of its .socket unit must be {} or {}",
                            printable(stranger.name), kIngestName, kControlName));
  log_warning("handed over as `{}`: unknown to this version, closed", printable(stranger.name));
  return {};
}

// Never a socket that listens: that is one of a unit's under a wrong name.
bool is_stored(const HandedOver& one) {
  const bool table = std::any_of(std::begin(kTableNames), std::end(kTableNames),
                                 [&one](const char* name) { return one.name == name; });
  const bool connection = !one.name.empty() && one.name[0] == kConnectionLetter &&
                          sd_is_socket(one.fd.get(), AF_UNIX, SOCK_SEQPACKET, /*listening=*/0) > 0;
  return table || connection;
}

// malloc's, as libsystemd hands them out.
struct FreeNames {
  void operator()(char** names) const {
    for (char** name = names; *name != nullptr; ++name) std::free(*name);
    std::free(names);
  }
};

}  // namespace

Result<FromManager> sort_handed_over(std::vector<HandedOver> all) {
  FromManager ours;
  for (HandedOver& one : all) {
    const auto* const known = std::find_if(std::begin(kKnown), std::end(kKnown),
                                           [&one](const Known& candidate) { return one.name == candidate.name; });
    if (known == std::end(kKnown) && is_stored(one)) {
      ours.stored.push_back(std::move(one));
      continue;
    }
    auto done = known == std::end(kKnown) ? refuse_or_close(one) : place(ours, *known, std::move(one.fd));
    if (!done) return tl::unexpected<Error>(std::move(done.error()));
  }
  return ours;
}

Result<FromManager> take_from_manager() {
  char** names = nullptr;
  const int count = sd_listen_fds_with_names(/*unset_environment=*/1, &names);
  if (count < 0)
    return fail(Errc::invalid_argument,
                fmt::format("LISTEN_FDS, LISTEN_PID or LISTEN_FDNAMES of the environment: {}", std::strerror(-count)));
  const std::unique_ptr<char*, FreeNames> owned(names);
  std::vector<HandedOver> all;
  for (int i = 0; i < count; ++i) all.push_back({names[i], ScopedFd(SD_LISTEN_FDS_START + i)});
  auto ours = sort_handed_over(std::move(all));

  std::uint64_t silence_us = 0;
  if (sd_watchdog_enabled(/*unset_environment=*/1, &silence_us) > 0 && ours)
    ours->watchdog = std::chrono::duration_cast<Duration>(std::chrono::microseconds(silence_us));
  if (const char* const directories = std::getenv("STATE_DIRECTORY"); directories != nullptr && ours)
    ours->state_directory = std::string(directories, std::strcspn(directories, ":"));
  if (const char* const boot = std::getenv("SW_SIDECAR_BOOT_ID"); boot != nullptr && ours) ours->boot_id = boot;
  if (const char* const address = std::getenv("NOTIFY_SOCKET"); address != nullptr && ours)
    ours->notify_socket = address;
  unsetenv("NOTIFY_SOCKET");
  return ours;
}

}  // namespace sidecar
