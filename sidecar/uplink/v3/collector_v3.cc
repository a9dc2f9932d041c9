#include "uplink/v3/collector_v3.h"

#include <grpcpp/support/slice.h>

#include <utility>

#include "base/units.h"
#include "log/log.h"
#include "uplink/dialect.h"
#include "uplink/grpc_log.h"
#include "uplink/v3/method_call.h"
#include "uplink/v3/utf8.h"
#include "v3/common.pb.h"
#include "v3/management.pb.h"

namespace sidecar::v3 {
namespace {

constexpr char kDefaultLayer[] = "GENERAL";

grpc::ByteBuffer to_buffer(const google::protobuf::MessageLite& message) {
  const std::size_t size = message.ByteSizeLong();
  grpc::Slice slice(size);
  message.SerializeWithCachedSizesToArray(const_cast<std::uint8_t*>(slice.begin()));
  return grpc::ByteBuffer(&slice, 1);
}

grpc::ByteBuffer to_buffer(const SegmentEncoder& encoder) {
  grpc::Slice slice(encoder.size());
  encoder.write(const_cast<std::uint8_t*>(slice.begin()));  // nobody else has seen the slice yet
  return grpc::ByteBuffer(&slice, 1);
}

}  // namespace

CollectorV3::CollectorV3(const UplinkOptions& options, EventLoop& loop, Random& random)
    : options_(options),
      loop_(loop),
      random_(random),
      since_(loop.now()),
      tell_timer_(loop.make_timer([this] { tell_now(); })),
      encoder_({PrivacyRules(options.privacy), options.peer_prefix}),
      completions_(loop),
      credentials_(options_, loop, [this](Credentials::Changed changed) { on_credentials(changed); }),
      links_(options_, loop, completions_, random, credentials_,
             [this](Links::Event event, const std::string& why) { on_link(event, why); }),
      probe_timer_(loop.make_timer([this] { probe(); })) {
  status_.dialect = "v3";
}

CollectorV3::~CollectorV3() = default;

void CollectorV3::start() {
  if (state_ != CollectorState::idle) return;
  set_state(CollectorState::connecting);
  links_.start();
}

CollectorStatus CollectorV3::status() const {
  CollectorStatus status = status_;
  status.state = state_;
  status.since = since_;
  status.address = links_.address();
  for (const AddressList::Status& entry : links_.status())
    status.collectors.push_back({entry.configured, ready() && entry.configured == status.address, entry.addresses,
                                 entry.resting, entry.until, entry.last_error});
  status.problems = credentials_.problems();
  const Route route = routes_.first(Method::segments);
  if (routes_.worked(Method::segments))
    status.spelling = to_text(route);
  else if (routes_.any_worked())
    status.spelling = route.bare ? "bare" : "skywalking.v3";
  return status;
}

CallPtr CollectorV3::report_properties(const InstanceName& name, const Properties& properties, Answered answered) {
  wire::v3::InstanceProperties message;
  message.set_service(repaired(name.service));
  message.set_service_instance(repaired(name.instance));
  for (const auto& [key, value] : properties) {
    wire::v3::KeyStringValuePair& pair = *message.add_properties();
    pair.set_key(repaired(key));
    pair.set_value(repaired(value));
  }
  return std::make_unique<MethodCall>(*this, Method::properties, to_buffer(message), std::move(answered));
}

CallPtr CollectorV3::keep_alive(const InstanceName& name, Answered answered) {
  wire::v3::InstancePing message;
  message.set_service(repaired(name.service));
  message.set_service_instance(repaired(name.instance));
  message.set_layer(repaired(name.layer));
  const grpc::ByteBuffer request = to_buffer(message);
  if (name.layer.empty() || name.layer == kDefaultLayer)
    return std::make_unique<MethodCall>(*this, Method::keep_alive, request, std::move(answered));
  // 9.0 to 9.4 answer UNKNOWN to a layer that they do not know; better shown in the default one than not at all.
  message.set_layer(kDefaultLayer);
  return std::make_unique<MethodCall>(*this, Method::keep_alive, request, std::move(answered), to_buffer(message));
}

CallPtr CollectorV3::send_segments(std::span<const Record> batch, Encoding& encoding, Answered answered) {
  encoding = Encoding{};
  encoder_.clear();
  for (const Record& record : batch) {
    const AgentIdentity& who = record.agent().identity;
    const auto added = encoder_.add({record.bytes(), who.service, who.instance}, kMaxMessage);
    if (added == SegmentEncoder::Added::full) break;
    if (added == SegmentEncoder::Added::unencodable) encoding.unencodable.push_back(encoding.taken);
    ++encoding.taken;
  }
  encoding.bytes = encoder_.size();
  if (encoding.taken == encoding.unencodable.size()) return nullptr;
  // Counted when they have arrived, so that no segment counts twice.
  const auto count = [this, changes = encoder_.changes(), answered = std::move(answered)](Outcome outcome) {
    if (outcome.verdict == Verdict::delivered) status_.changes += changes;
    answered(std::move(outcome));  // may destroy this
  };
  return std::make_unique<MethodCall>(*this, Method::segments, to_buffer(encoder_), count);
}

void CollectorV3::on_link(Links::Event event, const std::string& why) {
  const bool was_ready = ready();
  probe_timer_->stop();
  probe_.reset();
  if (event == Links::Event::ready || event == Links::Event::moved) {
    ++status_.connects;
    routes_ = Routes();
    probes_ = retries_ = 0;
    const std::string address = links_.current()->endpoint().address;
    log_info("{} the collector at {}{}", event == Links::Event::ready ? "connected to" : "moved to", links_.address(),
             address == links_.address() ? "" : " (" + address + ")");
    set_state(CollectorState::up);
    return tell(true);
  }
  status_.last_error = why;
  // Told again when there is something new to say.
  if (event == Links::Event::lost || why != told_) log_warning("{}; trying again", why);
  told_ = why;
  set_state(CollectorState::down);
  if (was_ready) tell(false);
}

void CollectorV3::on_credentials(Credentials::Changed changed) {
  if (changed == Credentials::Changed::tls) return links_.renew();
  // Who refused the old token is asked at once.
  if (state_ == CollectorState::auth && probe_timer_->armed()) probe_timer_->start(Duration::zero());
}

void CollectorV3::on_unanswered(const GrpcLink& link) {
  if (links_.current().get() != &link) return;
  const std::string why =
      link.endpoint().configured + " has not answered a call for " + format_duration(options_.unanswered);
  if (unanswered_log_.pass(loop_.now()))
    log_warning("{}; the next calls go to another collector, if there is one", why);
  links_.leave(link, Trouble::unanswered, why);
}

void CollectorV3::set_state(CollectorState state) {
  if (state != state_) since_ = loop_.now();
  state_ = state;
}

void CollectorV3::tell(bool is_ready) {
  if (is_ready)
    tell_ready_ = true;
  else if (!std::exchange(tell_ready_, false))  // what nobody has heard of needs no end
    tell_lost_ = true;
  tell_timer_->start(Duration::zero());
}

void CollectorV3::tell_now() {
  if (std::exchange(tell_lost_, false))
    for (CollectorListener* listener : listeners_) listener->on_collector_lost();
  if (std::exchange(tell_ready_, false))
    for (CollectorListener* listener : listeners_) listener->on_collector_ready();
}

void CollectorV3::account(const GrpcLink& link, Method method, Verdict verdict, const std::string& detail) {
  const bool present = links_.current().get() == &link;
  if (verdict == Verdict::delivered) {
    ++status_.calls_ok;
    status_.last_ok = loop_.now();
    if (present) {
      retries_ = 0;
      if (ready()) links_.stay(link);
    }
    return;
  }
  ++status_.calls_failed;
  status_.last_error = detail;
  if (!ready() || !present) return;
  // Connected, and yet nobody answers: as a proxy does whose servers are gone.
  constexpr unsigned kEnough = 3;
  if (verdict == Verdict::retry && ++retries_ >= kEnough) {
    links_.leave(link, Trouble::unanswered, detail);
  } else if (verdict == Verdict::hold_auth) {
    log_error("{} {} ({}); holding everything back", links_.address(),
              options_.token_file.empty() ? "wants a token: set collector.token_file"
                                          : "refuses the token of collector.token_file",
              detail);
    hold(CollectorState::auth);
    links_.leave(link, Trouble::auth, detail);
  } else if (verdict == Verdict::wrong_server && method == Method::segments) {
    log_error("{} is no SkyWalking collector of generation v3 ({}); holding everything back; check collector.addresses",
              links_.address(), detail);
    hold(CollectorState::wrong_server);
    links_.leave(link, Trouble::wrong_server, detail);
  } else if (verdict == Verdict::wrong_server && !probe_) {
    // A server without registration may take segments all the same: ask.
    probe();
  }
}

void CollectorV3::log_plainer(const std::string& detail) {
  if (plainer_log_.pass(loop_.now()))
    log_warning("the collector refuses a heartbeat with a layer of its own ({}); sending it as {}", detail,
                kDefaultLayer);
}

void CollectorV3::hold(CollectorState state) {
  // A server that takes the probe and refuses what follows is asked ever less often.
  if (loop_.now() - since_ >= options_.backoff.max) probes_ = 0;
  set_state(state);
  probe_timer_->start(options_.backoff.delay(++probes_, random_));
  tell(false);
}

void CollectorV3::probe() {
  const grpc::Slice empty_collection;
  probe_ = std::make_unique<MethodCall>(*this, Method::segments, grpc::ByteBuffer(&empty_collection, 1),
                                        [this](Outcome outcome) { on_probe(outcome); });
}

void CollectorV3::on_probe(const Outcome& outcome) {
  const CallPtr finished = std::move(probe_);
  // Asked while up: account() has drawn the conclusion.
  if (ready() || probe_timer_->armed()) return;
  if (outcome.verdict == Verdict::delivered) {
    log_info("the collector accepts us now");
    set_state(CollectorState::up);
    tell(true);
    return;
  }
  if (state_ != CollectorState::auth && state_ != CollectorState::wrong_server) return;
  if (outcome.verdict == Verdict::hold_auth) set_state(CollectorState::auth);
  if (outcome.verdict == Verdict::wrong_server) set_state(CollectorState::wrong_server);
  probe_timer_->start(options_.backoff.delay(++probes_, random_));
  // Another one may have recovered from its rest.
  if (const std::shared_ptr<GrpcLink> link = links_.current()) links_.leave(*link, Trouble::auth, outcome.detail);
}

}  // namespace sidecar::v3

namespace sidecar {

std::unique_ptr<Collector> make_collector(const UplinkOptions& options, EventLoop& loop, Random& random) {
  take_over_grpc_log();
  return std::make_unique<v3::CollectorV3>(options, loop, random);
}

}  // namespace sidecar
