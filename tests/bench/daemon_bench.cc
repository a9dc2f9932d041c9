// What a segment costs the whole daemon: socket, verification, carrier, encoding,
// collectInSync, settlement, as the CPU time of the real sw-sidecar, at full speed
// (the sender blocks when the socket is full) and at rates. Against it a bare gRPC
// client that streams the same segments, serialized before, with hinted writes, to the
// same sink in the same run. Also the daemon's memory at the end.
//
//   daemon_bench PATH-OF-SW-SIDECAR [SEGMENTS]

#include <cstdio>
#include <cstdlib>
#include <string>

#include "bare_sender.h"
#include "daemon_under_test.h"
#include "measure.h"
#include "raw_client.h"
#include "sample.h"
#include "sink.h"
#include "uplink/v3/segment_encoder.h"
#include "v3/tracing.pb.h"

using namespace sidecar;
using namespace sidecar::bench;

namespace {

std::string serialized(const std::vector<std::uint8_t>& segment) {
  v3::SegmentEncoder encoder;
  CHECK(encoder.add({segment, "bench", "bench@host"}, ~std::size_t{0}) == v3::SegmentEncoder::Added::yes);
  std::string collection(encoder.size(), '\0');
  encoder.write(reinterpret_cast<std::uint8_t*>(collection.data()));
  wire::v3::SegmentCollection parsed;
  CHECK(parsed.ParseFromString(collection));
  return parsed.segments(0).SerializeAsString();
}

}  // namespace

int main(int argc, char** argv) {
  if (is_sink(argc, argv)) return run_sink();
  CHECK(argc > 1);
  const std::size_t segments = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 100'000;
  const SinkProcess sink;  // before there are threads here
  const std::vector<std::uint8_t> segment = sample_segment();

  DaemonUnderTest daemon(argv[1], sink.address());
  RawClient client(daemon.socket(), segment);
  const auto cost = [&](std::size_t count, std::size_t rate) {
    const double before = daemon.cpu();
    send_at(count, rate, [&](std::size_t) { client.send(); });
    daemon.wait_for(client.sent());
    return (daemon.cpu() - before) / static_cast<double>(count);
  };
  cost(20'000, 0);  // warm up
  const long rss = daemon.rss();

  std::vector<double> full, bare;
  BareSender bare_sender(sink.address(), serialized(segment));
  bare_sender.send(10'000);
  for (int round = 0; round < 5; ++round) {
    full.push_back(cost(segments, 0));
    bare.push_back(per_segment(segments, [&] { bare_sender.send(segments); }));
  }
  std::printf("segment: 5 spans, %zu bytes as a flatbuffer; %zu segments a round, medians of 5\n", segment.size(),
              segments);
  std::printf("daemon at full speed:                   %7.0f ns CPU/segment\n", median(full));
  std::printf("bare gRPC stream, serialized, hint 16:  %7.0f ns CPU/segment\n", median(bare));
  std::printf("ratio daemon/bare:                      %7.2f\n", median(full) / median(bare));
  for (const std::size_t rate : {1'000u, 10'000u})
    std::printf("daemon at %6zu segments/s:             %7.0f ns CPU/segment\n", rate, cost(rate * 4, rate));
  std::printf("daemon's resident memory: %ld KiB after warm-up, %ld KiB at the end\n", rss, daemon.rss());
  return daemon.stop();
}
