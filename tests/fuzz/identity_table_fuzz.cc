// Tables of sessions: each is refused with a sentence or becomes sessions that the daemon could have left, which can be
// left again. The first byte says whether the rest is a whole file, or a payload that gets a right header,
// since no fuzzer guesses a sum.

#include <sidecar_ipc/protocol.h>

#include "handover/identity_table.h"
#include "handover/table_frame.h"
#include "shown_text.h"

using sidecar::require;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace sidecar::ipc_protocol;
  if (size == 0) return 0;
  const std::span<const std::uint8_t> rest(data + 1, size - 1);
  const std::vector<std::uint8_t> bytes =
      data[0] % 2 == 0 ? std::vector<std::uint8_t>(rest.begin(), rest.end()) : sidecar::frame_table(rest);
  const auto table = sidecar::decode_table(bytes);
  if (!table) {
    require(!table.error().message.empty());
    return 0;
  }
  require(table->sessions.size() <= sidecar::kMaxSessions);
  for (const sidecar::LeftSession& session : table->sessions) {
    const sidecar::AgentIdentity& who = session.identity;
    require(!who.service.empty() && !who.instance.empty() && !who.layer.empty());
    sidecar::require_shown(session.connection, sidecar::kMaxConnectionName);
    sidecar::require_shown(who.service, kMaxName);
    sidecar::require_shown(who.instance, kMaxName);
    require(!who.said.service.empty());
    sidecar::require_shown(who.said.service, kMaxName);
    sidecar::require_shown(who.said.instance, kMaxName);
    sidecar::require_shown(who.layer, kMaxName);
    sidecar::require_shown(who.exe, 1024);
    require(who.properties.size() <= kMaxProperties);
    for (const auto& [key, value] : who.properties) {
      sidecar::require_shown(key, kMaxPropertyKey);
      sidecar::require_shown(value, kMaxPropertyValue);
    }
    require(session.settled <= session.accepted && session.accepted <= sidecar::kMaxLeftSeq);
    require(who.pid >= 0 && who.slot >= -1);
  }
  const sidecar::EncodedTable again = sidecar::encode_table(*table);
  const auto same = sidecar::decode_table(again.bytes);
  require(same && same->sessions.size() + again.left_out == table->sessions.size());
  return 0;
}
