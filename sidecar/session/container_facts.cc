#include "session/container_facts.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>

#include "base/scoped_fd.h"
#include "log/log.h"

namespace sidecar {
namespace {

constexpr std::size_t kIdSize = 64;
constexpr std::size_t kUuidSize = 36;
constexpr std::size_t kStaticPodSize = 32;
constexpr std::string_view kDeleted = " (deleted)";  // put behind by the kernel

bool is_hex(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

std::string_view without_end(std::string_view text, std::string_view end) {
  if (text.ends_with(end)) text.remove_suffix(end.size());
  return text;
}

// "ID", "docker-ID.scope", "cri-containerd-ID.scope", "crio-ID", "libpod-ID.scope", "SLICE:cri-containerd:ID". Beside a
// container may be its monitor, "libpod-conmon-ID.scope".
std::string_view container_id(std::string_view component) {
  component = without_end(component, ".scope");
  if (component.size() < kIdSize) return {};
  const std::string_view id = component.substr(component.size() - kIdSize);
  const std::string_view before = component.substr(0, component.size() - kIdSize);
  const bool apart = before.empty() || before.back() == '-' || before.back() == ':';
  return apart && is_hex(id) && !before.ends_with("conmon-") ? id : std::string_view();
}

bool is_uuid(std::string_view text) {
  if (text.size() != kUuidSize) return false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool dash = i == 8 || i == 13 || i == 18 || i == 23;
    if (dash ? text[i] != '-' : !is_hex(text.substr(i, 1))) return false;
  }
  return true;
}

// "podUID", "kubepods-burstable-podUID.slice" with '_' for '-', and such a slice before a ':'.
std::string pod_uid(std::string_view component) {
  component = without_end(component.substr(0, component.find(':')), ".slice");
  const std::size_t pod = component.rfind("pod");
  if (pod == std::string_view::npos || (pod > 0 && component[pod - 1] != '-')) return {};
  std::string uid(component.substr(pod + 3));
  std::replace(uid.begin(), uid.end(), '_', '-');
  const bool is_static = uid.size() == kStaticPodSize && is_hex(uid);
  return is_static || is_uuid(uid) ? uid : std::string();
}

// From the innermost component outwards: what runs in a container in a container is of the inner one.
ContainerFacts facts_of(std::string_view path) {
  ContainerFacts facts;
  if (path.size() > 1) facts.cgroup = printable(path, kMaxCgroup);
  while (!path.empty()) {
    const std::size_t slash = path.rfind('/');
    const std::string_view component = slash == std::string_view::npos ? path : path.substr(slash + 1);
    if (facts.id.empty()) facts.id = container_id(component);
    facts.pod_uid = pod_uid(component);
    if (!facts.pod_uid.empty()) break;
    path = path.substr(0, slash == std::string_view::npos ? 0 : slash);
  }
  return facts;
}

// How much a line tells: with version 1 the controllers may be in different cgroups, and beside version 2.
int rank(const ContainerFacts& facts, std::string_view controllers) {
  if (facts.cgroup.empty()) return 0;
  return (facts.id.empty() ? 0 : 8) + (facts.pod_uid.empty() ? 0 : 4) +
         (controllers.empty()             ? 3  // version 2
          : controllers == "name=systemd" ? 2
                                          : 1);
}

bool has_died(int process) {
  pollfd entry{process, POLLIN, 0};
  return poll(&entry, 1, 0) != 0;
}

}  // namespace

ContainerFacts parse_cgroup(std::string_view text) {
  ContainerFacts best;
  int best_rank = 0;
  for (std::size_t end; (end = text.find('\n')) != std::string_view::npos; text.remove_prefix(end + 1)) {
    const std::string_view line = text.substr(0, end);
    const std::size_t first = line.find(':');
    const std::size_t second = first == std::string_view::npos ? first : line.find(':', first + 1);
    if (second == std::string_view::npos) continue;
    const std::string_view path = without_end(line.substr(second + 1), kDeleted);
    if (!path.starts_with('/')) continue;
    ContainerFacts facts = facts_of(path);
    const int its_rank = rank(facts, line.substr(first + 1, second - first - 1));
    if (its_rank <= best_rank) continue;
    best = std::move(facts);
    best_rank = its_rank;
  }
  return best;
}

ContainerFacts read_container(pid_t pid, int process) {
  if (pid <= 0 || process < 0) return {};
  const ScopedFd file(open(fmt::format("/proc/{}/cgroup", pid).c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file) return {};
  std::array<char, kMaxCgroupFile> text;
  std::size_t size = 0;
  while (size < text.size()) {
    const ssize_t got = read(file.get(), text.data() + size, text.size() - size);
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    size += static_cast<std::size_t>(got);
  }
  // Alive after it was read: the number was its own all the time.
  if (has_died(process)) return {};
  return parse_cgroup({text.data(), size});
}

}  // namespace sidecar
