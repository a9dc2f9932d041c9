#include "systemd/from_manager.h"

#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <cstdlib>

#include "log/log.h"

using namespace sidecar;
using namespace std::chrono_literals;

namespace {

// A socket with a name that the kernel chooses.
ScopedFd bound(int type, bool listening = true) {
  ScopedFd fd(socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  REQUIRE(bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address.sun_family) == 0);
  if (listening) REQUIRE(listen(fd.get(), 4) == 0);
  return fd;
}

template <class... Each>
std::vector<HandedOver> all(Each... each) {
  std::vector<HandedOver> list;
  (list.push_back(std::move(each)), ...);
  return list;
}

std::string refusal(std::vector<HandedOver> list) {
  const auto sorted = sort_handed_over(std::move(list));
  REQUIRE_FALSE(sorted);
  CHECK(sorted.error().code == Errc::invalid_argument);
  return sorted.error().message;
}

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

// Runs `there` in a child, as a service manager would have started it, and returns its exit status.
template <class There>
int in_child(There there) {
  const pid_t child = fork();
  if (child == 0) _exit(there());
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

}  // namespace

TEST_SUITE("systemd/from_manager") {
  TEST_CASE("sockets are known by their names, in whatever order") {
    ScopedFd ingest = bound(SOCK_SEQPACKET);
    ScopedFd control = bound(SOCK_STREAM);
    const int ingest_number = ingest.get();
    const int control_number = control.get();
    const auto sorted =
        sort_handed_over(all(HandedOver{"control", std::move(control)}, HandedOver{"ingest", std::move(ingest)}));
    REQUIRE(sorted);
    CHECK(sorted->ingest.get() == ingest_number);
    CHECK(sorted->control.get() == control_number);
  }

  TEST_CASE("each may be missing") {
    CHECK_FALSE(sort_handed_over({})->ingest);
    const auto sorted = sort_handed_over(all(HandedOver{"control", bound(SOCK_STREAM)}));
    REQUIRE(sorted);
    CHECK(sorted->control);
    CHECK_FALSE(sorted->ingest);
  }

  TEST_CASE("what is not the listening socket of its name is refused, and the message names the unit's line") {
    start_log(LogOptions{LogLevel::error});
    CHECK(refusal(all(HandedOver{"ingest", bound(SOCK_STREAM)})).find("`ingest`") != std::string::npos);
    CHECK(refusal(all(HandedOver{"ingest", bound(SOCK_STREAM)})).find("ListenSequentialPacket=") != std::string::npos);
    CHECK(refusal(all(HandedOver{"control", bound(SOCK_SEQPACKET)})).find("ListenStream=") != std::string::npos);
    CHECK_FALSE(refusal(all(HandedOver{"ingest", bound(SOCK_SEQPACKET, false)})).empty());
    CHECK_FALSE(refusal(all(HandedOver{"control", ScopedFd(open("/dev/null", O_RDONLY | O_CLOEXEC))})).empty());
    CHECK_FALSE(refusal(all(HandedOver{"control", ScopedFd(socket(AF_INET, SOCK_STREAM, 0))})).empty());
    CHECK(refusal(all(HandedOver{"ingest", bound(SOCK_SEQPACKET)}, HandedOver{"ingest", bound(SOCK_SEQPACKET)}))
              .find("FileDescriptorName=ingest") != std::string::npos);
  }

  TEST_CASE("a listening socket without a name of ours is refused: its clients would wait for ever") {
    CHECK(refusal(all(HandedOver{"sw-sidecar.socket", bound(SOCK_SEQPACKET)})).find("FileDescriptorName=") !=
          std::string::npos);
  }

  TEST_CASE("anything else of an unknown name is closed: another version may have stored it") {
    start_log(LogOptions{LogLevel::error});
    ScopedFd file(open("/dev/null", O_RDONLY | O_CLOEXEC));
    const int number = file.get();
    CHECK(sort_handed_over(all(HandedOver{"table", std::move(file)})));
    CHECK_FALSE(is_open(number));
  }

  TEST_CASE("what a predecessor stored is told from what is not ours") {
    start_log(LogOptions{LogLevel::error});
    int ends[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) == 0);
    const ScopedFd other(ends[1]);
    const auto sorted =
        sort_handed_over(all(HandedOver{"cabcdefg", ScopedFd(ends[0])}, HandedOver{"ingest", bound(SOCK_SEQPACKET)},
                             HandedOver{"table1", ScopedFd(open("/dev/null", O_RDONLY | O_CLOEXEC))},
                             HandedOver{"cstream", ScopedFd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0))},
                             HandedOver{"", ScopedFd(open("/dev/null", O_RDONLY | O_CLOEXEC))}));
    REQUIRE(sorted);
    CHECK(sorted->ingest);
    REQUIRE(sorted->stored.size() == 2);
    CHECK(sorted->stored[0].name == "cabcdefg");
    CHECK(sorted->stored[1].name == "table1");
    // A listening socket is a unit's, whatever its name.
    CHECK(refusal(all(HandedOver{"cabcdefg", bound(SOCK_SEQPACKET)})).find("FileDescriptorName=") != std::string::npos);
  }

  TEST_CASE("it comes from the environment, which is cleared") {
    const ScopedFd ingest = bound(SOCK_SEQPACKET);
    CHECK(in_child([&] {
            // dup2 leaves them open across exec, as a manager does
            if (dup2(ingest.get(), 3) != 3) return 1;
            setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
            setenv("LISTEN_FDS", "1", 1);
            setenv("LISTEN_FDNAMES", "ingest", 1);
            setenv("NOTIFY_SOCKET", "/run/notify", 1);
            setenv("WATCHDOG_USEC", "3000000", 1);
            setenv("WATCHDOG_PID", std::to_string(getpid()).c_str(), 1);
            setenv("STATE_DIRECTORY", "/var/lib/one:/var/lib/other", 1);
            setenv("SW_SIDECAR_BOOT_ID", "0123456789abcdeffedcba9876543210", 1);
            const auto taken = take_from_manager();
            if (!taken || taken->ingest.get() != 3 || taken->control) return 2;
            if ((fcntl(3, F_GETFD) & FD_CLOEXEC) == 0) return 3;
            if (taken->notify_socket != "/run/notify" || taken->watchdog != 3s) return 4;
            if (taken->state_directory != "/var/lib/one") return 6;
            if (taken->boot_id != "0123456789abcdeffedcba9876543210") return 7;
            for (const char* name :
                 {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "NOTIFY_SOCKET", "WATCHDOG_USEC", "WATCHDOG_PID"})
              if (std::getenv(name) != nullptr) return 5;
            return 0;
          }) == 0);
  }

  TEST_CASE("what is meant for another process is left alone") {
    CHECK(in_child([] {
            setenv("LISTEN_PID", std::to_string(getppid()).c_str(), 1);
            setenv("LISTEN_FDS", "1", 1);
            setenv("WATCHDOG_USEC", "3000000", 1);
            setenv("WATCHDOG_PID", std::to_string(getppid()).c_str(), 1);
            const auto taken = take_from_manager();
            return taken && !taken->ingest && taken->watchdog == 0s ? 0 : 1;
          }) == 0);
  }

  TEST_CASE("variables that do not parse are refused") {
    CHECK(in_child([] {
            setenv("LISTEN_PID", std::to_string(getpid()).c_str(), 1);
            setenv("LISTEN_FDS", "many", 1);
            return take_from_manager() ? 1 : 0;
          }) == 0);
  }
}
