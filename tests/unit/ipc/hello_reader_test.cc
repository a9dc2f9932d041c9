#include "ipc/hello_reader.h"

#include <doctest/doctest.h>

#include <functional>

#include "client_frames.h"

using namespace sidecar;
using client::HelloSpec;
using ipc_protocol::RejectCode;

namespace {

tl::expected<Hello, Refusal> read_with(const std::function<void(HelloSpec&)>& change) {
  HelloSpec spec;
  change(spec);
  return read_hello(client::hello_payload(spec));
}

RejectCode code_with(const std::function<void(HelloSpec&)>& change) {
  const auto hello = read_with(change);
  if (hello) return RejectCode::none;
  CHECK(hello.error().message.size() > 5);
  return hello.error().code;
}

}  // namespace

TEST_SUITE("ipc/hello_reader") {
  TEST_CASE("what HELLO says becomes an identity") {
    const auto hello = read_with([](HelloSpec& s) {
      s.instance = "shop-1";
      s.layer = "MESH";
      s.properties = {{"version", "1.2"}, {"team", "blue"}};
      s.uuid = {1, 2};
      s.process_epoch = 3;
      s.oldest_seq = 4;
      s.next_seq = 9;
      s.pid = 11;
      s.slot = 2;
    });
    REQUIRE(hello);
    const AgentIdentity& identity = hello->identity;
    CHECK(identity.key == AgentKey{1, 2, 3});
    CHECK(identity.service == "shop");
    CHECK(identity.instance == "shop-1");
    CHECK(identity.layer == "MESH");
    CHECK(identity.properties == Properties{{"version", "1.2"}, {"team", "blue"}});
    CHECK(identity.pid_inside == 11);
    CHECK(identity.exe == "/usr/bin/shop");
    CHECK(identity.language == "cpp");
    CHECK(hello->oldest_seq == 4);
    CHECK(hello->wanted_slot == 2);
  }

  TEST_CASE("what is left out has a default") {
    const auto hello = read_with([](HelloSpec&) {});
    REQUIRE(hello);
    CHECK(hello->identity.layer == "GENERAL");
    CHECK(hello->identity.instance.empty());
    CHECK(hello->wanted_slot == -1);
  }

  TEST_CASE("only what both sides have is granted") {
    CHECK(read_with([](HelloSpec& s) { s.capabilities = ~std::uint64_t{0}; })->capabilities == kOurCapabilities);
    CHECK(read_with([](HelloSpec& s) { s.capabilities = client::kCapPage | client::kCapRing; })->capabilities ==
          client::kCapPage);
  }

  TEST_CASE("versions must overlap") {
    CHECK(read_with([](HelloSpec& s) { s.protocol_max = 7; })->protocol == 0);
    CHECK(code_with([](HelloSpec& s) { s.protocol_min = s.protocol_max = 1; }) == RejectCode::unsupported_version);
    CHECK(code_with([](HelloSpec& s) { s.protocol_min = 1; }) == RejectCode::unsupported_version);
  }

  TEST_CASE("names are bounded and clean") {
    const std::string most(client::kMaxName, 's');
    CHECK(code_with([&](HelloSpec& s) { s.service = s.instance = s.layer = most; }) == RejectCode::none);
    CHECK(code_with([](HelloSpec& s) { s.service = "h\xc3\xb6rer"; }) == RejectCode::none);
    CHECK(code_with([](HelloSpec& s) { s.service.clear(); }) == RejectCode::bad_hello);
    for (const std::string& bad : {most + "s", std::string("a\nb"), std::string("\x1b[31m"), std::string("\xff"),
                                   std::string("a\0b", 3), std::string("\xc2\x85"), std::string("\xe2\x80\xae")}) {
      CHECK(code_with([&](HelloSpec& s) { s.service = bad; }) == RejectCode::bad_hello);
      CHECK(code_with([&](HelloSpec& s) { s.instance = bad; }) == RejectCode::bad_hello);
      CHECK(code_with([&](HelloSpec& s) { s.layer = bad; }) == RejectCode::bad_hello);
    }
  }

  TEST_CASE("properties are bounded, and what would mislead a reader is escaped") {
    const auto with = [](std::string key, std::string value, unsigned count = 1) {
      return [key, value, count](HelloSpec& s) { s.properties.assign(count, {key, value}); };
    };
    CHECK(code_with(with("k", "v", 64)) == RejectCode::none);
    CHECK(code_with(with("k", "v", 65)) == RejectCode::bad_hello);
    CHECK(code_with(with(std::string(128, 'k'), "")) == RejectCode::none);
    CHECK(code_with(with(std::string(129, 'k'), "")) == RejectCode::bad_hello);
    CHECK(code_with(with("", "v")) == RejectCode::bad_hello);
    CHECK(code_with(with("k", std::string(1024, 'v'))) == RejectCode::none);
    CHECK(code_with(with("k", std::string(1025, 'v'))) == RejectCode::bad_hello);
    CHECK(read_with(with("k", "two\nlines"))->identity.properties.front().second == "two\\x0alines");
  }

  TEST_CASE("properties that share one long text are counted as what they decode to") {
    client::Builder builder;
    const auto key = builder.CreateString("k");
    const auto value = builder.CreateString(std::string(1024, 'v'));
    std::vector<flatbuffers::Offset<fbs::Property>> properties(64, fbs::CreateProperty(builder, key, value));
    const auto vector = builder.CreateVector(properties);
    const auto service = builder.CreateString("shop");
    const fbs::Uuid uuid(1, 2);
    fbs::HelloBuilder hello(builder);
    hello.add_service(service);
    hello.add_uuid(&uuid);
    hello.add_properties(vector);
    builder.FinishSizePrefixed(hello.Finish());
    const auto read = read_hello(client::finished(builder));
    REQUIRE_FALSE(read);
    CHECK(read.error().code == RejectCode::bad_hello);
  }

  TEST_CASE("numbers are in range") {
    CHECK(code_with([](HelloSpec& s) { s.uuid = {0, 0}; }) == RejectCode::bad_hello);
    CHECK(code_with([](HelloSpec& s) { s.oldest_seq = 0; }) == RejectCode::bad_hello);
    CHECK(code_with([](HelloSpec& s) { s.oldest_seq = 2, s.next_seq = 1; }) == RejectCode::bad_hello);
    CHECK(code_with([](HelloSpec& s) { s.next_seq = ~std::uint64_t{0}; }) == RejectCode::bad_hello);
    CHECK(code_with([](HelloSpec& s) { s.pid = 0x80000000; }) == RejectCode::bad_hello);
    CHECK(read_with([](HelloSpec& s) { s.slot = 2'000'000'000; })->wanted_slot == -1);
    CHECK(read_with([](HelloSpec& s) { s.slot = -5; })->wanted_slot == -1);
  }

  TEST_CASE("a payload cut anywhere or with any bit turned is read or refused") {
    HelloSpec spec;
    spec.properties = {{"k", "v"}};
    const client::Bytes good = client::hello_payload(spec);
    for (std::size_t size = 0; size < good.size(); ++size) {
      const std::unique_ptr<std::uint8_t[]> cut(new std::uint8_t[size]);
      std::copy_n(good.begin(), size, cut.get());
      const auto hello = read_hello({cut.get(), size});
      REQUIRE_FALSE(hello);
      CHECK(hello.error().code == RejectCode::bad_hello);
    }
    for (std::size_t bit = 0; bit < good.size() * 8; ++bit) {
      client::Bytes flipped = good;
      flipped[bit / 8] = static_cast<std::uint8_t>(flipped[bit / 8] ^ (1u << (bit % 8)));
      if (const auto hello = read_hello(flipped)) CHECK_FALSE(hello->identity.service.empty());
    }
  }
}
