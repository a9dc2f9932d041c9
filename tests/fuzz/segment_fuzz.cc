// Records as they lie in a frame: none may crash the verifier, decode to more than
// its bound, or be accepted and then have fields that a reader may not touch.

#include <segment_generated.h>

#include <cstring>
#include <memory>

#include "ipc/segment_verifier.h"
#include "require.h"

using sidecar::require;

namespace {

// What an encoder will read, in bytes of text and number of tables.
std::size_t read_all(const sidecar::fbs::Segment& segment) {
  std::size_t sum = 0;
  const auto text = [&](const flatbuffers::String* string) {
    if (string != nullptr) sum += string->str().size();  // copied: each byte is read
  };
  const auto tag = [&](const sidecar::fbs::Tag* at) {
    ++sum;
    text(at->key());
    text(at->value());
  };
  text(segment.trace_id_text());
  for (const auto* span : *segment.spans()) {
    ++sum;
    text(span->operation());
    text(span->peer());
    require(span->start_us() + span->duration_us() >= span->start_us());  // and no overflow, says the sanitizer
    if (span->tags() != nullptr)
      for (const auto* at : *span->tags()) tag(at);
    if (span->logs() != nullptr)
      for (const auto* log : *span->logs()) {
        ++sum;
        if (log->data() != nullptr)
          for (const auto* at : *log->data()) tag(at);
      }
    if (span->refs() != nullptr)
      for (const auto* ref : *span->refs()) {
        ++sum;
        for (const auto* string : {ref->trace_id_text(), ref->segment_id_text(), ref->parent_service(),
                                   ref->parent_instance(), ref->parent_endpoint(), ref->address()})
          text(string);
      }
  }
  return sum;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::unique_ptr<std::uint8_t[]> record(new std::uint8_t[size]);
  if (size > 0) std::memcpy(record.get(), data, size);
  const sidecar::SegmentVerdict verdict = sidecar::verify_segment({record.get(), size});
  require(verdict.decoded <= sidecar::decoded_limit(size));
  if (verdict.fault == sidecar::SegmentFault::none)
    require(read_all(*sidecar::fbs::GetSizePrefixedSegment(record.get())) <= verdict.decoded);
  return 0;
}
