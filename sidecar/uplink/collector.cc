#include "uplink/collector.h"

namespace sidecar {

std::string_view to_text(CollectorState state) {
  switch (state) {
    case CollectorState::idle:
      return "idle";
    case CollectorState::connecting:
      return "connecting";
    case CollectorState::up:
      return "up";
    case CollectorState::down:
      return "down";
    case CollectorState::auth:
      return "auth";
    case CollectorState::wrong_server:
      return "wrong_server";
  }
  return "?";
}

}  // namespace sidecar
