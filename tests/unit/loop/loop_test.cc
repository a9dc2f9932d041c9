// The same facts for the loop of production and for the fake: tests that pass on
// the fake are worth something only because it behaves like the real one.

#include <doctest/doctest.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <thread>

#include "base/scoped_fd.h"
#include "fake_loop.h"
#include "loop/uv_loop.h"

using namespace sidecar;
using namespace std::chrono_literals;

namespace {

// Runs the real loop until `done`, at most 10 s.
template <class Done>
bool run_until(UvLoop& loop, Done done) {
  bool expired = false;
  const auto limit = loop.make_timer([&] {
    expired = true;
    loop.stop();
  });
  limit->start(10s);
  const auto poll = loop.make_timer([&] {
    if (done()) loop.stop();
  });
  poll->start_every(1ms);
  loop.run();
  return !expired;
}

template <class Done>
bool run_until(FakeLoop& loop, Done done) {
  for (int i = 0; i < 10'000 && !done(); ++i) loop.advance(1ms);
  return done();
}

struct Pipe {
  Pipe() {
    int ends[2];
    REQUIRE(pipe(ends) == 0);
    read.reset(ends[0]);
    write.reset(ends[1]);
  }
  ScopedFd read, write;
};

}  // namespace

TEST_CASE_TEMPLATE("a timer fires once, not before its time", Loop, UvLoop, FakeLoop) {
  Loop loop;
  int fired = 0;
  Tick at{};
  const Tick start = loop.now();
  const auto timer = loop.make_timer([&] {
    ++fired;
    at = loop.now();
  });
  timer->start(20ms);
  CHECK(timer->armed());
  CHECK(run_until(loop, [&] { return fired > 0; }));
  CHECK(at - start >= 20ms);
  CHECK_FALSE(timer->armed());
}

TEST_CASE_TEMPLATE("a periodic timer goes on until it is stopped", Loop, UvLoop, FakeLoop) {
  Loop loop;
  int fired = 0;
  std::unique_ptr<Timer> timer = loop.make_timer([&] {
    if (++fired == 3) timer->stop();
  });
  timer->start_every(2ms);
  CHECK(run_until(loop, [&] { return !timer->armed(); }));
  CHECK(fired == 3);
}

TEST_CASE_TEMPLATE("a destroyed timer never fires, and one may destroy itself", Loop, UvLoop, FakeLoop) {
  Loop loop;
  bool fired = false;
  {
    loop.make_timer([&] { fired = true; })->start(1ms);
  }
  std::unique_ptr<Timer> self;
  bool gone = false;
  self = loop.make_timer([&] {
    self.reset();
    gone = true;
  });
  self->start(5ms);
  CHECK(run_until(loop, [&] { return gone; }));
  CHECK_FALSE(fired);
}

TEST_CASE_TEMPLATE("tasks run in the order of posting, from any thread", Loop, UvLoop, FakeLoop) {
  Loop loop;
  std::vector<int> order;
  std::thread other([&] {
    for (int i = 0; i < 100; ++i) loop.post([&order, i] { order.push_back(i); });
  });
  other.join();
  CHECK(run_until(loop, [&] { return order.size() == 100; }));
  for (int i = 0; i < 100; ++i) CHECK(order[static_cast<std::size_t>(i)] == i);
}

TEST_CASE_TEMPLATE("a readable descriptor is told until it has been read", Loop, UvLoop, FakeLoop) {
  Loop loop;
  Pipe pipe;
  int told = 0;
  const auto watch = loop.watch_fd(pipe.read.get(), [&](bool readable, bool) {
    CHECK(readable);
    char byte;
    if (++told == 2) CHECK(read(pipe.read.get(), &byte, 1) == 1);
  });
  watch->start(true, false);
  REQUIRE(write(pipe.write.get(), "x", 1) == 1);
  CHECK(run_until(loop, [&] { return told == 2; }));
}

TEST_CASE_TEMPLATE("a hang-up is told as readable", Loop, UvLoop, FakeLoop) {
  Loop loop;
  Pipe pipe;
  std::unique_ptr<FdWatch> watch;
  bool told = false;
  watch = loop.watch_fd(pipe.read.get(), [&](bool readable, bool) {
    told = readable;
    watch.reset();
  });
  watch->start(true, false);
  pipe.write.reset();
  CHECK(run_until(loop, [&] { return told; }));
}

TEST_CASE("the real loop hears a signal while the watch lives") {
  UvLoop loop;
  int heard = 0;
  const auto watch = loop.watch_signal(SIGUSR1, [&] { ++heard; });
  raise(SIGUSR1);
  CHECK(run_until(loop, [&] { return heard == 1; }));
}

TEST_CASE("the clock stands still during a turn") {
  UvLoop loop;
  bool same = false;
  const auto timer = loop.make_timer([&] {
    const Tick before = loop.now();
    const WallTime wall = loop.wall_now();
    for (int i = 0; i < 100'000; ++i) getppid();  // takes longer than the clock's grain
    same = before == loop.now() && wall == loop.wall_now();
  });
  timer->start(1ms);
  CHECK(run_until(loop, [&] { return same; }));
}

TEST_CASE("the fake loop fires timers at their own times, in their order") {
  FakeLoop loop;
  std::vector<int> order;
  const Tick start = loop.now();
  const auto late = loop.make_timer([&] { order.push_back(static_cast<int>((loop.now() - start) / 1ms)); });
  const auto early = loop.make_timer([&] { order.push_back(static_cast<int>((loop.now() - start) / 1ms)); });
  late->start(20ms);
  early->start(10ms);
  loop.advance(50ms);
  CHECK(order == std::vector<int>{10, 20});
  CHECK(loop.now() - start == 50ms);
}

TEST_CASE("the system's resolver answers in a later turn, and each address once") {
  UvLoop loop;
  std::vector<std::string> found;
  const auto lookup = loop.look_up("localhost", [&](Lookup::Answer answer) {
    if (answer) found = *answer;
  });
  CHECK(found.empty());
  REQUIRE(run_until(loop, [&] { return !found.empty(); }));
  for (const std::string& address : found) {
    CHECK((address == "127.0.0.1" || address == "::1"));
    CHECK(std::count(found.begin(), found.end(), address) == 1);
  }
}

TEST_CASE("what is no host name is answered with an error, in a later turn") {
  UvLoop loop;
  for (const std::string& host : {std::string("a..b"), std::string(300, 'x')}) {
    std::string error;
    std::unique_ptr<Lookup> lookup;
    lookup = loop.look_up(host, [&](Lookup::Answer answer) {
      REQUIRE_FALSE(answer);
      error = answer.error().message;
      lookup.reset();  // from within
    });
    CHECK(error.empty());
    REQUIRE(run_until(loop, [&] { return !error.empty(); }));
  }
}

TEST_CASE_TEMPLATE("a lookup that is destroyed is not answered", Loop, UvLoop, FakeLoop) {
  Loop loop;
  bool answered = false;
  for (int i = 0; i < 20; ++i) loop.look_up("localhost", [&](Lookup::Answer) { answered = true; });
  bool over = false;
  const auto timer = loop.make_timer([&] { over = true; });
  timer->start(20ms);
  CHECK(run_until(loop, [&] { return over; }));
  CHECK_FALSE(answered);
}

TEST_CASE("the fake resolver says what it was told") {
  FakeLoop loop;
  loop.set_addresses("oap", {"10.0.0.1", "10.0.0.2"});
  std::vector<std::string> found;
  std::string error;
  const auto known = loop.look_up("oap", [&](Lookup::Answer answer) { found = answer.value(); });
  const auto unknown = loop.look_up("nobody", [&](Lookup::Answer answer) { error = answer.error().message; });
  CHECK(found.empty());
  loop.run_until_idle();
  CHECK(found.size() == 2);
  CHECK_FALSE(error.empty());
}
