// Payloads of HELLO: each is refused with a sentence or becomes an identity whose
// text is bounded and fit to be shown.

#include <sidecar_ipc/protocol.h>

#include <cstdlib>
#include <cstring>
#include <memory>

#include "ipc/hello_reader.h"
#include "log/log.h"

namespace {

void require(bool condition) {
  if (!condition) std::abort();
}

void check_text(const std::string& text, std::size_t max) {
  require(text.size() <= max);
  require(sidecar::printable(text, max) == text);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sidecar::ipc_protocol;
  const std::unique_ptr<std::uint8_t[]> payload(new std::uint8_t[size]);
  if (size > 0) std::memcpy(payload.get(), data, size);
  const auto hello = sidecar::read_hello({payload.get(), size});
  if (!hello) {
    require(!hello.error().message.empty());
    require(hello.error().code == RejectCode::bad_hello || hello.error().code == RejectCode::unsupported_version);
    return 0;
  }
  const sidecar::AgentIdentity& identity = hello->identity;
  require(!identity.service.empty() && !identity.layer.empty());
  check_text(identity.service, kMaxName);
  check_text(identity.instance, kMaxName);
  check_text(identity.layer, kMaxName);
  check_text(identity.language, kMaxName);
  check_text(identity.shim_version, kMaxName);
  check_text(identity.exe, 1024);
  require(identity.properties.size() <= kMaxProperties);
  for (const auto& [key, value] : identity.properties) {
    check_text(key, kMaxPropertyKey);
    check_text(value, kMaxPropertyValue);
  }
  require(hello->oldest_seq >= 1 && hello->wanted_slot >= -1 && identity.pid_inside >= 0);
  require((hello->capabilities & ~sidecar::kOurCapabilities) == 0);
  return 0;
}
