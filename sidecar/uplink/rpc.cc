#include "uplink/rpc.h"

#include <mutex>
#include <utility>

#include "uplink/call_context.h"

namespace sidecar {

// Lives until gRPC is through with it, which may be after its Rpc.
class Rpc::Pending final : public CompletionThread::Event {
 public:
  explicit Pending(Done done) : done_(std::move(done)) {}

  void start(CompletionThread& completions, grpc::GenericStub& stub, const std::string& path,
             const grpc::ByteBuffer& request, const CallTerms& terms, std::shared_ptr<Event> self) {
    const std::lock_guard lock(mutex_);
    context_ = make_call_context(terms);
    reader_ = stub.PrepareUnaryCall(context_.get(), path, request, &completions.queue());
    reader_->StartCall();
    reader_->Finish(&answer_, &status_, completions.tag(std::move(self)));
  }

  void settled() override {
    const std::lock_guard lock(mutex_);
    reader_.reset();
    context_.reset();
  }

  void completed(bool) override {
    const Done done = std::exchange(done_, nullptr);
    if (done) done(status_, answer_);
  }

  void cancel() {
    done_ = nullptr;
    const std::lock_guard lock(mutex_);
    if (context_) context_->TryCancel();
  }

 private:
  Done done_;  // the loop's
  grpc::ByteBuffer answer_;
  grpc::Status status_;

  std::mutex mutex_;  // guards the two below
  std::unique_ptr<grpc::ClientContext> context_;
  std::unique_ptr<grpc::GenericClientAsyncResponseReader> reader_;  // after its context
};

Rpc::Rpc(CompletionThread& completions, grpc::GenericStub& stub, const std::string& path,
         const grpc::ByteBuffer& request, const CallTerms& terms, Done done)
    : pending_(std::make_shared<Pending>(std::move(done))) {
  pending_->start(completions, stub, path, request, terms, pending_);
}

Rpc::~Rpc() { pending_->cancel(); }

}  // namespace sidecar
