#include "random_segment.h"

#include <iterator>

namespace sidecar {
namespace {

using flatbuffers::FlatBufferBuilder;
using flatbuffers::Offset;

constexpr std::size_t kUsual = 40, kLong = 400;  // the latter: longer than names may be

class Maker {
 public:
  explicit Maker(const NumberSource& next) : next_(next) {}

  std::vector<std::uint8_t> segment(std::size_t max_spans) {
    const auto spans = vector<fbs::Span>(max_spans, [this] { return span(); });
    const Id trace = id();
    const auto trace_text = text();
    const fbs::Id segment_id(number(), number(), number());
    fbs::SegmentBuilder builder(fbb_);
    if (trace.set) builder.add_trace_id(&trace.value);
    if (!trace_text.IsNull()) builder.add_trace_id_text(trace_text);
    builder.add_segment_id(&segment_id);
    builder.add_spans(spans);
    builder.add_size_limited(coin());
    fbs::FinishSizePrefixedSegmentBuffer(fbb_, builder.Finish());
    return {fbb_.GetBufferPointer(), fbb_.GetBufferPointer() + fbb_.GetSize()};
  }

 private:
  struct Id {
    bool set;
    fbs::Id value;
  };

  bool coin() { return next_() % 2 != 0; }
  std::size_t below(std::size_t limit) { return limit == 0 ? 0 : next_() % limit; }

  std::int64_t number() {
    constexpr std::int64_t kEdges[] = {
        0, 1, -1, 127, 128, 999, 1000, -999, -1000, -1001, INT64_MAX, INT64_MIN, 1'795'471'500'123'456};
    if (coin()) return kEdges[below(std::size(kEdges))];
    return static_cast<std::int64_t>(next_() >> below(64));
  }
  Id id() { return {coin(), fbs::Id(number(), number(), number())}; }

  Offset<flatbuffers::String> text() {
    if (below(4) == 0) return {};
    return fbb_.CreateString(make_random_text(next_, below(16) == 0 ? kLong : kUsual));
  }

  template <class T, class Make>
  Offset<flatbuffers::Vector<Offset<T>>> vector(std::size_t max, const Make& make) {
    std::vector<Offset<T>> members;
    for (std::size_t left = below(max + 1); left > 0; --left) members.push_back(make());
    return fbb_.CreateVector(members);
  }
  template <class T, class Make>
  Offset<flatbuffers::Vector<Offset<T>>> optional_vector(std::size_t max, const Make& make) {
    if (coin()) return {};
    return vector<T>(max, make);
  }

  Offset<fbs::Tag> tag() {
    const auto key = fbb_.CreateString(make_random_text(next_, 12));
    const auto value = text();
    return fbs::CreateTag(fbb_, key, value);
  }

  Offset<fbs::Log> log() {
    const auto data = optional_vector<fbs::Tag>(3, [this] { return tag(); });
    return fbs::CreateLog(fbb_, number(), data);
  }

  Offset<fbs::Ref> ref() {
    const auto trace_text = text(), segment_text = text();
    const auto service = text(), instance = text(), endpoint = text(), address = text();
    const Id trace = id(), segment = id();
    const std::int32_t span = static_cast<std::int32_t>(number());
    fbs::RefBuilder builder(fbb_);
    builder.add_type(static_cast<fbs::RefType>(below(2)));
    if (trace.set) builder.add_trace_id(&trace.value);
    if (!trace_text.IsNull()) builder.add_trace_id_text(trace_text);
    if (segment.set) builder.add_segment_id(&segment.value);
    if (!segment_text.IsNull()) builder.add_segment_id_text(segment_text);
    builder.add_span_id(span);
    if (!service.IsNull()) builder.add_parent_service(service);
    if (!instance.IsNull()) builder.add_parent_instance(instance);
    if (!endpoint.IsNull()) builder.add_parent_endpoint(endpoint);
    if (!address.IsNull()) builder.add_address(address);
    return builder.Finish();
  }

  Offset<fbs::Span> span() {
    const auto operation = text(), peer = text();
    const auto tags = optional_vector<fbs::Tag>(4, [this] { return tag(); });
    const auto logs = optional_vector<fbs::Log>(2, [this] { return log(); });
    const auto refs = optional_vector<fbs::Ref>(2, [this] { return ref(); });
    const auto id = static_cast<std::int32_t>(number()), parent = static_cast<std::int32_t>(number());
    const std::int64_t start = number(), duration = number();
    const auto component = static_cast<std::int32_t>(number());
    return fbs::CreateSpan(fbb_, id, parent, start, duration, static_cast<fbs::SpanType>(below(3)),
                           static_cast<std::uint8_t>(below(256)), component, coin(), operation, peer, tags, logs, refs,
                           coin());
  }

  const NumberSource& next_;
  FlatBufferBuilder fbb_;
};

}  // namespace

std::vector<std::uint8_t> make_random_segment(const NumberSource& next, std::size_t max_spans) {
  return Maker(next).segment(max_spans);
}

std::string make_random_text(const NumberSource& next, std::size_t max) {
  constexpr const char* kPieces[] = {"a", "/path", "\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80", "\x7F", "\x01",
                                     // parts of URLs
                                     "://", "?a=", "&/path=", ":a@",
                                     // broken: alone, cut short, overlong, surrogate, too large
                                     "\x80", "\xC3", "\xE2\x82", "\xF0\x9F\x98", "\xC0\xAF", "\xED\xA0\x80",
                                     "\xF4\x90\x80\x80", "\xFF"};
  constexpr std::size_t kValid = 11;
  const std::size_t pieces = next() % 8 != 0 ? kValid : std::size(kPieces);
  std::string text;
  for (std::size_t left = next() % (max + 1); left > 0 && text.size() < max; --left) text += kPieces[next() % pieces];
  return text;
}

}  // namespace sidecar
