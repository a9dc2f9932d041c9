// contained KIND SERVICE DIRECTORY ROOT: mounts the sidecar's DIRECTORY under ROOT, makes ROOT its root and works
// there. KIND is `chroot`, or `container`: namespaces of its own for users, pids, mounts and the host's name, made
// without any right, as user 4321. Ends with 77 and a line that says why where the host does not allow it.

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cerrno>
#include <cstring>

#include "work.h"

namespace {

[[noreturn]] void refused(const char* what) {
  std::printf("SKIPPED: %s: %s\n", what, std::strerror(errno));
  std::fflush(stdout);
  _exit(77);
}

void write_file(const char* path, const std::string& text) {
  const int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0 || write(fd, text.data(), text.size()) != static_cast<ssize_t>(text.size())) refused(path);
  close(fd);
}

void enter(const std::string& directory, const std::string& root, bool with_proc) {
  if (mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) refused("mount private");
  const std::string run = root + "/run";
  mkdir(run.c_str(), 0755);
  if (mount(directory.c_str(), run.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) refused("mount the directory");
  const std::string proc = root + "/proc";
  mkdir(proc.c_str(), 0755);
  if (with_proc && mount("proc", proc.c_str(), "proc", 0, nullptr) != 0 &&
      mount("/proc", proc.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0) {
    refused("mount proc");
  }
  if (chroot(root.c_str()) != 0 || chdir("/") != 0) refused("chroot");
}

int work(const char* service) {
  sidecar::Tracer tracer = sidecar_apps::open_tracer(service, "/run/ingest.v1.sock");
  sidecar_apps::finish(tracer, 1, 5);
  const bool flushed = tracer.flush(std::chrono::seconds(10));
  sidecar_apps::print_account(
      tracer, "\"flushed\":" + std::string(flushed ? "true" : "false") + ",\"pid\":" + std::to_string(getpid()) + ",");
  while (std::getchar() != EOF) {
  }
  return 0;
}

int contain(char** argv) {
  constexpr uid_t kUser = 4321;
  if (setresgid(kUser, kUser, kUser) != 0 || setresuid(kUser, kUser, kUser) != 0) refused("become a user");
  // setresuid made it undumpable, and its own /proc files root's
  prctl(PR_SET_DUMPABLE, 1);
  if (unshare(CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWUTS) != 0) refused("unshare");
  write_file("/proc/self/setgroups", "deny");
  write_file("/proc/self/uid_map", "0 4321 1");
  write_file("/proc/self/gid_map", "0 4321 1");
  const pid_t child = fork();
  if (child == 0) {
    sethostname("inside", 6);
    enter(argv[3], argv[4], true);
    std::exit(work(argv[2]));
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 5) return 2;
  if (std::strcmp(argv[1], "container") == 0) return contain(argv);
  if (unshare(CLONE_NEWNS) != 0) refused("unshare");
  enter(argv[3], argv[4], false);
  return work(argv[2]);
}
