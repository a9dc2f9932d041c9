#include "object_texts.h"

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

// Counts if something was cut.
std::string counted_cut(const std::string& text, std::size_t max, std::uint64_t& count) {
  std::string out = plain_cut(text, max);
  if (out != text) ++count;
  return out;
}

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

std::string raw_text(const flatbuffers::String* text) { return text == nullptr ? "" : text->str(); }

std::int64_t plain_ms(std::int64_t us) { return to_ms(us); }

std::int64_t plain_end_ms(const fbs::Span& span) {
  return to_ms(static_cast<Int128>(span.start_us()) + span.duration_us());
}

std::string ObjectRules::operation(const flatbuffers::String* name) {
  return counted_cut(plain_repair(scrubbed(raw_text(name), TextKind::operation)), 150, changes.endpoint_names_cut);
}

std::string ObjectRules::peer(const flatbuffers::String* name, const std::string& prefix) {
  const std::string text = raw_text(name);
  if (text.empty()) return text;
  return counted_cut(plain_repair(prefix + scrubbed(text, TextKind::peer)), 200, changes.peers_cut);
}

std::string ObjectRules::value(const std::string& text, const Treatment& treatment) {
  if (treatment.action != Treatment::mask || text.empty()) return plain_repair(scrubbed(text, treatment.kind));
  ++changes.tags_masked;
  return "***";
}

std::string ObjectRules::scrubbed(const std::string& text, TextKind kind) {
  std::string out;
  if (!privacy.scrub(text, kind, out)) return text;
  ++changes.urls_masked;
  return out;
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
