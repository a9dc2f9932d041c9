// What a segment costs the sidecar on its way out: encoding and collectInSync in
// batches, against a bare gRPC client that streams segments serialized before,
// with the buffer hint on 15 of 16 writes. Both talk to the same sink, a child process that
// reads and answers OK, so that its CPU is not counted. Then the encoder alone
// with its rules for secrets, without them, and against protobuf's objects; generation v2's with the ids of all
// names, and with none. Medians of several rounds; times are CPU times.
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
#include "uplink/v2/learnt_ids.h"
#include "uplink/v2/segment_encoder.h"
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

// Among as many others as a large host has.
void learn(v2::Dictionary& dictionary, std::int32_t scope, const std::string& name) {
  dictionary.find(scope, name, true);
  for (int i = 0; i < 5000; ++i) dictionary.find(scope, name + std::to_string(i), true);
  const auto batch = dictionary.take(Tick(), 10'000, 1u << 20);
  for (const auto& wanted : batch.names) dictionary.answer(batch, wanted.scope, wanted.text, 7);
  dictionary.finish(batch, Tick());
}

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
  SystemRandom random;
  const v2::Registrations registrations(random);
  v2::Dictionary endpoints(v2::kEndpointLimits, random.next()), addresses(v2::kAddressLimits, random.next());
  learn(endpoints, 2, "GET:/orders/{id}/items");
  learn(addresses, v2::kAddressScope, "db-1.shop.example:3306");
  v2::LearntIds all(endpoints, addresses, registrations);
  v2::Dictionary no_endpoints(v2::kEndpointLimits, random.next()), no_addresses(v2::kAddressLimits, random.next());
  v2::LearntIds none(no_endpoints, no_addresses, registrations);
  v2::SegmentEncoder v2_ids({PrivacyRules(PrivacyOptions{}), {}}, all);
  v2::SegmentEncoder v2_names({PrivacyRules(PrivacyOptions{}), {}}, none);
  std::vector<double> sidecar, bare, direct, with_rules, object, with_ids, with_names;
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
    const auto encode_as = [&](auto& by, const auto& input) {
      for (std::size_t sent = 0; sent < segments; sent += kBatch) {
        by.clear();
        for (std::size_t i = 0; i < kBatch; ++i) by.add(input, ~std::size_t{0});
        if (out.size() < by.size()) out.resize(by.size());
        by.write(out.data());
      }
    };
    const auto encode = [&](v3::SegmentEncoder& by) {
      encode_as(by, v3::SegmentEncoder::Input{segment, "shop", "shop@host"});
    };
    const auto encode_v2 = [&](v2::SegmentEncoder& by) { encode_as(by, v2::SegmentEncoder::Input{segment, 2, 3}); };
    direct.push_back(per_segment(segments, [&] { encode(encoder); }));
    with_rules.push_back(per_segment(segments, [&] { encode(ruled); }));
    with_ids.push_back(per_segment(segments, [&] { encode_v2(v2_ids); }));
    with_names.push_back(per_segment(segments, [&] { encode_v2(v2_names); }));
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
  std::printf("encoder of v2, all ids known:            %7.0f ns CPU/segment\n", median(with_ids));
  std::printf("encoder of v2, names alone:              %7.0f ns CPU/segment\n", median(with_names));
  std::printf("ratio v2/v3:                             %7.2f\n", median(with_ids) / median(with_rules));
  return 0;
}
