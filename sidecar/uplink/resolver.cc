#include "uplink/resolver.h"

#include <algorithm>
#include <utility>

#include "base/units.h"

namespace sidecar {

Resolver::Resolver(EventLoop& loop, std::size_t names, Told told)
    : loop_(loop),
      told_(std::move(told)),
      limit_(loop.make_timer([this] {
        const std::size_t name = *std::exchange(awaited_, std::nullopt);
        told_(name, fail(Errc::unavailable, "no answer within " + format_duration(patience_)), true);
      })),
      lookups_(names) {}

void Resolver::restart(std::size_t names) {
  wait_no_longer();
  lookups_.clear();
  lookups_.resize(names);
}

void Resolver::ask(std::size_t name, const std::string& host) {
  awaited_ = name;
  limit_->start(patience_);
  if (lookups_[name]) return;
  lookups_[name] = loop_.look_up(host, [this, name](Lookup::Answer answer) { on_answer(name, std::move(answer)); });
}

void Resolver::on_answer(std::size_t name, Lookup::Answer answer) {
  const auto asked = std::move(lookups_[name]);
  const bool in_time = awaited_ == name;
  if (in_time) wait_no_longer();
  told_(name, std::move(answer), in_time);
}

void Resolver::wait_no_longer() {
  awaited_.reset();
  limit_->stop();
}

void Resolver::hurry(Duration patience) {
  patience_ = std::min(patience_, patience);
  if (waiting()) limit_->start(patience_);
}

}  // namespace sidecar
