#pragma once

// In which container and cgroup a process runs, as the kernel tells it in /proc/PID/cgroup.
// The names in it were chosen by whoever set the container up, and below the container's own
// cgroup by whoever runs in it: they are shown, and decide nothing.
//
// Value type. Parsing is pure.

#include <sys/types.h>

#include <string>
#include <string_view>

namespace sidecar {

// What cannot be told is empty. All text is fit to be shown.
struct ContainerFacts {
  std::string id;       // 64 hexadecimal digits, as docker, containerd, cri-o and podman have them
  std::string pod_uid;  // of Kubernetes, "8-4-4-4-12", of a static pod 32 digits
  std::string cgroup;   // its path where that says anything, at most kMaxCgroup bytes

  bool operator==(const ContainerFacts&) const = default;
};

// What of /proc/PID/cgroup is read: one line, with version 1 one for each of about 13 controllers.
inline constexpr std::size_t kMaxCgroupFile = 4096;
inline constexpr std::size_t kMaxCgroup = 512;

// Lines "ID:CONTROLLERS:PATH", of versions 1 and 2; others, and a last one without its end, are passed over.
ContainerFacts parse_cgroup(std::string_view text);

// Of the process that has the number `pid` in our pid namespace and is held by the pidfd `process`. All empty if it
// cannot be read or has died meanwhile: the number may be another's by then. Does not wait; a few microseconds.
ContainerFacts read_container(pid_t pid, int process);

}  // namespace sidecar
