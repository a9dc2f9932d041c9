#include <atomic>
#include <map>
#include <thread>

#include "fixture.h"

using namespace sidecar;
using namespace sidecar_test;

namespace {

// Serves on a thread of its own until it goes.
class ServingPeer {
 public:
  explicit ServingPeer(Peer& peer) : peer_(peer), thread_([this] { run(); }) {}
  ~ServingPeer() { stop(); }
  void stop() {
    stop_ = true;
    if (thread_.joinable()) thread_.join();
  }

 private:
  void run() {
    while (!stop_) {
      peer_.serve();
      pollfd none{-1, 0, 0};
      poll(&none, 1, 1);
    }
    peer_.serve();
  }
  Peer& peer_;
  std::atomic<bool> stop_{false};
  std::thread thread_;
};

}  // namespace

TEST_SUITE_BEGIN("shim/threads");

TEST_CASE("many threads finish at once: each segment arrives once, none is lost") {
  Fixture f([](TracerOptions& o) { o.buffer_bytes = 16u << 20; });
  f.peer.auto_settle = true;
  ServingPeer serving(f.peer);
  constexpr unsigned kThreads = 8;
  constexpr unsigned kSegments = 10'000;
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < kThreads; ++t) {
    threads.emplace_back([&f, t] {
      for (unsigned i = 0; i < kSegments; ++i) {
        {
          Span span = f.tracer.entry("work");
          span.tag("n", t * kSegments + i);
        }
        if (i % 500 == 499) f.tracer.flush(std::chrono::seconds(20));
      }
    });
  }
  for (auto& thread : threads) thread.join();
  CHECK(f.tracer.flush(std::chrono::seconds(20)));
  serving.stop();
  const Stats s = f.tracer.stats();
  CHECK(s.created == kThreads * kSegments);
  CHECK(s.sent == kThreads * kSegments);
  CHECK(s.accepted == kThreads * kSegments);
  CHECK(s.waiting == 0);
  REQUIRE(f.peer.segments.size() == kThreads * kSegments);
  std::vector<bool> seen(kThreads * kSegments);
  std::map<std::int64_t, std::int64_t> last;  // third part of the last id, by thread number
  for (std::size_t i = 0; i < f.peer.segments.size(); ++i) {
    const Received& got = f.peer.segments[i];
    REQUIRE(got.seq == i + 1);
    const auto n = static_cast<std::size_t>(std::stoul(got.tag(0, "n")));
    REQUIRE_FALSE(seen[n]);
    seen[n] = true;
    const fbs::Id& id = *got.segment().segment_id();
    REQUIRE(id.p3() > last[id.p2()]);  // a thread's segments stay in order, and no id comes twice
    last[id.p2()] = id.p3();
  }
  CHECK(last.size() == kThreads);
}

TEST_CASE("threads without a sidecar: everything is kept or counted") {
  Fixture f([](TracerOptions& o) { o.buffer_bytes = 256 * 1024; });
  f.peer.stop();
  std::vector<std::thread> threads;
  for (unsigned t = 0; t < 4; ++t) {
    threads.emplace_back([&f] {
      for (unsigned i = 0; i < 2'000; ++i) f.tracer.entry("work").tag("n", i);
    });
  }
  for (auto& thread : threads) thread.join();
  const Stats s = f.tracer.stats();
  CHECK(s.created == 8'000);
  CHECK(s.dropped.buffer_full > 0);
  CHECK(s.waiting == 8'000 - s.dropped.buffer_full);
}

TEST_CASE("short threads use the same builder again, and numbers of their own") {
  Fixture f;
  std::uint64_t last = 0;
  std::uint32_t highest = 0;
  for (unsigned i = 0; i < 500; ++i) {
    std::thread([&] {
      Span span = f.tracer.entry("work");
      highest = std::max(highest, detail::thread_context.top->index);
      CHECK(detail::thread_context.number > last);
      last = detail::thread_context.number;
    }).join();
  }
  CHECK(highest == 0);
}

TEST_CASE("spans of one asynchronous segment end on any thread") {
  Fixture f;
  for (unsigned round = 0; round < 200; ++round) {
    AsyncSpan entry = f.tracer.start_entry("entry");
    std::vector<std::thread> threads;
    for (unsigned t = 0; t < 3; ++t) {
      threads.emplace_back([child = entry.child_local("step")]() mutable {
        child.tag("a", "b");
        AsyncSpan call = child.child_exit("call", "x:1");
        child.end();
        call.log({{"event", "done"}});
      });
    }
    entry.end();
    for (auto& thread : threads) thread.join();
    f.peer.serve();
    REQUIRE(f.peer.segments.size() == round + 1);
    CHECK(f.peer.segments.back().segment().spans()->size() == 7);
  }
}

TEST_CASE("a span that another thread ends finishes with its thread's next, and is counted") {
  Fixture f;
  {
    Span span = f.tracer.entry("mine");
    std::thread([moved = std::move(span)]() mutable {
      moved.tag("foreign", "1");  // without effect
      moved.end();
    }).join();
    Span next = f.tracer.entry("next");
  }
  f.peer.serve();
  REQUIRE(f.peer.segments.size() == 2);
  CHECK(f.peer.segments[0].operation() == "mine");
  CHECK(f.peer.segments[0].tag(0, "foreign") == "");
  CHECK(f.peer.segments[1].operation() == "next");
  CHECK(f.tracer.stats().misused == 1);
}

TEST_CASE("flush waits for the sidecar, and no longer than told") {
  Fixture f;
  f.finish(3);
  CHECK_FALSE(f.tracer.flush(std::chrono::milliseconds(5)));
  f.peer.auto_settle = true;
  ServingPeer serving(f.peer);
  CHECK(f.tracer.flush(std::chrono::seconds(20)));
  CHECK(f.tracer.stats().accepted == 3);
}

TEST_CASE("a handle that a limit left empty does not reopen a segment that is being finished") {
  Fixture f([](TracerOptions& o) { o.span_limit = 1; });
  for (unsigned round = 0; round < 2'000; ++round) {
    AsyncSpan entry = f.tracer.start_entry("entry");
    AsyncSpan beyond = entry.child_local("beyond the limit");
    std::atomic<bool> go{false};
    std::thread other([&] {
      while (!go) {
      }
      for (int i = 0; i < 20; ++i) {
        beyond.correlation("key", "value");
        beyond.child_local("too late");
      }
    });
    go = true;
    entry.end();
    other.join();
    f.peer.serve();
  }
  CHECK(f.tracer.stats().created == 2'000);
  CHECK(f.peer.segments.size() == 2'000);
}

TEST_SUITE_END();
