#include "ipc/look_interval.h"

#include <doctest/doctest.h>
#include <sys/socket.h>

#include <algorithm>
#include <vector>

#include "fake_loop.h"
#include "ipc/look_timer.h"
#include "server_fixture.h"

using namespace sidecar;
using std::chrono::milliseconds;

namespace {

constexpr Duration kLongest = milliseconds(20);

// How full the fullest socket gets when `rate` datagrams a millisecond of `size` bytes come on it.
double fill_at(Duration interval, double rate, std::size_t size) {
  const double ms = interval == kAtOnce ? 0.05 : static_cast<double>(interval / milliseconds(1));
  return std::min(1.0, rate * ms * static_cast<double>(buffer_charge(size)) / static_cast<double>(kClientBuffer));
}

}  // namespace

TEST_SUITE("ipc/look_interval") {
  TEST_CASE("the charge is about what this kernel takes of a buffer for a datagram") {
    for (const std::size_t size : {64, 500, 1000, 1700, 3000, 9000, 20'000, 60'000, 190'000}) {
      int pair[2];
      REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
      const ScopedFd sender(pair[0]), receiver(pair[1]);
      const std::vector<char> datagram(size);
      int buffer = 0;
      socklen_t length = sizeof buffer;
      REQUIRE(getsockopt(sender.get(), SOL_SOCKET, SO_SNDBUF, &buffer, &length) == 0);
      int fit = 0;
      while (send(sender.get(), datagram.data(), size, MSG_DONTWAIT) > 0) ++fit;
      CAPTURE(size);
      CAPTURE(fit);
      // The last one may go beyond the buffer.
      CHECK(static_cast<double>(buffer) >
            0.6 * static_cast<double>(fit - 1) * static_cast<double>(buffer_charge(size)));
      CHECK(static_cast<double>(buffer) <
            1.6 * static_cast<double>(fit + 1) * static_cast<double>(buffer_charge(size)));
    }
  }

  TEST_CASE("at any steady rate the interval settles where no socket gets half full, and no shorter than needed") {
    for (const double rate : {0.01, 1.0, 3.0, 10.0, 30.0, 40.0}) {
      Duration interval = kLongest;
      for (int look = 0; look < 100; ++look)
        interval = next_interval(interval, fill_at(interval, rate, 1656), kLongest);
      CAPTURE(rate);
      CAPTURE(interval / milliseconds(1));
      const double fill = fill_at(interval, rate, 1656);
      CHECK(fill < 0.5);
      CHECK((interval == kLongest || fill > 0.15));
    }
  }

  TEST_CASE("what fills a socket in a millisecond is read at once") {
    CHECK(next_interval(milliseconds(1), 1.0, kLongest) == kAtOnce);
    CHECK(next_interval(kAtOnce, 1.0, kLongest) == kAtOnce);
    CHECK(next_interval(kAtOnce, 0.1, kLongest) == kShortestInterval);
  }

  TEST_CASE("it comes down at once and goes up by steps, within its bounds") {
    CHECK(next_interval(milliseconds(20), 1.0, kLongest) == milliseconds(7));
    CHECK(next_interval(milliseconds(2), 1.0, kLongest) == milliseconds(1));
    CHECK(next_interval(milliseconds(1), 0.0, kLongest) == milliseconds(2));
    CHECK(next_interval(milliseconds(8), 0.0, kLongest) == milliseconds(10));
    CHECK(next_interval(milliseconds(19), 0.0, kLongest) == kLongest);
    CHECK(next_interval(kLongest, 0.0, kLongest) == kLongest);
    CHECK(next_interval(milliseconds(10), 0.34, kLongest) == milliseconds(10));
    CHECK(next_interval(milliseconds(1), 0.2, kLongest) == milliseconds(1));  // two would be too long
  }

  TEST_CASE("the timer follows, wakes by the sockets while it is at once, and tries an interval again") {
    FakeLoop loop;
    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    const ScopedFd reader(pair[0]), writer(pair[1]);
    int looks = 0;
    LookTimer timer(loop, reader.get(), kLongest, [&] {
      char byte;
      while (recv(reader.get(), &byte, 1, MSG_DONTWAIT) > 0) {
      }
      ++looks;
    });
    timer.note_traffic();
    loop.advance(milliseconds(20));
    CHECK(looks == 1);
    timer.note_fill(1.0);
    CHECK(timer.interval() == milliseconds(7));
    loop.advance(milliseconds(7));
    CHECK(looks == 2);
    timer.note_fill(1.0);
    timer.note_fill(1.0);
    timer.note_fill(1.0);
    REQUIRE(timer.interval() == kAtOnce);
    CHECK_FALSE(timer.quiet());
    loop.advance(milliseconds(50));
    CHECK(looks == 2);  // nothing came
    REQUIRE(send(writer.get(), "x", 1, 0) == 1);
    loop.run_until_idle();
    CHECK(looks == 3);
    timer.note_fill(0.0);
    CHECK(timer.interval() == kAtOnce);  // not yet
    loop.advance(LookTimer::kAtOncePeriod);
    timer.note_fill(0.0);
    CHECK(timer.interval() == kShortestInterval);
    loop.advance(milliseconds(1));
    CHECK(looks == 4);
  }

  TEST_CASE("another longest interval counts at once") {
    FakeLoop loop;
    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    const ScopedFd reader(pair[0]), writer(pair[1]);
    int looks = 0;
    LookTimer timer(loop, reader.get(), kLongest, [&] { ++looks; });
    timer.note_traffic();
    timer.set_longest(milliseconds(5));
    CHECK(timer.interval() == milliseconds(5));
    loop.advance(milliseconds(10));
    CHECK(looks == 2);
    timer.set_longest(kLongest);
    CHECK(timer.interval() == milliseconds(5));
    for (int i = 0; i < 100; ++i) timer.note_fill(0.0);
    CHECK(timer.interval() == kLongest);
  }

  TEST_CASE("while it is at once it is quiet when nothing came for long") {
    FakeLoop loop;
    int pair[2];
    REQUIRE(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) == 0);
    const ScopedFd reader(pair[0]), writer(pair[1]);
    LookTimer timer(loop, reader.get(), milliseconds(1), [] {});
    CHECK(timer.quiet());
    loop.advance(LookTimer::kQuiet);
    timer.note_traffic();
    timer.note_fill(1.0);
    REQUIRE(timer.interval() == kAtOnce);
    CHECK_FALSE(timer.quiet());
    loop.advance(LookTimer::kQuiet);
    CHECK(timer.quiet());
  }

  TEST_CASE("what was read because there is room again says nothing of how often to look") {
    ServerFixture f;
    const auto client = f.greet();
    std::uint64_t seq = 0;
    const auto send = [&] { REQUIRE(client->send(client::segments(++seq, {client::segment()}))); };
    for (int i = 0; i < 90; ++i) send();
    f.loop.advance(f.status().interval + milliseconds(3));
    f.sink.room_for = f.sink.records.size();
    send();
    f.loop.advance(f.status().interval);
    REQUIRE(f.status().blocked == 1);
    const Duration interval = f.status().interval;
    REQUIRE(interval > milliseconds(2));
    REQUIRE(interval < f.options.drain_interval);
    f.sink.room_for = 0;
    f.server->on_room();
    f.loop.advance(milliseconds(1));
    CHECK(f.sink.records.size() == seq);
    CHECK(f.status().interval == interval);
  }

  TEST_CASE("a server looks more often at clients that fill their sockets, and less when they calm down") {
    ServerFixture f;
    const auto client = f.greet();
    std::uint64_t seq = 0;
    CHECK(f.status().interval == f.options.drain_interval);
    const auto burst = [&](unsigned frames) {
      for (unsigned i = 0; i < frames; ++i) REQUIRE(client->send(client::segments(++seq, {client::segment()})));
      f.loop.advance(f.status().interval + milliseconds(3));
    };
    burst(90);
    const Duration after_burst = f.status().interval;
    CHECK(after_burst < f.options.drain_interval);
    for (int i = 0; i < 40; ++i) burst(1);
    CHECK(f.status().interval == f.options.drain_interval);
    CHECK(f.sink.records.size() == seq);
  }
}
