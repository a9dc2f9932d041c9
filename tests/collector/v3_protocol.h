#pragma once

// Generation v3 (SkyWalking 8.0 to 10.x): ManagementService/reportInstanceProperties and /keepAlive,
// TraceSegmentReportService/collectInSync and /collect, packaged (skywalking.v3.) and bare, and others of which nothing
// is kept (other_services.h).

#include "other_services.h"
#include "protocol.h"
#include "store.h"

namespace sidecar {

class V3Protocol final : public Protocol {
 public:
  // `store` must outlive it.
  V3Protocol(Store& store, Spelling spelling) : store_(store), spelling_(spelling) {}

  bool find(const std::string& path, Method& method) const override;
  grpc::Status read(const Method& method, const std::string& bytes, Message& message) override;
  void serve(Spelling spelling) override;
  void add(ProfileTask task) override { others_.profile_tasks.add(std::move(task)); }

 private:
  // Parses and, when it is taken, stores.
  template <class Wire>
  grpc::Status keep(const std::string& bytes, Message& message);
  grpc::Status keep_segments(const std::string& bytes, bool one, Message& message);

  Store& store_;
  OtherServices others_;
  mutable std::mutex mutex_;  // guards the below
  Spelling spelling_;
};

}  // namespace sidecar
