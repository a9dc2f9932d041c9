// What the shim does when time passes, and how many system calls a finish costs. This
// program brings a clock_gettime() of its own, which a test sets forward.

#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>

#include <csignal>
#include <map>

#include "fixture.h"

using namespace sidecar;
using namespace sidecar_test;

namespace {
std::int64_t ahead_s = 0;
}

extern "C" int clock_gettime(clockid_t clock, timespec* now) noexcept {
  const auto result = static_cast<int>(syscall(SYS_clock_gettime, clock, now));
  if (clock == CLOCK_MONOTONIC) now->tv_sec += ahead_s;
  return result;
}

TEST_SUITE_BEGIN("shim/clock");

TEST_CASE("after ten seconds of a full buffer nothing is built, until the sidecar is there") {
  Fixture f([](TracerOptions& o) { o.buffer_bytes = 256 * 1024; });
  f.peer.stop();
  ahead_s += 3600;  // of idleness, which say nothing
  f.finish(3'000);
  CHECK(f.tracer.stats().dropped.buffer_full > 0);
  CHECK(f.tracer.enabled());
  ahead_s += 9;
  f.finish(100);
  CHECK(f.tracer.enabled());
  ahead_s += 2;
  f.finish(100);
  CHECK_FALSE(f.tracer.enabled());
  const std::uint64_t created = f.tracer.stats().created;
  f.finish(100);
  CHECK_FALSE(bool(f.tracer.entry("nothing")));
  CHECK(f.tracer.stats().created == created);
  f.peer.listen();
  f.peer.auto_settle = true;
  ahead_s += 31;  // longer than any back-off
  f.tracer.entry("looks");
  CHECK(f.tracer.enabled());
  f.peer.serve();
  f.tracer.on_idle();
  f.finish();
  f.peer.serve();
  CHECK(f.tracer.stats().waiting == 0);
  CHECK(f.peer.segments.size() == f.tracer.stats().sent);
  CHECK(f.tracer.stats().created == created + 1);
}

#if defined(__x86_64__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
TEST_CASE("with a page in place a finish costs one fstat and one send") {
  Fixture f;
  f.connect();
  f.finish(3);
  f.peer.serve();
  f.tracer.on_idle();
  f.tracer.on_idle();
  const pid_t child = fork();
  REQUIRE(child >= 0);
  if (child == 0) {  // is traced, and says by getppid() where the part that counts begins and ends
    f.finish();
    for (int i = 0; i < 200 && f.tracer.stats().accepted < 1; ++i) {
      pollfd none{-1, 0, 0};
      poll(&none, 1, 5);
      f.tracer.on_idle();
    }
    if (ptrace(PTRACE_TRACEME, 0, nullptr, nullptr) != 0) _exit(77);
    raise(SIGSTOP);
    syscall(SYS_getppid);
    for (int i = 0; i < 100; ++i) {
      Span span = f.tracer.entry("op");
      f.tracer.exit("call", "there:1").tag("a", "b");
    }
    syscall(SYS_getppid);
    _exit(0);
  }
  f.peer.auto_settle = true;
  int status = 0;
  REQUIRE(f.peer.serve_until([&] { return waitpid(child, &status, WUNTRACED | WNOHANG) == child; }));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
    MESSAGE("skipped: ptrace is not allowed here");
    return;
  }
  REQUIRE(WIFSTOPPED(status));
  std::map<long, int> calls;
  int marks = 0;
  bool entering = true;
  while (ptrace(PTRACE_SYSCALL, child, nullptr, nullptr) == 0 && waitpid(child, &status, 0) == child &&
         WIFSTOPPED(status)) {
    if (WSTOPSIG(status) != SIGTRAP) continue;
    if (entering) {
      user_regs_struct registers{};
      REQUIRE(ptrace(PTRACE_GETREGS, child, nullptr, &registers) == 0);
      const auto number = static_cast<long>(registers.orig_rax);
      if (number == SYS_getppid) ++marks;
      // of which this program's own clock is made; the system's needs no call
      else if (marks == 1 && number != SYS_clock_gettime)
        ++calls[number];
    }
    entering = !entering;
  }
  CHECK(marks == 2);
  int all = 0;
  for (const auto& [number, count] : calls) all += count;
  CHECK(all == 200);
  CHECK(calls[SYS_sendto] == 100);
  CHECK(calls[SYS_fstat] + calls[SYS_newfstatat] == 100);
  f.peer.serve();
}
#endif

TEST_SUITE_END();
