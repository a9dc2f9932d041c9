#include "uplink/v2/answers.h"

#include <doctest/doctest.h>

#include <string>

#include "v2/common.pb.h"
#include "v2/register.pb.h"

using namespace sidecar;
using namespace sidecar::v2;

namespace {

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string from_hex(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2)
    out += static_cast<char>(std::stoi(std::string(hex.substr(i, 2)), nullptr, 16));
  return out;
}

}  // namespace

TEST_SUITE("uplink/v2/answers") {
  TEST_CASE("names come with their ids, in the order of the answer") {
    wire::v2::ServiceRegisterMapping message;
    for (const auto& [name, id] : {std::pair{"shop", 2}, {"", -5}, {"stock", INT32_MAX}}) {
      auto& pair = *message.add_services();
      pair.set_key(name);
      pair.set_value(id);
    }
    const std::string bytes = message.SerializeAsString();
    std::vector<Mapping> found(7);
    REQUIRE(read_mappings(bytes_of(bytes), found));
    REQUIRE(found.size() == 3);
    CHECK(found[0].name == "shop");
    CHECK(found[0].id == 2);
    CHECK(found[1].name.empty());
    CHECK(found[1].id == -5);
    CHECK(found[2].id == INT32_MAX);
  }

  TEST_CASE("an empty answer is an answer") {
    std::vector<Mapping> found(1);
    CHECK(read_mappings({}, found));
    CHECK(found.empty());
    std::vector<Command> commands(1);
    CHECK(read_commands({}, commands));
    CHECK(commands.empty());
  }

  TEST_CASE("an endpoint comes with its service, unless it is not of the server's side") {
    wire::v2::EndpointMapping message;
    auto& element = *message.add_elements();
    element.set_service_id(2);
    element.set_endpoint_name("/a");
    element.set_endpoint_id(40);
    element.set_from(wire::v2::SERVER);
    auto& client = *message.add_elements();
    client = message.elements(0);
    client.set_from(wire::v2::CLIENT);
    const std::string bytes = message.SerializeAsString();
    std::vector<Mapping> found;
    REQUIRE(read_endpoints(bytes_of(bytes), found));
    REQUIRE(found.size() == 2);
    CHECK(found[0].scope == 2);
    CHECK(found[0].name == "/a");
    CHECK(found[0].id == 40);
    CHECK(found[1].scope == 0);
  }

  // The reference's bytes, made by protoc from SkyWalking's own files.
  TEST_CASE("the known reset command is read") {
    const std::string bytes =
        from_hex("0a2a0a14536572766963654d65746164617461526573657412120a0c53657269616c4e756d62657212026161");
    std::vector<Command> found;
    REQUIRE(read_commands(bytes_of(bytes), found));
    REQUIRE(found.size() == 1);
    CHECK(found[0].name == kResetCommand);
    CHECK(found[0].serial == "aa");
  }

  TEST_CASE("an id beyond 32 bits is not taken for a small one") {
    // {"a", 2^32 + 5}, of which protobuf reads 5
    const std::string bytes = from_hex("0a090a0161108580808010");
    std::vector<Mapping> found;
    REQUIRE(read_mappings(bytes_of(bytes), found));
    REQUIRE(found.size() == 1);
    CHECK(found[0].id == (std::int64_t{1} << 32) + 5);
    CHECK(usable(found[0].id) == 0);
    CHECK(usable(0) == 0);
    CHECK(usable(-2) == 0);
    CHECK(usable(std::int64_t{INT32_MAX} + 1) == 0);
    CHECK(usable(INT32_MAX) == INT32_MAX);
    CHECK(usable(1) == 1);
  }

  TEST_CASE("an answer that is cut anywhere but between members is none") {
    wire::v2::NetAddressMapping message;
    for (const char* name : {"10.0.0.1:80", "10.0.0.2:80"}) {
      auto& pair = *message.add_address_ids();
      pair.set_key(name);
      pair.set_value(300);
    }
    const std::string bytes = message.SerializeAsString();
    const std::size_t half = bytes.size() / 2;
    for (std::size_t size = 1; size < bytes.size(); ++size) {
      const std::string cut = bytes.substr(0, size);
      std::vector<Mapping> found;
      CAPTURE(size);
      CHECK(read_mappings(bytes_of(cut), found) == (size == half));
      CHECK(found.size() == (size == half ? 1 : 0));
    }
  }

  TEST_CASE("what is unknown is skipped, what is broken is refused") {
    std::vector<Mapping> found;
    for (const char* fine : {"1005", "0d01020304", "090102030405060708", "f2ffffff0f00",
                             "0a05120161"
                             "1001"}) {
      const std::string bytes = from_hex(fine);
      CAPTURE(fine);
      CHECK(read_mappings(bytes_of(bytes), found));
    }
    for (const char* broken : {"00", "0b", "0c", "0e", "0f", "0d0102", "0901", "10", "10ffffffffffffffffffff01", "0aff",
                               "0affffffff0f", "0a8080808080808001", "808080808001"}) {
      const std::string bytes = from_hex(broken);
      CAPTURE(broken);
      CHECK_FALSE(read_mappings(bytes_of(bytes), found));
    }
  }

  TEST_CASE("answers beyond the bounds are none") {
    std::string members;
    for (std::size_t i = 0; i < kMaxMembers; ++i) members += from_hex("0a00");
    std::vector<Mapping> found;
    CHECK(read_mappings(bytes_of(members), found));
    CHECK(found.size() == kMaxMembers);
    members += from_hex("0a00");
    CHECK_FALSE(read_mappings(bytes_of(members), found));
    CHECK(found.empty());
    std::string unknown;
    while (unknown.size() < kMaxAnswer) unknown += from_hex("1005");
    CHECK(read_mappings(bytes_of(unknown), found));
    unknown += from_hex("1005");
    CHECK_FALSE(read_mappings(bytes_of(unknown), found));
  }
}
