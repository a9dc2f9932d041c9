#include "handover/identity_table.h"

#include <fmt/format.h>
#include <identity_table_generated.h>
#include <sidecar_ipc/protocol.h>

#include <algorithm>
#include <iterator>
#include <set>
#include <string_view>

#include "handover/table_frame.h"
#include "log/log.h"

namespace sidecar {
namespace {

namespace limits = ipc_protocol;
using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

constexpr std::size_t kMaxExe = 1024;
constexpr int kMaxSlot = 65'535;
// SessionTable > vector > Session > vector > Property.
constexpr unsigned kDepth = 4;
// A session has one table and one for each property.
constexpr std::size_t kMaxTables = 1 + kMaxSessions * (1 + limits::kMaxProperties);
// An entry's own bytes beside its strings: vtable, fields, offsets, padding; and those of a property.
constexpr std::size_t kEntryOverhead = 256;
constexpr std::size_t kPropertyOverhead = 40;

// --- Writing ----------------------------------------------------------------

// Not less than what it takes in the table.
std::size_t encoded_size(const LeftSession& session) {
  return kEntryOverhead + session.connection.size() + memory_of(session.identity) +
         session.identity.properties.size() * kPropertyOverhead;
}

Offset<handover_fbs::Session> write(FlatBufferBuilder& builder, const LeftSession& session) {
  const AgentIdentity& who = session.identity;
  std::vector<Offset<handover_fbs::Property>> properties;
  for (const auto& [key, value] : who.properties)
    properties.push_back(handover_fbs::CreateProperty(builder, builder.CreateString(key), builder.CreateString(value)));
  const auto text = [&builder](const std::string& value) { return builder.CreateString(value); };
  const auto name = text(session.connection);
  const auto service = text(who.service);
  const auto instance = text(who.instance);
  const auto said_service = text(who.said.service);
  const auto said_instance = text(who.said.instance);
  const auto layer = text(who.layer);
  const auto list = builder.CreateVector(properties);
  const auto exe = text(who.exe);
  const auto language = text(who.language);
  const auto shim_version = text(who.shim_version);
  return handover_fbs::CreateSession(builder, name, who.key.uuid_high, who.key.uuid_low, who.key.process_epoch, service,
                                     instance, said_service, said_instance, who.service_cut, who.instance_cut, layer,
                                     list, exe, language, shim_version, who.slot, who.uid, who.pid, who.pid_inside,
                                     who.start_time_us, who.beats, session.accepted, session.settled, who.start_ticks);
}

// --- Reading ----------------------------------------------------------------

std::string_view text(const flatbuffers::String* string) {
  return string == nullptr ? std::string_view() : std::string_view(string->data(), string->size());
}

bool is_fit(const flatbuffers::String* string, std::size_t max, std::size_t min = 0) {
  const std::string_view value = text(string);
  return value.size() >= min && value.size() <= max && printable(value, value.size()) == value;
}

bool properties_are_fit(const handover_fbs::Session& session) {
  if (session.properties() == nullptr) return true;
  if (session.properties()->size() > limits::kMaxProperties) return false;
  return std::all_of(session.properties()->begin(), session.properties()->end(), [](const auto* property) {
    return is_fit(property->key(), limits::kMaxPropertyKey, 1) && is_fit(property->value(), limits::kMaxPropertyValue);
  });
}

// Empty: none.
std::string_view fault_of(const handover_fbs::Session& session) {
  if (!is_fit(session.name(), kMaxConnectionName)) return "the name of a connection";
  if (session.uuid_high() == 0 && session.uuid_low() == 0) return "a uuid of zero";
  for (const auto* name : {session.service(), session.instance(), session.said_service(), session.layer()})
    if (!is_fit(name, limits::kMaxName, 1)) return "the name of a service, instance or layer";
  for (const auto* name : {session.said_instance(), session.language(), session.shim_version()})
    if (!is_fit(name, limits::kMaxName)) return "what an instance, language or version calls itself";
  if (!is_fit(session.exe(), kMaxExe)) return "the path of a program";
  if (!properties_are_fit(session)) return "a property";
  if (session.slot() < -1 || session.slot() > kMaxSlot) return "a slot";
  if (session.pid() < 0 || session.pid_inside() < 0 || session.start_time_us() < 0) return "a process id or time";
  if (session.settled() > session.accepted() || session.accepted() > kMaxLeftSeq) return "the marks";
  return {};
}

LeftSession read(const handover_fbs::Session& session) {
  LeftSession left;
  left.connection = text(session.name());
  left.accepted = session.accepted();
  left.settled = session.settled();
  AgentIdentity& who = left.identity;
  who.key = {session.uuid_high(), session.uuid_low(), session.process_epoch()};
  who.service = text(session.service());
  who.instance = text(session.instance());
  who.said = {std::string(text(session.said_service())), std::string(text(session.said_instance()))};
  who.service_cut = session.service_cut();
  who.instance_cut = session.instance_cut();
  who.layer = text(session.layer());
  if (session.properties() != nullptr)
    for (const auto* property : *session.properties())
      who.properties.emplace_back(text(property->key()), text(property->value()));
  who.exe = text(session.exe());
  who.language = text(session.language());
  who.shim_version = text(session.shim_version());
  who.slot = session.slot();
  who.uid = session.uid();
  who.pid = session.pid();
  who.pid_inside = session.pid_inside();
  who.start_time_us = session.start_time_us();
  who.start_ticks = session.start_ticks();
  who.beats = session.beats();
  return left;
}

}  // namespace

EncodedTable encode_table(const IdentityTable& table) {
  EncodedTable out;
  FlatBufferBuilder builder;
  std::vector<Offset<handover_fbs::Session>> sessions;
  std::size_t room = kMaxTableBytes - kTableHeader - kEntryOverhead;
  std::size_t memory = kMaxTableMemory;
  for (const LeftSession& session : table.sessions) {
    const std::size_t size = encoded_size(session);
    const std::size_t cost = sizeof session + memory_of(session.identity);
    if (sessions.size() == kMaxSessions || size > room || cost > memory) break;
    room -= size;
    memory -= cost;
    sessions.push_back(write(builder, session));
  }
  out.left_out = table.sessions.size() - sessions.size();
  const auto list = builder.CreateVector(sessions);
  builder.Finish(handover_fbs::CreateSessionTable(builder, table.sidecar_epoch, table.boot.high, table.boot.low, list,
                                                  table.generation, table.naming));
  out.bytes = frame_table({builder.GetBufferPointer(), builder.GetSize()});
  return out;
}

Result<IdentityTable> decode_table(std::span<const std::uint8_t> bytes) {
  const auto payload = unframe_table(bytes);
  if (!payload) return tl::unexpected<Error>(payload.error());
  // Root offset, and a table with its vtable; the verifier asserts on sizes.
  constexpr std::size_t kMin = 12;
  flatbuffers::Verifier verifier(payload->data(), payload->size(), kDepth, kMaxTables, true);
  if (payload->size() < kMin || !verifier.VerifyBuffer<handover_fbs::SessionTable>(nullptr))
    return fail(Errc::corrupt, "the table of sessions does not verify");
  const auto* const root = flatbuffers::GetRoot<handover_fbs::SessionTable>(payload->data());

  IdentityTable table{
      root->sidecar_epoch(), {root->boot_high(), root->boot_low()}, root->generation(), root->naming(), {}};
  if (root->sessions() == nullptr) return table;
  if (root->sessions()->size() > kMaxSessions)
    return fail(Errc::limit_exceeded, fmt::format("a table of {} sessions", root->sessions()->size()));
  std::size_t memory = kMaxTableMemory;
  std::set<AgentKey> keys;
  std::set<std::string> connections;
  for (const handover_fbs::Session* session : *root->sessions()) {
    if (const std::string_view fault = fault_of(*session); !fault.empty())
      return fail(Errc::corrupt, fmt::format("a session of the table has no valid value: {}", fault));
    LeftSession left = read(*session);
    const std::size_t cost = sizeof left + memory_of(left.identity);
    if (cost > memory) return fail(Errc::limit_exceeded, "the sessions of the table take too much memory");
    memory -= cost;
    if (!keys.insert(left.identity.key).second ||
        (!left.connection.empty() && !connections.insert(left.connection).second))
      return fail(Errc::corrupt, "a session or connection stands twice in the table");
    table.sessions.push_back(std::move(left));
  }
  return table;
}

}  // namespace sidecar
