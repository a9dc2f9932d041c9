#pragma once

// What the oracles for segment encoders have in common: texts repaired and cut by a second, plain
// implementation, times by the definition. What is a secret is asked of the same PrivacyRules.

#include <google/protobuf/message_lite.h>
#include <segment_generated.h>

#include <string>

#include "privacy/privacy_rules.h"
#include "uplink/segment_changes.h"

namespace sidecar {

// `text` with every maximal broken part replaced by U+FFFD.
std::string plain_repair(const std::string& text);

// "" if there is none.
std::string raw_text(const flatbuffers::String* text);

std::int64_t plain_ms(std::int64_t us);
std::int64_t plain_end_ms(const fbs::Span& span);

struct ObjectRules {
  PrivacyRules privacy;
  std::string peer_prefix;
  SegmentChanges changes;  // counted here

  std::string operation(const flatbuffers::String* name);
  std::string peer(const flatbuffers::String* name, const std::string& prefix);

  // Appends the pair, or not.
  template <class Pairs>
  void add_pair(const fbs::Tag& tag, Pairs& out) {
    const std::string key = tag.key()->str();
    const Treatment treatment = privacy.treatment(key);
    if (treatment.action == Treatment::drop) {
      ++changes.tags_dropped;
      return;
    }
    auto& pair = *out.Add();
    pair.set_key(plain_repair(key));
    pair.set_value(value(raw_text(tag.value()), treatment));
  }

 private:
  std::string value(const std::string& text, const Treatment& treatment);
  std::string scrubbed(const std::string& text, TextKind kind);
};

// Fields in the order of their numbers, as protobuf writes them deterministically.
std::string serialize(const google::protobuf::MessageLite& message);

}  // namespace sidecar
