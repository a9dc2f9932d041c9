// Answers of collectors of generation v2: whatever is read out of any bytes is what protobuf reads out of them, is
// bounded, and lies within them. (Protobuf refuses text that is not UTF-8, which is left to those who compare names.)

#include <google/protobuf/stubs/logging.h>
#include <google/protobuf/unknown_field_set.h>

#include <vector>

#include "require.h"
#include "uplink/v2/answers.h"
#include "v2/common.pb.h"
#include "v2/register.pb.h"

using sidecar::require;
using sidecar::v2::Command;
using sidecar::v2::Mapping;

namespace {

// Protobuf may refuse what was read only for text that is not UTF-8, if only in a member that a later one replaces: as
// fields that nobody has described it takes the answer, and each of its members.
bool parse(std::span<const std::uint8_t> bytes, google::protobuf::Message& message) {
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return true;
  google::protobuf::UnknownFieldSet answer, member;
  require(answer.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())), "protobuf refuses what was read");
  for (int i = 0; i < answer.field_count(); ++i) {
    const google::protobuf::UnknownField& field = answer.field(i);
    if (field.number() == 1 && field.type() == google::protobuf::UnknownField::TYPE_LENGTH_DELIMITED)
      require(member.ParseFromString(field.length_delimited()), "protobuf refuses a member that was read");
  }
  return false;
}

void check_mappings(std::span<const std::uint8_t> bytes) {
  std::vector<Mapping> found;
  if (!sidecar::v2::read_mappings(bytes, found)) return require(found.empty(), "members of no answer");
  sidecar::wire::v2::NetAddressMapping message;
  if (!parse(bytes, message)) return;
  require(static_cast<std::size_t>(message.address_ids_size()) == found.size(), "other members");
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& pair = message.address_ids(static_cast<int>(i));
    require(pair.key() == found[i].name, "another name");
    require(pair.value() == static_cast<std::int32_t>(found[i].id), "another id");
  }
}

void check_endpoints(std::span<const std::uint8_t> bytes) {
  std::vector<Mapping> found;
  if (!sidecar::v2::read_endpoints(bytes, found)) return require(found.empty(), "members of no answer");
  sidecar::wire::v2::EndpointMapping message;
  if (!parse(bytes, message)) return;
  require(static_cast<std::size_t>(message.elements_size()) == found.size(), "other members");
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& element = message.elements(static_cast<int>(i));
    require(element.endpoint_name() == found[i].name, "another name");
    require(element.endpoint_id() == static_cast<std::int32_t>(found[i].id), "another id");
    if (found[i].scope == 0) continue;
    require(found[i].scope == element.service_id(), "another service");
    require(element.from() == sidecar::wire::v2::SERVER, "another side");
  }
}

void check_commands(std::span<const std::uint8_t> bytes) {
  std::vector<Command> found;
  if (!sidecar::v2::read_commands(bytes, found)) return require(found.empty(), "members of no answer");
  sidecar::wire::v2::Commands message;
  if (!parse(bytes, message)) return;
  require(static_cast<std::size_t>(message.commands_size()) == found.size(), "other commands");
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto& command = message.commands(static_cast<int>(i));
    require(command.command() == found[i].name, "another command");
    std::string serial;
    for (const auto& argument : command.args())
      if (argument.key() == "SerialNumber") serial = argument.value();
    require(serial == found[i].serial, "another serial number");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  google::protobuf::SetLogHandler(nullptr);                  // text that is not UTF-8 is nothing to report here
  const std::vector<std::uint8_t> exact(data, data + size);  // on the heap, so that ASan sees one byte too far
  check_mappings(exact);
  check_endpoints(exact);
  check_commands(exact);
  return 0;
}
