#include "uplink/v2/answers.h"

#include "uplink/v2/wire_reader.h"

namespace sidecar::v2 {
namespace {

using Bytes = WireReader::Bytes;
using Field = WireReader::Field;

// All members of the repeated field 1.
template <class Member, class Read>
bool read_members(Bytes answer, std::vector<Member>& out, const Read& read) {
  out.clear();
  bool whole = answer.size() <= kMaxAnswer;
  WireReader reader(answer);
  for (Field field; whole && reader.next(field);) {
    if (!field.is(1, WireReader::bytes)) continue;
    whole = out.size() < kMaxMembers && read(field.content, out.emplace_back());
  }
  whole = whole && !reader.broken();
  if (!whole) out.clear();
  return whole;
}

bool read_pair(Bytes message, Mapping& out) {
  WireReader reader(message);
  for (Field field; reader.next(field);) {
    if (field.is(1, WireReader::bytes)) out.name = field.text();
    if (field.is(2, WireReader::varint)) out.id = static_cast<std::int64_t>(field.value);
  }
  return !reader.broken();
}

bool read_endpoint(Bytes message, Mapping& out) {
  WireReader reader(message);
  constexpr std::uint64_t kServer = 1;
  std::uint64_t from = 0;
  for (Field field; reader.next(field);) {
    // A service id beyond 32 bits is none: no dictionary has 0.
    if (field.is(1, WireReader::varint)) out.scope = usable(static_cast<std::int64_t>(field.value));
    if (field.is(2, WireReader::bytes)) out.name = field.text();
    if (field.is(3, WireReader::varint)) out.id = static_cast<std::int64_t>(field.value);
    if (field.is(4, WireReader::varint)) from = field.value;
  }
  if (from != kServer) out.scope = 0;
  return !reader.broken();
}

bool read_argument(Bytes message, Command& out) {
  WireReader reader(message);
  std::string_view key, value;
  for (Field field; reader.next(field);) {
    if (field.is(1, WireReader::bytes)) key = field.text();
    if (field.is(2, WireReader::bytes)) value = field.text();
  }
  if (key == "SerialNumber") out.serial = value;
  return !reader.broken();
}

bool read_command(Bytes message, Command& out) {
  WireReader reader(message);
  bool whole = true;
  for (Field field; whole && reader.next(field);) {
    if (field.is(1, WireReader::bytes)) out.name = field.text();
    if (field.is(2, WireReader::bytes)) whole = read_argument(field.content, out);
  }
  return whole && !reader.broken();
}

}  // namespace

bool read_mappings(Bytes answer, std::vector<Mapping>& out) { return read_members(answer, out, read_pair); }

bool read_endpoints(Bytes answer, std::vector<Mapping>& out) { return read_members(answer, out, read_endpoint); }

bool read_commands(Bytes answer, std::vector<Command>& out) { return read_members(answer, out, read_command); }

}  // namespace sidecar::v2
