// Several collectors, and what is wrong behind a port.

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "base/scoped_fd.h"
#include "collector_host.h"

using namespace sidecar;
using namespace std::chrono_literals;
using V = Verdict;

namespace {

// A real loop whose resolver takes its time.
class SlowToResolve final : public EventLoop {
 public:
  SlowToResolve(UvLoop& loop, Duration delay) : loop_(loop), delay_(delay) {}
  Tick now() const override { return loop_.now(); }
  WallTime wall_now() const override { return loop_.wall_now(); }
  std::unique_ptr<Timer> make_timer(std::function<void()> callback) override {
    return loop_.make_timer(std::move(callback));
  }
  std::unique_ptr<FdWatch> watch_fd(int fd, std::function<void(bool, bool)> callback) override {
    return loop_.watch_fd(fd, std::move(callback));
  }
  std::unique_ptr<SignalWatch> watch_signal(int signal, std::function<void()> callback) override {
    return loop_.watch_signal(signal, std::move(callback));
  }
  std::unique_ptr<Lookup> look_up(const std::string&, std::function<void(Lookup::Answer)> answered) override {
    ++questions;
    return std::make_unique<Late>(*this, std::move(answered));
  }
  void post(std::function<void()> task) override { loop_.post(std::move(task)); }

  int questions = 0;

 private:
  struct Late final : Lookup {
    Late(SlowToResolve& of, std::function<void(Answer)> answered)
        : timer(of.make_timer([answered = std::move(answered)] { answered(std::vector<std::string>{"127.0.0.1"}); })) {
      timer->start(of.delay_);
    }
    std::unique_ptr<Timer> timer;
  };
  UvLoop& loop_;
  const Duration delay_;
};

struct Host final : CollectorHost {
  ~Host() override { end(); }
  EventLoop& its_loop() override { return slow ? static_cast<EventLoop&>(*slow) : loop; }

  std::optional<SlowToResolve> slow;
};

}  // namespace

TEST_SUITE("contract/collectors") {
  TEST_CASE("hosts spread over a list of collectors") {
    int first = 0;
    TestCollector a, b;
    for (int i = 0; i < 24; ++i) {
      Host host;
      host.options.addresses = {a.address(), b.address()};
      host.start_up();
      first += host.subject->status().address == a.address() ? 1 : 0;
    }
    CHECK(first > 0);
    CHECK(first < 24);
  }

  TEST_CASE("one that goes away is replaced by another, and rests") {
    Host host;
    host.serve();
    host.serve();
    host.start_up();
    CHECK(host.send().verdict == V::delivered);
    TestCollector& gone = host.in_use();
    gone.close();
    REQUIRE(host.run_until([&] { return host.ready == 2; }));
    CHECK(host.lost == 1);
    CHECK(&host.in_use() != &gone);
    CHECK(host.send().verdict == V::delivered);
    const CollectorStatus status = host.subject->status();
    REQUIRE(status.collectors.size() == 2);
    for (const CollectorEntry& entry : status.collectors) {
      CHECK(entry.in_use == (entry.address != gone.address()));
      CHECK((entry.last_error.find("lost") != std::string::npos ||
             entry.last_error.find("refused") != std::string::npos) == !entry.in_use);
    }
  }

  TEST_CASE("one that works shows no error, and when it has worked for long its next failure is the first") {
    Host host;
    TestCollector& first = host.serve();
    TestCollector& second = host.serve();
    first.close();
    second.close();
    host.options.backoff = {10ms, 300ms};
    host.options.unanswered = 50ms;
    host.start();
    const auto entry = [&] { return host.subject->status().collectors[0]; };
    REQUIRE(host.run_until([&] { return entry().rests_until - host.loop.now() > 100ms; }));
    CHECK(entry().last_error.find("refused") != std::string::npos);
    first.open();
    REQUIRE(host.run_until([&] { return host.ready == 1; }));
    CHECK(entry().last_error.empty());
    CHECK(entry().resting == 0);
    const Tick since = host.loop.now();
    REQUIRE(host.run_until([&] { return host.loop.now() - since > host.options.backoff.max; }));
    second.open();
    first.misbehave({.fault = Fault::hang});
    std::optional<Outcome> hanging;
    host.begin(hanging);
    REQUIRE(host.run_until([&] { return host.ready == 2; }));
    CHECK(entry().last_error.find("has not answered") != std::string::npos);
    CHECK(entry().rests_until < host.loop.now() + host.options.backoff.first);
    CHECK(host.subject->status().collectors[1].last_error.empty());
  }

  TEST_CASE("a call that nobody answers sends the next ones elsewhere, and keeps its own deadline") {
    Host host;
    host.serve();
    host.serve();
    host.options.unanswered = 50ms;
    host.start_up();
    TestCollector& hung = host.in_use();
    hung.misbehave({.fault = Fault::hang});
    std::optional<Outcome> first;
    host.begin(first);
    REQUIRE(host.run_until([&] { return host.ready == 2; }));
    CHECK(host.lost == 0);  // it was never away
    CHECK(&host.in_use() != &hung);
    CHECK_FALSE(first);
    CHECK(host.send().verdict == V::delivered);
    CHECK_FALSE(first);
    hung.behave();  // and now it answers
    REQUIRE(host.run_until([&] { return first.has_value(); }));
    CHECK(first->verdict == V::delivered);
    CHECK(hung.store().segment_count() == 2);
  }

  TEST_CASE("who hangs is left as soon as another is there, without another call") {
    Host host;
    host.serve();
    host.serve();
    host.options.unanswered = 20ms;
    host.start_up();
    TestCollector& hung = host.in_use();
    TestCollector& other = host.other();
    other.close();
    hung.misbehave({.fault = Fault::hang});
    std::optional<Outcome> first;
    host.begin(first);
    REQUIRE(host.run_until([&] {
      for (const CollectorEntry& entry : host.subject->status().collectors)
        if (entry.last_error.find("refused") != std::string::npos) return true;
      return false;
    }));
    CHECK(host.ready == 1);
    other.open();
    REQUIRE(host.run_until([&] { return host.ready == 2; }));
    CHECK(host.lost == 0);
    CHECK_FALSE(first);
    CHECK(&host.in_use() == &other);
    CHECK(host.send().verdict == V::delivered);
  }

  TEST_CASE("with one collector an unanswered call changes nothing") {
    Host host;
    TestCollector& only = host.serve();
    host.options.unanswered = 20ms;
    host.start_up();
    only.misbehave({.fault = Fault::slow, .times = 1, .delay = 200ms});
    CHECK(host.send().verdict == V::delivered);
    CHECK(host.ready == 1);
    CHECK(host.lost == 0);
  }

  TEST_CASE("one that answers UNAVAILABLE again and again is left") {
    Host host;
    host.serve();
    host.serve();
    host.start_up();
    TestCollector& ill = host.in_use();
    ill.misbehave({.fault = Fault::status, .code = 14});
    for (int i = 0; i < 3; ++i) CHECK(host.send().verdict == V::retry);
    REQUIRE(host.run_until([&] { return host.subject->status().connects == 2; }));
    CHECK(host.send().verdict == V::delivered);
    CHECK(&host.in_use() != &ill);
  }

  TEST_CASE("calls that nobody answered count only in a row") {
    Host host;
    host.serve();
    host.serve();
    host.start_up();
    TestCollector& server = host.in_use();
    for (const int code : {14, 14, 2, 14, 14, 3}) {
      server.misbehave({.fault = Fault::status, .times = 1, .code = code});
      host.send();
    }
    CHECK(host.send().verdict == V::delivered);
    CHECK(host.subject->status().connects == 1);
  }

  TEST_CASE("a refusal is an answer, UNAVAILABLE is none, and an error is said of whom it is about") {
    Host host;
    TestCollector& server = host.serve();
    host.start_up();
    server.misbehave({.fault = Fault::status, .times = 1, .code = 14});
    CHECK(host.send().verdict == V::retry);
    CHECK(host.subject->status().last_answer == Tick{});
    server.misbehave({.fault = Fault::status, .times = 1, .code = 3});
    CHECK(host.send().verdict == V::suspect);
    const CollectorStatus status = host.subject->status();
    CHECK(status.last_answer != Tick{});
    CHECK(status.last_ok == Tick{});
    CHECK(status.last_error_address == server.address());
    CHECK(status.last_error_at != Tick{});
  }

  TEST_CASE("one that refuses the token, or is none, rests while another is used") {
    for (const bool refuses : {true, false}) {
      Host host;
      host.serve();
      host.serve();
      host.start_up();
      TestCollector& wrong = host.in_use();
      if (refuses)
        wrong.set_token("another");
      else
        wrong.serve(false, false);
      host.send();
      REQUIRE(host.run_until([&] { return host.ready == 2; }));
      CHECK(&host.in_use() != &wrong);
      CHECK(host.send().verdict == V::delivered);
      CHECK(host.subject->status().state == CollectorState::up);
    }
  }

  TEST_CASE("when time is short the waiting ends at once, and later tries follow each other") {
    Host host;
    TestCollector& server = host.serve();
    server.close();
    host.options.backoff = {1h, 1h};
    const auto fails = [&] {
      return host.run_until([&] { return host.subject->status().state == CollectorState::down; });
    };
    host.start();
    REQUIRE(fails());
    SUBCASE("it is back already") { server.open(); }
    SUBCASE("it comes back later") {
      const auto back = host.loop.make_timer([&] { server.open(); });
      back->start(300ms);
      host.subject->hurry(800ms);
      REQUIRE(host.run_until([&] { return host.ready == 1; }));
      // And it is lost again.
      server.restart();
      REQUIRE(host.run_until([&] { return host.ready == 2; }));
      return;
    }
    host.subject->hurry(10s);
    REQUIRE(host.run_until([&] { return host.ready == 1; }));
  }

  TEST_CASE("when time is short who refused the token is asked at once, and again") {
    Host host;
    TestCollectorOptions served;
    served.token = "right";
    TestCollector& server = host.serve(served);
    host.options.token_file = host.file("token", "wrong");
    host.options.backoff = {1h, 1h};
    host.start_up();
    CHECK(host.send().verdict == V::hold_auth);
    host.subject->hurry(800ms);
    REQUIRE(host.run_until([&] { return server.store().call_log().size() >= 4; }));
    server.set_token("wrong");
    REQUIRE(host.run_until([&] { return host.subject->ready(); }));
  }

  TEST_CASE("a list that refuses us as a whole gets no data after the first answer, and small calls ever less often") {
    for (const bool refuses : {true, false}) {
      CAPTURE(refuses);
      Host host;
      for (int i = 0; i < 3; ++i) {
        TestCollectorOptions served;
        if (refuses) served.token = "right";
        served.packaged = served.bare = refuses;
        host.serve(served);
      }
      if (refuses) host.options.token_file = host.file("token", "wrong");
      host.start_up();
      CHECK(host.send().verdict == (refuses ? V::hold_auth : V::wrong_server));
      const CollectorState held = host.subject->status().state;
      CHECK(held == (refuses ? CollectorState::auth : CollectorState::wrong_server));
      const Tick since = host.subject->status().since;
      // All three have been asked, and more than once.
      const auto asked = [&] {
        std::size_t least = ~std::size_t{0};
        for (const auto& server : host.servers) least = std::min(least, server->store().call_log().size());
        return least;
      };
      CHECK(host.run_until([&] { return refuses ? asked() >= 4 : host.subject->status().calls_failed >= 12; }));
      CHECK(host.ready == 1);
      CHECK(host.lost == 1);
      CHECK(host.subject->status().state == held);
      CHECK(host.subject->status().since == since);
      CHECK(host.subject->status().connects == 1);
      // One that takes us is used at once.
      TestCollector& mended = host.other();
      if (refuses) mended.set_token("wrong");
      mended.serve(true, true);
      REQUIRE(host.run_until([&] { return host.ready == 2; }));
      CHECK(&host.in_use() == &mended);
      CHECK(host.send().verdict == V::delivered);
      // What it would have gone back to is known, also when the one that works goes away.
      mended.close();
      REQUIRE(host.run_until([&] { return host.subject->status().state == held; }));
      CHECK(host.ready == 2);
    }
  }

  TEST_CASE("one that refused us is asked before it takes the place of one that works") {
    Host host;
    host.serve();
    host.serve();
    host.options.repick = 20ms;
    host.options.token_file = host.file("token", "any");
    host.start_up();
    TestCollector& wrong = host.in_use();
    wrong.set_token("another");
    while (host.ready == 1) {
      host.send();
      host.run_until([&] { return host.ready > 1 || host.subject->ready(); });
    }
    const auto asked = wrong.store().call_log().size();
    CHECK(host.run_until([&] { return wrong.store().call_log().size() > asked + 3; }));
    CHECK(host.subject->status().state == CollectorState::up);
    CHECK(&host.in_use() != &wrong);
    CHECK(host.lost == 1);
  }

  TEST_CASE("another address is chosen now and then, without a loss") {
    Host host;
    host.serve();
    host.serve();
    host.options.repick = 30ms;
    host.start_up();
    const std::string before = host.subject->status().address;
    REQUIRE(host.run_until([&] { return host.subject->status().address != before; }));
    CHECK(host.lost == 0);
    CHECK(host.send().verdict == V::delivered);
  }

  TEST_CASE("a silent server is left after a second or as long as a call may stay unanswered, and named meanwhile") {
    // The kernel takes the connections, and nobody says anything.
    const ScopedFd silent(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(bind(silent.get(), reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(listen(silent.get(), 64) == 0);
    REQUIRE(getsockname(silent.get(), reinterpret_cast<sockaddr*>(&address), &size) == 0);
    const std::string there = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    Host host;
    TestCollector& server = host.serve();
    server.close();  // so that the silent one has its turn
    host.options.unanswered = 20ms;
    host.options.addresses.push_back(there);
    host.start();
    REQUIRE(host.run_until([&] { return host.subject->status().attempt == "connecting to " + there; }));
    const Tick since = host.subject->status().attempt_since;
    server.open();
    REQUIRE(host.run_until([&] { return host.ready == 1; }));
    CHECK(host.loop.now() - since < 8s);  // not the 10 s of an only one
    CHECK(host.subject->status().attempt.empty());
    CHECK(host.subject->status().collectors[1].last_error.find("says nothing") != std::string::npos);
  }

  TEST_CASE("a name with several addresses leads to the one that listens") {
    Host host;
    TestCollector& server = host.serve();  // on 127.0.0.1 alone; localhost is ::1 too where there is IPv6
    const std::string port = server.address().substr(server.address().rfind(':'));
    host.options.addresses = {"localhost" + port};
    host.start_up();
    CHECK(host.subject->status().address == "localhost" + port);
    CHECK(host.send().verdict == V::delivered);
  }

  TEST_CASE("a name that resolves to nothing is said, and the other one is used") {
    Host host;
    TestCollector& server = host.serve();
    host.options.addresses = {"no-such-host.invalid:11800"};
    host.start();
    CHECK(host.fails_with("cannot resolve no-such-host.invalid"));
    CHECK(host.subject->status().state == CollectorState::down);
    Host both;
    both.options.addresses = {"no-such-host.invalid:11800", server.address()};
    both.start_up();
    CHECK(both.subject->status().address == server.address());
  }

  TEST_CASE("a resolver that is slower than we wait is heard, and asked once") {
    Host host;
    TestCollector& server = host.serve();
    const std::string name = "slow.example" + server.address().substr(server.address().rfind(':'));
    host.options.addresses = {name};
    host.slow.emplace(host.loop, 500ms);
    host.start();
    host.subject->hurry(400ms);  // waits 50 ms
    CHECK(host.fails_with("cannot resolve slow.example: no answer within 50ms"));
    REQUIRE(host.run_until([&] { return host.ready == 1; }));
    CHECK(host.slow->questions == 1);
    CHECK(host.subject->status().address == name);
    // What was known before is used while it is asked again.
    server.restart();
    REQUIRE(host.run_until([&] { return host.ready == 2; }));
    CHECK(host.slow->questions == 2);
    CHECK(host.send().verdict == V::delivered);
  }
}
