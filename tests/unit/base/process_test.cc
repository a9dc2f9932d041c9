#include "base/process.h"

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

using namespace sidecar;

TEST_SUITE("base/process") {
  TEST_CASE("a process is known by its number, its user and when it began") {
    const ScopedFd self = open_process(getpid(), getuid());
    REQUIRE(self);
    const std::uint64_t ticks = start_ticks_of(getpid(), self.get());
    CHECK(ticks > 0);
    CHECK(start_ticks_of(getpid(), self.get()) == ticks);
    CHECK(open_process(getpid(), getuid(), ticks));
    CHECK_FALSE(open_process(getpid(), getuid(), ticks + 1));
    CHECK_FALSE(open_process(getpid(), getuid(), 0));
    CHECK_FALSE(open_process(0, getuid()));
    CHECK(start_ticks_of(getpid(), -1) == 0);
  }

  TEST_CASE("one of another user is not taken, but for root's, as which many show") {
    CHECK(static_cast<bool>(open_process(getpid(), getuid() + 1)) == (getuid() == 0));
  }

  TEST_CASE("one that has died is none, also while nobody has waited for it") {
    int alive[2];
    REQUIRE(pipe(alive) == 0);
    const pid_t pid = fork();
    if (pid == 0) {
      char byte;
      close(alive[1]);
      _exit(static_cast<int>(read(alive[0], &byte, 1)));
    }
    close(alive[0]);
    const ScopedFd process = open_process(pid, getuid());
    REQUIRE(process);
    CHECK_FALSE(has_died(process.get()));
    const std::uint64_t ticks = start_ticks_of(pid, process.get());
    CHECK(ticks > 0);
    close(alive[1]);
    siginfo_t info;
    REQUIRE(waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT) == 0);
    CHECK(has_died(process.get()));
    CHECK(start_ticks_of(pid, process.get()) == 0);
    CHECK_FALSE(open_process(pid, getuid(), ticks));
    waitpid(pid, nullptr, 0);
    CHECK_FALSE(open_process(pid, getuid()));
  }
}
