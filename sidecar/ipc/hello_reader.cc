#include "ipc/hello_reader.h"

#include <control_generated.h>
#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "ipc/control_reader.h"
#include "ipc/frame_decoder.h"
#include "log/log.h"

namespace sidecar {
namespace {

using namespace ipc_protocol;

// Shorter than the longest path, long enough to be recognised.
constexpr std::size_t kMaxExe = 1024;
// Slots count the namesakes of one host; a wish beyond this is nobody's slot.
constexpr int kMaxSlot = 65'535;

std::string_view text(const flatbuffers::String* string) {
  return string == nullptr ? std::string_view() : std::string_view(string->data(), string->size());
}

// Why `name` cannot be one; empty if it can.
std::string name_fault(std::string_view what, std::string_view name) {
  if (name.size() > kMaxName) return fmt::format("{} is longer than {} bytes", what, kMaxName);
  // what printable() leaves alone is valid UTF-8 without anything misleading
  if (printable(name, name.size()) != name) return fmt::format("{} has control characters or is not UTF-8", what);
  return {};
}

std::string properties_fault(const flatbuffers::Vector<flatbuffers::Offset<fbs::Property>>* properties) {
  if (properties == nullptr) return {};
  if (properties->size() > kMaxProperties) return fmt::format("more than {} properties", kMaxProperties);
  std::size_t total = 0;  // strings may be shared, so this can exceed the frame
  for (const fbs::Property* property : *properties) {
    const std::size_t key = property->key()->size();
    const std::size_t value = text(property->value()).size();
    if (key == 0 || key > kMaxPropertyKey)
      return fmt::format("the key of a property has {} bytes, 1 to {} are allowed", key, kMaxPropertyKey);
    if (value > kMaxPropertyValue)
      return fmt::format("the value of a property is longer than {} bytes", kMaxPropertyValue);
    total += key + value;
  }
  if (total > kMaxControlFrame) return fmt::format("properties of more than {} bytes in all", kMaxControlFrame);
  return {};
}

std::string fault_of(const fbs::Hello& hello) {
  if (hello.service()->size() == 0) return "service is empty";
  for (const auto& [what, name] : {std::pair("service", hello.service()), std::pair("instance", hello.instance()),
                                   std::pair("layer", hello.layer())})
    if (std::string fault = name_fault(what, text(name)); !fault.empty()) return fault;
  if (hello.uuid()->high() == 0 && hello.uuid()->low() == 0) return "uuid is zero";
  if (hello.oldest_seq() == 0 || hello.oldest_seq() > hello.next_seq() || hello.next_seq() > kMaxSeq)
    return "sequence numbers out of range";
  if (hello.pid() > static_cast<std::uint32_t>(std::numeric_limits<pid_t>::max())) return "pid out of range";
  return properties_fault(hello.properties());
}

Properties properties_of(const fbs::Hello& hello) {
  Properties properties;
  if (hello.properties() == nullptr) return properties;
  for (const fbs::Property* property : *hello.properties())
    properties.emplace_back(printable(text(property->key()), kMaxPropertyKey),
                            printable(text(property->value()), kMaxPropertyValue));
  return properties;
}

AgentIdentity identity_of(const fbs::Hello& hello) {
  AgentIdentity identity;
  identity.key = {hello.uuid()->high(), hello.uuid()->low(), hello.process_epoch()};
  identity.service = text(hello.service());
  identity.instance = text(hello.instance());
  if (!text(hello.layer()).empty()) identity.layer = text(hello.layer());
  identity.properties = properties_of(hello);
  identity.exe = printable(text(hello.exe()), kMaxExe);
  if (!text(hello.language()).empty()) identity.language = printable(text(hello.language()), kMaxName);
  identity.shim_version = printable(text(hello.shim_version()), kMaxName);
  identity.pid_inside = static_cast<pid_t>(hello.pid());
  identity.start_time_us = std::max<std::int64_t>(hello.start_time_us(), 0);
  identity.beats = hello.beats();
  return identity;
}

}  // namespace

tl::expected<Hello, Refusal> read_hello(std::span<const std::uint8_t> payload) {
  const auto refuse = [](RejectCode code, std::string message) {
    return tl::unexpected<Refusal>(Refusal{code, std::move(message)});
  };
  const auto* const hello = read_control<fbs::Hello>(payload);
  if (hello == nullptr) return refuse(RejectCode::bad_hello, "HELLO does not verify");
  // We speak 0 .. kProtocolMinor.
  if (hello->protocol_min() > hello->protocol_max() || hello->protocol_min() > kProtocolMinor)
    return refuse(RejectCode::unsupported_version,
                  fmt::format("the client speaks minor versions {} to {}, this sidecar 0 to {}", hello->protocol_min(),
                              hello->protocol_max(), kProtocolMinor));
  if (std::string fault = fault_of(*hello); !fault.empty()) return refuse(RejectCode::bad_hello, std::move(fault));

  Hello out;
  out.identity = identity_of(*hello);
  out.protocol = std::min<std::uint16_t>(hello->protocol_max(), kProtocolMinor);
  out.capabilities = hello->capabilities() & kOurCapabilities;
  out.oldest_seq = hello->oldest_seq();
  out.wanted_slot = hello->slot() <= kMaxSlot ? std::max(hello->slot(), -1) : -1;
  out.created = hello->created();
  out.dropped = dropped_in_all(hello->drops());
  return out;
}

}  // namespace sidecar
