// SPDX-License-Identifier: Apache-2.0
//
// Every file under tests/vectors, checked against the library. decode.py checks the same files with nothing
// but Python's standard library.
#include <algorithm>
#include <filesystem>

#include "keys/identity_file.h"
#include "keys/seal.h"
#include "support/catch.h"
#include "vectors/commit_json.h"
#include "vectors/vector_file.h"
#include "view/resolve.h"
#include "view/watermark.h"

using namespace coffer;
using namespace coffer::test;

namespace {

const std::filesystem::path kFolder = std::filesystem::path(COFFER_SOURCE_DIR) / "tests/vectors";

std::vector<std::filesystem::path> files_of(std::string_view kind) {
    std::vector<std::filesystem::path> out;
    for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
        if (entry.path().extension() == ".vector" && VectorFile::read(entry.path()).one("kind") == kind)
            out.push_back(entry.path());
    }
    std::sort(out.begin(), out.end());
    return out;
}

Bytes bytes_of(const std::string& hex) {
    Bytes out(hex.size() / 2);
    if (!from_hex(hex, out)) throw std::runtime_error("no hexadecimal: " + hex);
    return out;
}

template <class Fixed>
Fixed fixed(const VectorFile& file, std::string_view name) {
    return Fixed::parse(file.one(name)).value();
}

template <class T>
std::string outcome(const Result<T>& result) {
    return result ? "accept" : "refuse " + std::string(result.error().rule);
}

template <class T>
T must(Result<T> result) {
    if (!result) throw std::runtime_error(result.error().message);
    return *std::move(result);
}

// Replays all commits; the last one decides.
void check_log(const VectorFile& file) {
    View view = must(View::in_memory({fixed<StoreId>(file, "store"), fixed<PrincipalId>(file, "owner")}));
    auto commits = file.all("commit"), hashes = file.all("hash");
    REQUIRE(commits.size() == hashes.size());
    REQUIRE_FALSE(commits.empty());
    for (std::size_t i = 0; i < commits.size(); ++i) {
        Bytes commit = bytes_of(commits[i]);
        CHECK(commit_hash(commit).hex() == hashes[i]);
        auto update = must(view.begin());
        auto applied = update.apply(commit);
        CHECK(outcome(applied) == (i + 1 < commits.size() ? "accept" : file.one("expect")));
        if (applied) REQUIRE(update.keep());
    }
    auto paths = file.all("path"), shows = file.all("shows");
    REQUIRE(paths.size() == shows.size());
    for (std::size_t i = 0; i < paths.size(); ++i) {
        auto name = must(SecretName::parse(paths[i]));
        auto secret = must(resolve(view, name.scope.org, name.scope.project, name.scope.domain, name.key));
        CHECK((secret ? concat(secret->name.text(), ' ', secret->live->version) : "nothing") == shows[i]);
    }
}

// Each "body" line belongs to the "commit" line before it.
void check_bodies(const VectorFile& file) {
    std::string commit;
    for (const auto& [name, value] : file.lines()) {
        if (name == "commit") commit = value;
        if (name != "body") continue;
        Bytes bytes = bytes_of(commit);
        auto envelope = must(parse_envelope(bytes));
        auto body = must(decode_body(envelope.body));
        CHECK(commit_json(body) == value);
        Bytes again = encode_body(body);
        CHECK(std::equal(again.begin(), again.end(), envelope.body.begin(), envelope.body.end()));
    }
}

Result<SecretBuffer> open_vector(const VectorFile& file, const Hash& context) {
    Bytes payload = bytes_of(file.one("payload"));
    if (payload_hash(payload).hex() != file.one("hash")) return refuse(Code::tampered, "payload.hash");
    return unseal_payload(payload, bytes_of(file.one("private")), fixed<SealingPublic>(file, "public"),
                          context);
}

void check_payload(const VectorFile& file) {
    auto name = must(SecretName::parse(file.one("name")));
    auto context =
        payload_context(fixed<StoreId>(file, "store"), name, must(parse_visibility(file.one("visibility"))),
                        std::stoull(file.one("sealed-as")), fixed<ScopeKeyId>(file, "scope-key"));
    CHECK(context.hex() == file.one("context"));
    CHECK(is_key_pair(bytes_of(file.one("private")), fixed<SealingPublic>(file, "public")));
    auto opened = open_vector(file, context);
    CHECK(outcome(opened) == file.one("expect"));
    if (opened) CHECK(to_hex(opened->view()) == file.one("value"));
}

void check_identity(const VectorFile& file) {
    Bytes seed = bytes_of(file.one("seed"));
    auto identity = must(Identity::from_seed(must(SecretBuffer::take(seed))));
    CHECK(identity.recipient().signing.hex() == file.one("signing"));
    CHECK(identity.recipient().sealing.hex() == file.one("sealing"));
    CHECK(to_hex(identity.watermark_key()) == file.one("watermark-key"));
    CHECK(identity.id().hex() == file.one("id"));
    CHECK(identity.recipient().text() == file.one("recipient"));
    CHECK(identity.sign(bytes_of(file.one("message"))).hex() == file.one("signature"));
}

void check_identity_file(const VectorFile& file) {
    auto decoded = decode_identity(bytes_of(file.one("file")), [&] {
        Bytes passphrase = bytes_of(file.one("passphrase"));
        return SecretBuffer::take(passphrase);
    });
    CHECK(outcome(decoded) == file.one("expect"));
    if (decoded) CHECK(to_hex(decoded->seed()) == file.one("seed"));
}

void check_watermark(const VectorFile& file) {
    Bytes key = file.has("key") ? bytes_of(file.one("key")) : Bytes{};
    Bytes text = bytes_of(file.one("file"));
    auto mark = Watermark::decode(as_text(text), key);
    CHECK((mark ? "accept" : "refuse") == file.one("expect"));
    if (!mark) return;
    CHECK(pin_text(*mark) == file.one("pin"));
    CHECK(must(parse_pin_text(file.one("pin"))) == *mark);
}

void check_patterns(const VectorFile& file) {
    for (const std::string& row : file.all("row")) {
        auto first = row.find(' '), second = row.find(' ', first + 1);
        auto pattern = must(Pattern::parse(row.substr(0, first)));
        auto scope = must(Scope::parse(row.substr(first + 1, second - first - 1)));
        CHECK(row.substr(second) ==
              concat(contains(pattern, scope) ? " contains" : " -", meets(pattern, scope) ? " meets" : " -"));
    }
}

void check_all(std::string_view kind, std::size_t at_least, void (*check)(const VectorFile&)) {
    auto files = files_of(kind);
    CHECK(files.size() >= at_least);  // a folder that is not found must not pass
    for (const auto& path : files) {
        INFO(path.filename().string());
        check(VectorFile::read(path));
    }
}

}  // namespace

TEST_CASE("the log vectors are accepted or refused by their rule") {
    check_all("log", 80, check_log);
}
TEST_CASE("the log vectors are decoded to what they say, and encoded to the same bytes") {
    check_all("log", 80, check_bodies);
}
TEST_CASE("the payload vectors open, or are refused by their rule") {
    check_all("payload", 15, check_payload);
}
TEST_CASE("the identity vectors give their keys") {
    check_all("identity", 3, check_identity);
}
TEST_CASE("the identity files are read, or refused by their rule") {
    check_all("identity-file", 10, check_identity_file);
}
TEST_CASE("the watermarks are believed or refused") {
    check_all("watermark", 6, check_watermark);
}
TEST_CASE("the patterns contain and meet what their vector says") {
    check_all("pattern", 1, check_patterns);
}
