#pragma once

// Turns what gRPC says about a connection that could not be made into a sentence that
// tells an operator what is wrong and what to do. Its words are gRPC 1.51's and OpenSSL's;
// tests/contract/connect_failure_test.cc makes each of them happen. Pure.

#include <string>
#include <string_view>

namespace sidecar {

// `detail`: the message of the status that a call on the failed channel ended with. `tls`: whether we
// spoke TLS. What is not known is passed on, printable and bounded.
std::string explain_connect_failure(std::string_view detail, bool tls);

}  // namespace sidecar
