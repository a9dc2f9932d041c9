#include "handover/table_frame.h"

#include <fmt/format.h>

#include <bit>
#include <cstring>

#include "base/fnv.h"
#include "handover/identity_table.h"

namespace sidecar {
namespace {

static_assert(std::endian::native == std::endian::little, "the table is written in the host's order");

struct Header {
  std::uint32_t magic;
  std::uint16_t version;
  std::uint16_t zero;
  std::uint64_t size;
  std::uint64_t sum;
};
static_assert(sizeof(Header) == kTableHeader);

constexpr std::uint32_t kMagic = 0x54495753;  // "SWIT"

}  // namespace

std::vector<std::uint8_t> frame_table(std::span<const std::uint8_t> payload) {
  const Header header = {kMagic, kTableVersion, 0, payload.size(), fnv1a(payload)};
  std::vector<std::uint8_t> bytes(sizeof header + payload.size());
  std::memcpy(bytes.data(), &header, sizeof header);
  if (!payload.empty()) std::memcpy(bytes.data() + sizeof header, payload.data(), payload.size());
  return bytes;
}

Result<std::span<const std::uint8_t>> unframe_table(std::span<const std::uint8_t> bytes) {
  Header header;
  if (bytes.size() < sizeof header) return fail(Errc::corrupt, "too short for a table of sessions");
  std::memcpy(&header, bytes.data(), sizeof header);
  if (header.magic != kMagic) return fail(Errc::corrupt, "not a table of sessions");
  if (header.version != kTableVersion)
    return fail(Errc::invalid_argument, fmt::format("a table of sessions of version {}, this sw-sidecar reads {}",
                                                    header.version, kTableVersion));
  if (header.size > kMaxTableBytes - sizeof header)
    return fail(Errc::limit_exceeded, fmt::format("a table of sessions of {} bytes", header.size));
  if (header.size > bytes.size() - sizeof header) return fail(Errc::corrupt, "the table of sessions is cut");
  const auto payload = bytes.subspan(sizeof header, static_cast<std::size_t>(header.size));
  if (fnv1a(payload) != header.sum) return fail(Errc::corrupt, "the table of sessions was not written to its end");
  return payload;
}

}  // namespace sidecar
