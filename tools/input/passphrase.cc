// SPDX-License-Identifier: Apache-2.0
#include "input/passphrase.h"

#include <cstdlib>

#include "input/prompt.h"
#include "input/value_source.h"

namespace coffer {
namespace {

constexpr std::size_t kMaxPassphrase = 4095;

Result<SecretBuffer> read_passphrase(const std::string& path) {
    COFFER_TRY(auto text, read_value_file(path, kMaxPassphrase + 2, FileTrust::owner_only));
    std::size_t size = text.size();
    if (size > 0 && text.view()[size - 1] == '\n') --size;
    if (size > 0 && text.view()[size - 1] == '\r') --size;
    if (size == 0) return fail(Code::invalid, "the passphrase file ", path, " is empty");
    text.shrink(size);
    return text;
}

}  // namespace

std::optional<std::string> passphrase_file(const std::optional<std::string>& option) {
    if (option) return option;
    const char* named = std::getenv("COFFER_PASSPHRASE_FILE");  // NOLINT(concurrency-mt-unsafe): one thread
    if (named && *named) return named;
    return std::nullopt;
}

PassphraseSource passphrase_source(const std::optional<std::string>& option, std::string identity_path) {
    return [file = passphrase_file(option), path = std::move(identity_path)]() -> Result<SecretBuffer> {
        if (file) return read_passphrase(*file);
        return prompt_secret(concat("the passphrase of ", path),
                             "give --passphrase-file FILE or $COFFER_PASSPHRASE_FILE");
    };
}

Result<SecretBuffer> new_passphrase(const std::optional<std::string>& option, std::string_view what) {
    if (auto file = passphrase_file(option)) return read_passphrase(*file);
    return prompt_new_passphrase(what);
}

}  // namespace coffer
