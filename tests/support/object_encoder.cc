#include "object_encoder.h"

#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/io/zero_copy_stream_impl_lite.h>

namespace sidecar {
namespace {

// Decodes one code point; false if none begins here. Slow and by the definition: decode, then refuse what is overlong,
// a surrogate, or too large.
bool decode(const std::string& text, std::size_t at, std::size_t& length) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned lead = byte(at);
  unsigned long value;
  if (lead < 0x80) {
    length = 1;
    return true;
  }
  if ((lead & 0xE0) == 0xC0) {
    length = 2;
    value = lead & 0x1F;
  } else if ((lead & 0xF0) == 0xE0) {
    length = 3;
    value = lead & 0x0F;
  } else if ((lead & 0xF8) == 0xF0) {
    length = 4;
    value = lead & 0x07;
  } else {
    return false;
  }
  if (at + length > text.size()) return false;
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0) != 0x80) return false;
    value = value << 6 | (byte(at + i) & 0x3F);
  }
  constexpr unsigned long kLeast[] = {0, 0, 0x80, 0x800, 0x10000};
  return value >= kLeast[length] && value <= 0x10FFFF && !(value >= 0xD800 && value <= 0xDFFF);
}

// Whether `prefix` (broken) could be the beginning of a valid sequence: some continuation makes it one.
bool is_beginning(const std::string& prefix) {
  for (const char* rest :
       {"\x80", "\xA0", "\x90", "\x80\x80", "\xA0\x80", "\x90\x80", "\x80\x80\x80", "\x90\x80\x80", "\xA0\x80\x80"}) {
    std::size_t length = 0;
    const std::string whole = prefix + rest;
    if (decode(whole, 0, length) && length == whole.size()) return true;
  }
  return false;
}

std::string text_of(const flatbuffers::String* text) { return text == nullptr ? "" : plain_repair(text->str()); }

std::string id_of(const fbs::Id* id, const flatbuffers::String* text) {
  if (text != nullptr) return text_of(text);
  if (id == nullptr) return "";
  return std::to_string(id->p1()) + "." + std::to_string(id->p2()) + "." + std::to_string(id->p3());
}

__extension__ typedef __int128 Int128;  // sums of two int64

std::int64_t to_ms(Int128 us) {
  if (us > INT64_MAX) us = INT64_MAX;
  if (us < INT64_MIN) us = INT64_MIN;
  Int128 ms = us / 1000;
  if (ms * 1000 > us) --ms;
  return static_cast<std::int64_t>(ms);
}

// The longest beginning of valid `text` with at most `max` UTF-16 units.
std::string plain_cut(const std::string& text, std::size_t max) {
  std::size_t units = 0;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = 0;
    decode(text, at, length);
    units += length == 4 ? 2 : 1;
    if (units > max) return text.substr(0, at);
    at += length;
  }
  return text;
}

// Builds one object from one segment.
class Builder {
 public:
  explicit Builder(ObjectRules& rules) : rules_(rules) {}

  void build_span(const fbs::Span& span, wire::v3::SpanObject& out) {
    out.set_span_id(span.span_id());
    out.set_parent_span_id(span.parent_span_id());
    out.set_start_time(to_ms(span.start_us()));
    out.set_end_time(to_ms(static_cast<Int128>(span.start_us()) + span.duration_us()));
    out.set_span_type(static_cast<wire::v3::SpanType>(span.type()));
    out.set_span_layer(static_cast<wire::v3::SpanLayer>(span.layer()));
    out.set_component_id(span.component());
    out.set_is_error(span.error());
    out.set_operation_name(operation(span.operation()));
    out.set_peer(peer(span.peer(), span.type() == fbs::SpanType::Exit ? rules_.peer_prefix : ""));
    out.set_skip_analysis(span.skip_analysis());
    if (span.tags() != nullptr)
      for (const fbs::Tag* tag : *span.tags()) build_pair(*tag, *out.mutable_tags());
    if (span.logs() != nullptr)
      for (const fbs::Log* log : *span.logs()) {
        wire::v3::Log& to = *out.add_logs();
        to.set_time(to_ms(log->time_us()));
        if (log->data() != nullptr)
          for (const fbs::Tag* tag : *log->data()) build_pair(*tag, *to.mutable_data());
      }
    if (span.refs() != nullptr)
      for (const fbs::Ref* ref : *span.refs()) build_ref(*ref, *out.add_refs());
  }

 private:
  void build_pair(const fbs::Tag& tag, google::protobuf::RepeatedPtrField<wire::v3::KeyStringValuePair>& out) {
    const std::string key = tag.key()->str();
    const Treatment treatment = rules_.privacy.treatment(key);
    if (treatment.action == Treatment::drop) {
      ++rules_.changes.tags_dropped;
      return;
    }
    wire::v3::KeyStringValuePair& pair = *out.Add();
    pair.set_key(plain_repair(key));
    const std::string value = tag.value() == nullptr ? "" : tag.value()->str();
    if (treatment.action == Treatment::mask && !value.empty()) {
      ++rules_.changes.tags_masked;
      pair.set_value("***");
    } else {
      pair.set_value(plain_repair(scrubbed(value, treatment.kind)));
    }
  }

  void build_ref(const fbs::Ref& ref, wire::v3::SegmentReference& out) {
    out.set_ref_type(static_cast<wire::v3::RefType>(ref.type()));
    out.set_trace_id(id_of(ref.trace_id(), ref.trace_id_text()));
    out.set_parent_trace_segment_id(id_of(ref.segment_id(), ref.segment_id_text()));
    out.set_parent_span_id(ref.span_id());
    out.set_parent_service(text_of(ref.parent_service()));
    out.set_parent_service_instance(text_of(ref.parent_instance()));
    out.set_parent_endpoint(operation(ref.parent_endpoint()));
    out.set_network_address_used_at_peer(peer(ref.address(), ""));
  }

  std::string operation(const flatbuffers::String* name) {
    return cut(plain_repair(scrubbed(raw(name), TextKind::operation)), 150, rules_.changes.endpoint_names_cut);
  }
  std::string peer(const flatbuffers::String* name, const std::string& prefix) {
    const std::string text = raw(name);
    if (text.empty()) return text;
    return cut(plain_repair(prefix + scrubbed(text, TextKind::peer)), 200, rules_.changes.peers_cut);
  }

  static std::string raw(const flatbuffers::String* text) { return text == nullptr ? "" : text->str(); }

  std::string scrubbed(const std::string& text, TextKind kind) {
    std::string out;
    if (!rules_.privacy.scrub(text, kind, out)) return text;
    ++rules_.changes.urls_masked;
    return out;
  }

  static std::string cut(const std::string& text, std::size_t max, std::uint64_t& count) {
    std::string out = plain_cut(text, max);
    if (out != text) ++count;
    return out;
  }

  ObjectRules& rules_;
};

}  // namespace

std::string plain_repair(const std::string& text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    std::size_t length = 0;
    if (decode(text, at, length)) {
      out += text.substr(at, length);
      at += length;
      continue;
    }
    // the longest part that could have begun a sequence, at least one byte
    std::size_t broken = 1;
    while (at + broken < text.size() && broken < 3 && is_beginning(text.substr(at, broken + 1))) ++broken;
    out += "\xEF\xBF\xBD";
    at += broken;
  }
  return out;
}

void build_segment_object(std::span<const std::uint8_t> bytes, const std::string& service, const std::string& instance,
                          ObjectRules& rules, wire::v3::SegmentObject& out) {
  const fbs::Segment& segment = *fbs::GetSizePrefixedSegment(bytes.data());
  out.set_trace_id(id_of(segment.trace_id(), segment.trace_id_text()));
  out.set_trace_segment_id(id_of(segment.segment_id(), nullptr));
  out.set_service(plain_repair(service));
  out.set_service_instance(plain_repair(instance));
  out.set_is_size_limited(segment.size_limited());
  for (const fbs::Span* span : *segment.spans()) Builder(rules).build_span(*span, *out.add_spans());
}

std::string serialize(const google::protobuf::MessageLite& message) {
  std::string out;
  {
    google::protobuf::io::StringOutputStream stream(&out);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    message.SerializeToCodedStream(&coded);
  }
  return out;
}

}  // namespace sidecar
