#pragma once

// Payloads that the shim sends besides segments: Hello, Bye, ClientStats and
// ProbeReply of control.fbs, written with the shim's own FlatWriter into a frame of
// bounded size. Pure; the field numbers are those of ipc-schema/control.fbs.

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "sidecar/detail/flat_writer.h"
#include "sidecar/detail/options.h"
#include "sidecar/detail/stats.h"
#include "sidecar/detail/utf8.h"
#include "sidecar_ipc/protocol.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

struct HelloFields {
  std::uint64_t capabilities = 0;
  std::string_view service, instance, layer, exe;
  const std::vector<std::pair<std::string, std::string>>* properties = nullptr;
  std::uint64_t uuid_high = 0, uuid_low = 0, process_epoch = 0, oldest_seq = 1, next_seq = 1;
  std::uint32_t pid = 0;
  std::int64_t start_time_us = 0;
  std::int32_t slot = -1;
  std::uint32_t retention_bytes = 0;
  std::int64_t boottime_us = 0, realtime_us = 0;
  std::uint64_t sidecar_epoch = 0;
  std::uint64_t created = 0;
  Stats::Dropped dropped;
};

inline constexpr std::string_view kLanguage = "cpp";
inline constexpr std::string_view kShimVersion = "0.1.0";

inline std::string_view cut_text(std::string_view text, std::size_t max) noexcept {
  if (text.size() <= max) return text;
  text = text.substr(0, max);
  return text.substr(0, utf8_whole(text));
}

// A frame of one control payload. `memory` holds kMaxControlFrame bytes, 8-aligned.
class ControlWriter {
 public:
  explicit ControlWriter(unsigned char* memory) noexcept
      : memory_(memory),
        out_(memory + ipc_protocol::kHeaderSize, ipc_protocol::kMaxControlFrame - ipc_protocol::kHeaderSize) {}

  // Each returns the size of the frame, 0 if it does not fit.
  std::size_t hello(const HelloFields& f, std::uint32_t lost_before) noexcept {
    out_.begin(nullptr);
    const auto if_there = [](bool there, unsigned at) { return static_cast<std::uint16_t>(there ? at : 0); };
    const bool properties = f.properties != nullptr && !f.properties->empty();
    //   0 vtable, 4 protocol_min, 6 protocol_max, 8 capabilities, 16 uuid, 32 process_epoch, 40 oldest_seq, 48
    //   next_seq, 56 start_time, 64 boottime, 72 realtime, 80 sidecar_epoch, 88 created, 96 pid, 100 slot, 104
    //   retention_bytes, 108 texts and tables
    const std::uint16_t fields[] = {4,
                                    6,
                                    142,
                                    8,
                                    108,
                                    if_there(!f.instance.empty(), 112),
                                    if_there(!f.layer.empty(), 116),
                                    if_there(properties, 120),
                                    16,
                                    32,
                                    40,
                                    48,
                                    96,
                                    56,
                                    100,
                                    141,
                                    104,
                                    140,
                                    64,
                                    72,
                                    80,
                                    124,
                                    128,
                                    if_there(!f.exe.empty(), 132),
                                    136,
                                    88};
    const std::size_t vtable = out_.vtable(144, fields);
    const std::size_t table = out_.table(vtable, 144, 8);
    out_.link(4, table);
    out_.put(table + 6, ipc_protocol::kProtocolMinor);
    out_.put(table + 142, ipc_protocol::kSegmentRevision);
    out_.put(table + 8, f.capabilities);
    out_.put(table + 16, f.uuid_high);
    out_.put(table + 24, f.uuid_low);
    out_.put(table + 32, f.process_epoch);
    out_.put(table + 40, f.oldest_seq);
    out_.put(table + 48, f.next_seq);
    out_.put(table + 56, f.start_time_us);
    out_.put(table + 64, f.boottime_us);
    out_.put(table + 72, f.realtime_us);
    out_.put(table + 80, f.sidecar_epoch);
    out_.put(table + 88, f.created);
    out_.put(table + 96, f.pid);
    out_.put(table + 100, f.slot);
    out_.put(table + 104, f.retention_bytes);
    out_.string(table + 108, f.service);
    if (!f.instance.empty()) out_.string(table + 112, f.instance);
    if (!f.layer.empty()) out_.string(table + 116, f.layer);
    out_.string(table + 124, kLanguage);
    out_.string(table + 128, kShimVersion);
    if (!f.exe.empty()) out_.string(table + 132, f.exe);
    out_.link(table + 136, drops(f.dropped));
    if (properties) write_properties(table + 120, *f.properties);
    return finish(ipc_protocol::FrameType::hello, 0, lost_before);
  }

  std::size_t bye(std::uint64_t last_seq, std::uint64_t created, const Stats::Dropped& dropped,
                  std::uint32_t lost_before) noexcept {
    out_.begin(nullptr);
    const std::size_t vtable = out_.vtable(24, {8, 16, 4});
    const std::size_t table = out_.table(vtable, 24, 8);
    out_.link(4, table);
    out_.put(table + 8, last_seq);
    out_.put(table + 16, created);
    out_.link(table + 4, drops(dropped));
    return finish(ipc_protocol::FrameType::bye, ipc_protocol::kFlagLast, lost_before);
  }

  std::size_t stats(const Stats& s, std::uint64_t high_water, std::uint32_t lost_before) noexcept {
    out_.begin(nullptr);
    const std::size_t vtable = out_.vtable(48, {8, 4, 16, 24, 32, 40});
    const std::size_t table = out_.table(vtable, 48, 8);
    out_.link(4, table);
    out_.put(table + 8, s.created);
    out_.put(table + 16, s.waiting);
    out_.put(table + 24, high_water);
    out_.put(table + 32, s.send_blocked);
    out_.put(table + 40, s.replay_evicted);
    out_.link(table + 4, drops(s.dropped));
    return finish(ipc_protocol::FrameType::stats, 0, lost_before);
  }

  std::size_t probe_reply(std::uint64_t token, std::uint32_t lost_before) noexcept {
    out_.begin(nullptr);
    const std::size_t vtable = out_.vtable(16, {8});
    const std::size_t table = out_.table(vtable, 16, 8);
    out_.link(4, table);
    out_.put(table + 8, token);
    return finish(ipc_protocol::FrameType::probe_reply, 0, lost_before);
  }

 private:
  std::size_t drops(const Stats::Dropped& d) noexcept {
    const std::size_t vtable = out_.vtable(48, {8, 16, 24, 32, 40});
    const std::size_t table = out_.table(vtable, 48, 8);
    out_.put(table + 8, d.buffer_full);
    out_.put(table + 16, d.too_large);
    out_.put(table + 24, d.fork_discard);
    out_.put(table + 32, d.exit_deadline);
    out_.put(table + 40, d.disabled);
    return table;
  }

  // As many as fit, at most what the sidecar takes.
  void write_properties(std::size_t from, const std::vector<std::pair<std::string, std::string>>& list) noexcept {
    using namespace ipc_protocol;
    const std::size_t vtable = out_.vtable(12, {4, 8});
    std::uint32_t count = 0;
    for (const auto& property : list) count += property.first.empty() || count == kMaxProperties ? 0u : 1u;
    const std::size_t offsets = out_.vector(from, count);
    std::uint32_t written = 0;
    for (const auto& property : list) {
      if (property.first.empty() || written == count) continue;
      const std::size_t good = out_.size();
      const std::size_t table = out_.table(vtable, 12, 4);
      out_.link(offsets + 4 * written, table);
      out_.string(table + 4, cut_text(property.first, kMaxPropertyKey));
      out_.string(table + 8, cut_text(property.second, kMaxPropertyValue));
      if (out_.full()) {
        out_.back_to(good);
        break;
      }
      ++written;
    }
    out_.put(offsets - 4, written);
  }

  std::size_t finish(ipc_protocol::FrameType type, unsigned flags, std::uint32_t lost_before) noexcept {
    if (out_.full()) return 0;
    out_.finish();
    ipc_protocol::FrameHeader header{};
    header.magic = ipc_protocol::kMagic;
    header.header_words = ipc_protocol::kHeaderWords;
    header.type = static_cast<std::uint8_t>(type);
    header.flags = static_cast<std::uint16_t>(flags);
    header.payload_size = static_cast<std::uint32_t>(out_.size());
    header.schema = ipc_protocol::kSchemaControl;
    header.revision = ipc_protocol::kControlRevision;
    header.lost_before = lost_before;
    std::memcpy(memory_, &header, sizeof header);
    return sizeof header + out_.size();
  }

  unsigned char* const memory_;
  FlatWriter out_;
};

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
