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
  TEST_CASE("picks are spread evenly over what does not rest") {
    List f({"10.0.0.1:1", "10.0.0.2:1", "10.0.0.3:1", "10.0.0.4:1"});
    std::map<std::string, int> picked;
    for (int i = 0; i < 4000; ++i) ++picked[f.pick()->address];
    CHECK(picked.size() == 4);
    for (const auto& [address, count] : picked) CHECK((count > 800 && count < 1200));
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
    f.list.resolved(1, {"10.0.0.1"}, f.random);
    CHECK_FALSE(f.pick(kNow, "10.0.0.1:1"));
    f.list.resolved(1, {"10.0.0.1", "10.0.0.2"}, f.random);
    for (int i = 0; i < 50; ++i) {
      const auto other = f.pick(kNow, "10.0.0.1:1");
      if (other) CHECK(other->address == "10.0.0.2:1");
    }
  }

  TEST_CASE("of a hundred addresses a random sixteen are candidates, and what rests and stays goes on resting") {
    List f({"oap:11800"});
    std::set<std::string> seen;
    for (int round = 0; round < 100; ++round) {
      f.list.resolved(0, many(100), f.random);
      CHECK(f.list.status(0, kNow).addresses == AddressList::kMaxAddresses);
      for (int i = 0; i < 16; ++i) seen.insert(f.pick()->address);
    }
    CHECK(seen.size() == 100);
    f.list.resolved(0, many(2), f.random);
    f.fail("10.0.0.1:11800");
    f.list.resolved(0, {"10.0.0.1", "10.0.0.3"}, f.random);
    for (int i = 0; i < 50; ++i) CHECK(f.pick()->address == "10.0.0.3:11800");
  }

  TEST_CASE("a name that does not resolve rests like one that refuses") {
    List f({"nowhere:1", "10.0.0.1:1"});
    f.list.unresolved(0, "unknown name", kNow, f.random);
    for (int i = 0; i < 50; ++i) CHECK(f.pick()->address == "10.0.0.1:1");
    f.fail("10.0.0.1:1");
    CHECK_FALSE(f.pick());
    CHECK(f.list.common_trouble() == Trouble::unreachable);
    CHECK(f.list.status(0, kNow).last_error == "unknown name");
  }

  TEST_CASE("all are refused only if each is") {
    List f({"10.0.0.1:1", "10.0.0.2:1"});
    f.fail("10.0.0.1:1", Trouble::auth);
    CHECK(f.list.common_trouble() == Trouble::unreachable);
    f.fail("10.0.0.2:1", Trouble::wrong_server, kNow + 1ms);
    CHECK(f.list.common_trouble() == Trouble::wrong_server);
    CHECK(f.list.status(0, kNow).resting == 1);
    CHECK(f.list.status(0, kNow).last_address == "10.0.0.1:1");
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
    CHECK(explain_connect_failure("odd\x1b[31m", false) == "odd\\x1b[31m");
    CHECK(explain_connect_failure(std::string(5000, 'x'), false).size() <= 303);
    CHECK_FALSE(explain_connect_failure("", true).empty());
  }
}
