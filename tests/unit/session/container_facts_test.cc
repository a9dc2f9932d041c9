#include "session/container_facts.h"

#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "base/scoped_fd.h"

using namespace sidecar;

namespace {

const std::string kId = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
const std::string kOther = "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210";
const std::string kPod = "2f8b4c1d-0a3e-4b57-9c68-7d1e2f3a4b5c";
const std::string kPodInSlice = "2f8b4c1d_0a3e_4b57_9c68_7d1e2f3a4b5c";
const std::string kStaticPod = "0123456789abcdef0123456789abcdef";

struct Row {
  const char* what;
  std::string path;
  std::string id;
  std::string pod_uid;
};

// Paths as the runtimes make them.
const std::vector<Row> kRows = {
    {"nobody's", "/", "", ""},
    {"a service", "/system.slice/nginx.service", "", ""},
    {"a login", "/user.slice/user-1000.slice/session-3.scope", "", ""},
    {"docker, cgroupfs", "/docker/" + kId, kId, ""},
    {"docker, systemd", "/system.slice/docker-" + kId + ".scope", kId, ""},
    {"docker, a service in it", "/docker/" + kId + "/system.slice/nginx.service", kId, ""},
    {"docker in docker", "/docker/" + kOther + "/docker/" + kId, kId, ""},
    {"podman", "/machine.slice/libpod-" + kId + ".scope", kId, ""},
    {"podman, rootless", "/user.slice/user-1000.slice/user@1000.service/user.slice/libpod-" + kId + ".scope/container",
     kId, ""},
    {"podman, cgroupfs", "/libpod_parent/libpod-" + kId, kId, ""},
    {"podman's monitor", "/machine.slice/libpod-conmon-" + kId + ".scope", "", ""},
    {"containerd", "/system.slice/nerdctl-" + kId + ".scope", kId, ""},
    {"containerd, cgroupfs", "/default/" + kId, kId, ""},
    {"kubepods, cgroupfs", "/kubepods/burstable/pod" + kPod + "/" + kId, kId, kPod},
    {"kubepods, guaranteed", "/kubepods/pod" + kPod + "/" + kId, kId, kPod},
    {"kubepods, containerd",
     "/kubepods.slice/kubepods-besteffort.slice/kubepods-besteffort-pod" + kPodInSlice + ".slice/cri-containerd-" +
         kId + ".scope",
     kId, kPod},
    {"kubepods, cri-o", "/kubepods.slice/kubepods-pod" + kPodInSlice + ".slice/crio-" + kId + ".scope", kId, kPod},
    {"kubepods, cri-o, a cgroup in it",
     "/kubepods.slice/kubepods-pod" + kPodInSlice + ".slice/crio-" + kId + ".scope/container", kId, kPod},
    {"kubepods, cri-o's monitor", "/kubepods.slice/kubepods-pod" + kPodInSlice + ".slice/crio-conmon-" + kId + ".scope",
     "", kPod},
    {"kubepods, docker",
     "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod" + kPodInSlice + ".slice/docker-" + kId +
         ".scope",
     kId, kPod},
    {"kubepods, containerd under systemd with cgroupfs names",
     "/system.slice/containerd.service/kubepods-burstable-pod" + kPodInSlice + ".slice:cri-containerd:" + kId, kId,
     kPod},
    {"kind: a pod in a container", "/docker/" + kOther + "/kubelet/kubepods/burstable/pod" + kPod + "/" + kId, kId,
     kPod},
    {"seen from another cgroup namespace", "/../../pod" + kPod + "/" + kId, kId, kPod},
    {"a static pod", "/kubepods/burstable/pod" + kStaticPod + "/" + kId, kId, kStaticPod},
    {"removed", "/docker/" + kId + " (deleted)", kId, ""},
    {"an upper-case number", "/docker/0123456789ABCDEF" + kId.substr(16), "", ""},
    {"a number that is too long", "/docker/f" + kId, "", ""},
    {"a number that is too short", "/docker/" + kId.substr(1), "", ""},
    {"a number in front", "/docker/" + kId + "x", "", ""},
    {"podium is no pod", "/podium/" + kId, kId, ""},
    {"no number of a pod", "/kubepods/pod2f8b4c1d-0a3e-4b57-9c68-7d1e2f3a4b5/" + kId, kId, ""},
    {"no number of a pod either", "/kubepods/pod2f8b4c1d-0a3e-4b57-9c68+7d1e2f3a4b5c", "", ""},
};

}  // namespace

TEST_SUITE("session/container_facts") {
  TEST_CASE("container and pod are told from the paths of every runtime, alike with version 1 and 2") {
    for (const Row& row : kRows) {
      CAPTURE(row.what);
      const ContainerFacts facts = parse_cgroup("0::" + row.path + "\n");
      CHECK(facts.id == row.id);
      CHECK(facts.pod_uid == row.pod_uid);
      CHECK(parse_cgroup("12:cpu,cpuacct:" + row.path + "\n") == facts);
      const std::string path = row.path.substr(0, row.path.find(" (deleted)"));
      CHECK(facts.cgroup == (path == "/" ? "" : path));
    }
  }

  TEST_CASE("the line that tells most is taken") {
    const std::string docker = "/docker/" + kId;
    CHECK(parse_cgroup("2:cpuset:/\n4:memory:" + docker + "\n1:name=systemd:/system.slice/x.service\n0::/\n").cgroup ==
          docker);
    CHECK(parse_cgroup("0::/init.scope\n4:memory:" + docker + "\n").id == kId);
    CHECK(parse_cgroup("4:memory:/a\n1:name=systemd:/b\n").cgroup == "/b");
    CHECK(parse_cgroup("4:memory:/a\n1:name=systemd:/b\n0::/c\n").cgroup == "/c");
    CHECK(parse_cgroup("4:memory:/a\n5:pids:/b\n").cgroup == "/a");
    CHECK(parse_cgroup("4:memory:/docker/" + kId + "\n5:pids:/kubepods/pod" + kPod + "/" + kOther + "\n").id == kOther);
  }

  TEST_CASE("what is no line is passed over, and odd names are made fit to be shown") {
    for (const std::string text : {"", "\n", "0\n", "0:\n", "0::\n", "0::relative\n", "::\n", "\n\n\n"})
      CHECK(parse_cgroup(text) == ContainerFacts{});
    // Cut off by the bound of reading: half a number would be another one.
    CHECK(parse_cgroup("0::/docker/" + kId) == ContainerFacts{});
    CHECK(parse_cgroup("0::/a:b:c\n").cgroup == "/a:b:c");
    CHECK(parse_cgroup("0::/\x1b[2J\xff\n").cgroup == "/\\x1b[2J\\xff");
    const std::string longest = "/" + std::string(2000, 'x') + "/docker-" + kId + ".scope";
    CHECK(parse_cgroup("0::" + longest + "\n").id == kId);
    CHECK(parse_cgroup("0::" + longest + "\n").cgroup.size() <= kMaxCgroup);
  }

  TEST_CASE("a living process is read as the kernel shows it, and a dead one or none is not") {
    std::ifstream file("/proc/self/cgroup");
    std::stringstream own;
    own << file.rdbuf();
    const ScopedFd self(static_cast<int>(syscall(SYS_pidfd_open, getpid(), 0)));
    REQUIRE(self);
    CHECK(read_container(getpid(), self.get()) == parse_cgroup(own.str().substr(0, kMaxCgroupFile)));
    CHECK(read_container(getpid(), -1) == ContainerFacts{});
    CHECK(read_container(0, self.get()) == ContainerFacts{});

    const pid_t child = fork();
    if (child == 0) {
      for (;;) pause();
    }
    REQUIRE(child > 0);
    const ScopedFd process(static_cast<int>(syscall(SYS_pidfd_open, child, 0)));
    kill(child, SIGKILL);
    waitpid(child, nullptr, 0);
    // The number is somebody's, e.g. ours, but the process it meant is dead.
    CHECK(read_container(getpid(), process.get()) == ContainerFacts{});
  }
}
