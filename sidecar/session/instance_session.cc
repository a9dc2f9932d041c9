#include "session/instance_session.h"

namespace sidecar {

InstanceSession::InstanceSession(InstanceName name, Properties properties, const SessionOptions& options,
                                 EventLoop& loop, Collector& collector, Random& random)
    : name_(std::move(name)),
      properties_(std::move(properties)),
      options_(options),
      loop_(loop),
      collector_(collector),
      random_(random),
      since_(loop.now()),
      timer_(loop.make_timer([this] {
        // A delayed announcement is due: the table has been asked already.
        if (std::exchange(spread_, Duration::zero()) > Duration::zero()) return announce();
        on(SessionEvent::tick);
      })) {}

void InstanceSession::set_properties(Properties properties) {
  properties_ = std::move(properties);
  changed_ = true;
}

void InstanceSession::repace() {
  // Otherwise it waits for an answer, or to announce itself.
  if (state_ == SessionState::live && timer_->armed()) act(SessionAction::schedule_beat);
}

void InstanceSession::on(SessionEvent event, Duration spread) {
  const SessionStep next = step(state_, event);
  if (next.state != state_) since_ = loop_.now();
  state_ = next.state;
  spread_ = Duration::zero();
  if (next.action == SessionAction::announce && spread > Duration::zero()) {
    cancel();
    spread_ = spread;
    timer_->start(Duration(static_cast<Duration::rep>(random_.fraction() * static_cast<double>(spread.count()))));
    return;
  }
  act(next.action);
}

void InstanceSession::act(SessionAction action) {
  switch (action) {
    case SessionAction::none:
      return;
    case SessionAction::announce:
      return announce();
    case SessionAction::beat:
      return beat();
    case SessionAction::cancel:
      return cancel();
    case SessionAction::schedule_retry: {
      const Backoff backoff;
      return timer_->start(backoff.delay(++failures_, random_));
    }
    case SessionAction::schedule_beat: {
      failures_ = 0;
      // +-10 %: instances that were announced together do not beat together for ever.
      const double factor = 0.9 + 0.2 * random_.fraction();
      return timer_->start(
          Duration(static_cast<Duration::rep>(static_cast<double>(options_.keep_alive.count()) * factor)));
    }
  }
}

void InstanceSession::announce() {
  cancel();
  beats_ = 0;
  send_properties();
  send_keep_alive();
}

void InstanceSession::beat() {
  // A beat whose predecessor is still unanswered would say nothing new.
  if (in_flight_ > 0) return;
  if (++beats_ % options_.properties_every == 0 || changed_) send_properties();
  send_keep_alive();
}

void InstanceSession::send_properties() {
  changed_ = false;
  ++in_flight_;
  properties_call_ = collector_.report_properties(name_, properties_, [this](Outcome outcome) { answered(outcome); });
}

void InstanceSession::send_keep_alive() {
  ++in_flight_;
  keep_alive_call_ = collector_.keep_alive(name_, [this](Outcome outcome) { answered(outcome); });
}

void InstanceSession::answered(const Outcome& outcome) {
  if (outcome.verdict != Verdict::delivered) {
    failed_ = true;
    last_error_ = outcome.detail;
  }
  if (--in_flight_ > 0) return;
  const bool failed = std::exchange(failed_, false);
  if (!failed) last_error_.clear();
  on(failed ? SessionEvent::answered_failed : SessionEvent::answered_ok);
}

void InstanceSession::cancel() {
  timer_->stop();
  properties_call_.reset();
  keep_alive_call_.reset();
  in_flight_ = 0;
  failed_ = false;
}

}  // namespace sidecar
