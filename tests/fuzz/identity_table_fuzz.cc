// Tables of sessions: each is refused with a sentence or becomes sessions that the daemon could have left, which can be
// left again. The first byte says whether the rest is a whole file, or a payload that gets a right header,
// since no fuzzer guesses a sum.

#include <sidecar_ipc/protocol.h>

#include <cstdlib>

#include "handover/identity_table.h"
#include "handover/table_frame.h"
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
    check_text(session.connection, sidecar::kMaxConnectionName);
    check_text(who.service, kMaxName);
    check_text(who.instance, kMaxName);
    require(!who.said.service.empty());
    check_text(who.said.service, kMaxName);
    check_text(who.said.instance, kMaxName);
    check_text(who.layer, kMaxName);
    check_text(who.exe, 1024);
    require(who.properties.size() <= kMaxProperties);
    for (const auto& [key, value] : who.properties) {
      check_text(key, kMaxPropertyKey);
      check_text(value, kMaxPropertyValue);
    }
    require(session.settled <= session.accepted && session.accepted <= sidecar::kMaxLeftSeq);
    require(who.pid >= 0 && who.slot >= -1);
  }
  const sidecar::EncodedTable again = sidecar::encode_table(*table);
  const auto same = sidecar::decode_table(again.bytes);
  require(same && same->sessions.size() + again.left_out == table->sessions.size());
  return 0;
}
