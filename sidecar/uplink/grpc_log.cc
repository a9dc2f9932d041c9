#include "uplink/grpc_log.h"

#include <grpc/support/log.h>

#include "log/log.h"

namespace sidecar {

void take_over_grpc_log() {
  gpr_set_log_function(
      [](gpr_log_func_args* line) { log_debug("grpc: {} ({}:{})", line->message, line->file, line->line); });
}

}  // namespace sidecar
