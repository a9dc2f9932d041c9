#include "uplink/v3/collector_v3.h"

#include <grpcpp/support/slice.h>

#include <algorithm>
#include <utility>

#include "base/units.h"
#include "log/log.h"
#include "uplink/dialect.h"
#include "uplink/grpc_log.h"
#include "uplink/v3/method_call.h"

namespace sidecar::v3 {
namespace {

using encoding::SegmentRules;

// What a collector suffers from that answers a probe like this.
Trouble trouble_of(Verdict verdict) {
  if (verdict == Verdict::hold_auth) return Trouble::auth;
  return verdict == Verdict::wrong_server ? Trouble::wrong_server : Trouble::unanswered;
}

}  // namespace

CollectorV3::CollectorV3(const UplinkOptions& options, EventLoop& loop, Random& random)
    : options_(options),
      loop_(loop),
      random_(random),
      since_(loop.now()),
      tell_timer_(loop.make_timer([this] { tell_now(); })),
      encoder_(SegmentRules{PrivacyRules(options.privacy), options.peer_prefix}),
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

void CollectorV3::apply(const UplinkOptions& options) {
  const UplinkOptions before = std::exchange(options_, options);
  if (before.privacy != options_.privacy || before.peer_prefix != options_.peer_prefix)
    encoder_.emplace(SegmentRules{PrivacyRules(options_.privacy), options_.peer_prefix});
  const Credentials::Changes changed = credentials_.apply(options_);
  links_.apply(before, changed.tls);
  if (changed.token) on_credentials(Credentials::Changed::token);
}

void CollectorV3::hurry(Duration left) {
  constexpr int kTries = 8;
  constexpr Duration kLeast = std::chrono::milliseconds(10);
  longest_wait_ = std::max(left / kTries, kLeast);
  links_.hurry(longest_wait_);
  if (probe_timer_->armed()) probe_timer_->start(Duration::zero());
}

CollectorStatus CollectorV3::status() const {
  CollectorStatus status = status_;
  status.state = state_;
  status.since = since_;
  status.address = links_.address();
  status.attempt = links_.attempt(status.attempt_since);
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

void CollectorV3::on_link(Links::Event event, const std::string& why) {
  if (event == Links::Event::doubtful) return probe_doubtful();
  const bool was_ready = ready();
  probe_timer_->stop();
  probe_.reset();
  if (event == Links::Event::ready || event == Links::Event::moved) {
    ++status_.connects;
    routes_ = Routes();
    probes_ = retries_ = 0;
    const std::string address = links_.current()->endpoint().address;
    if (state_log_.pass(loop_.now()))
      log_info({.collector = links_.address()}, "{} the collector at {}{}{}",
               event == Links::Event::ready ? "connected to" : "moved to", links_.address(),
               address == links_.address() ? "" : " (" + address + ")", state_log_.suffix());
    if (const Trouble known = links_.refusal(); is_refusal(known)) {
      set_state(known == Trouble::auth ? CollectorState::auth : CollectorState::wrong_server);
      return probe();
    }
    set_state(CollectorState::up);
    return tell(true);
  }
  if (event == Links::Event::parted) {
    log_info("no more calls to the collector at {}: the configuration has changed", links_.address());
    set_state(CollectorState::connecting);
    if (was_ready) tell(false);
    return;
  }
  note_error(links_.address(), why);
  // Told again when there is something new to say.
  if ((event == Links::Event::lost || why != told_) && state_log_.pass(loop_.now()))
    log_warning({.collector = links_.address()}, "{}; trying again{}", why, state_log_.suffix());
  told_ = why;
  set_state(CollectorState::down);
  if (was_ready) tell(false);
}

void CollectorV3::on_credentials(Credentials::Changed changed) {
  if (changed == Credentials::Changed::tls) return links_.renew();
  // Who refused the old token is asked at once, also if he is just being asked with that.
  if (doubtful_probe_) probe_doubtful();
  if (state_ != CollectorState::auth) return;
  probe_.reset();
  probe_timer_->start(Duration::zero());
  links_.wake();
}

void CollectorV3::on_unanswered(const Link& link) {
  const std::string why =
      link.endpoint().configured + " has not answered a call for " + format_duration(options_.unanswered);
  if (links_.current().get() != &link) return links_.refuse(link, Trouble::unanswered, why);
  if (unanswered_log_.pass(loop_.now()))
    log_warning({.collector = link.endpoint().configured},
                "{}; the next calls go to another collector, if there is one{}", why, unanswered_log_.suffix());
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

void CollectorV3::account(const Link& link, Method method, Verdict verdict, const std::string& detail) {
  const bool present = links_.current().get() == &link;
  if (verdict != Verdict::retry) {
    status_.last_answer = loop_.now();
    if (present) retries_ = 0;
  }
  if (verdict == Verdict::delivered) {
    ++status_.calls_ok;
    status_.last_ok = loop_.now();
    if (present && ready()) links_.stay(link);
    return;
  }
  ++status_.calls_failed;
  note_error(link.endpoint().configured, detail);
  if (!ready() || !present) return;
  // Connected, and yet nobody answers: as a proxy does whose servers are gone.
  constexpr unsigned kEnough = 3;
  if (verdict == Verdict::retry && ++retries_ >= kEnough) {
    links_.leave(link, Trouble::unanswered, detail);
  } else if (verdict == Verdict::hold_auth) {
    if (state_log_.pass(loop_.now()))
      log_error({.reason = "auth", .collector = links_.address()}, "{} {} ({}); holding everything back{}",
                links_.address(), auth_words(), detail, state_log_.suffix());
    hold(CollectorState::auth);
    links_.leave(link, Trouble::auth, detail);
  } else if (verdict == Verdict::wrong_server && method == Method::segments) {
    if (state_log_.pass(loop_.now()))
      log_error({.reason = "wrong_server", .collector = links_.address()},
                "{} is no SkyWalking collector of generation v3 ({}); holding everything back; check "
                "collector.addresses{}",
                links_.address(), detail, state_log_.suffix());
    hold(CollectorState::wrong_server);
    links_.leave(link, Trouble::wrong_server, detail);
  } else if (verdict == Verdict::wrong_server && !probe_) {
    // A server without registration may take segments all the same: ask.
    probe();
  }
}

void CollectorV3::note_error(const std::string& address, const std::string& detail) {
  status_.last_error = detail;
  status_.last_error_address = address;
  status_.last_error_at = loop_.now();
}

std::string CollectorV3::auth_words() const {
  if (!credentials_.token().empty()) return "refuses the token of collector.token_file";
  if (options_.token_file.empty()) return "wants a token: set collector.token_file";
  return "wants a token, and collector.token_file could not be read";
}

void CollectorV3::log_plainer(const std::string& detail) {
  if (plainer_log_.pass(loop_.now()))
    log_warning({.collector = links_.address()},
                "the collector refuses a heartbeat with a layer of its own ({}); sending it as {}{}", detail,
                kDefaultLayer, plainer_log_.suffix());
}

void CollectorV3::hold(CollectorState state) {
  // A server that takes the probe and refuses what follows is asked ever less often.
  if (loop_.now() - since_ >= options_.backoff.max) probes_ = 0;
  set_state(state);
  probe_later();
  tell(false);
}

void CollectorV3::probe_later() {
  probe_timer_->start(std::min(options_.backoff.delay(++probes_, random_), longest_wait_));
}

CallPtr CollectorV3::ask(const std::shared_ptr<Link>& link, Answered answered) {
  const grpc::Slice empty_collection;
  return std::make_unique<MethodCall>(*this, link, Method::segments, grpc::ByteBuffer(&empty_collection, 1),
                                      std::move(answered));
}

void CollectorV3::probe() {
  probe_ = ask(links_.current(), [this](const Outcome& outcome) { on_probe(outcome); });
}

void CollectorV3::on_probe(const Outcome& outcome) {
  const CallPtr finished = std::move(probe_);
  // Asked while up: account() has drawn the conclusion.
  if (ready() || probe_timer_->armed()) return;
  if (outcome.verdict == Verdict::delivered) {
    if (state_log_.pass(loop_.now()))
      log_info({.collector = links_.address()}, "the collector accepts us now{}", state_log_.suffix());
    if (const std::shared_ptr<Link> link = links_.current()) links_.stay(*link);
    set_state(CollectorState::up);
    tell(true);
    return;
  }
  if (state_ != CollectorState::auth && state_ != CollectorState::wrong_server) return;
  if (outcome.verdict == Verdict::hold_auth) set_state(CollectorState::auth);
  if (outcome.verdict == Verdict::wrong_server) set_state(CollectorState::wrong_server);
  probe_later();
  // Another one may have recovered from its rest.
  if (const std::shared_ptr<Link> link = links_.current())
    links_.leave(*link, trouble_of(outcome.verdict), outcome.detail);
}

void CollectorV3::probe_doubtful() {
  const std::shared_ptr<Link> link = links_.candidate();
  if (link == nullptr) return doubtful_probe_.reset();  // given up meanwhile
  doubtful_probe_ = ask(link, [this, link](const Outcome& outcome) {
    const CallPtr finished = std::move(doubtful_probe_);
    if (outcome.verdict == Verdict::delivered) return links_.accept(*link);
    links_.refuse(*link, trouble_of(outcome.verdict), outcome.detail);
  });
}

}  // namespace sidecar::v3

namespace sidecar {

std::unique_ptr<Collector> make_collector(const UplinkOptions& options, EventLoop& loop, Random& random) {
  take_over_grpc_log();
  return std::make_unique<v3::CollectorV3>(options, loop, random);
}

}  // namespace sidecar
