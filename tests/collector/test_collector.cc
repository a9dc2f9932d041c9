#include "test_collector.h"

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/grpcpp.h>

#include <functional>
#include <mutex>

#include "base/check.h"
#include "call_reactor.h"
#include "reserved_port.h"
#include "v2_protocol.h"
#include "v3_protocol.h"
#include "worker.h"

namespace sidecar {
namespace {

// gRPC lets a service belong to one server only, so each opening has its own.
class Service final : public grpc::CallbackGenericService {
 public:
  explicit Service(CallContext& server) : server_(server) {}
  grpc::ServerGenericBidiReactor* CreateReactor(grpc::GenericCallbackServerContext* context) override {
    auto* call = new CallReactor(server_, *context);  // deletes itself when done
    call->start();
    return call;
  }

 private:
  CallContext& server_;
};

std::shared_ptr<grpc::ServerCredentials> credentials(const TestCollectorOptions& options) {
  if (options.tls_cert.empty()) return grpc::InsecureServerCredentials();
  grpc::SslServerCredentialsOptions tls(options.client_ca.empty()
                                            ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                            : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  tls.pem_key_cert_pairs.push_back({options.tls_key, options.tls_cert});
  tls.pem_root_certs = options.client_ca;
  return grpc::SslServerCredentials(tls);
}

}  // namespace

struct TestCollector::Impl {
  explicit Impl(TestCollectorOptions given)
      : options(std::move(given)), store(options.max_segments), port(options.port), token(options.token) {}

  std::unique_ptr<Protocol> make_protocol(Generation generation);
  std::string address() const { return "127.0.0.1:" + std::to_string(port.number()); }
  void open();
  void close();
  // Goes away and is back; what is done `meanwhile` meets no call.
  void reopen(const std::function<void()>& meanwhile);

  const TestCollectorOptions options;
  Store store;
  // These two change only while there is no server: calls use them without the lock.
  V2Protocol* v2 = nullptr;  // `protocol`, if it is of v2
  std::unique_ptr<Protocol> protocol = make_protocol(options.generation);
  MisbehaviourList misbehaviours;
  ParkedCalls parked;
  ReservedPort port;

  mutable std::mutex token_mutex;
  std::string token;

  std::mutex server_mutex;  // guards `service`, `server`, `protocol`, `v2`; never taken by gRPC's threads
  std::unique_ptr<Service> service;
  std::unique_ptr<grpc::Server> server;
  std::unique_ptr<Worker> worker = std::make_unique<Worker>();
  CallContext context{protocol.get(),
                      store,
                      misbehaviours,
                      parked,
                      *worker,
                      options.max_message,
                      [this] {
                        const std::lock_guard lock(token_mutex);
                        return token;
                      },
                      [this] { reopen([] {}); }};

 private:
  // Under server_mutex.
  void start();
  void shut();
};

std::unique_ptr<Protocol> TestCollector::Impl::make_protocol(Generation generation) {
  v2 = nullptr;
  if (generation == Generation::v3)
    return std::make_unique<V3Protocol>(store, Spelling{options.packaged, options.bare, options.sync});
  auto made = std::make_unique<V2Protocol>(store, generation, options.empty_answers);
  v2 = made.get();
  return made;
}

void TestCollector::Impl::open() {
  const std::lock_guard lock(server_mutex);
  start();
}

void TestCollector::Impl::close() {
  const std::lock_guard lock(server_mutex);
  shut();
}

void TestCollector::Impl::reopen(const std::function<void()>& meanwhile) {
  const std::lock_guard lock(server_mutex);
  shut();
  meanwhile();
  start();
}

void TestCollector::Impl::start() {
  if (server) return;
  grpc::ServerBuilder builder;
  int bound = 0;
  builder.AddListeningPort(address(), credentials(options), &bound);
  service = std::make_unique<Service>(context);
  builder.RegisterCallbackGenericService(service.get());
  builder.SetMaxReceiveMessageSize(-1);  // max_message is ours to answer
  server = builder.BuildAndStart();
  CHECK(server != nullptr && bound == port.number());
}

void TestCollector::Impl::shut() {
  if (!server) return;
  server->Shutdown(std::chrono::system_clock::now());
  server->Wait();
  server.reset();
  service.reset();
}

TestCollector::TestCollector(TestCollectorOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {
  impl_->open();
}

TestCollector::~TestCollector() {
  impl_->close();
  impl_->worker.reset();
  impl_->close();  // a task of the worker may have opened it again
}

std::string TestCollector::address() const { return impl_->address(); }
Store& TestCollector::store() { return impl_->store; }
const Store& TestCollector::store() const { return impl_->store; }

void TestCollector::add(ProfileTask task) {
  const std::lock_guard lock(impl_->server_mutex);
  impl_->protocol->add(std::move(task));
}

void TestCollector::misbehave(Misbehaviour misbehaviour) { impl_->misbehaviours.add(std::move(misbehaviour)); }

void TestCollector::behave() {
  impl_->misbehaviours.clear();
  impl_->parked.release_all();
  impl_->open();
}

std::size_t TestCollector::parked() const { return impl_->parked.size(); }

void TestCollector::close() { impl_->close(); }
void TestCollector::open() { impl_->open(); }

void TestCollector::restart(bool wipe) {
  impl_->reopen([&] {
    if (!wipe) return;
    impl_->store.wipe();
    impl_->protocol->wipe();
  });
}

void TestCollector::restart_as(Generation generation) {
  impl_->reopen([&] {
    impl_->store.wipe();
    impl_->protocol = impl_->make_protocol(generation);
    impl_->context.protocol = impl_->protocol.get();
  });
}

V2Ids TestCollector::ids() const {
  const std::lock_guard lock(impl_->server_mutex);
  return impl_->v2 != nullptr ? impl_->v2->ids() : V2Ids();
}

std::pair<int, int> TestCollector::add_stranger(const std::string& service, const std::string& uuid) {
  const std::lock_guard lock(impl_->server_mutex);
  return impl_->v2 != nullptr ? impl_->v2->add_stranger(service, uuid) : std::pair(0, 0);
}

void TestCollector::serve(bool packaged, bool bare, bool sync) {
  const std::lock_guard lock(impl_->server_mutex);
  impl_->protocol->serve({packaged, bare, sync});
}

void TestCollector::set_token(std::string token) {
  const std::lock_guard lock(impl_->token_mutex);
  impl_->token = std::move(token);
}

}  // namespace sidecar
