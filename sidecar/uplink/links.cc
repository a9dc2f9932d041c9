#include "uplink/links.h"

#include <algorithm>
#include <utility>

#include "base/units.h"
#include "log/log.h"

namespace sidecar {

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
      timer_(loop.make_timer([this] { look(present(), false); })),
      repick_(loop.make_timer([this] {
        look(present(), true);
        plan_repick();
      })),
      lookup_timeout_(loop.make_timer([this] {
        lookup_.reset();
        on_addresses(asked_, fail(Errc::unavailable, "no answer within " + format_duration(kLookupTimeout)));
      })) {}

void Links::start() {
  if (!current_ && !candidate_ && !lookup_ && !timer_->armed()) look({}, false);
}

void Links::look(const std::string& avoid, bool anew) {
  if (lookup_ || candidate_) return;
  avoid_ = avoid;
  if (credentials_.for_channel() == nullptr) return wait();
  // A name whose only known address is to be avoided may have got others.
  const auto entry = list_.pick_entry(loop_.now(), random_, anew ? std::string() : avoid);
  if (!entry) return wait();
  const HostPort& host = list_.host(*entry);
  if (!current_) address_ = host.text;
  if (host.numeric) return connect(*entry);
  asked_ = *entry;
  lookup_timeout_->start(kLookupTimeout);
  lookup_ = loop_.look_up(host.host, [this](Lookup::Answer answer) {
    const auto asked = std::move(lookup_);
    lookup_timeout_->stop();
    on_addresses(asked_, std::move(answer));
  });
}

void Links::on_addresses(std::size_t entry, Lookup::Answer answer) {
  if (answer) {
    list_.resolved(entry, std::move(*answer), random_);
    return connect(entry);
  }
  const HostPort& host = list_.host(entry);
  const std::string why = "cannot resolve " + host.host + ": " + answer.error().message +
                          "; check the name in collector.addresses and the host's DNS";
  list_.unresolved(entry, why, loop_.now(), random_);
  on_failed(why);
}

void Links::connect(std::size_t entry) {
  const auto endpoint = list_.pick(entry, loop_.now(), random_, avoid_);
  if (!endpoint) return look(avoid_, false);  // all of it rests, or is where we are
  LinkOptions options;
  if (credentials_.tls()) options.credentials = credentials_.for_channel();
  options.server_name = options_.tls.server_name;
  if (!current_) address_ = endpoint->configured;
  candidate_ = std::make_shared<GrpcLink>(*endpoint, options, loop_, completions_,
                                          [this](Link::Event event, const std::string& why) { on_link(event, why); });
}

void Links::on_link(Link::Event event, const std::string& why) {
  switch (event) {
    case Link::Event::ready:
      return adopt();
    case Link::Event::failed: {
      const std::shared_ptr<GrpcLink> failed = std::move(candidate_);
      const Endpoint& endpoint = failed->endpoint();
      const std::string text = "cannot connect to " + endpoint.configured +
                               (endpoint.address == endpoint.configured ? "" : " (" + endpoint.address + ")") + ": " +
                               why;
      list_.failed(endpoint, Trouble::unreachable, text, loop_.now(), random_);
      return on_failed(text);
    }
    case Link::Event::lost:
      return on_lost(why);
  }
}

void Links::adopt() {
  const std::shared_ptr<GrpcLink> old = std::exchange(current_, std::move(candidate_));
  if (old) old->silence();  // its calls keep it
  address_ = current_->endpoint().configured;
  linked_since_ = loop_.now();
  left_ = false;
  timer_->stop();
  plan_repick();
  told_(old ? Event::moved : Event::ready, {});
}

void Links::on_lost(const std::string&) {
  const std::shared_ptr<GrpcLink> gone = std::move(current_);
  left_ = false;
  repick_->stop();
  const Endpoint& endpoint = gone->endpoint();
  // One that is lost at once failed; one that had lasted fails for the first time.
  if (loop_.now() - linked_since_ >= options_.backoff.max) list_.forgive(endpoint);
  const std::string why = "connection to " + endpoint.configured + " lost";
  list_.failed(endpoint, Trouble::lost, why, loop_.now(), random_);
  told_(Event::lost, why);
  // Many hosts have lost it with us: they come back one after the other. But for one of this host's own.
  const double spread = endpoint.loopback ? 0 : random_.fraction() * static_cast<double>(options_.spread.count());
  if (!lookup_ && !candidate_) timer_->start(Duration(static_cast<Duration::rep>(spread)));
}

void Links::on_failed(const std::string& why) {
  if (!current_) told_(Event::failed, why);
  look(avoid_, false);
}

void Links::wait() {
  if (current_ && !left_) return;  // the next repick looks again
  const Duration least = options_.backoff.first / 2;
  const Tick now = loop_.now();
  const Tick due = credentials_.for_channel() == nullptr ? now + options_.reread : list_.next_due();
  timer_->start(std::max(due > now ? due - now : Duration::zero(), std::min<Duration>(least, std::chrono::seconds(1))));
}

void Links::plan_repick() {
  if (!current_) return;
  const double factor = 0.5 + random_.fraction();  // +-50 %
  repick_->start(Duration(static_cast<Duration::rep>(static_cast<double>(options_.repick.count()) * factor)));
}

void Links::leave(const GrpcLink& link, Trouble trouble, const std::string& why) {
  if (current_.get() != &link) return;
  if (!std::exchange(left_, true)) list_.failed(link.endpoint(), trouble, why, loop_.now(), random_);
  look(present(), true);
}

void Links::stay(const GrpcLink& link) {
  if (current_.get() != &link || !std::exchange(left_, false)) return;
  timer_->stop();
}

void Links::hurry() {
  if (timer_->armed()) timer_->start(Duration::zero());
}

void Links::renew() {
  // What is under way has the old ones.
  lookup_.reset();
  lookup_timeout_->stop();
  if (candidate_) std::exchange(candidate_, nullptr)->silence();
  look({}, true);
}

std::vector<AddressList::Status> Links::status() const {
  std::vector<AddressList::Status> all;
  for (std::size_t entry = 0; entry < list_.size(); ++entry) all.push_back(list_.status(entry, loop_.now()));
  return all;
}

}  // namespace sidecar
