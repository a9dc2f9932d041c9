#include "uplink/v3/collector_v3.h"

#include <grpcpp/support/slice.h>

#include <utility>

#include "log/log.h"
#include "uplink/dialect.h"
#include "uplink/grpc_log.h"
#include "uplink/v3/utf8.h"
#include "v3/common.pb.h"
#include "v3/management.pb.h"

namespace sidecar::v3 {
namespace {

constexpr std::size_t kMaxDetail = 200;
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

// Commands are not obeyed by this generation of the sidecar, only looked at. The
// size of an answer is bounded by the connection.
bool is_commands(const grpc::ByteBuffer& answer) {
  grpc::Slice slice;
  wire::v3::Commands commands;
  if (answer.Length() == 0) return true;
  return answer.DumpToSingleSlice(&slice).ok() &&
         commands.ParseFromArray(slice.begin(), static_cast<int>(slice.size()));
}

// The server took the call and said more than the connection reads. gRPC reports that with
// a status that a server may send as well; only its words tell (gRPC 1.51, message_size_filter).
bool is_answer_too_long(const grpc::Status& status) {
  constexpr std::string_view kWords = "Received message larger than max";
  return status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED &&
         status.error_message().compare(0, kWords.size(), kWords) == 0;
}

std::string detail_of(const grpc::Status& status) {
  std::string detail(status_name(status.error_code()));
  if (!status.error_message().empty()) detail += ": " + printable(status.error_message(), kMaxDetail);
  return detail;
}

}  // namespace

// One call of a method: in one spelling, and in the other one if the first does not exist there.
class CollectorV3::UnaryCall final : public Call {
 public:
  // `plainer`, if it is valid, is what is sent instead when the server refuses `request`.
  UnaryCall(CollectorV3& owner, Method method, grpc::ByteBuffer request, Answered answered,
            grpc::ByteBuffer plainer = {})
      : owner_(owner),
        method_(method),
        request_(std::move(request)),
        plainer_(std::move(plainer)),
        answered_(std::move(answered)) {
    if (owner.connection_.stub() == nullptr)
      refuse();
    else
      send(owner.spelling_);
  }

 private:
  // Answers in a later turn, without a call.
  void refuse() {
    timer_ = owner_.loop_.make_timer([this] {
      const Answered answered = std::move(answered_);  // the answer may destroy this
      answered({Verdict::retry, "not connected"});
    });
    timer_->start(Duration::zero());
  }

  void send(Spelling spelling) {
    rpc_ = std::make_unique<Rpc>(owner_.completions_, *owner_.connection_.stub(), path_of(method_, spelling), request_,
                                 owner_.options_.deadline,
                                 [this, spelling](const grpc::Status& status, const grpc::ByteBuffer& answer) {
                                   on_answer(spelling, status, answer);
                                 });
  }

  void on_answer(Spelling spelling, const grpc::Status& status, const grpc::ByteBuffer& answer) {
    const bool too_long = is_answer_too_long(status);
    Verdict verdict = too_long ? Verdict::delivered : verdict_of(status.error_code(), false);
    if (verdict == Verdict::next_spelling) {
      if (!second_ && owner_.connection_.stub() != nullptr) {
        second_ = true;
        return send(next(spelling));
      }
      verdict = Verdict::wrong_server;
    } else if (verdict == Verdict::suspect && plainer_.Valid() && owner_.connection_.stub() != nullptr) {
      owner_.log_plainer(detail_of(status));
      request_.Clear();
      request_.Swap(&plainer_);
      return send(spelling);
    } else if (verdict == Verdict::delivered) {
      if (too_long || !is_commands(answer)) ++owner_.status_.undecodable_answers;
      owner_.spelling_ = spelling;
      owner_.spelling_worked_ = true;
    }
    Outcome outcome{verdict, verdict == Verdict::delivered ? std::string() : detail_of(status)};
    const Answered answered = std::move(answered_);
    owner_.account(method_, verdict, outcome.detail);
    answered(std::move(outcome));  // may destroy this
  }

  CollectorV3& owner_;
  const Method method_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer plainer_;
  Answered answered_;
  bool second_ = false;  // the other spelling is being tried
  std::unique_ptr<Rpc> rpc_;
  std::unique_ptr<Timer> timer_;
};

CollectorV3::CollectorV3(const UplinkOptions& options, EventLoop& loop, Random& random)
    : options_(options),
      loop_(loop),
      random_(random),
      since_(loop.now()),
      tell_timer_(loop.make_timer([this] { tell_now(); })),
      encoder_({PrivacyRules(options.privacy), options.peer_prefix}),
      completions_(loop),
      connection_(options_, loop, completions_, random,
                  [this](CollectorConnection::Event event) { on_connection(event); }),
      probe_timer_(loop.make_timer([this] { probe(); })) {
  status_.dialect = "v3";
}

CollectorV3::~CollectorV3() = default;

void CollectorV3::start() {
  if (state_ != CollectorState::idle) return;
  set_state(CollectorState::connecting);
  connection_.start();
}

CollectorStatus CollectorV3::status() const {
  CollectorStatus status = status_;
  status.state = state_;
  status.since = since_;
  status.address = connection_.address();
  if (spelling_worked_)
    status.spelling = spelling_ == Spelling::packaged ? "skywalking.v3 collectInSync" : "bare collectInSync";
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
  return std::make_unique<UnaryCall>(*this, Method::properties, to_buffer(message), std::move(answered));
}

CallPtr CollectorV3::keep_alive(const InstanceName& name, Answered answered) {
  wire::v3::InstancePing message;
  message.set_service(repaired(name.service));
  message.set_service_instance(repaired(name.instance));
  message.set_layer(repaired(name.layer));
  const grpc::ByteBuffer request = to_buffer(message);
  if (name.layer.empty() || name.layer == kDefaultLayer)
    return std::make_unique<UnaryCall>(*this, Method::keep_alive, request, std::move(answered));
  // 9.0 to 9.4 answer UNKNOWN to a layer that they do not know; better shown in the default one than not at all.
  message.set_layer(kDefaultLayer);
  return std::make_unique<UnaryCall>(*this, Method::keep_alive, request, std::move(answered), to_buffer(message));
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
  return std::make_unique<UnaryCall>(*this, Method::collect_in_sync, to_buffer(encoder_), count);
}

void CollectorV3::on_connection(CollectorConnection::Event event) {
  if (event == CollectorConnection::Event::ready) {
    ++status_.connects;
    spelling_worked_ = false;
    probes_ = 0;
    log_info("connected to the collector at {}", connection_.address());
    set_state(CollectorState::up);
    tell(true);
    return;
  }
  const bool was_ready = ready();
  probe_timer_->stop();
  probe_.reset();
  if (event == CollectorConnection::Event::lost) {
    status_.last_error = "connection to " + connection_.address() + " lost";
    log_warning("{}; trying again", status_.last_error);
  } else {
    status_.last_error = "cannot connect to " + connection_.address();
    if (state_ == CollectorState::connecting) log_warning("{}; trying again", status_.last_error);
  }
  set_state(CollectorState::down);
  if (was_ready) tell(false);
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

void CollectorV3::account(Method method, Verdict verdict, const std::string& detail) {
  if (verdict == Verdict::delivered) {
    ++status_.calls_ok;
    status_.last_ok = loop_.now();
    return;
  }
  ++status_.calls_failed;
  status_.last_error = detail;
  if (!ready()) return;
  if (verdict == Verdict::hold_auth) {
    log_error("the collector refuses our token ({}); holding everything back", detail);
    hold(CollectorState::auth);
  } else if (verdict == Verdict::wrong_server && method == Method::collect_in_sync) {
    log_error("{} is no SkyWalking collector of generation v3 ({}); holding everything back", connection_.address(),
              detail);
    hold(CollectorState::wrong_server);
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
  probe_ = std::make_unique<UnaryCall>(*this, Method::collect_in_sync, grpc::ByteBuffer(&empty_collection, 1),
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
}

}  // namespace sidecar::v3

namespace sidecar {

std::unique_ptr<Collector> make_collector(const UplinkOptions& options, EventLoop& loop, Random& random) {
  take_over_grpc_log();
  return std::make_unique<v3::CollectorV3>(options, loop, random);
}

}  // namespace sidecar
