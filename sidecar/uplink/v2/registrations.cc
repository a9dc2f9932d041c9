#include "uplink/v2/registrations.h"

#include <algorithm>
#include <functional>

#include "base/backoff.h"

namespace sidecar::v2 {
namespace {

using Event = RegistrationEvent;
using State = RegistrationState;
using Step = RegistrationStep;

// A first id is there at the 2nd or 3rd call, after 0.3 to 0.5 s, or not before seconds have gone. Agents ask each 3 s.
constexpr Backoff kUnanswered{std::chrono::milliseconds(400), std::chrono::seconds(4)};
constexpr Backoff kFailed{std::chrono::milliseconds(400), std::chrono::seconds(30)};
constexpr Duration kSpread = std::chrono::seconds(5);

// What is to be asked again meets others there, for one call.
Tick next_beat(Tick time) {
  constexpr Duration kBeat = std::chrono::milliseconds(100);
  return Tick((time.time_since_epoch() + kBeat - Duration(1)) / kBeat * kBeat);
}

Duration part_of(Duration whole, Random& random) {
  return std::chrono::duration_cast<Duration>(whole * random.fraction());
}

}  // namespace

std::size_t Registrations::NamesHash::operator()(const Names& names) const {
  return std::hash<std::string_view>()(names.service) * 31 + std::hash<std::string_view>()(names.name);
}

Registrations::Handle Registrations::add(const Instance& instance, Tick now) {
  if (const Handle known = find(instance.service, instance.name); known != 0) return known;
  const Handle handle = ++last_handle_;
  Registration& registration = all_[handle];
  registration.instance = instance;
  by_names_[{registration.instance.service, registration.instance.name}] = handle;
  if (connected_) apply(handle, registration, Event::renewed, now);
  return handle;
}

void Registrations::remove(Handle handle) {
  const auto found = all_.find(handle);
  if (found == all_.end()) return;
  plan(handle, found->second, Tick::max());
  by_names_.erase({found->second.instance.service, found->second.instance.name});
  all_.erase(found);
}

Registrations::Handle Registrations::find(std::string_view service, std::string_view name) const {
  const auto found = by_names_.find({service, name});
  return found == by_names_.end() ? 0 : found->second;
}

std::array<std::size_t, kRegistrationStates> Registrations::by_state() const {
  std::array<std::size_t, kRegistrationStates> counts{};
  for (const auto& [handle, registration] : all_) ++counts[static_cast<std::size_t>(registration.state)];
  return counts;
}

void Registrations::on_connected(Tick now) {
  connected_ = true;
  for (auto& [handle, registration] : all_) {
    registration.pauses = 0;
    apply(handle, registration, Event::renewed, now);
  }
}

void Registrations::on_lost() {
  connected_ = false;
  for (auto& [handle, registration] : all_) apply(handle, registration, Event::lost, Tick());
}

void Registrations::on_reset(Handle handle, Tick now) {
  if (const auto found = all_.find(handle); found != all_.end()) apply(handle, found->second, Event::reset, now);
}

void Registrations::on_doubt(Tick now) {
  ++number_;
  renew_others(now);
}

Registrations::Question Registrations::next(Tick now) {
  Question question;
  if (!connected_) return question;
  std::set<std::string_view> keys;
  for (auto at = due_.begin(); at != due_.end() && at->first <= now;) {
    const Handle handle = at->second;
    ++at;  // plan() takes it away
    Registration& registration = all_.at(handle);
    const Step due = step(registration.state, Event::due);
    const auto what = asks_service(due.state) ? Question::services : Question::instances;
    if (!question) question.what = what;
    if (what != question.what || (registration.alone && question)) continue;
    const std::string& mine = key(registration, what);
    const bool there = keys.count(mine) != 0;
    // Instances of one UUID could not be told apart in the answer.
    if (there && what == Question::instances) continue;
    if (!there && keys.size() == (what == Question::services ? kMaxServices : kMaxInstances)) continue;
    if (!question) question.number = ++last_question_;
    keys.insert(mine);
    question.askers.push_back(handle);
    registration.state = due.state;
    registration.question = question.number;
    plan(handle, registration, Tick::max());
    if (registration.alone) break;
  }
  return question;
}

void Registrations::answered(const Question& question, std::span<const Mapping> answer, Tick now) {
  const Answers answers = judged(question, answer);
  for (const Handle handle : question.askers) {
    if (!waits(question, handle)) continue;
    Registration& registration = all_.at(handle);
    const bool service = question.what == Question::services;
    const auto id = static_cast<std::int32_t>(answers.at(key(registration, question.what)));
    const std::int32_t before = service ? registration.ids.service : registration.ids.instance;
    apply(handle, registration,
          id == 0   ? Event::absent
          : service ? (id == before ? Event::service_same : Event::service_other)
                    : (id == before ? Event::instance_same : Event::instance_other),
          now, id);
  }
}

// What was asked for, with its id, or 0 if there is none to believe.
Registrations::Answers Registrations::judged(const Question& question, std::span<const Mapping> answer) {
  Answers answers;
  for (const Handle handle : question.askers)
    if (waits(question, handle)) answers.emplace(key(all_.at(handle), question.what), -1);
  const auto judge = [&](const Mapping& mapping) {
    if (answers.empty()) return Learnt::stale;
    const auto asked = answers.find(mapping.name);
    if (asked == answers.end()) return Learnt::foreign;
    if (usable(mapping.id) == 0) return Learnt::out_of_range;
    if (asked->second == mapping.id) return Learnt::duplicate;
    const bool first = asked->second < 0;
    asked->second = first ? mapping.id : 0;  // of two ids, none
    return first ? Learnt::id : Learnt::changed;
  };
  for (const Mapping& mapping : answer) ++learnt_[judge(mapping)];
  for (auto& [name, id] : answers) id = std::max<std::int64_t>(id, 0);
  return answers;
}

void Registrations::failed(const Question& question, bool refused, Tick now) {
  // Of several it may be any: each is asked alone before a conclusion is drawn.
  const bool stale = refused && question.what == Question::instances && question.askers.size() == 1;
  for (const Handle handle : question.askers) {
    if (!waits(question, handle)) continue;
    Registration& registration = all_.at(handle);
    registration.alone = registration.alone || refused;
    apply(handle, registration, stale ? Event::stale : Event::failed, now);
  }
}

bool Registrations::waits(const Question& question, Handle handle) const {
  const Registration* registration = get(handle);
  return registration != nullptr && registration->question == question.number;
}

const Registrations::Registration* Registrations::get(Handle handle) const {
  const auto found = all_.find(handle);
  return found == all_.end() ? nullptr : &found->second;
}

Registrations::Ids Registrations::confirmed(Handle handle) const {
  const Registration* registration = get(handle);
  return registration != nullptr && registration->state == State::confirmed ? registration->ids : Ids();
}

void Registrations::apply(Handle handle, Registration& registration, Event event, Tick now, std::int32_t id) {
  const Step next = step(registration.state, event);
  const bool news = next.forget && registration.number == number_;
  ids_after(registration, next, event, id);
  registration.state = next.state;
  if (next.next != Step::wait) {
    registration.question = 0;
    plan(handle, registration, time_of(next.next, registration, event, now));
  }
  if (news) ++number_;
  if (next.state == State::confirmed) {
    registration.number = number_;
    registration.pauses = 0;
    registration.alone = false;
  }
  if (news) renew_others(now);
}

void Registrations::ids_after(Registration& registration, const Step& step, Event event, std::int32_t id) {
  if (step.state == State::unregistered || step.state == State::asking_service) registration.ids = {};
  if (step.forget) registration.ids.instance = 0;
  if (!step.take) return;
  const bool service = event == Event::service_same || event == Event::service_other;
  (service ? registration.ids.service : registration.ids.instance) = id;
}

Tick Registrations::time_of(Step::Next next, Registration& registration, Event event, Tick now) {
  switch (next) {
    case Step::now:
      return now;
    case Step::soon:
      return next_beat(now + (event == Event::failed ? kFailed : kUnanswered).delay(++registration.pauses, random_));
    case Step::check:
      return now + kCheck * 9 / 10 + part_of(kCheck / 5, random_);
    case Step::spread:
      return now + part_of(kSpread, random_);
    case Step::wait:
    case Step::rest:
      break;
  }
  return Tick::max();
}

void Registrations::plan(Handle handle, Registration& registration, Tick due) {
  if (registration.due != Tick::max()) due_.erase({registration.due, handle});
  registration.due = due;
  if (due != Tick::max()) due_.emplace(due, handle);
}

// Those that are not confirmed are about to be asked for, or are already.
void Registrations::renew_others(Tick now) {
  for (auto& [handle, registration] : all_)
    if (registration.state == State::confirmed && registration.number != number_)
      apply(handle, registration, Event::renewed, now);
}

}  // namespace sidecar::v2
