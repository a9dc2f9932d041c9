// What the number of clients costs: the daemon's CPU time per segment with 1, 10, 100 and 1,000 clients at one total
// rate, in one run, and each against one client. Segments come evenly, each client in its turn.
//
//   clients_bench PATH-OF-SW-SIDECAR [RATE]

#include <sys/resource.h>

#include <cstdio>
#include <cstdlib>
#include <deque>

#include "daemon_under_test.h"
#include "measure.h"
#include "raw_client.h"
#include "sample.h"
#include "sink.h"

using namespace sidecar;
using namespace sidecar::bench;

int main(int argc, char** argv) {
  if (is_sink(argc, argv)) return run_sink();
  CHECK(argc > 1);
  const std::size_t rate = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 10'000;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  const SinkProcess sink;  // before there are threads here
  const std::vector<std::uint8_t> segment = sample_segment();
  std::printf("%zu segments/s in all, 5 spans each, %zu bytes; CPU of the daemon, medians of 3\n", rate,
              segment.size());
  double one = 0;
  for (const std::size_t count : {std::size_t{1}, std::size_t{10}, std::size_t{100}, std::size_t{1000}}) {
    // Its own daemon: no sessions left from those before.
    DaemonUnderTest daemon(argv[1], sink.address());
    std::deque<RawClient> clients;
    for (std::uint64_t number = 1; number <= count; ++number) clients.emplace_back(daemon.socket(), segment, number);
    std::uint64_t sent = 0;
    // A status of a thousand instances costs as much as thousands of segments: asked for after the measurement.
    const auto send = [&](std::size_t segments) {
      const double before = daemon.cpu();
      send_at(segments, rate, [&](std::size_t i) { clients[i % count].send(); });
      poll(nullptr, 0, 1000);
      const double used = daemon.cpu() - before;
      daemon.wait_for(sent += segments);
      return used / static_cast<double>(segments);
    };
    send(4 * rate);  // warm, and all instances have been announced
    std::vector<double> costs;
    for (int round = 0; round < 3; ++round) costs.push_back(send(4 * rate));
    if (count == 1) one = median(costs);
    std::printf("%5zu clients: %7.0f ns/segment, %5.2f x one client; %ld KiB resident\n", count, median(costs),
                median(costs) / one, daemon.rss());
    CHECK(daemon.stop() == 0);
  }
  return 0;
}
