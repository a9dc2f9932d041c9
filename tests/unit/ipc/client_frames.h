#pragma once

// What a client sends, built with flatc's builder: valid by default, change one thing.

#include <control_generated.h>
#include <segment_generated.h>
#include <sidecar_ipc/protocol.h>

#include <cstdint>
#include <cstring>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace sidecar::client {

using namespace ipc_protocol;
using Bytes = std::vector<std::uint8_t>;
using Builder = flatbuffers::FlatBufferBuilder;

inline Bytes finished(Builder& builder) {
  return Bytes(builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize());
}

// The header that fits `payload`; change it and put it back.
inline FrameHeader header_for(FrameType type, const Bytes& payload) {
  FrameHeader header = {};
  header.magic = kMagic;
  header.header_words = kHeaderWords;
  header.type = static_cast<std::uint8_t>(type);
  header.payload_size = static_cast<std::uint32_t>(payload.size());
  return header;
}

inline Bytes join(const FrameHeader& header, const Bytes& payload) {
  Bytes frame(sizeof header + payload.size());
  std::memcpy(frame.data(), &header, sizeof header);
  if (!payload.empty()) std::memcpy(frame.data() + sizeof header, payload.data(), payload.size());
  return frame;
}

inline Bytes frame(FrameType type, const Bytes& payload) { return join(header_for(type, payload), payload); }

// --- HELLO and other control frames ------------------------------------------

struct HelloSpec {
  std::uint16_t protocol_min = 0;
  std::uint16_t protocol_max = 0;
  std::uint64_t capabilities = ~std::uint64_t{0};
  std::string service = "shop";
  std::string instance;
  std::string layer;
  std::vector<std::pair<std::string, std::string>> properties;
  std::pair<std::uint64_t, std::uint64_t> uuid = {0x1111, 0x2222};
  std::uint64_t process_epoch = 1;
  std::uint64_t oldest_seq = 1;
  std::uint64_t next_seq = 1;
  std::uint32_t pid = 7;
  int slot = -1;
  std::string exe = "/usr/bin/shop";
};

inline Bytes hello_payload(const HelloSpec& spec = {}) {
  Builder builder;
  const auto text = [&](const std::string& value) {
    return value.empty() ? flatbuffers::Offset<flatbuffers::String>() : builder.CreateString(value);
  };
  std::vector<flatbuffers::Offset<fbs::Property>> properties;
  for (const auto& [key, value] : spec.properties)
    properties.push_back(fbs::CreateProperty(builder, builder.CreateString(key), builder.CreateString(value)));
  const auto service = builder.CreateString(spec.service);
  const auto instance = text(spec.instance);
  const auto layer = text(spec.layer);
  const auto property_vector = builder.CreateVector(properties);
  const auto exe = text(spec.exe);
  const fbs::Uuid uuid(spec.uuid.first, spec.uuid.second);
  fbs::HelloBuilder hello(builder);
  hello.add_protocol_min(spec.protocol_min);
  hello.add_protocol_max(spec.protocol_max);
  hello.add_capabilities(spec.capabilities);
  hello.add_service(service);
  hello.add_instance(instance);
  hello.add_layer(layer);
  hello.add_properties(property_vector);
  hello.add_uuid(&uuid);
  hello.add_process_epoch(spec.process_epoch);
  hello.add_oldest_seq(spec.oldest_seq);
  hello.add_next_seq(spec.next_seq);
  hello.add_pid(spec.pid);
  hello.add_slot(spec.slot);
  hello.add_exe(exe);
  builder.FinishSizePrefixed(hello.Finish());
  return finished(builder);
}

inline Bytes hello(const HelloSpec& spec = {}) { return frame(FrameType::hello, hello_payload(spec)); }

inline Bytes bye(std::uint64_t created, std::uint64_t buffer_full = 0) {
  Builder builder;
  const auto drops = fbs::CreateClientDrops(builder, buffer_full);
  builder.FinishSizePrefixed(fbs::CreateBye(builder, created, created, drops));
  return frame(FrameType::bye, finished(builder));
}

inline Bytes stats(std::uint64_t created, std::uint64_t buffer_full, std::uint64_t too_large) {
  Builder builder;
  const auto drops = fbs::CreateClientDrops(builder, buffer_full, too_large);
  constexpr std::uint64_t kWaiting = 5, kHighWater = 6, kBlocked = 8;
  builder.FinishSizePrefixed(fbs::CreateClientStats(builder, created, drops, kWaiting, kHighWater, kBlocked));
  return frame(FrameType::stats, finished(builder));
}

inline Bytes probe_reply(std::uint64_t token) {
  Builder builder;
  builder.FinishSizePrefixed(fbs::CreateProbeReply(builder, token));
  return frame(FrameType::probe_reply, finished(builder));
}

// --- Segments ----------------------------------------------------------------

struct SegmentSpec {
  std::optional<fbs::Id> trace_id = fbs::Id(1, 2, 3);
  std::optional<std::string> trace_id_text;
  fbs::Id segment_id = fbs::Id(4, 5, 6);
  unsigned spans = 1;
  // of each span
  int span_id = 0;
  int parent_span_id = -1;
  std::int64_t start_us = 1'700'000'000'000'000;
  std::int64_t duration_us = 1500;
  int type = 0;
  int layer = 3;
  std::size_t operation = 10;
  std::size_t peer = 10;
  unsigned tags = 1;
  std::size_t key = 8;
  std::size_t value = 8;
  unsigned logs = 0;
  std::int64_t log_time_us = 1'700'000'000'000'000;
  unsigned fields = 1;
  unsigned refs = 0;
  int ref_type = 0;
  int ref_span_id = 0;
  std::optional<fbs::Id> ref_trace_id = fbs::Id(7, 8, 9);
  std::optional<std::string> ref_trace_id_text;
  std::optional<fbs::Id> ref_segment_id = fbs::Id(7, 8, 9);
  std::optional<std::string> ref_segment_id_text;
  std::size_t parent_service = 5;
  std::size_t parent_endpoint = 5;
  std::size_t address = 5;
  std::size_t entry_endpoint = 0;
  // Each text, tag and vector once, referred to by all: how a small record decodes to much.
  bool share = false;
  // Also each span.
  bool share_spans = false;
};

class SegmentWriter {
 public:
  explicit SegmentWriter(const SegmentSpec& spec) : spec_(spec) {}

  Bytes write() {
    std::vector<flatbuffers::Offset<fbs::Span>> spans;
    for (unsigned i = 0; i < spec_.spans; ++i)
      spans.push_back(spec_.share_spans && i > 0 ? spans[0]
                                                 : span(spec_.spans > 1 ? static_cast<int>(i) : spec_.span_id));
    const auto vector = builder_.CreateVector(spans);
    const auto trace_text = optional_text(spec_.trace_id_text);
    fbs::SegmentBuilder segment(builder_);
    if (spec_.trace_id) segment.add_trace_id(&*spec_.trace_id);
    segment.add_trace_id_text(trace_text);
    segment.add_segment_id(&spec_.segment_id);
    segment.add_spans(vector);
    builder_.FinishSizePrefixed(segment.Finish(), fbs::SegmentIdentifier());
    return finished(builder_);
  }

 private:
  using Text = flatbuffers::Offset<flatbuffers::String>;

  Text text(std::size_t size) {
    const std::string value(size, 'x');
    return spec_.share ? builder_.CreateSharedString(value) : builder_.CreateString(value);
  }
  Text optional_text(const std::optional<std::string>& value) { return value ? builder_.CreateString(*value) : Text(); }

  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<fbs::Tag>>> tags(unsigned count) {
    if (spec_.share && shared_tags_.o != 0) return shared_tags_;
    std::vector<flatbuffers::Offset<fbs::Tag>> all;
    for (unsigned i = 0; i < count; ++i) {
      const auto key = text(spec_.key);
      const auto value = text(spec_.value);
      all.push_back(spec_.share && i > 0 ? all[0] : fbs::CreateTag(builder_, key, value));
    }
    return shared_tags_ = builder_.CreateVector(all);
  }

  flatbuffers::Offset<fbs::Ref> ref() {
    const auto trace_text = optional_text(spec_.ref_trace_id_text);
    const auto segment_text = optional_text(spec_.ref_segment_id_text);
    const auto service = text(spec_.parent_service);
    const auto endpoint = text(spec_.parent_endpoint);
    const auto address = text(spec_.address), entry = text(spec_.entry_endpoint);
    return fbs::CreateRef(builder_, static_cast<fbs::RefType>(spec_.ref_type),
                          spec_.ref_trace_id ? &*spec_.ref_trace_id : nullptr, trace_text,
                          spec_.ref_segment_id ? &*spec_.ref_segment_id : nullptr, segment_text, spec_.ref_span_id,
                          service, service, endpoint, address, 2, 2, entry);
  }

  flatbuffers::Offset<fbs::Span> span(int id) {
    const auto operation = text(spec_.operation);
    const auto peer = text(spec_.peer);
    const auto span_tags = tags(spec_.tags);
    std::vector<flatbuffers::Offset<fbs::Log>> logs;
    for (unsigned i = 0; i < spec_.logs; ++i) {
      const auto data = tags(spec_.fields);
      logs.push_back(fbs::CreateLog(builder_, spec_.log_time_us, data));
    }
    const auto log_vector = builder_.CreateVector(logs);
    std::vector<flatbuffers::Offset<fbs::Ref>> refs;
    for (unsigned i = 0; i < spec_.refs; ++i) refs.push_back(ref());
    const auto ref_vector = builder_.CreateVector(refs);
    return fbs::CreateSpan(builder_, id, id == spec_.span_id ? spec_.parent_span_id : id - 1, spec_.start_us,
                           spec_.duration_us, static_cast<fbs::SpanType>(spec_.type),
                           static_cast<std::uint8_t>(spec_.layer), 1, false, operation, peer, span_tags, log_vector,
                           ref_vector);
  }

  const SegmentSpec& spec_;
  Builder builder_;
  flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<fbs::Tag>>> shared_tags_;
};

inline Bytes segment(const SegmentSpec& spec = {}) { return SegmentWriter(spec).write(); }

inline Bytes records_payload(const std::vector<Bytes>& records) {
  Bytes payload;
  for (const Bytes& record : records) {
    payload.insert(payload.end(), record.begin(), record.end());
    payload.resize((payload.size() + 7) / 8 * 8);
  }
  return payload;
}

inline Bytes segments(std::uint64_t first_seq, const std::vector<Bytes>& records, std::uint32_t lost_before = 0) {
  const Bytes payload = records_payload(records);
  FrameHeader header = header_for(FrameType::segments, payload);
  header.schema = kSchemaSegment;
  header.first_seq = first_seq;
  header.count = static_cast<std::uint16_t>(records.size());
  header.lost_before = lost_before;
  return join(header, payload);
}

}  // namespace sidecar::client
