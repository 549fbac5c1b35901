#pragma once

#include "base/status.h"
#include "services/cli/session.h"

namespace quire::services::cli {

// Calls a List method for page after page and `handle(response)` with each.
template <typename Stub, typename Request, typename Response, typename Handle>
Status ForEachPage(Session& session, Stub& stub,
                   grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
                   Request request, const Handle& handle) {
  constexpr int kPageSize = 1000;
  request.set_page_size(kPageSize);
  do {
    QUIRE_ASSIGN_OR_RETURN(const Response response, CallUnary(session, stub, method, request));
    handle(response);
    request.set_page_token(response.next_page_token());
  } while (!request.page_token().empty());
  return OkStatus();
}

}  // namespace quire::services::cli
