#include "uplink/links.h"

#include <algorithm>
#include <utility>

#include "log/log.h"

namespace sidecar {
namespace {

std::string in_words(const Endpoint& endpoint) {
  if (endpoint.address == endpoint.configured) return endpoint.configured;
  return endpoint.configured + " (" + endpoint.address + ")";
}

}  // namespace

Links::Links(const UplinkOptions& options, EventLoop& loop, CompletionThread& completions, Random& random,
             const Credentials& credentials, Told told)
    : options_(options),
      loop_(loop),
      completions_(completions),
      random_(random),
      credentials_(credentials),
      told_(std::move(told)),
      list_(options.addresses, options.backoff),
      address_(options.addresses.front()),
      timer_(loop.make_timer([this] { look(avoided(), false); })),
      repick_(loop.make_timer([this] {
        look(avoided(), true);
        plan_repick();
      })),
      resolver_(loop, list_.size(), [this](std::size_t entry, Lookup::Answer answer, bool in_time) {
        on_addresses(entry, std::move(answer), in_time);
      }) {}

void Links::start() {
  if (!current_ && !candidate_ && !resolver_.waiting() && !timer_->armed()) look({}, false);
}

void Links::look(const std::string& avoid, bool anew) {
  if (resolver_.waiting() || candidate_) return;
  avoid_ = avoid;
  if (credentials_.for_channel() == nullptr) return wait();
  // A name whose only known address is to be avoided may have got others.
  const auto entry = list_.pick_entry(loop_.now(), random_, anew ? std::string() : avoid);
  if (!entry) return wait();
  const HostPort& host = list_.host(*entry);
  if (!current_) address_ = host.text;
  if (host.numeric || (resolver_.is_slow(*entry) && list_.known(*entry))) return connect(*entry);
  attempt_since_ = loop_.now();
  asked_ = host.host;
  resolver_.ask(*entry, host.host);
}

void Links::on_addresses(std::size_t entry, Lookup::Answer answer, bool in_time) {
  std::string why;
  if (answer) {
    list_.resolved(entry, std::move(*answer), loop_.now(), random_);
  } else {
    const HostPort& host = list_.host(entry);
    why = "cannot resolve " + host.host + ": " + answer.error().message +
          "; check the name in collector.addresses and the host's DNS";
    list_.unresolved(entry, why, loop_.now(), random_);
  }
  if (in_time && list_.known(entry)) return connect(entry);
  if (in_time) return on_failed(why);
  // Late: what was missing, if we wait for nothing else.
  const bool waits = timer_->armed() && loop_.now() >= spread_until_ && credentials_.for_channel() != nullptr;
  if (!answer || !waits) return;
  timer_->stop();
  avoid_ = avoided();
  connect(entry);
}

void Links::connect(std::size_t entry) {
  const auto endpoint = list_.pick(entry, loop_.now(), random_, avoid_);
  if (!endpoint) return look(avoid_, false);  // all of it rests, or is where we are
  LinkOptions options;
  if (credentials_.tls()) options.credentials = credentials_.for_channel();
  options.server_name = options_.tls.server_name;
  options.connect_timeout = connect_timeout(*endpoint);
  attempt_since_ = loop_.now();
  if (!current_) address_ = endpoint->configured;
  candidate_ = std::make_shared<Link>(
      *endpoint, options, loop_, completions_,
      [this](const Link& link, Link::Event event, const std::string& why) { on_link(link, event, why); });
}

Duration Links::connect_timeout(const Endpoint& endpoint) const {
  Duration limit = kMostConnect;
  if (list_.has_other(endpoint)) limit = std::clamp(options_.unanswered, kLeastConnect, kMostConnect);
  return hurry_ ? std::min(limit, *hurry_ * 4) : limit;
}

void Links::on_link(const Link& link, Link::Event event, const std::string& why) {
  const Endpoint& endpoint = link.endpoint();
  switch (event) {
    case Link::Event::ready:
      return on_connected();
    case Link::Event::failed:
      return give_up(Trouble::unreachable, "cannot connect to " + in_words(endpoint) + ": " + why);
    case Link::Event::lost:
      if (&link == current_.get()) return on_lost();
      return give_up(Trouble::lost, "connection to " + endpoint.configured + " lost");
  }
}

void Links::on_connected() {
  const bool ask = is_refusal(list_.refusal(candidate_->endpoint())) || is_refusal(refusal());
  if (!current_ || !ask) return adopt();
  doubtful_ = true;
  told_(Event::doubtful, {});
}

void Links::accept(const Link& link) {
  if (candidate_.get() != &link) return;
  list_.works(link.endpoint());
  adopt();
}

void Links::refuse(const Link& link, Trouble trouble, const std::string& why) {
  if (candidate_.get() == &link) give_up(trouble, why);
}

void Links::give_up(Trouble trouble, const std::string& why) {
  const std::shared_ptr<Link> failed = std::move(candidate_);
  failed->silence();
  doubtful_ = false;
  list_.failed(failed->endpoint(), trouble, why, loop_.now(), random_);
  on_failed(why);
}

void Links::adopt() {
  close_record();
  const std::shared_ptr<Link> old = std::exchange(current_, std::move(candidate_));
  if (old) old->silence();  // its calls keep it
  address_ = current_->endpoint().configured;
  if (refusal() == Trouble::none) {
    list_.works(current_->endpoint());
    well_since_ = loop_.now();
  }
  left_ = renewing_ = doubtful_ = false;
  timer_->stop();
  plan_repick();
  told_(old ? Event::moved : Event::ready, {});
}

void Links::close_record() {
  const auto since = std::exchange(well_since_, std::nullopt);
  if (since && loop_.now() - *since >= options_.backoff.max) list_.forgive(current_->endpoint());
}

void Links::on_lost() {
  close_record();
  const std::shared_ptr<Link> gone = std::move(current_);
  repick_->stop();
  const Endpoint& endpoint = gone->endpoint();
  const std::string why = "connection to " + endpoint.configured + " lost";
  left_ = renewing_ = false;
  list_.failed(endpoint, Trouble::lost, why, loop_.now(), random_);
  told_(Event::lost, why);
  if (doubtful_) return adopt();
  // Many hosts have lost it with us: they come back one after the other. But for one of this host's own.
  const double spread =
      endpoint.loopback || hurry_ ? 0 : random_.fraction() * static_cast<double>(options_.spread.count());
  spread_until_ = loop_.now() + Duration(static_cast<Duration::rep>(spread));
  if (!resolver_.waiting() && !candidate_) timer_->start(spread_until_ - loop_.now());
}

void Links::on_failed(const std::string& why) {
  if (!current_) told_(Event::failed, why);
  look(avoid_, false);
}

void Links::wait() {
  if (current_ && !left_ && !renewing_) return;  // the next repick looks again
  const Duration least = options_.backoff.first / 2;
  const Tick now = loop_.now();
  Tick due = credentials_.for_channel() == nullptr ? now + options_.reread : list_.next_due();
  if (!current_) due = std::max(due, spread_until_);
  Duration delay = std::max(due - now, std::min<Duration>(least, std::chrono::seconds(1)));
  if (hurry_) delay = std::min(delay, *hurry_);
  timer_->start(delay);
}

void Links::plan_repick() {
  if (!current_) return;
  const double factor = 0.5 + random_.fraction();  // +-50 %
  repick_->start(Duration(static_cast<Duration::rep>(static_cast<double>(options_.repick.count()) * factor)));
}

void Links::leave(const Link& link, Trouble trouble, const std::string& why) {
  if (current_.get() != &link) return;
  if (!std::exchange(left_, true)) {
    close_record();
    list_.failed(link.endpoint(), trouble, why, loop_.now(), random_);
  }
  look(avoided(), true);
}

void Links::stay(const Link& link) {
  if (current_.get() != &link || (!left_ && refusal() == Trouble::none)) return;
  left_ = false;
  well_since_ = loop_.now();
  list_.works(link.endpoint());
  if (!renewing_) timer_->stop();
}

void Links::wake() {
  list_.wake(loop_.now());
  if (timer_->armed()) timer_->start(std::max(spread_until_ - loop_.now(), Duration::zero()));
}

void Links::hurry(Duration longest) {
  hurry_ = longest;
  spread_until_ = Tick{};
  list_.limit_rests(longest);
  resolver_.hurry(longest);
  wake();
}

void Links::abandon_attempt() {
  resolver_.wait_no_longer();
  if (candidate_) std::exchange(candidate_, nullptr)->silence();
  doubtful_ = false;
}

void Links::part() {
  const std::shared_ptr<Link> gone = std::move(current_);
  gone->silence();
  well_since_.reset();
  left_ = renewing_ = false;
  repick_->stop();
  told_(Event::parted, {});
}

void Links::apply(const UplinkOptions& before, bool other_tls) {
  if (before.repick != options_.repick) plan_repick();
  const bool other_list = before.addresses != options_.addresses || before.backoff != options_.backoff;
  other_tls = other_tls || before.tls != options_.tls;
  if (!other_list && !other_tls) return;
  abandon_attempt();  // it began by what was right then
  if (other_list) {
    list_.replace(options_.addresses, options_.backoff);
    resolver_.restart(list_.size());
  }
  if (current_ && (!list_.holds(current_->endpoint()) || before.tls.enabled != options_.tls.enabled)) part();
  if (current_ && other_tls) return renew();
  list_.wake(loop_.now());
  spread_until_ = Tick{};
  if (current_ && !left_) return;
  timer_->stop();
  look(avoided(), true);
}

void Links::renew() {
  abandon_attempt();  // it has the old ones
  renewing_ = current_ != nullptr;
  list_.wake(loop_.now());
  look(avoided(), true);
}

std::string Links::attempt(Tick& since) const {
  since = attempt_since_;
  if (resolver_.waiting()) return "asking for the addresses of " + asked_;
  if (!candidate_) return {};
  return (doubtful_ ? "probing " : "connecting to ") + in_words(candidate_->endpoint());
}

std::vector<AddressList::Status> Links::status() const {
  std::vector<AddressList::Status> all;
  for (std::size_t entry = 0; entry < list_.size(); ++entry) all.push_back(list_.status(entry, loop_.now()));
  return all;
}

}  // namespace sidecar
