// Payloads of HELLO: each is refused with a sentence or becomes an identity whose
// text is bounded and fit to be shown.

#include <sidecar_ipc/protocol.h>

#include <cstring>
#include <memory>

#include "ipc/hello_reader.h"
#include "shown_text.h"

using sidecar::require;

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
  sidecar::require_shown(identity.service, kMaxName);
  sidecar::require_shown(identity.instance, kMaxName);
  sidecar::require_shown(identity.layer, kMaxName);
  sidecar::require_shown(identity.language, kMaxName);
  sidecar::require_shown(identity.shim_version, kMaxName);
  sidecar::require_shown(identity.exe, 1024);
  require(identity.properties.size() <= kMaxProperties);
  for (const auto& [key, value] : identity.properties) {
    sidecar::require_shown(key, kMaxPropertyKey);
    sidecar::require_shown(value, kMaxPropertyValue);
  }
  require(hello->oldest_seq >= 1 && hello->wanted_slot >= -1 && identity.pid_inside >= 0);
  require((hello->capabilities & ~sidecar::kOurCapabilities) == 0);
  return 0;
}
