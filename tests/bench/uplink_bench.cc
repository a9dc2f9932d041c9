// What a segment costs the sidecar on its way out: encoding and collectInSync in
// batches, against a bare gRPC client that streams segments serialized before,
// with the buffer hint on 15 of 16 writes. Both talk to the same sink, a child process that
// reads and answers OK, so that its CPU is not counted. Then the encoder alone
// with its rules for secrets, without them, and against protobuf's objects. Medians of several rounds; times are CPU
// times.
//
//   uplink_bench [ROUNDS [SEGMENTS]]

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "bare_sender.h"
#include "base/check.h"
#include "base/random.h"
#include "loop/uv_loop.h"
#include "make.h"
#include "measure.h"
#include "sample.h"
#include "sink.h"
#include "uplink/dialect.h"
#include "uplink/v3/segment_encoder.h"
#include "v3/tracing.pb.h"

using namespace sidecar;
using namespace sidecar::bench;

namespace {

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

}  // namespace

int main(int argc, char** argv) {
  if (is_sink(argc, argv)) return run_sink();
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
  std::printf("segment: 5 spans, %zu bytes as a flatbuffer, %zu as protobuf; %zu segments a round, %zu rounds\n",
              segment.size(), serialized.size(), segments, rounds);

  v3::SegmentEncoder ruled({PrivacyRules(PrivacyOptions{}), {}});
  std::vector<double> sidecar, bare, direct, with_rules, object;
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
    const auto encode = [&](v3::SegmentEncoder& by) {
      for (std::size_t sent = 0; sent < segments; sent += kBatch) {
        by.clear();
        for (std::size_t i = 0; i < kBatch; ++i) by.add({segment, "shop", "shop@host"}, ~std::size_t{0});
        by.write(out.data());
      }
    };
    direct.push_back(per_segment(segments, [&] { encode(encoder); }));
    with_rules.push_back(per_segment(segments, [&] { encode(ruled); }));
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
  std::printf("encoder, nothing to hide:                %7.0f ns CPU/segment\n", median(direct));
  std::printf("encoder, the usual secrets:              %7.0f ns CPU/segment\n", median(with_rules));
  std::printf("ratio secrets/nothing:                   %7.2f\n", median(with_rules) / median(direct));
  std::printf("objects on the heap:                     %7.0f ns CPU/segment\n", median(object));
  std::printf("ratio encoder/objects:                   %7.2f\n", median(with_rules) / median(object));
  return 0;
}
