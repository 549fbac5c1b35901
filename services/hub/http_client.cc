#include "services/hub/http_client.h"

#include <curl/curl.h>

#include <algorithm>
#include <cctype>
#include <utility>

namespace quire::services::hub {
namespace {

constexpr int kMaxRedirects = 10;
constexpr long kConnectTimeoutSeconds = 15;
constexpr long kStallSeconds = 60;  // without a byte
constexpr std::size_t kMaxHeaders = 256;
constexpr std::size_t kMaxHeaderBytes = 16 << 10;
constexpr char kUserAgent[] = "quire";

void InitializeCurl() {
  static const bool initialized = curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK;
  static_cast<void>(initialized);
}

struct FreeUrl {
  void operator()(CURLU* url) const { curl_url_cleanup(url); }
};
using Url = std::unique_ptr<CURLU, FreeUrl>;

// A part of a URL, "" if it has none.
std::string Part(CURLU* url, CURLUPart part, unsigned flags = 0) {
  char* text = nullptr;
  if (curl_url_get(url, part, &text, flags) != CURLUE_OK) return "";
  std::string result = text;
  curl_free(text);
  return result;
}

// "https://host:443"; "" for what is no URL of http or https.
std::string Origin(const std::string& text) {
  const Url url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, text.c_str(), 0) != CURLUE_OK) return "";
  const std::string scheme = Part(url.get(), CURLUPART_SCHEME);
  if (scheme != "https" && scheme != "http") return "";
  std::string host = Part(url.get(), CURLUPART_HOST);
  std::transform(host.begin(), host.end(), host.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return fmt::format("{}://{}:{}", scheme, host,
                     Part(url.get(), CURLUPART_PORT, CURLU_DEFAULT_PORT));
}

// `location`, which may be relative, as seen from `base`.
std::string Resolve(const std::string& base, const std::string& location) {
  const Url url(curl_url());
  if (curl_url_set(url.get(), CURLUPART_URL, base.c_str(), 0) != CURLUE_OK ||
      curl_url_set(url.get(), CURLUPART_URL, location.c_str(), 0) != CURLUE_OK) {
    return "";
  }
  return Part(url.get(), CURLUPART_URL);
}

// True if the client goes on to where the response points.
bool IsFollowed(const HttpRequest& request, const HttpResponse& response) {
  return response.status >= 300 && response.status < 400 && !response.header("location").empty() &&
         !(request.is_answer && request.is_answer(response));
}

std::string Lower(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return lower;
}

std::string_view Trim(std::string_view text) {
  const std::size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == text.npos) return "";
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

// What curl calls back with while one request runs.
struct Exchange {
  const HttpRequest* request = nullptr;
  HttpResponse response;
  bool announced = false;
  bool stopped = false;  // by a callback of the request

  // Tells the request of the answer before the first piece of its body.
  bool Announce() {
    if (std::exchange(announced, true)) return true;
    if (!request->on_response || IsFollowed(*request, response)) return true;
    stopped = !request->on_response(response);
    return !stopped;
  }
};

std::size_t OnHeader(char* data, std::size_t size, std::size_t count, void* user) {
  auto& exchange = *static_cast<Exchange*>(user);
  const std::string_view line(data, size * count);
  const std::size_t colon = line.find(':');
  if (line.starts_with("HTTP/")) {
    exchange.response = {};  // after "100 Continue" comes another
  } else if (colon != line.npos && line.size() <= kMaxHeaderBytes &&
             exchange.response.headers.size() < kMaxHeaders) {
    exchange.response.headers[Lower(line.substr(0, colon))] = Trim(line.substr(colon + 1));
  }
  return line.size();
}

}  // namespace

struct HttpClient::Handle {
  CURL* const curl = curl_easy_init();
  ~Handle() { curl_easy_cleanup(curl); }
};

namespace {

// The status line is known to curl alone.
void TakeStatus(CURL* curl, HttpResponse& response) {
  long status = 0;
  curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
  response.status = static_cast<int>(status);
}

struct BodySink {
  CURL* curl;
  Exchange& exchange;
};

std::size_t OnBody(char* data, std::size_t size, std::size_t count, void* user) {
  const auto& [curl, exchange] = *static_cast<BodySink*>(user);
  const std::size_t bytes = size * count;
  TakeStatus(curl, exchange.response);
  if (!exchange.Announce()) return 0;
  const HttpRequest& request = *exchange.request;
  if (!request.on_body || IsFollowed(request, exchange.response)) return bytes;
  exchange.stopped = !request.on_body({data, bytes});
  return exchange.stopped ? 0 : bytes;
}

void SetUp(CURL* curl, const HttpRequest& request, const std::string& url, BodySink& sink,
           curl_slist* headers) {
  curl_easy_reset(curl);
  curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
  curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(curl, CURLOPT_NOBODY, request.head_only ? 1L : 0L);
  curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl, CURLOPT_USERAGENT, kUserAgent);
  curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, kConnectTimeoutSeconds);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, 1L);
  curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, kStallSeconds);
  // Signals are the program's; without this curl uses one for timeouts.
  curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
  // Not curl's own resuming, which takes a server without ranges for an error.
  if (request.begin > 0) {
    curl_easy_setopt(curl, CURLOPT_RANGE, fmt::format("{}-", request.begin).c_str());
  }
  curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, &OnHeader);
  curl_easy_setopt(curl, CURLOPT_HEADERDATA, &sink.exchange);
  curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, &OnBody);
  curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sink);
}

}  // namespace

HttpClient::HttpClient(std::string token, const std::string& token_url)
    : token_((InitializeCurl(), std::move(token))),
      token_origin_(Origin(token_url)),
      handle_(std::make_unique<Handle>()) {}

HttpClient::~HttpClient() = default;

bool HttpClient::MaySeeToken(const std::string& url) const {
  return !token_.empty() && !token_origin_.empty() && Origin(url) == token_origin_;
}

StatusOr<HttpResponse> HttpClient::SendOnce(const HttpRequest& request, const std::string& url) {
  if (handle_->curl == nullptr) return ResourceExhausted("{}: no memory for a request", url);
  curl_slist* headers = nullptr;
  if (MaySeeToken(url)) {
    headers = curl_slist_append(headers, ("Authorization: Bearer " + token_).c_str());
  }
  Exchange exchange{.request = &request, .response = {}};
  BodySink sink{handle_->curl, exchange};
  SetUp(handle_->curl, request, url, sink, headers);
  const CURLcode code = curl_easy_perform(handle_->curl);
  TakeStatus(handle_->curl, exchange.response);
  curl_slist_free_all(headers);
  if (exchange.stopped) return Cancelled("{}: stopped", url);
  if (code != CURLE_OK) return Unavailable("{}: {}", url, curl_easy_strerror(code));
  if (!exchange.Announce()) return Cancelled("{}: stopped", url);
  return std::move(exchange.response);
}

StatusOr<HttpResponse> HttpClient::Send(const HttpRequest& request) {
  std::string url = request.url;
  for (int i = 0; i <= kMaxRedirects; ++i) {
    if (Origin(url).empty()) return InvalidArgument("{}: wanted a URL of http or https", url);
    QUIRE_ASSIGN_OR_RETURN(HttpResponse response, SendOnce(request, url));
    if (!IsFollowed(request, response)) return response;
    const std::string next = Resolve(url, response.header("location"));
    if (url.starts_with("https:") && !next.starts_with("https:")) {
      return Unavailable("{}: wanted a redirect to https, have {}", url, next);
    }
    url = next;
  }
  return Unavailable("{}: wanted at most {} redirects, have more", request.url, kMaxRedirects);
}

}  // namespace quire::services::hub
