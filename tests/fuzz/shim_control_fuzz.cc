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
  if (!frame.instance.empty()) {
    const auto* begin = reinterpret_cast<const std::uint8_t*>(frame.instance.data());
    if (begin < data + sidecar::ipc_protocol::kHeaderSize || begin + frame.instance.size() > data + size) std::abort();
  }
  if (frame.kind == ServerFrame::Kind::bad && (frame.accepted != 0 || !frame.instance.empty())) std::abort();
  return 0;
}
