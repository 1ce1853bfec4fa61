// SPDX-License-Identifier: Apache-2.0
#include "host/sealed_credential.h"

#include <algorithm>
#include <array>

#include "keys/identity_file.h"
#include "names/name.h"
#include "programs/child_program.h"

namespace coffer {
namespace {

constexpr std::size_t kMaxCredential = 64u << 10, kMaxIdentity = 16u << 10;
// How a credential under the null key begins: systemd's id for it, in base64, without the last two bits.
constexpr std::string_view kNullKey = "BYRp2vb1QySABUnaD46i+";

Result<SecretBuffer> run_systemd_creds(std::vector<std::string> words, ByteView input, std::size_t limit) {
    words.insert(words.begin(), "systemd-creds");
    auto output = filter_through({std::move(words), {}}, input, limit);
    if (output) return output;
    if (output.error().code == Code::not_found)
        return fail(Code::not_found, "systemd-creds is not on this host; it comes with systemd 250 or later");
    return output;
}

}  // namespace

Result<void> check_credential_key(std::string_view key) {
    constexpr std::array<std::string_view, 4> kKeys{"host", "tpm2", "host+tpm2", "auto"};
    if (std::ranges::find(kKeys, key) != kKeys.end()) return {};
    return fail(Code::invalid, "--key is host, tpm2, host+tpm2 or auto, found \"", printable(key), '"');
}

Result<std::string> seal_credential(const Identity& identity, const std::string& key) {
    COFFER_CHECK(check_credential_key(key));
    const std::string name = concat("--name=", kHostCredential);
    COFFER_TRY(auto plain, encode_identity(identity));
    COFFER_TRY(auto sealed, run_systemd_creds({"encrypt", name, concat("--with-key=", key), "-", "-"},
                                              plain.view(), kMaxCredential));
    if (as_text(sealed.view()).starts_with(kNullKey))
        return fail(Code::failed,
                    "systemd-creds has sealed under the null key, which is none; use --key host");
    COFFER_TRY(auto opened, run_systemd_creds({"decrypt", name, "-", "-"}, sealed.view(), kMaxIdentity));
    auto back = decode_identity(opened.view(), []() -> Result<SecretBuffer> {
        return fail(Code::failed, "it is under a passphrase");
    });
    if (!back)
        return fail(Code::failed, "what the credential opens to is no identity: ", back.error().message);
    if (back->id() != identity.id())
        return fail(Code::failed, "the credential opens to the identity ", back->id().hex(), ", expected ",
                    identity.id().hex());
    return std::string(as_text(sealed.view()));
}

}  // namespace coffer
