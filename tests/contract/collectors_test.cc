// Several collectors, secrets, and what is wrong behind a port: the real Collector on a real loop, against real
// servers.

#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fstream>
#include <memory>
#include <optional>
#include <vector>

#include "base/random.h"
#include "loop/uv_loop.h"
#include "make.h"
#include "random_segment.h"
#include "run_until.h"
#include "scratch_directory.h"
#include "test_certificates.h"
#include "test_collector.h"
#include "uplink/dialect.h"

using namespace sidecar;
using namespace std::chrono_literals;
using V = Verdict;

namespace {

TestCollectorOptions with_tls(bool wants_client = false) {
  TestCollectorOptions options;
  options.tls_cert = kTestServerCert;
  options.tls_key = kTestServerKey;
  if (wants_client) options.client_ca = kTestCa;
  return options;
}

struct Host final : CollectorListener {
  ~Host() override {
    calls.clear();
    subject.reset();
  }
  void on_collector_ready() override { ++ready; }
  void on_collector_lost() override { ++lost; }

  TestCollector& serve(TestCollectorOptions served = {}) {
    servers.push_back(std::make_unique<TestCollector>(std::move(served)));
    options.addresses.push_back(servers.back()->address());
    return *servers.back();
  }
  std::string file(const std::string& name, const std::string& text) {
    const std::string path = directory.at(name);
    std::ofstream(path) << text;
    return path;
  }
  void trust() {
    options.tls.enabled = true;
    options.tls.ca = file("ca.pem", kTestCa);
  }
  void start() {
    if (options.backoff.max == Backoff{}.max) options.backoff = {20ms, 100ms};
    options.reread = 20ms;
    subject = make_collector(options, loop, random);
    subject->add_listener(*this);
    subject->start();
  }
  void start_up() {
    start();
    REQUIRE(run_until([this] { return ready > 0; }));
  }
  bool run_until(const std::function<bool()>& fact) { return sidecar::run_until(loop, fact); }
  std::vector<Record> batch(int count = 2) {
    std::vector<Record> records;
    const NumberSource next = [this] { return random.next(); };
    for (int i = 0; i < count; ++i)
      records.emplace_back(RecordKind::segment, agent, ++seq, loop.now(), make_random_segment(next));
    return records;
  }
  // Begins a call whose answer goes to `slot`.
  void begin(std::optional<Outcome>& slot) {
    calls.push_back(subject->send_segments(batch(), encoding, [&slot](Outcome outcome) { slot = std::move(outcome); }));
  }
  Outcome send() {
    std::optional<Outcome> outcome;
    begin(outcome);
    REQUIRE(run_until([&] { return outcome.has_value(); }));
    return *outcome;
  }
  Outcome keep_alive() {
    std::optional<Outcome> outcome;
    calls.push_back(subject->keep_alive({"shop", "shop-1", "GENERAL"}, [&](Outcome o) { outcome = std::move(o); }));
    REQUIRE(run_until([&] { return outcome.has_value(); }));
    return *outcome;
  }
  TestCollector& in_use() {
    for (std::size_t i = 0; i < servers.size(); ++i)
      if (servers[i]->address() == subject->status().address) return *servers[i];
    FAIL("none is in use");
    return *servers[0];
  }
  TestCollector& other() { return servers[0].get() == &in_use() ? *servers[1] : *servers[0]; }
  bool fails_with(const std::string& words) {
    return run_until([&] { return subject->status().last_error.find(words) != std::string::npos; });
  }

  ScratchDirectory directory;
  SystemRandom random;
  UvLoop loop;
  std::vector<std::unique_ptr<TestCollector>> servers;
  UplinkOptions options;
  std::unique_ptr<Collector> subject;
  AgentPtr agent = make_agent();
  std::uint64_t seq = 0;
  Collector::Encoding encoding;
  std::vector<CallPtr> calls;
  int ready = 0;
  int lost = 0;
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

  TEST_CASE("TLS with a CA, and with a certificate of our own") {
    for (const bool wants_client : {false, true}) {
      Host host;
      TestCollector& server = host.serve(with_tls(wants_client));
      host.trust();
      if (wants_client) {
        host.options.tls.certificate = host.file("client.pem", kTestClientCert);
        host.options.tls.key = host.file("client.key", kTestClientKey);
      }
      host.start_up();
      CHECK(host.send().verdict == V::delivered);
      CHECK(host.keep_alive().verdict == V::delivered);
      CHECK(server.store().segment_count() == 2);
    }
  }

  TEST_CASE("what is wrong with TLS is said with its remedy") {
    SUBCASE("nobody we trust has signed its certificate") {
      Host host;
      host.serve(with_tls());
      host.options.tls.enabled = true;
      host.options.tls.ca = host.file("ca.pem", kStrangerCert);
      host.start();
      CHECK(host.fails_with("its certificate is not trusted"));
    }
    SUBCASE("its certificate has expired") {
      Host host;
      TestCollectorOptions served;
      served.tls_cert = kExpiredCert;
      served.tls_key = kExpiredKey;
      host.serve(served);
      host.options.tls.enabled = true;
      host.options.tls.ca = host.file("ca.pem", kExpiredCert);
      host.start();
      CHECK(host.fails_with("is not trusted: not signed by collector.tls.ca (or the system's authorities), expired"));
    }
    SUBCASE("our key is another certificate's") {
      Host host;
      host.serve(with_tls(true));
      host.trust();
      host.options.tls.certificate = host.file("client.pem", kTestClientCert);
      host.options.tls.key = host.file("client.key", kTestServerKey);
      host.start();
      CHECK(host.fails_with("a key that is not the certificate's"));
    }
    SUBCASE("its certificate is another host's") {
      Host host;
      host.serve(with_tls());
      host.trust();
      host.options.tls.server_name = "other.example.com";
      host.start();
      CHECK(host.fails_with("its certificate is for another name"));
    }
    SUBCASE("it wants a certificate of ours") {
      Host host;
      host.serve(with_tls(true));
      host.trust();
      host.start();
      CHECK(host.fails_with("client certificate"));
    }
    SUBCASE("it speaks TLS and we do not") {
      Host host;
      host.serve(with_tls());
      host.start();
      CHECK(host.fails_with("does it want TLS"));
    }
    SUBCASE("we speak TLS and it does not") {
      Host host;
      host.serve();
      host.trust();
      host.start();
      CHECK(host.fails_with("it does not speak TLS"));
    }
  }

  TEST_CASE("TLS files that cannot be used are named, and used when they can be") {
    Host host;
    host.serve(with_tls());
    host.options.tls.enabled = true;
    host.options.tls.ca = host.directory.at("ca.pem");
    host.start();
    const auto problem = [&] {
      const CollectorStatus status = host.subject->status();
      return status.problems.empty() ? std::string() : status.problems[0];
    };
    CHECK(problem() == "collector.tls.ca: " + host.options.tls.ca + ": no such file");
    REQUIRE(mkdir(host.options.tls.ca.c_str(), 0755) == 0);
    CHECK(host.run_until([&] { return problem().find("is a directory") != std::string::npos; }));
    rmdir(host.options.tls.ca.c_str());
    host.file("ca.pem", "not a certificate\n");
    CHECK(host.run_until([&] { return problem().find("holds no CERTIFICATE in PEM form") != std::string::npos; }));
    CHECK(host.ready == 0);
    host.file("ca.pem", kTestCa);
    REQUIRE(host.run_until([&] { return host.ready == 1; }));
    CHECK(problem().empty());
    CHECK(host.send().verdict == V::delivered);
  }

  TEST_CASE("new TLS files are used for a new connection, without a loss; bad ones are not") {
    Host host;
    host.serve(with_tls());
    host.trust();
    host.start_up();
    host.file("ca.pem", std::string("# newer\n") + kTestCa);
    REQUIRE(host.run_until([&] { return host.subject->status().connects == 2; }));
    CHECK(host.lost == 0);
    host.file("ca.pem", "");
    REQUIRE(host.run_until([&] { return !host.subject->status().problems.empty(); }));
    CHECK(host.send().verdict == V::delivered);
    CHECK(host.subject->status().connects == 2);
  }

  TEST_CASE("the token goes with every call of every kind, and is shown nowhere") {
    const std::string secret = "s3cret-t0ken";
    Host host;
    TestCollectorOptions served;
    served.token = secret;
    TestCollector& server = host.serve(served);
    host.options.token_file = host.file("token", secret + "\n");
    host.start_up();
    CHECK(host.keep_alive().verdict == V::delivered);
    CHECK(host.send().verdict == V::delivered);
    // A collector that says it back.
    for (int code : {2, 8, 13, 14, 16}) {
      server.misbehave({.fault = Fault::status, .times = 1, .code = code, .message = "you sent " + secret + "!"});
      const Outcome outcome = host.send();
      CHECK(outcome.detail.find("you sent ***!") != std::string::npos);
      CHECK(outcome.detail.find(secret) == std::string::npos);
      CHECK(host.subject->status().last_error.find(secret) == std::string::npos);
      for (const CollectorEntry& entry : host.subject->status().collectors)
        CHECK(entry.last_error.find(secret) == std::string::npos);
      REQUIRE(host.run_until([&] { return host.subject->ready(); }));
    }
    for (const StoredCall& call : server.store().call_log()) CHECK(call.token == secret);
  }

  TEST_CASE("a token that was replaced is shown nowhere either") {
    Host host;
    TestCollector& server = host.serve();
    host.options.token_file = host.file("token", "t0ken");
    host.start_up();
    server.misbehave({.fault = Fault::slow, .times = 1, .delay = 300ms});
    std::optional<Outcome> slow;
    host.begin(slow);
    host.file("token", "t0ken-longer");  // begins like the former one
    REQUIRE(host.run_until([&] { return slow.has_value(); }));
    REQUIRE(host.send().verdict == V::delivered);
    CHECK(server.store().call_log().back().token == "t0ken-longer");
    for (const std::string secret : {"t0ken", "t0ken-longer"}) {
      server.misbehave({.fault = Fault::status, .times = 1, .code = 2, .message = "<" + secret + ">"});
      CHECK(host.send().detail == "UNKNOWN: <***>");
    }
  }

  TEST_CASE("a token that changes is used at once, a wrong one holds") {
    Host host;
    TestCollectorOptions served;
    served.token = "right";
    TestCollector& server = host.serve(served);
    host.options.token_file = host.file("token", "wrong");
    host.start_up();
    CHECK(host.send().verdict == V::hold_auth);
    CHECK(host.subject->status().state == CollectorState::auth);
    host.file("token", "right");
    REQUIRE(host.run_until([&] { return host.subject->ready(); }));
    CHECK(host.send().verdict == V::delivered);
    server.set_token("newer");
    host.file("token", "newer\n");
    // The first may still carry the old one: the file is looked at now and then.
    Verdict last = V::hold_auth;
    for (int i = 0; i < 100 && last != V::delivered; ++i) {
      REQUIRE(host.run_until([&] { return host.subject->ready(); }));
      last = host.send().verdict;
    }
    CHECK(last == V::delivered);
  }

  TEST_CASE("who refused the old token is asked at once with the new one, however long it would have waited") {
    Host host;
    TestCollectorOptions served;
    served.token = "right";
    host.serve(served);
    host.options.token_file = host.file("token", "wrong");
    host.options.backoff = {1h, 1h};
    host.start_up();
    CHECK(host.send().verdict == V::hold_auth);
    host.file("token", "right!");  // another size, so that the change is seen whatever the clock's grain
    host.file("token", "right");
    REQUIRE(host.run_until([&] { return host.subject->ready(); }));
    CHECK(host.send().verdict == V::delivered);
  }

  TEST_CASE("a token file that is none is named; what was read before stays") {
    Host host;
    host.serve();
    host.options.token_file = host.directory.at("token");
    host.start_up();  // a collector may want none
    const auto problem = [&] {
      const CollectorStatus status = host.subject->status();
      return status.problems.empty() ? std::string() : status.problems[0];
    };
    CHECK(problem().find("no such file") != std::string::npos);
    host.file("token", "");
    CHECK(host.run_until([&] { return problem().find("is empty; write the token into it") != std::string::npos; }));
    unlink(host.options.token_file.c_str());
    REQUIRE(mkdir(host.options.token_file.c_str(), 0755) == 0);
    CHECK(host.run_until([&] { return problem().find("is a directory") != std::string::npos; }));
    rmdir(host.options.token_file.c_str());
    host.file("token", "two\nlines");
    CHECK(host.run_until([&] { return problem().find("what a header cannot carry") != std::string::npos; }));
    host.file("token", "good");
    CHECK(host.run_until([&] { return problem().empty(); }));
    CHECK(host.send().verdict == V::delivered);
    CHECK(host.in_use().store().call_log().back().token == "good");
    unlink(host.options.token_file.c_str());
    CHECK(host.run_until([&] { return !problem().empty(); }));
    CHECK(host.send().verdict == V::delivered);
    CHECK(host.in_use().store().call_log().back().token == "good");
  }
}
