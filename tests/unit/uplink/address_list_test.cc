#include "uplink/address_list.h"

#include <doctest/doctest.h>

#include <map>
#include <set>

#include "uplink/connect_failure.h"

using namespace sidecar;
using namespace std::chrono_literals;

namespace {

// xorshift: the same numbers in each run.
struct SeededRandom final : Random {
  std::uint64_t state = 88172645463325252u;
  std::uint64_t next() override {
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
  }
};

constexpr Tick kNow{std::chrono::hours(1)};

struct List {
  explicit List(const std::vector<std::string>& entries) : list(entries, {1s, 30s}) {}
  std::optional<Endpoint> pick(Tick now = kNow, const std::string& avoid = {}) {
    const auto entry = list.pick_entry(now, random, avoid);
    return entry ? list.pick(*entry, now, random, avoid) : std::nullopt;
  }
  void fail(const std::string& address, Trouble trouble = Trouble::unreachable, Tick now = kNow) {
    for (int i = 0; i < 1000; ++i)
      if (const auto endpoint = pick(now); endpoint && endpoint->address == address)
        return list.failed(*endpoint, trouble, "because", now, random);
    FAIL("never picked");
  }
  SeededRandom random;
  AddressList list;
};

std::vector<std::string> many(int count) {
  std::vector<std::string> addresses;
  for (int i = 1; i <= count; ++i) addresses.push_back("10.0.0." + std::to_string(i));
  return addresses;
}

}  // namespace

TEST_SUITE("uplink/address_list") {
  TEST_CASE("another list keeps what is known of entries that stay, and forgets the others") {
    List f({"10.0.0.1:1", "10.0.0.2:1"});
    f.fail("10.0.0.1:1", Trouble::auth);
    const auto gone = f.pick();
    REQUIRE(gone->address == "10.0.0.2:1");
    f.list.replace({"10.0.0.3:1", "10.0.0.1:1"}, {1s, 30s});
    CHECK(f.list.size() == 2);
    CHECK(f.list.status(1, kNow).last_error == "because");
    CHECK(f.list.status(1, kNow).resting == 1);
    CHECK(f.list.status(0, kNow).last_error.empty());
    CHECK(f.pick()->address == "10.0.0.3:1");
    CHECK_FALSE(f.list.holds(*gone));
    // What a call over a connection to it still brings is of no account.
    f.list.failed(*gone, Trouble::lost, "gone", kNow, f.random);
    f.list.works(*gone);
    f.list.forgive(*gone);
    CHECK(f.list.refusal(*gone) == Trouble::none);
    CHECK(f.pick()->address == "10.0.0.3:1");
    const Endpoint stays{"10.0.0.1:1", "10.0.0.1", "10.0.0.1:1", "", false};
    CHECK(f.list.refusal(stays) == Trouble::auth);
  }

  TEST_CASE("picks are spread evenly over what does not rest") {
    List f({"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1"});
    std::map<std::string, int> picked;
    for (int i = 0; i < 4000; ++i) ++picked[f.pick()->address];
    CHECK(picked.size() == 4);
    for (const auto& [address, count] : picked) CHECK((count > 800 && count < 1200));
  }

  TEST_CASE("one knows whether there is another, also while that rests or has no address yet") {
    List f({"10.0.0.1:1", "10.0.0.2:1"});
    const Endpoint endpoint = *f.pick();
    f.fail("10.0.0.1:1");
    f.fail("10.0.0.2:1");
    CHECK(f.list.has_other(endpoint));
    List name({"10.0.0.1:1", "oap:1"});
    CHECK(name.list.has_other({"oap:1", {}, "10.0.0.1:1", {}, false}));
    name.list.resolved(1, {"10.0.0.1"}, kNow, name.random);
    CHECK_FALSE(name.list.has_other({"oap:1", {}, "10.0.0.1:1", {}, false}));
  }

  TEST_CASE("what failed rests, longer each time in a row, and is picked again when it is due") {
    List f({"10.0.0.1:1"});
    Tick now = kNow;
    Duration least = 500ms;
    for (int i = 0; i < 8; ++i) {
      f.fail("10.0.0.1:1", Trouble::unreachable, now);
      CHECK_FALSE(f.pick(now));
      const Duration rest = f.list.next_due() - now;
      CHECK(rest >= least);
      CHECK(rest <= 2 * least);
      least = std::min<Duration>(2 * least, 15s);
      now = f.list.next_due();
      CHECK(f.pick(now));
    }
    f.list.forgive(*f.pick(now));
    f.fail("10.0.0.1:1", Trouble::lost, now);
    CHECK(f.list.next_due() - now <= 1s);
  }

  TEST_CASE("the one in use can be avoided, under whatever entry it stands") {
    List f({"10.0.0.1:1", "oap:1"});
    f.list.resolved(1, {"10.0.0.1"}, kNow, f.random);
    CHECK_FALSE(f.pick(kNow, "10.0.0.1:1"));
    f.list.resolved(1, {"10.0.0.1", "10.0.0.2"}, kNow, f.random);
    for (int i = 0; i < 50; ++i) {
      const auto other = f.pick(kNow, "10.0.0.1:1");
      if (other) CHECK(other->address == "10.0.0.2:1");
    }
  }

  TEST_CASE("of a hundred addresses a random sixteen are candidates, and what rests and stays goes on resting") {
    List f({"oap:11800"});
    std::set<std::string> seen;
    for (int round = 0; round < 100; ++round) {
      f.list.resolved(0, many(100), kNow, f.random);
      CHECK(f.list.status(0, kNow).addresses == AddressList::kMaxAddresses);
      for (int i = 0; i < 16; ++i) seen.insert(f.pick()->address);
    }
    CHECK(seen.size() == 100);
    f.list.resolved(0, many(2), kNow, f.random);
    f.fail("10.0.0.1:11800");
    f.list.resolved(0, {"10.0.0.1", "10.0.0.3"}, kNow, f.random);
    for (int i = 0; i < 50; ++i) CHECK(f.pick()->address == "10.0.0.3:11800");
  }

  TEST_CASE("what failed is known for it when its name leads there again, and for no longer than that says something") {
    List f({"oap:1"});
    // The name leads to one of two at a time, and both fail.
    Tick now = kNow;
    Duration least = 500ms;
    for (int i = 0; i < 8; ++i) {
      for (const char* address : {"10.0.0.1", "10.0.0.2"}) {
        f.list.resolved(0, {address}, now, f.random);
        f.fail(std::string(address) + ":1", Trouble::unreachable, now);
        CHECK(f.list.next_due() - now >= least);
      }
      f.list.resolved(0, {"10.0.0.1", "10.0.0.2"}, now, f.random);
      CHECK(f.list.status(0, now).resting == 2);
      now += 30s;
      least = std::min<Duration>(2 * least, 15s);
    }
    f.list.resolved(0, {"10.0.0.3"}, now, f.random);
    now += 1h;
    f.list.resolved(0, {"10.0.0.4"}, now, f.random);
    f.list.resolved(0, {"10.0.0.1"}, now, f.random);
    f.fail("10.0.0.1:1", Trouble::unreachable, now);
    CHECK(f.list.next_due() - now <= 1s);
  }

  TEST_CASE("one that fails when its name leads elsewhere already is known for it when it is back") {
    List f({"oap:1"});
    f.list.resolved(0, {"10.0.0.1"}, kNow, f.random);
    const Endpoint used = *f.pick();
    f.list.resolved(0, {"10.0.0.2"}, kNow, f.random);
    f.list.failed(used, Trouble::lost, "lost", kNow, f.random);
    f.list.resolved(0, {"10.0.0.1"}, kNow, f.random);
    CHECK_FALSE(f.pick());
  }

  TEST_CASE("of what a name led to before a bounded number is remembered, that which failed last") {
    List f({"oap:1"});
    Tick now = kNow;
    for (const std::string& address : many(100)) {
      f.list.resolved(0, {address}, now, f.random);
      f.fail(address + ":1", Trouble::auth, now);
      now += 1ms;
    }
    f.list.resolved(0, many(100), now, f.random);
    f.list.resolved(0, {"10.0.0.90"}, now, f.random);
    const Endpoint late{"oap:1", {}, "10.0.0.90:1", {}, false};
    CHECK(f.list.refusal(late) == Trouble::auth);
    f.list.resolved(0, {"10.0.0.1"}, now, f.random);
    CHECK(f.list.refusal({"oap:1", {}, "10.0.0.1:1", {}, false}) == Trouble::none);
  }

  TEST_CASE("a name that does not resolve rests like one that refuses") {
    List f({"nowhere:1", "10.0.0.1:1"});
    f.list.unresolved(0, "unknown name", kNow, f.random);
    for (int i = 0; i < 50; ++i) CHECK(f.pick()->address == "10.0.0.1:1");
    f.fail("10.0.0.1:1");
    CHECK_FALSE(f.pick());
    CHECK(f.list.status(0, kNow).last_error == "unknown name");
  }

  TEST_CASE("a name that resolves no more leads where it led before") {
    List f({"oap:1"});
    f.list.resolved(0, {"10.0.0.1"}, kNow, f.random);
    f.list.unresolved(0, "the resolver is away", kNow, f.random);
    CHECK(f.pick()->address == "10.0.0.1:1");
    CHECK(f.list.status(0, kNow).last_error == "the resolver is away");
    f.fail("10.0.0.1:1");
    CHECK_FALSE(f.pick());
  }

  TEST_CASE("when time is short all rests end, and none is long any more") {
    List f({"10.0.0.1:1", "10.0.0.2:1", "nowhere:1"});
    f.fail("10.0.0.1:1");
    f.fail("10.0.0.2:1");
    f.list.unresolved(2, "unknown name", kNow, f.random);
    REQUIRE_FALSE(f.pick());
    f.list.wake(kNow + 1ms);
    f.list.limit_rests(50ms);
    CHECK(f.list.next_due() <= kNow + 1ms);
    f.fail("10.0.0.1:1", Trouble::unreachable, kNow + 1ms);
    f.fail("10.0.0.2:1", Trouble::unreachable, kNow + 1ms);
    f.list.unresolved(2, "unknown name", kNow + 1ms, f.random);
    CHECK_FALSE(f.pick(kNow + 50ms));
    CHECK(f.pick(kNow + 51ms));
  }

  TEST_CASE("who refused us is known for it through other failures, until it works") {
    List f({"10.0.0.1:1"});
    const Endpoint endpoint = *f.pick();
    CHECK(f.list.refusal(endpoint) == Trouble::none);
    f.fail("10.0.0.1:1", Trouble::auth);
    CHECK(f.list.refusal(endpoint) == Trouble::auth);
    CHECK(f.list.status(0, kNow).resting == 1);
    CHECK(f.list.status(0, kNow).last_address == "10.0.0.1:1");
    f.list.failed(endpoint, Trouble::unreachable, "refused", kNow, f.random);
    CHECK(f.list.refusal(endpoint) == Trouble::auth);
    f.list.failed(endpoint, Trouble::wrong_server, "no such method", kNow, f.random);
    CHECK(f.list.refusal(endpoint) == Trouble::wrong_server);
    f.list.works(endpoint);
    CHECK(f.list.refusal(endpoint) == Trouble::none);
  }

  TEST_CASE("addresses are written as gRPC reads them") {
    CHECK(grpc_target("10.0.0.7", 11800) == "ipv4:10.0.0.7:11800");
    CHECK(grpc_target("fe80::1%eth0", 1) == "ipv6:%5Bfe80::1%25eth0%5D:1");
    const HostPort six = parse_host_port("[::1]:11800");
    CHECK(six.host == "::1");
    CHECK(six.port == 11800);
    CHECK(six.numeric);
    CHECK_FALSE(parse_host_port("oap:1").numeric);
    CHECK(join_host_port("::1", 5) == "[::1]:5");
    CHECK(is_loopback("127.0.0.9"));
    CHECK_FALSE(is_loopback("10.127.0.1"));
  }

  TEST_CASE("what gRPC says of a failed connection becomes a sentence, and what is unknown stays harmless") {
    // as gRPC 1.51 was seen to say it
    CHECK(explain_connect_failure(
              "last error: UNKNOWN: ipv4:1.2.3.4:1: Failed to connect to remote host: Connection refused", false)
              .find("nothing listens") != std::string::npos);
    CHECK(explain_connect_failure(
              "Ssl handshake failed: SSL_ERROR_SSL: error:0A00010B:SSL routines::wrong version number", true)
              .find("does not speak TLS") != std::string::npos);
    CHECK(explain_connect_failure("UNAVAILABLE: ipv4:1.2.3.4:1: Socket closed", true).find("client certificate") !=
          std::string::npos);
    CHECK(explain_connect_failure("UNAVAILABLE: ipv4:1.2.3.4:1: Socket closed", false).find("want TLS") !=
          std::string::npos);
    CHECK(explain_connect_failure("UNAVAILABLE: ipv4:1.2.3.4:1: sendmsg: Broken pipe", false).find("want TLS") !=
          std::string::npos);
    CHECK(explain_connect_failure("odd\x1b[31m", false) == "odd\\x1b[31m");
    CHECK(explain_connect_failure(std::string(5000, 'x'), false).size() <= 303);
    CHECK_FALSE(explain_connect_failure("", true).empty());
  }
}
