#include "shim_input.h"

#include <segment_generated.h>

namespace sidecar {
namespace {

using flatbuffers::FlatBufferBuilder;
using nlohmann::json;
using Text = flatbuffers::Offset<flatbuffers::String>;

// Within a millisecond, not at its begin; an end's is smaller than its start's.
constexpr std::int64_t kStartUs = 989, kEndUs = 417, kLogUs = 999;

// A shim leaves out what is empty.
Text text(FlatBufferBuilder& fbb, const json& object, const char* field) {
  const std::string value = object.at(field);
  return value.empty() ? Text() : fbb.CreateString(value);
}

template <class T, class Make>
flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<T>>> list(FlatBufferBuilder& fbb, const json& items,
                                                                      Make make) {
  if (items.empty()) return 0;
  std::vector<flatbuffers::Offset<T>> made;
  for (const json& item : items) made.push_back(make(item));
  return fbb.CreateVector(made);
}

auto pairs(FlatBufferBuilder& fbb, const json& items) {
  return list<fbs::Tag>(fbb, items, [&](const json& item) {
    const Text key = fbb.CreateString(item.at("key").get<std::string>());  // required
    return fbs::CreateTag(fbb, key, text(fbb, item, "value"));
  });
}

flatbuffers::Offset<fbs::Ref> ref(FlatBufferBuilder& fbb, const json& item) {
  const Text trace = text(fbb, item, "trace_id");
  const Text segment = text(fbb, item, "parent_trace_segment_id");
  const Text service = text(fbb, item, "parent_service");
  const Text instance = text(fbb, item, "parent_service_instance");
  const Text endpoint = text(fbb, item, "parent_endpoint");
  const Text address = text(fbb, item, "network_address_used_at_peer");
  return fbs::CreateRef(fbb, static_cast<fbs::RefType>(item.at("ref_type").get<std::uint8_t>()), nullptr, trace,
                        nullptr, segment, item.at("parent_span_id"), service, instance, endpoint, address);
}

flatbuffers::Offset<fbs::Span> span(FlatBufferBuilder& fbb, const json& item) {
  const std::int64_t start = item.at("start_time").get<std::int64_t>() * 1000 + kStartUs;
  const std::int64_t end = item.at("end_time").get<std::int64_t>() * 1000 + kEndUs;
  const Text operation = text(fbb, item, "operation_name");
  const Text peer = text(fbb, item, "peer");
  const auto tags = pairs(fbb, item.at("tags"));
  const auto logs = list<fbs::Log>(fbb, item.at("logs"), [&](const json& log) {
    const auto data = pairs(fbb, log.at("data"));
    return fbs::CreateLog(fbb, log.at("time").get<std::int64_t>() * 1000 + kLogUs, data);
  });
  const auto refs = list<fbs::Ref>(fbb, item.at("refs"), [&](const json& parent) { return ref(fbb, parent); });
  return fbs::CreateSpan(fbb, item.at("span_id"), item.at("parent_span_id"), start, end - start,
                         static_cast<fbs::SpanType>(item.at("span_type").get<std::uint8_t>()),
                         item.at("span_layer").get<std::uint8_t>(), item.at("component_id"), item.at("is_error"),
                         operation, peer, tags, logs, refs, item.at("skip_analysis"));
}

std::int64_t digits_of(const std::string& id) {
  std::int64_t number = 0;
  for (const char c : id)
    if (c >= '0' && c <= '9') number = number * 10 + (c - '0');
  return number;
}

}  // namespace

InstanceName name_from(const json& message) {
  return {message.at("service"), message.at("service_instance"), AgentIdentity().layer};
}

Properties properties_from(const json& message) {
  Properties properties;
  for (const json& pair : message.at("properties")) properties.emplace_back(pair.at("key"), pair.at("value"));
  return properties;
}

Record segment_from(const json& segment, std::uint64_t seq) {
  AgentIdentity who;
  who.service = segment.at("service");
  who.instance = segment.at("service_instance");
  FlatBufferBuilder fbb;
  std::vector<flatbuffers::Offset<fbs::Span>> made;
  for (const json& item : segment.at("spans")) made.push_back(span(fbb, item));
  const auto spans = fbb.CreateVector(made);  // required
  const Text trace = text(fbb, segment, "trace_id");
  const fbs::Id id(1, 77, digits_of(segment.at("trace_segment_id")));
  fbs::FinishSizePrefixedSegmentBuffer(
      fbb, fbs::CreateSegment(fbb, nullptr, trace, &id, spans, segment.at("is_size_limited")));
  return Record(RecordKind::segment, std::make_shared<Agent>(std::move(who), 0), seq, Tick{},
                std::span<const std::uint8_t>(fbb.GetBufferPointer(), fbb.GetSize()));
}

}  // namespace sidecar
