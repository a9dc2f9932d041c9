// What a sidecar sends, read by the shim inside an application: any bytes may come.
// Oracle: what is read out of a frame lies within it, and reading it twice gives the same.

#include <sidecar/shim.h>

#include <cstdlib>

using sidecar::detail::read_server_frame;
using sidecar::detail::ServerFrame;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const ServerFrame frame = read_server_frame(data, size);
  const ServerFrame again = read_server_frame(data, size);
  if (frame.kind != again.kind || frame.accepted != again.accepted || frame.instance != again.instance) std::abort();
  const auto check = [data, size](std::string_view text) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(text.data());
    if (!text.empty() && (begin < data + sidecar::ipc_protocol::kHeaderSize || begin + text.size() > data + size))
      std::abort();
  };
  check(frame.instance);
  check(frame.service);
  check(frame.peer_prefix);
  for (std::size_t i = 0; i < frame.ignore_suffixes.size(); ++i) check(frame.ignore_suffixes[i]);
  for (std::size_t i = 0; i < frame.ignore_patterns.size(); ++i) check(frame.ignore_patterns[i]);
  static sidecar::detail::IgnoreRules rules;
  rules.replace(frame.ignore_suffixes, frame.ignore_patterns);
  rules.match({reinterpret_cast<const char*>(data), size});
  if (frame.kind == ServerFrame::Kind::bad && (frame.accepted != 0 || !frame.instance.empty())) std::abort();
  return 0;
}
