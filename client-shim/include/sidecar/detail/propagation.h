#pragma once

// The propagation headers as text: parsing what a peer sent, formatting what we
// send. Values of fixed size, owned by the caller; nothing is allocated, thrown or
// kept. What a header means for a trace (sampling, refs) is the tracer's business.
//
//   sw8              flag-trace-segment-span-service-instance-endpoint-address
//   sw8-correlation  key:value,... (correlation.h)
//   sw8-x            mode-time
//
// where texts are base64, flag is 0 or 1, span is a decimal number, mode is 1 for
// "skip analysis" and time is in ms since the epoch, or a space.
//
// Headers come from outside and are hostile: they are bounded, every text must be
// clean (fixed_text.h), and one that breaks a rule is `bad` and ignored as a whole.

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <string_view>

#include "sidecar/detail/correlation.h"
#include "sidecar/detail/fixed_text.h"
#include "sidecar/detail/header_fields.h"
#include "sidecar_ipc/protocol.h"

namespace sidecar {
inline namespace v1 {
namespace detail {

inline constexpr std::string_view kSw8 = "sw8";
inline constexpr std::string_view kSw8Correlation = "sw8-correlation";
inline constexpr std::string_view kSw8Extension = "sw8-x";

// --- sw8 ----------------------------------------------------------------------

// What sw8 says, as views of texts that somebody else holds.
struct ContextView {
  bool sampled = true;
  std::int32_t span_id = 0;
  std::string_view trace_id;
  std::string_view segment_id;
  std::string_view service;
  std::string_view instance;
  std::string_view endpoint;  // of the segment that sends: its first entry span, else its first span
  std::string_view address;   // by which the sender calls the receiver
};

// The same, holding its texts (about 4 KiB).
struct SIDECAR_VISIBLE Context {
  bool sampled = true;
  std::int32_t span_id = 0;
  FixedText<ipc_protocol::kMaxForeignId> trace_id;
  FixedText<ipc_protocol::kMaxForeignId> segment_id;
  FixedText<ipc_protocol::kMaxName> service;
  FixedText<ipc_protocol::kMaxName> instance;
  FixedText<ipc_protocol::kMaxOperation> endpoint;
  FixedText<ipc_protocol::kMaxPeer> address;

  SIDECAR_LOCAL ContextView view() const noexcept {
    return {sampled,        span_id,         trace_id.view(), segment_id.view(),
            service.view(), instance.view(), endpoint.view(), address.view()};
  }
};

// What format_sw8 can need at most: flag, span id, seven separators, six texts.
inline constexpr std::size_t kMaxSw8Written =
    1 + 10 + 7 + 2 * base64_size(ipc_protocol::kMaxForeignId) + 2 * base64_size(ipc_protocol::kMaxName) +
    base64_size(ipc_protocol::kMaxOperation) + base64_size(ipc_protocol::kMaxPeer);
using Sw8Text = FixedText<kMaxSw8Written>;
static_assert(kMaxSw8Written <= kMaxHeader && kMaxCorrelationWritten <= kMaxHeader, "we read what we write");

// Exactly eight fields, none empty. Flag 0 is `ok` with sampled = false. An id longer than the
// local protocol carries is bad; a name that is longer is cut, since the trace is worth more than its tail.
// An empty header is absent: senders write one to say "not traced". Only `ok` says anything about `out`.
inline Parsed parse_sw8(std::string_view header, Context& out) noexcept {
  if (header.empty()) return Parsed::absent;
  if (header.size() > kMaxHeader) return Parsed::bad;
  std::string_view fields[8];
  std::size_t count = 0;
  for (const char c : header) count += c == '-';
  if (count != 7) return Parsed::bad;
  for (std::string_view& field : fields) field = next_field(header, '-');
  std::uint64_t span_id = 0;
  if (fields[0] != "0" && fields[0] != "1") return Parsed::bad;
  if (!parse_number(fields[3], INT32_MAX, span_id)) return Parsed::bad;
  out.sampled = fields[0] == "1";
  out.span_id = static_cast<std::int32_t>(span_id);
  const bool good =
      out.trace_id.decode_base64(fields[1], TooLong::refuse) &&
      out.segment_id.decode_base64(fields[2], TooLong::refuse) && out.service.decode_base64(fields[4], TooLong::cut) &&
      out.instance.decode_base64(fields[5], TooLong::cut) && out.endpoint.decode_base64(fields[6], TooLong::cut) &&
      out.address.decode_base64(fields[7], TooLong::cut);
  return good ? Parsed::ok : Parsed::bad;
}

// False, and `out` empty, if a text is missing or longer than in Context: every receiver would
// refuse such a header. The texts have to be UTF-8 without NUL; this is not looked at again.
inline bool format_sw8(const ContextView& context, Sw8Text& out) noexcept {
  out.clear();
  const auto fits = [](std::string_view text, std::size_t max) { return !text.empty() && text.size() <= max; };
  if (context.span_id < 0 || !fits(context.trace_id, ipc_protocol::kMaxForeignId) ||
      !fits(context.segment_id, ipc_protocol::kMaxForeignId) || !fits(context.service, ipc_protocol::kMaxName) ||
      !fits(context.instance, ipc_protocol::kMaxName) || !fits(context.endpoint, ipc_protocol::kMaxOperation) ||
      !fits(context.address, ipc_protocol::kMaxPeer)) {
    return false;
  }
  out.append(context.sampled ? '1' : '0');
  for (const std::string_view text : {context.trace_id, context.segment_id}) {
    out.append('-');
    out.append_base64(text);
  }
  out.append('-');
  out.append_number(static_cast<std::uint64_t>(context.span_id));
  for (const std::string_view text : {context.service, context.instance, context.endpoint, context.address}) {
    out.append('-');
    out.append_base64(text);
  }
  return true;
}

// --- sw8-x ----------------------------------------------------------------------

struct SIDECAR_VISIBLE Extension {
  bool skip_analysis = false;  // goes on downstream
  std::int64_t sent_ms = 0;    // since the epoch; 0: not said. Of this hop alone
};

using ExtensionText = FixedText<24>;

// Never complains about a mode or a time it does not know: they are 0, as for Java. A time may be
// missing, since HTTP stacks trim the space that stands for "none", and older agents send no time at all.
inline Parsed parse_extension(std::string_view header, Extension& out) noexcept {
  out = Extension{};
  if (header.empty()) return Parsed::absent;
  if (header.size() > kMaxHeader) return Parsed::bad;
  out.skip_analysis = next_field(header, '-') == "1";
  std::uint64_t sent = 0;
  if (parse_number(next_field(header, '-'), INT64_MAX, sent)) {
    out.sent_ms = static_cast<std::int64_t>(sent);
  }
  return Parsed::ok;
}

inline void format_extension(const Extension& extension, ExtensionText& out) noexcept {
  out.clear();
  out.append(extension.skip_analysis ? "1-" : "0-");
  if (extension.sent_ms > 0) {
    out.append_number(static_cast<std::uint64_t>(extension.sent_ms));
  } else {
    out.append(' ');
  }
}

}  // namespace detail
}  // namespace v1
}  // namespace sidecar
