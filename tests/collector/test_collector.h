#pragma once

// TestCollector is a real gRPC server that answers as a SkyWalking OAP of
// generation v3 does, remembers what it got (store()), and misbehaves on demand.
// Methods: ManagementService/reportInstanceProperties and /keepAlive,
// TraceSegmentReportService/collectInSync and /collect; packaged (skywalking.v3.)
// and bare spelling. It listens on 127.0.0.1 only, on a port of the kernel's
// choice that stays reserved for its whole life, also while it is closed.
//
// All functions may be called from any thread but gRPC's own.

#include <memory>
#include <string>

#include "misbehaviour.h"
#include "store.h"

namespace sidecar {

struct TestCollectorOptions {
  bool packaged = true;                 // serves /skywalking.v3.Service/method
  bool bare = true;                     // serves /Service/method
  bool sync = true;                     // serves collectInSync (since 8.2); collect is always there
  std::string token;                    // if not empty, the header "authentication" must equal it
  std::size_t max_message = 50u << 20;  // beyond it the stream is reset
  std::size_t max_segments = 200'000;
  int port = 0;  // 0: any
  // PEM texts. With a certificate and its key it speaks TLS alone; with the CA of
  // clients as well, it wants a certificate of theirs that this CA has signed.
  std::string tls_cert, tls_key, client_ca;
};

class TestCollector {
 public:
  explicit TestCollector(TestCollectorOptions options = {});
  ~TestCollector();
  TestCollector(const TestCollector&) = delete;
  TestCollector& operator=(const TestCollector&) = delete;

  // "127.0.0.1:PORT", also while closed.
  std::string address() const;

  Store& store();
  const Store& store() const;

  void misbehave(Misbehaviour misbehaviour);
  // Ends every misbehaviour, lets hanging calls have their answer, opens again.
  void behave();
  // Calls that hang or wait for their delay.
  std::size_t parked() const;

  // Goes away: calls in flight break, new connections are refused.
  void close();
  // Is back on the same port; nothing happens if it is open.
  void open();
  // close() and open(); with `wipe` it has forgotten what it was told.
  void restart(bool wipe = false);

  // Which spellings are served from now on.
  void serve(bool packaged, bool bare, bool sync = true);
  void set_token(std::string token);

  struct Impl;

 private:
  std::unique_ptr<Impl> impl_;
};

}  // namespace sidecar
