// Other options for a Collector that runs: the real one on a real loop, against real servers.

#include "collector_host.h"

using namespace sidecar;
using namespace std::chrono_literals;
using V = Verdict;

namespace {

TestCollectorOptions with_token(const std::string& token) {
  TestCollectorOptions options;
  options.token = token;
  return options;
}

struct Host final : CollectorHost {
  explicit Host(const TestCollector& first) {
    options.addresses = {first.address()};
    options.reread = 1h;  // only a reload makes it look
    batch_size = 1;
  }
  void apply() { subject->apply(options); }
  // Once it is connected to `server`.
  V send_to(const TestCollector& server) {
    REQUIRE(run_until([&] { return subject->ready() && subject->status().address == server.address(); }));
    return send().verdict;
  }
};

}  // namespace

TEST_SUITE("contract/other_options") {
  TEST_CASE("a collector that left the list gets no new call, and what it has is waited for") {
    TestCollector before, after;
    Host host(before);
    host.start_up();
    before.misbehave({.fault = Fault::hang});
    std::optional<Outcome> slow;
    host.begin(slow);
    REQUIRE(host.run_until([&] { return before.store().call_log().size() == 1; }));
    host.options.addresses = {after.address()};
    host.apply();
    CHECK_FALSE(host.subject->ready());
    CHECK(host.send_to(after) == V::delivered);
    CHECK(host.lost == 1);
    CHECK(host.ready == 2);  // so that instances announce themselves there
    CHECK(before.store().call_log().size() == 1);
    CHECK_FALSE(slow.has_value());
    before.close();
    REQUIRE(host.run_until([&] { return slow.has_value(); }));
    CHECK(slow->verdict == V::retry);  // its batch goes to the new one
    CHECK(host.subject->status().state == CollectorState::up);
    REQUIRE(host.subject->status().collectors.size() == 1);
    CHECK(host.subject->status().collectors[0].address == after.address());
  }

  TEST_CASE("a list that still has the one in use keeps the connection") {
    TestCollector first, second;
    Host host(first);
    host.start_up();
    host.options.addresses = {second.address(), first.address()};
    host.options.deadline = 7s;
    host.options.backoff = {30ms, 200ms};
    host.apply();
    CHECK(host.subject->ready());
    CHECK(host.send().verdict == V::delivered);
    CHECK(host.subject->status().connects == 1);
    CHECK(host.subject->status().address == first.address());
    // and what it does later is put down to its new place in the list
    first.close();
    CHECK(host.send_to(second) == V::delivered);
    CHECK_FALSE(host.subject->status().collectors[1].last_error.empty());
  }

  TEST_CASE("a list that leads nowhere is given another without waiting for its rests") {
    TestCollector gone, there;
    Host host(gone);
    host.options.backoff = {1h, 1h};
    host.start_up();
    host.options.addresses = {"127.0.0.1:1"};
    host.apply();
    REQUIRE(host.run_until([&] { return !host.subject->status().collectors[0].last_error.empty(); }));
    host.options.addresses = {"127.0.0.1:1", there.address()};
    host.apply();
    CHECK(host.send_to(there) == V::delivered);
  }

  TEST_CASE("TLS that is switched on leaves the plain connection at once") {
    TestCollectorOptions served;
    served.tls_cert = kTestServerCert;
    served.tls_key = kTestServerKey;
    TestCollector plain, secure(served);
    Host host(plain);
    host.start_up();
    host.options.addresses = {plain.address(), secure.address()};
    host.options.tls.enabled = true;
    host.options.tls.ca = host.directory.at("ca.pem");  // not there yet
    host.apply();
    CHECK_FALSE(host.subject->ready());
    REQUIRE(host.subject->status().problems.size() == 1);
    host.file("ca.pem", kTestCa);
    host.apply();  // what is named in the options is read again, the options being the same
    CHECK(host.subject->status().problems.empty());
    CHECK(host.send_to(secure) == V::delivered);
    host.options.tls = {};
    host.apply();
    CHECK_FALSE(host.subject->ready());
    CHECK(host.send_to(plain) == V::delivered);
  }

  TEST_CASE("another token file counts for the next call, and the old token goes to nobody any more") {
    TestCollector before(with_token("old")), after(with_token("new"));
    Host host(before);
    host.options.token_file = host.file("old", "old\n");
    host.start_up();
    CHECK(host.send().verdict == V::delivered);
    host.options.addresses = {after.address()};
    host.options.token_file = host.directory.at("new");  // not there yet
    host.apply();
    CHECK(host.send_to(after) == V::hold_auth);
    REQUIRE(host.subject->status().problems.size() == 1);
    host.file("new", "new\n");
    host.apply();
    CHECK(host.send_to(after) == V::delivered);
    for (const StoredCall& call : after.store().call_log()) CHECK(call.token != "old");
    host.options.token_file.clear();
    host.apply();
    CHECK(host.send().verdict == V::hold_auth);
  }
}
