// What a segment costs the whole daemon: socket, verification, carrier, encoding,
// collectInSync, settlement, as the CPU time of the real sw-sidecar, at full speed
// (the sender blocks when the socket is full) and at rates. Against it a bare gRPC
// client that streams the same segments, serialized before, with hinted writes, to the
// same sink in the same run. Also the daemon's memory at the end.
//
//   daemon_bench PATH-OF-SW-SIDECAR [SEGMENTS]

#include <control_generated.h>
#include <poll.h>
#include <sidecar_ipc/protocol.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <fstream>
#include <sstream>
#include <string>

#include "bare_sender.h"
#include "measure.h"
#include "process.h"
#include "sample.h"
#include "sink.h"
#include "uplink/v3/segment_encoder.h"
#include "v3/tracing.pb.h"

using namespace sidecar;
using namespace sidecar::bench;
using sidecar::test::Process;
using sidecar::test::TemporaryDirectory;
using sidecar::test::wait_until;

namespace {

// --- The daemon, seen from outside -------------------------------------------

// utime + stime of /proc/PID/stat, in ns; the kernel counts it in ticks.
double cpu_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string line;
  std::getline(file, line);
  std::istringstream fields(line.substr(line.rfind(')') + 2));
  std::string skipped;
  for (int i = 0; i < 11; ++i) fields >> skipped;
  double user = 0, system = 0;
  fields >> user >> system;
  return (user + system) * 1e9 / static_cast<double>(sysconf(_SC_CLK_TCK));
}

long rss_kib(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(file, line);)
    if (line.rfind("VmRSS:", 0) == 0) return std::strtol(line.c_str() + 6, nullptr, 10);
  return 0;
}

// --- A client without a shim, which costs as little as can be ------------------

class RawClient {
 public:
  RawClient(const std::string& path, const std::vector<std::uint8_t>& segment) {
    fd_ = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    CHECK(connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
    flatbuffers::FlatBufferBuilder fbb;
    const fbs::Uuid uuid(1, 2);
    const auto service = fbb.CreateString("bench");
    fbs::HelloBuilder hello(fbb);
    hello.add_protocol_max(0);
    hello.add_service(service);
    hello.add_uuid(&uuid);
    hello.add_process_epoch(7);
    fbb.FinishSizePrefixed(hello.Finish());
    send_frame(ipc_protocol::FrameType::hello, 0, 0, {fbb.GetBufferPointer(), fbb.GetBufferPointer() + fbb.GetSize()});
    frame_ = segment;
    frame_.resize((frame_.size() + 7) / 8 * 8);
  }
  ~RawClient() { close(fd_); }

  // Blocks while the socket is full.
  void send() { send_frame(ipc_protocol::FrameType::segments, ++seq_, 1, frame_); }
  std::uint64_t sent() const { return seq_; }

 private:
  void send_frame(ipc_protocol::FrameType type, std::uint64_t seq, std::uint16_t count,
                  const std::vector<std::uint8_t>& payload) {
    ipc_protocol::FrameHeader header{};
    header.magic = ipc_protocol::kMagic;
    header.header_words = ipc_protocol::kHeaderWords;
    header.type = static_cast<std::uint8_t>(type);
    header.payload_size = static_cast<std::uint32_t>(payload.size());
    header.first_seq = seq;
    header.count = count;
    header.schema = count > 0 ? ipc_protocol::kSchemaSegment : ipc_protocol::kSchemaControl;
    iovec parts[2] = {{&header, sizeof header}, {const_cast<std::uint8_t*>(payload.data()), payload.size()}};
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = 2;
    CHECK(sendmsg(fd_, &message, MSG_NOSIGNAL) >= 0);
  }

  int fd_;
  std::uint64_t seq_ = 0;
  std::vector<std::uint8_t> frame_;
};

// Sends `segments` at `rate` a second (0: as fast as the socket takes them), in ticks of a millisecond.
void send_at(RawClient& client, std::size_t segments, std::size_t rate) {
  if (rate == 0) {
    for (std::size_t i = 0; i < segments; ++i) client.send();
    return;
  }
  timespec next{};
  clock_gettime(CLOCK_MONOTONIC, &next);
  std::size_t sent = 0;
  for (std::size_t tick = 1; sent < segments; ++tick) {
    for (; sent < tick * rate / 1000 && sent < segments; ++sent) client.send();
    next.tv_nsec += 1'000'000;
    if (next.tv_nsec >= 1'000'000'000) next = {next.tv_sec + 1, next.tv_nsec - 1'000'000'000};
    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, nullptr);
  }
}

// Whether the daemon has delivered so many, asked over its own control socket.
std::uint64_t delivered(const std::string& control) {
  const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  control.copy(address.sun_path, sizeof address.sun_path - 1);
  std::string answer;
  if (connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) {
    const std::string request = "GET /status HTTP/1.1\r\nHost: sidecar\r\nConnection: close\r\n\r\n";
    CHECK(write(fd, request.data(), request.size()) == static_cast<ssize_t>(request.size()));
    char buffer[65536];
    for (ssize_t got; (got = read(fd, buffer, sizeof buffer)) > 0;)
      answer.append(buffer, static_cast<std::size_t>(got));
  }
  close(fd);
  const std::size_t totals = answer.find("\"totals\"");
  const std::size_t at = totals == std::string::npos ? totals : answer.find("\"delivered\":", totals);
  return at == std::string::npos ? 0 : std::strtoull(answer.c_str() + at + 12, nullptr, 10);
}

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

  const TemporaryDirectory directory;
  const std::string socket = directory.path() + "/ingest.v1.sock";
  const std::string control = directory.path() + "/control.sock";
  Process daemon(
      {argv[1], "--config",
       directory.write("sidecar.yaml", "collector: {addresses: [\"" + sink.address() +
                                           "\"]}\nsocket: {path: " + socket + "}\ncontrol: {path: " + control + "}\n")},
      directory.path() + "/log");
  CHECK(wait_until([&] { return access(control.c_str(), F_OK) == 0; }));
  RawClient client(socket, segment);
  const auto cost = [&](std::size_t count, std::size_t rate) {
    const double before = cpu_of(daemon.pid());
    send_at(client, count, rate);
    // asking costs the daemon too, so not often
    CHECK(wait_until([&] { return poll(nullptr, 0, 50), delivered(control) == client.sent(); }));
    return (cpu_of(daemon.pid()) - before) / static_cast<double>(count);
  };
  cost(20'000, 0);  // warm up
  const long rss = rss_kib(daemon.pid());

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
  std::printf("daemon's resident memory: %ld KiB after warm-up, %ld KiB at the end\n", rss, rss_kib(daemon.pid()));
  daemon.signal(SIGTERM);
  return daemon.wait();
}
