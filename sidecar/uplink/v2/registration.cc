#include "uplink/v2/registration.h"

#include <array>
#include <cstddef>

namespace sidecar::v2 {
namespace {

using State = RegistrationState;
using Event = RegistrationEvent;
using Step = RegistrationStep;
using enum RegistrationState;
using enum RegistrationEvent;

constexpr bool kTake = true, kForget = true, kNo = false;

struct Row {
  State state;
  Event event;
  Step step;
};

// What is not here changes nothing.
constexpr Row kRows[] = {
    {unregistered, renewed, {asking_service, Step::now}},
    {unregistered, due, {asking_service, Step::now}},

    {asking_service, renewed, {asking_service, Step::now}},
    {asking_service, lost, {unregistered, Step::rest}},
    {asking_service, due, {asking_service, Step::now}},
    {asking_service, service_same, {asking_instance, Step::now, kTake}},
    {asking_service, service_other, {asking_instance, Step::now, kTake}},
    {asking_service, absent, {asking_service, Step::soon}},
    {asking_service, failed, {asking_service, Step::soon}},

    {asking_instance, renewed, {asking_service, Step::now}},
    {asking_instance, lost, {unregistered, Step::rest}},
    {asking_instance, due, {asking_instance, Step::now}},
    {asking_instance, instance_same, {confirmed, Step::check, kTake}},
    {asking_instance, instance_other, {confirmed, Step::check, kTake}},
    {asking_instance, absent, {asking_instance, Step::soon}},
    // Not at once: a collector that confirms the service and refuses the instance would be asked without end.
    {asking_instance, stale, {asking_service, Step::soon}},
    {asking_instance, failed, {asking_instance, Step::soon}},

    {confirmed, renewed, {confirming_service, Step::now}},
    {confirmed, lost, {unconfirmed, Step::rest}},
    {confirmed, due, {confirming_service, Step::now}},
    {confirmed, reset, {unregistered, Step::spread, kNo, kForget}},

    {unconfirmed, renewed, {confirming_service, Step::now}},
    {unconfirmed, reset, {unregistered, Step::rest, kNo, kForget}},

    {confirming_service, renewed, {confirming_service, Step::now}},
    {confirming_service, lost, {unconfirmed, Step::rest}},
    {confirming_service, due, {confirming_service, Step::now}},
    {confirming_service, service_same, {confirming_instance, Step::now}},
    {confirming_service, service_other, {asking_instance, Step::now, kTake, kForget}},
    {confirming_service, absent, {asking_service, Step::soon, kNo, kForget}},
    {confirming_service, failed, {confirming_service, Step::soon}},
    {confirming_service, reset, {unregistered, Step::spread, kNo, kForget}},

    {confirming_instance, renewed, {confirming_service, Step::now}},
    {confirming_instance, lost, {unconfirmed, Step::rest}},
    {confirming_instance, due, {confirming_instance, Step::now}},
    {confirming_instance, instance_same, {confirmed, Step::check}},
    {confirming_instance, instance_other, {confirmed, Step::check, kTake, kForget}},
    {confirming_instance, absent, {asking_instance, Step::soon, kNo, kForget}},
    {confirming_instance, stale, {asking_service, Step::soon, kNo, kForget}},
    {confirming_instance, failed, {confirming_instance, Step::soon}},
    {confirming_instance, reset, {unregistered, Step::spread, kNo, kForget}},
};

using Table = std::array<std::array<Step, kRegistrationEvents>, kRegistrationStates>;

constexpr Table kTable = [] {
  Table table{};
  for (std::size_t state = 0; state < table.size(); ++state)
    for (Step& cell : table[state]) cell = {static_cast<State>(state)};
  for (const Row& row : kRows)
    table[static_cast<std::size_t>(row.state)][static_cast<std::size_t>(row.event)] = row.step;
  return table;
}();

}  // namespace

RegistrationStep step(RegistrationState state, RegistrationEvent event) {
  return kTable[static_cast<std::size_t>(state)][static_cast<std::size_t>(event)];
}

std::string_view to_text(RegistrationState state) {
  constexpr std::string_view kTexts[] = {"unregistered", "asking service",     "asking instance",    "confirmed",
                                         "unconfirmed",  "confirming service", "confirming instance"};
  return kTexts[static_cast<std::size_t>(state)];
}

}  // namespace sidecar::v2
