// The propagation headers, as a peer may send them. First byte: which header. What parses must be within its bounds,
// and what it formats to must parse to the same.

#include <cstdint>
#include <memory>
#include <string_view>

#include "require.h"
#include "sidecar/detail/propagation.h"

using sidecar::require;

namespace {

using namespace sidecar::detail;

void sw8(std::string_view header) {
  const auto first = std::make_unique<Context>(), second = std::make_unique<Context>();
  const auto written = std::make_unique<Sw8Text>();
  const Parsed parsed = parse_sw8(header, *first);
  require((parsed == Parsed::absent) == header.empty());
  if (parsed != Parsed::ok) return;
  const ContextView a = first->view();
  for (const std::string_view text : {a.trace_id, a.segment_id, a.service, a.instance, a.endpoint, a.address}) {
    require(!text.empty() && clean_text(text));
  }
  require(format_sw8(a, *written));
  require(parse_sw8(written->view(), *second) == Parsed::ok);
  const ContextView b = second->view();
  require(a.sampled == b.sampled && a.span_id == b.span_id && a.span_id >= 0 && a.trace_id == b.trace_id &&
          a.segment_id == b.segment_id && a.service == b.service && a.instance == b.instance &&
          a.endpoint == b.endpoint && a.address == b.address);
}

void correlation(std::string_view header) {
  Correlation first, second;
  CorrelationText written;
  const Parsed parsed = parse_correlation(header, first);
  require((parsed == Parsed::absent) == header.empty());
  require((parsed == Parsed::ok) == (first.size() > 0) && first.size() <= kMaxCorrelations);
  format_correlation(first, written);
  require(parse_correlation(written.view(), second) == (first.size() > 0 ? Parsed::ok : Parsed::absent));
  require(first.size() == second.size());
  for (std::size_t i = 0; i < first.size(); ++i) {
    require(!first.key(i).empty() && !first.value(i).empty() && clean_text(first.key(i)) && clean_text(first.value(i)));
    require(utf16_units(first.value(i)) <= kMaxCorrelationUnits);
    require(first.key(i) == second.key(i) && first.value(i) == second.value(i));
    require(first.get(first.key(i)) == first.value(i));
  }
}

void extension(std::string_view header) {
  Extension first, second;
  ExtensionText written;
  parse_extension(header, first);
  require(first.sent_ms >= 0);
  format_extension(first, written);
  require(parse_extension(written.view(), second) == Parsed::ok);
  require(first.skip_analysis == second.skip_analysis && first.sent_ms == second.sent_ms);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view header(reinterpret_cast<const char*>(data) + 1, size - 1);
  switch (data[0]) {
    case 'x':
      extension(header);
      break;
    case 'c':
      correlation(header);
      break;
    default:
      sw8(header);
  }
  return 0;
}
