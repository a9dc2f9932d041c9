#include "session/session_manager.h"

#include <doctest/doctest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>

#include "fake_collector.h"
#include "fake_loop.h"
#include "make.h"

using namespace sidecar;
using namespace std::chrono_literals;
using Kind = FakeCollector::Kind;

namespace {

struct FixedRandom : Random {
  std::uint64_t next() override { return 1ull << 63; }
};

// A real process that does nothing until it is killed.
class Child {
 public:
  Child() : pid_(fork()) {
    if (pid_ == 0) {
      for (;;) pause();
    }
    REQUIRE(pid_ > 0);
  }
  ~Child() { kill_and_reap(); }
  pid_t pid() const { return pid_; }
  ScopedFd pidfd() const {
    ScopedFd fd(static_cast<int>(syscall(SYS_pidfd_open, pid_, 0)));
    REQUIRE(fd);
    return fd;
  }
  void kill_and_reap() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
    pid_ = -1;
  }

 private:
  pid_t pid_;
};

struct Fixture {
  Fixture() : collector(loop), manager({}, {"Linux", "box", {"10.0.0.1"}}, loop, collector, random) {}
  void collector_ready(bool ready = true) {
    collector.set_ready(ready);
    loop.run_until_idle();
  }
  AgentPtr connect(const std::string& instance = "shop-1", std::uint64_t epoch = 1, ScopedFd process = {}) {
    const AgentPtr agent = make_agent("shop", instance, epoch);
    manager.on_agent_connected(agent, std::move(process));
    loop.run_until_idle();
    return agent;
  }
  void disconnect(const AgentPtr& agent, bool bye = false) {
    agent->said_bye = bye;
    manager.on_agent_disconnected(agent);
    loop.run_until_idle();
  }
  void pass(Duration time) {
    loop.advance(time);
    loop.run_until_idle();
  }
  std::size_t pings() const { return collector.count(Kind::keep_alive); }
  std::size_t reports() const { return collector.count(Kind::properties); }

  FakeLoop loop;
  FixedRandom random;
  FakeCollector collector;
  SessionManager manager;
};

}  // namespace

TEST_SUITE("session/session_manager") {
  TEST_CASE("an instance that connects while the collector is there is announced at once, with the host's facts") {
    Fixture f;
    f.collector_ready();
    const AgentPtr agent = f.connect();
    CHECK(f.reports() == 1);
    CHECK(f.pings() == 1);
    REQUIRE(f.manager.find(*agent) != nullptr);
    CHECK(f.manager.find(*agent)->state() == SessionState::live);
    const Properties& told = f.collector.asked()[0].properties;
    CHECK(std::find(told.begin(), told.end(), std::pair<std::string, std::string>("hostname", "box")) != told.end());
  }

  TEST_CASE("one that connects before is announced when the collector comes") {
    Fixture f;
    const AgentPtr agent = f.connect();
    CHECK(f.collector.asked().empty());
    f.collector_ready();
    CHECK(f.manager.find(*agent)->state() == SessionState::live);
  }

  TEST_CASE("after a reconnect all are announced again, spread in time") {
    Fixture f;
    f.collector_ready();
    for (int i = 0; i < 100; ++i) f.connect("shop-" + std::to_string(i));
    CHECK(f.reports() == 100);
    f.collector_ready(false);
    f.collector_ready(true);
    CHECK(f.reports() == 100);
    f.pass(200ms);
    CHECK(f.reports() == 200);
  }

  TEST_CASE("BYE ends the instance: no beat after it") {
    Fixture f;
    f.collector_ready();
    const AgentPtr agent = f.connect();
    f.disconnect(agent, true);
    CHECK(f.manager.find(*agent) == nullptr);
    CHECK(agent->gone);
    f.pass(1h);
    CHECK(f.pings() == 1);
  }

  TEST_CASE("the death of the process ends the instance, though its connection is still open") {
    Fixture f;
    f.collector_ready();
    Child child;
    const AgentPtr agent = f.connect("shop-1", 1, child.pidfd());
    f.pass(30s);
    CHECK(f.pings() == 2);
    CHECK(f.manager.size() == 1);
    child.kill_and_reap();
    f.loop.run_until_idle();
    CHECK(f.manager.size() == 0);
    CHECK(agent->gone);
    f.pass(1h);
    CHECK(f.pings() == 2);
    f.disconnect(agent);  // comes later and changes nothing
    CHECK(f.manager.size() == 0);
  }

  TEST_CASE("where a process runs is read once, when its session begins, and forgotten with it") {
    Fixture f;
    Child child;
    AgentIdentity identity = make_identity("shop", "shop-1", 1);
    identity.pid = child.pid();
    const auto agent = std::make_shared<Agent>(std::move(identity), 0);
    CHECK(f.manager.container_of(*agent) == nullptr);
    f.manager.on_agent_connected(agent, child.pidfd());
    REQUIRE(f.manager.container_of(*agent) != nullptr);
    CHECK(*f.manager.container_of(*agent) == read_container(child.pid(), child.pidfd().get()));
    // It comes back without a pidfd: nothing could be read now.
    const ContainerFacts before = *f.manager.container_of(*agent);
    f.disconnect(agent);
    f.manager.on_agent_connected(agent, {});
    REQUIRE(f.manager.container_of(*agent) != nullptr);
    CHECK(*f.manager.container_of(*agent) == before);
    f.disconnect(agent, true);
    CHECK(f.manager.container_of(*agent) == nullptr);
  }

  TEST_CASE("a lost connection alone ends nothing before the grace is over") {
    Fixture f;
    f.collector_ready();
    Child child;
    const AgentPtr agent = f.connect("shop-1", 1, child.pidfd());
    f.disconnect(agent);
    f.pass(SessionManager::kReconnectGrace - 1ms);
    CHECK(f.manager.find(*agent) != nullptr);
    f.pass(2ms);
    CHECK(f.manager.find(*agent) == nullptr);
    CHECK(agent->gone);
  }

  TEST_CASE("who comes back within the grace stays registered and is not announced again") {
    Fixture f;
    f.collector_ready();
    const AgentPtr agent = f.connect();
    f.disconnect(agent);
    f.pass(20s);
    f.manager.on_agent_connected(agent, {});
    f.pass(25s);
    CHECK(f.manager.find(*agent) != nullptr);
    CHECK_FALSE(agent->gone);
    CHECK(f.reports() == 1);
    f.pass(1h);
    CHECK(f.manager.find(*agent) != nullptr);
  }

  TEST_CASE("of those that are away only so many are waited for: the one away the longest ends first") {
    Fixture f;
    const AgentPtr stays = f.connect("stays"), back = f.connect("back"), first = f.connect("first");
    f.disconnect(back);
    f.disconnect(first);
    f.manager.on_agent_connected(back, {});
    for (std::size_t i = 1; i < SessionManager::kMaxAway; ++i) f.disconnect(f.connect("brief-" + std::to_string(i)));
    CHECK(f.manager.find(*first) != nullptr);
    const AgentPtr last = f.connect("last");
    f.disconnect(last);
    CHECK(f.manager.find(*first) == nullptr);
    CHECK_FALSE(first->gone);  // as far as anyone knows
    for (std::size_t i = 0; i < 1000; ++i) f.disconnect(f.connect("more-" + std::to_string(i)));
    CHECK(f.manager.size() == SessionManager::kMaxAway + 2);
    CHECK(f.manager.find(*stays) != nullptr);
    CHECK(f.manager.find(*back) != nullptr);
    f.pass(SessionManager::kReconnectGrace);
    CHECK(f.manager.size() == 2);
  }

  TEST_CASE("several agents of one instance beat once and end with the last of them") {
    Fixture f;
    f.collector_ready();
    const AgentPtr one = f.connect("shop-1", 1), two = f.connect("shop-1", 2);
    CHECK(f.manager.size() == 1);
    CHECK(f.reports() == 1);
    f.pass(30s);
    CHECK(f.pings() == 2);
    f.disconnect(one, true);
    CHECK(f.manager.find(*two) != nullptr);
    f.pass(30s);
    CHECK(f.pings() == 3);
    f.disconnect(two, true);
    CHECK(f.manager.size() == 0);
  }

  TEST_CASE("when the process that an instance is shown with ends, it is shown with one that stays") {
    Fixture f;
    f.collector_ready();
    AgentIdentity old = make_identity("shop", "shop-1", 1), fresh = make_identity("shop", "shop-1", 2);
    old.pid = 100;
    fresh.pid = 200;
    const AgentPtr one = std::make_shared<Agent>(old, 0), two = std::make_shared<Agent>(fresh, 0);
    f.manager.on_agent_connected(one, {});
    f.manager.on_agent_connected(two, {});
    f.loop.run_until_idle();
    const auto shown = [&f] {
      std::string pid;
      for (const auto& asked : f.collector.asked())
        for (const auto& [key, value] : asked.properties)
          if (key == "Process No.") pid = value;
      return pid;
    };
    CHECK(shown() == "100");
    f.disconnect(one, true);
    f.pass(33s);
    CHECK(shown() == "200");
    CHECK(f.reports() == 2);
    f.pass(33s);
    CHECK(f.reports() == 2);  // told once
  }

  TEST_CASE("an instance that ended and connects again is announced again") {
    Fixture f;
    f.collector_ready();
    const AgentPtr agent = f.connect();
    f.disconnect(agent, true);
    agent->said_bye = false;
    f.manager.on_agent_connected(agent, {});
    f.loop.run_until_idle();
    CHECK(f.reports() == 2);
    CHECK_FALSE(agent->gone);
  }

  TEST_CASE("stop ends all and cancels their calls") {
    Fixture f;
    f.collector_ready();
    f.collector.hold_answers(true);
    f.connect("a");
    f.connect("b");
    CHECK(f.collector.in_flight() == 4);
    f.manager.stop();
    CHECK(f.collector.in_flight() == 0);
    f.pass(1h);
    CHECK(f.collector.asked().size() == 4);
  }
}
