#include <utility>

#include "services/hub/http_client.h"

namespace quire::services::hub {

struct HttpClient::Handle {};

HttpClient::HttpClient(std::string token, const std::string& token_url)
    : token_(std::move(token)), token_origin_(token_url) {}
HttpClient::~HttpClient() = default;

StatusOr<HttpResponse> HttpClient::Send(const HttpRequest& request) {
  return Unimplemented("{}: wanted a model in a local folder, this build of quire cannot download",
                       request.url);
}

}  // namespace quire::services::hub
