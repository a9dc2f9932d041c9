// What a segment costs the sidecar on its way out: encoding and collectInSync in
// batches, against a bare gRPC client that streams segments serialized before,
// with the buffer hint on 15 of 16 writes. Both talk to the same sink, a child process that
// reads and answers OK, so that its CPU is not counted. Then the encoder alone
// against protobuf's objects. Medians of several rounds; times are CPU times.
//
//   uplink_bench [ROUNDS [SEGMENTS]]

#include <fcntl.h>
#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/grpcpp.h>
#include <segment_generated.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/check.h"
#include "base/random.h"
#include "loop/uv_loop.h"
#include "make.h"
#include "uplink/dialect.h"
#include "uplink/v3/segment_encoder.h"
#include "v3/tracing.pb.h"

using namespace sidecar;
using namespace std::chrono_literals;

namespace {

// --- The sink, in a process of its own ---------------------------------------

class SinkCall final : public grpc::ServerGenericBidiReactor {
 public:
  SinkCall() { StartRead(&message_); }
  void OnReadDone(bool ok) override {
    if (ok) return StartRead(&message_);
    StartWriteAndFinish(&answer_, grpc::WriteOptions(), grpc::Status::OK);
  }
  void OnDone() override { delete this; }

 private:
  grpc::ByteBuffer message_;
  const grpc::Slice empty_;
  grpc::ByteBuffer answer_{&empty_, 1};
};

class Sink final : public grpc::CallbackGenericService {
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext*) override { return new SinkCall(); }
};

int run_sink() {
  Sink sink;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
  builder.RegisterCallbackGenericService(&sink);
  builder.SetMaxReceiveMessageSize(-1);
  const auto server = builder.BuildAndStart();
  CHECK(server != nullptr);
  std::printf("%d\n", port);
  std::fflush(stdout);
  char byte;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }  // until the parent is gone
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}

class SinkProcess {
 public:
  SinkProcess() {
    int to_child[2], from_child[2];
    CHECK(pipe2(to_child, O_CLOEXEC) == 0 && pipe2(from_child, O_CLOEXEC) == 0);
    pid_ = fork();
    CHECK(pid_ >= 0);
    if (pid_ == 0) {
      dup2(to_child[0], STDIN_FILENO);
      dup2(from_child[1], STDOUT_FILENO);
      execl("/proc/self/exe", "uplink_bench", "--sink", nullptr);
      _exit(127);
    }
    close(to_child[0]);
    close(from_child[1]);
    stdin_ = to_child[1];
    FILE* out = fdopen(from_child[0], "r");
    CHECK(out != nullptr && std::fscanf(out, "%d", &port_) == 1);
    std::fclose(out);
  }
  ~SinkProcess() {
    close(stdin_);
    waitpid(pid_, nullptr, 0);
  }
  std::string address() const { return "127.0.0.1:" + std::to_string(port_); }

 private:
  pid_t pid_;
  int stdin_;
  int port_ = 0;
};

// --- The load: a segment of five spans as a small web shop makes them --------

std::vector<std::uint8_t> sample_segment() {
  flatbuffers::FlatBufferBuilder fbb;
  const std::int64_t at = 1'795'471'500'000'000;
  std::vector<flatbuffers::Offset<fbs::Span>> spans;
  for (int i = 4; i >= 0; --i) {
    std::vector<flatbuffers::Offset<fbs::Tag>> tags;
    if (i == 0) {
      tags = {fbs::CreateTagDirect(fbb, "url", "http://shop.example/orders/4711/items?page=2"),
              fbs::CreateTagDirect(fbb, "http.method", "GET"), fbs::CreateTagDirect(fbb, "http.status_code", "200")};
    } else {
      tags = {fbs::CreateTagDirect(fbb, "db.type", "sqlite"), fbs::CreateTagDirect(fbb, "db.instance", "orders"),
              fbs::CreateTagDirect(fbb, "db.statement", "SELECT id, name, price FROM items WHERE order_id = ? LIMIT 20")};
    }
    spans.push_back(fbs::CreateSpanDirect(fbb, i, i - 1, at + i * 100, 5'000 - i * 100, i == 0 ? fbs::SpanType::Entry : fbs::SpanType::Exit,
                                          i == 0 ? 3 : 1, 33, false, i == 0 ? "GET:/orders/{id}/items" : "sqlite/select/items",
                                          i == 0 ? nullptr : "db-1.shop.example:3306", &tags));
  }
  std::reverse(spans.begin(), spans.end());
  const auto vector = fbb.CreateVector(spans);
  const fbs::Id id(8'236'482'364'823'648'236, 17, 17'954'715'000'000'001);
  fbs::FinishSizePrefixedSegmentBuffer(fbb, fbs::CreateSegment(fbb, &id, 0, &id, vector));
  return {fbb.GetBufferPointer(), fbb.GetBufferPointer() + fbb.GetSize()};
}

// --- Measuring ----------------------------------------------------------------

double cpu_ns() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto ns = [](const timeval& t) { return static_cast<double>(t.tv_sec) * 1e9 + static_cast<double>(t.tv_usec) * 1e3; };
  return ns(usage.ru_utime) + ns(usage.ru_stime);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

template <class Run>
double per_segment(std::size_t segments, const Run& run) {
  const double before = cpu_ns();
  run();
  return (cpu_ns() - before) / static_cast<double>(segments);
}

constexpr std::size_t kBatch = 200;

// The sidecar's own way: one lane, one call in flight.
class SidecarSender final : public CollectorListener {
 public:
  SidecarSender(const std::string& address, const std::vector<std::uint8_t>& segment)
      : options_{.addresses = {address}}, collector_(make_collector(options_, loop_, random_)) {
    const AgentPtr agent = make_agent("shop", "shop@host");
    for (std::size_t i = 1; i <= kBatch; ++i) batch_.emplace_back(RecordKind::segment, agent, i, Tick{}, segment);
    collector_->add_listener(*this);
    collector_->start();
    loop_.run();
  }
  ~SidecarSender() override { call_.reset(); }
  void on_collector_ready() override { loop_.stop(); }
  void on_collector_lost() override {}

  void send(std::size_t segments) {
    left_ = segments / kBatch;
    next();
    loop_.run();
  }

 private:
  void next() {
    Collector::Encoding encoding;
    call_ = collector_->send_segments(batch_, encoding, [this](Outcome outcome) {
      CHECK(outcome.verdict == Verdict::delivered);
      if (--left_ == 0) return loop_.stop();
      next();
    });
    CHECK(encoding.taken == kBatch);
  }

  UvLoop loop_;
  SystemRandom random_;
  UplinkOptions options_;
  std::unique_ptr<Collector> collector_;
  std::vector<Record> batch_;
  std::size_t left_ = 0;
  CallPtr call_;
};

class BareSender {
 public:
  BareSender(const std::string& address, const std::string& serialized)
      : channel_(grpc::CreateChannel(address, grpc::InsecureChannelCredentials())), stub_(channel_) {
    const grpc::Slice slice(serialized);
    message_ = grpc::ByteBuffer(&slice, 1);
    CHECK(channel_->WaitForConnected(std::chrono::system_clock::now() + 10s));
  }
  void send(std::size_t segments) {
    grpc::ClientContext context;
    const auto call = stub_.PrepareCall(&context, "/skywalking.v3.TraceSegmentReportService/collect", &queue_);
    call->StartCall(nullptr);
    wait();
    for (std::size_t i = 1; i <= segments; ++i) {
      grpc::WriteOptions options;
      if (i % 16 != 0 && i != segments) options.set_buffer_hint();
      call->Write(message_, options, nullptr);
      wait();
    }
    call->WritesDone(nullptr);
    wait();
    grpc::ByteBuffer answer;
    call->Read(&answer, nullptr);
    wait();
    grpc::Status status;
    call->Finish(&status, nullptr);
    wait();
    CHECK(status.ok());
  }

 private:
  void wait() {
    void* tag;
    bool ok = false;
    CHECK(queue_.Next(&tag, &ok) && ok);
  }
  std::shared_ptr<grpc::Channel> channel_;
  grpc::GenericStub stub_;
  grpc::CompletionQueue queue_;
  grpc::ByteBuffer message_;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::strcmp(argv[1], "--sink") == 0) return run_sink();
  const std::size_t rounds = argc > 1 ? std::strtoul(argv[1], nullptr, 10) : 7;
  const std::size_t segments = (argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 50'000) / kBatch * kBatch;
  CHECK(rounds > 0 && segments > 0);

  const SinkProcess sink;  // before there are threads here
  const std::vector<std::uint8_t> segment = sample_segment();
  v3::SegmentEncoder encoder;
  CHECK(encoder.add({segment, "shop", "shop@host"}, ~std::size_t{0}) == v3::SegmentEncoder::Added::yes);
  std::string collection(encoder.size(), '\0');
  encoder.write(reinterpret_cast<std::uint8_t*>(collection.data()));
  wire::v3::SegmentCollection parsed;
  CHECK(parsed.ParseFromString(collection));
  const std::string serialized = parsed.segments(0).SerializeAsString();
  std::printf("segment: 5 spans, %zu bytes as a flatbuffer, %zu as protobuf; %zu segments a round, %zu rounds\n", segment.size(),
              serialized.size(), segments, rounds);

  std::vector<double> sidecar, bare, direct, object;
  {
    SidecarSender sidecar_sender(sink.address(), segment);
    BareSender bare_sender(sink.address(), serialized);
    sidecar_sender.send(10 * kBatch);  // warm up
    bare_sender.send(10 * kBatch);
    for (std::size_t round = 0; round < rounds; ++round) {
      sidecar.push_back(per_segment(segments, [&] { sidecar_sender.send(segments); }));
      bare.push_back(per_segment(segments, [&] { bare_sender.send(segments); }));
    }
  }
  std::vector<std::uint8_t> out(kBatch * encoder.size());
  std::string text;
  for (std::size_t round = 0; round < rounds; ++round) {
    direct.push_back(per_segment(segments, [&] {
      for (std::size_t sent = 0; sent < segments; sent += kBatch) {
        encoder.clear();
        for (std::size_t i = 0; i < kBatch; ++i) encoder.add({segment, "shop", "shop@host"}, ~std::size_t{0});
        encoder.write(out.data());
      }
    }));
    object.push_back(per_segment(segments, [&] {
      for (std::size_t sent = 0; sent < segments; ++sent) {
        // as dear as filling it field by field: every member and every text is allocated anew
        const wire::v3::SegmentObject filled(parsed.segments(0));
        filled.SerializeToString(&text);
      }
    }));
  }

  std::printf("sidecar, encode + collectInSync of %zu: %7.0f ns CPU/segment\n", kBatch, median(sidecar));
  std::printf("bare gRPC stream, serialized, hint 16:   %7.0f ns CPU/segment\n", median(bare));
  std::printf("ratio sidecar/bare:                      %7.2f\n", median(sidecar) / median(bare));
  std::printf("encoder:                                 %7.0f ns CPU/segment\n", median(direct));
  std::printf("objects on the heap:                     %7.0f ns CPU/segment\n", median(object));
  std::printf("ratio encoder/objects:                   %7.2f\n", median(direct) / median(object));
  return 0;
}
